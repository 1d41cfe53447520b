//! Expands variables in text, as Dockerfiles, compose files and pipelines write them: `$NAME`, `${NAME}`,
//! `${NAME:-default}`. Guesses nothing: a variable without a value is an error, and so is unknown syntax.

use std::fmt;

/// How deeply defaults may nest: `${A:-${B:-c}}` is 2.
const DEEPEST: usize = 16;

/// The longest result, in bytes. The name of an image has a few hundred at most.
const LONGEST: usize = 64 * 1024;

/// What a kind of file supports in addition to `$NAME` and `${NAME}`.
#[derive(Debug, Clone, Copy)]
pub struct Syntax {
    /// The character that escapes the next one.
    pub escape: Option<char>,
    /// Whether `$$` is one `$`.
    pub doubled: bool,
    /// Whether quotes are removed, and single quotes prevent expansion.
    pub quotes: bool,
    /// Whether braces may hold `:-`, `-`, `:+`, `+`, `:?` and `?`.
    pub operators: bool,
}

/// Why a text cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unresolved {
    /// A variable has no value.
    Unset {
        /// Its name.
        name: String,
        /// The file's own message about that (`${NAME:?message}`).
        said: Option<String>,
    },
    /// The text has unknown syntax.
    Unknown {
        /// Which syntax.
        what: String,
    },
}

impl fmt::Display for Unresolved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unset { name, said: None } => write!(f, "`{name}` has no value"),
            Self::Unset { name, said: Some(said) } => write!(f, "`{name}` has no value ({said})"),
            Self::Unknown { what } => f.write_str(what),
        }
    }
}

/// Expands the variables in a text.
///
/// # Errors
/// If a variable has no value and no default, or braces contain unknown syntax.
pub fn expand(text: &str, syntax: Syntax, value: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Unresolved> {
    let mut walk = Walk { rest: text, syntax, value, written: 0 };
    walk.until_end(0, false)
}

struct Walk<'t, 'v> {
    rest: &'t str,
    syntax: Syntax,
    value: &'v mut dyn FnMut(&str) -> Option<String>,
    written: usize,
}

impl Walk<'_, '_> {
    /// Reads to the end, or to the brace that closes a default.
    fn until_end(&mut self, depth: usize, braced: bool) -> Result<String, Unresolved> {
        if depth > DEEPEST {
            return Err(unknown(format!("defaults nest deeper than {DEEPEST} levels")));
        }
        let mut out = String::new();
        let (mut double, mut single) = (false, false);
        while let Some(c) = self.next() {
            match c {
                '}' if braced && !single && !double => return Ok(out),
                '\'' if self.syntax.quotes && !double => single = !single,
                '"' if self.syntax.quotes && !single => double = !double,
                _ if Some(c) == self.syntax.escape && !single => out.extend(self.next()),
                '$' if !single => out.push_str(&self.variable(depth)?),
                other => out.push(other),
            }
            self.count(&out)?;
        }
        if braced { Err(unknown("`${` without `}`".to_owned())) } else { Ok(out) }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn count(&mut self, out: &str) -> Result<(), Unresolved> {
        self.written = self.written.max(out.len());
        if self.written > LONGEST { Err(unknown(format!("it is longer than {LONGEST} characters"))) } else { Ok(()) }
    }

    /// Reads what follows a `$`.
    fn variable(&mut self, depth: usize) -> Result<String, Unresolved> {
        if self.syntax.doubled && self.rest.starts_with('$') {
            self.next();
            return Ok("$".to_owned());
        }
        let braced = self.rest.starts_with('{');
        if braced {
            self.next();
        }
        let name = self.name();
        if name.is_empty() {
            return if braced { Err(unknown("`${` without a name".to_owned())) } else { Ok("$".to_owned()) };
        }
        if !braced {
            return self.plain(&name);
        }
        match self.next() {
            Some('}') => self.plain(&name),
            Some(_) if !self.syntax.operators => Err(unknown(format!("`${{{name}…}}` with more than a name"))),
            Some(':') => {
                let sign = self.next();
                self.operator(&name, sign, true, depth)
            }
            sign => self.operator(&name, sign, false, depth),
        }
    }

    fn name(&mut self) -> String {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let length = if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            0
        } else {
            self.rest.find(|c| !word(c)).unwrap_or(self.rest.len())
        };
        let name = self.rest[..length].to_owned();
        self.rest = &self.rest[length..];
        name
    }

    fn plain(&mut self, name: &str) -> Result<String, Unresolved> {
        (self.value)(name).ok_or_else(|| Unresolved::Unset { name: name.to_owned(), said: None })
    }

    /// Chooses between a value and the word after an operator; with a colon, an empty value counts as unset.
    fn operator(&mut self, name: &str, sign: Option<char>, colon: bool, depth: usize) -> Result<String, Unresolved> {
        if !matches!(sign, Some('-' | '+' | '?')) {
            return Err(unknown(format!("`${{{name}…}}` with an unknown operator")));
        }
        let value = (self.value)(name).filter(|value| !colon || !value.is_empty());
        // The word is read even if it is not used, to find its end; its errors count only if it is used.
        let before = self.rest;
        let word = self.until_end(depth + 1, true);
        if word.is_err() {
            self.rest = after_brace(before).ok_or_else(|| unknown("`${` without `}`".to_owned()))?;
        }
        match (sign, value) {
            (Some('-' | '?'), Some(value)) => Ok(value),
            (Some('-'), None) | (Some('+'), Some(_)) => word,
            (Some('+'), None) => Ok(String::new()),
            _ => {
                let said = word.ok().filter(|said| !said.is_empty());
                Err(Unresolved::Unset { name: name.to_owned(), said })
            }
        }
    }
}

/// Returns what follows the brace that closes the one opened before `text`.
fn after_brace(text: &str) -> Option<&str> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(&text[at + 1..]),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

fn unknown(what: String) -> Unresolved {
    Unresolved::Unknown { what }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Syntax = Syntax { escape: Some('\\'), doubled: false, quotes: true, operators: true };

    fn resolved(text: &str, syntax: Syntax) -> Result<String, String> {
        let mut value = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        expand(text, syntax, &mut value).map_err(|error| error.to_string())
    }

    #[test]
    fn values_and_defaults_are_expanded() {
        for (text, expected) in [
            ("x", "x"),
            ("$A", "a"),
            ("${A}b", "ab"),
            ("$A-b", "a-b"),
            ("$A.b:$A", "a.b:a"),
            ("${A:-d}", "a"),
            ("${U:-d}", "d"),
            ("${U-d}", "d"),
            ("${EMPTY:-d}", "d"),
            ("${EMPTY-d}", ""),
            ("${A:+r}", "r"),
            ("${U:+r}", ""),
            ("${U+r}", ""),
            ("${EMPTY+r}", "r"),
            ("${EMPTY:+r}", ""),
            ("${A:?said}", "a"),
            ("${U:-${V:-w}}", "w"),
            ("${U:-${A}}:1", "a:1"),
            ("${A:-${U}}", "a"),
            ("${U:+${V}}x", "x"),
            ("\"$A\"", "a"),
            ("'$A'", "$A"),
            ("\\$A", "$A"),
            ("$", "$"),
            ("a$ b", "a$ b"),
            ("$1", "$1"),
            ("ñ${A}ñ", "ñañ"),
        ] {
            assert_eq!(resolved(text, ALL).as_deref(), Ok(expected), "{text}");
        }
        let compose = Syntax { escape: None, doubled: true, quotes: false, operators: true };
        assert_eq!(resolved("$$A \"'$A", compose).as_deref(), Ok("$A \"'a"));
    }

    #[test]
    fn a_variable_without_a_value_and_unknown_syntax_are_errors() {
        let deep = format!("{}x{}", "${U:-".repeat(100), "}".repeat(100));
        for (text, said) in [
            ("$U", "`U` has no value"),
            ("${U}", "`U` has no value"),
            ("${U:-$V}", "`V` has no value"),
            ("${U:?set it}", "`U` has no value (set it)"),
            ("${A:+$U}", "`U` has no value"),
            ("${A", "operator"),
            ("${A:-x", "without `}`"),
            ("${}", "without a name"),
            ("${A%x}", "operator"),
            ("${A//x/y}", "operator"),
            ("${A:", "operator"),
            (deep.as_str(), "deeper"),
        ] {
            let error = resolved(text, ALL).expect_err(text);
            assert!(error.contains(said), "{text}: {error}");
        }
        let plain = Syntax { escape: None, doubled: true, quotes: false, operators: false };
        assert!(resolved("${A:-x}", plain).unwrap_err().contains("more than a name"));
    }
}
