//! Quoting for a POSIX shell: any text becomes one word that the shell reads as exactly that text.

/// Quotes a text as one word, in single quotes unless every character is harmless (XCU 2.2.2: nothing is special in single
/// quotes but the quote). A tilde expands at the start of a word, and after `:` and `=` in an assignment.
#[must_use]
pub fn word(text: &str) -> String {
    let expands = text.starts_with('~') || text.contains(":~") || text.contains("=~");
    if !text.is_empty() && text.chars().all(is_harmless) && !expands {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Quotes a text as one word in which `$NAME` and `${NAME}` are expanded and everything else is literal: no command
/// substitution, no arithmetic, no default values.
#[must_use]
pub fn expanding(text: &str) -> String {
    if !text.contains('$') {
        return word(text);
    }
    let mut result = String::from("\"");
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(variable) = variable_at(rest) {
            result.push_str(variable);
            rest = &rest[variable.len()..];
            continue;
        }
        if matches!(c, '"' | '\\' | '$' | '`') {
            result.push('\\');
        }
        result.push(c);
        rest = &rest[c.len_utf8()..];
    }
    result.push('"');
    result
}

/// Returns the `$NAME` or `${NAME}` that a text begins with.
fn variable_at(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('$')?;
    let braced = inner.strip_prefix('{');
    let name = braced.unwrap_or(inner);
    let length = name.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let named = length > 0 && !name.as_bytes()[0].is_ascii_digit();
    match braced {
        Some(_) if named && name.as_bytes().get(length) == Some(&b'}') => text.get(..length + 3),
        None if named => text.get(..=length),
        _ => None,
    }
}

fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./:=@%+,^~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_by_a_real_shell_as_the_same_text() {
        for text in [
            "a", "", "a b", "it's", "$HOME", "$(id)", "`id`", "a\nb", "~", "-n", "\\", "\"", "*", "a;b", "é", "!x",
            "{a,b}", "#a", "x:~/b", "a~b", "x=~",
        ] {
            let script = format!("printf '%s|' {}", word(text));
            let output = std::process::Command::new("sh").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{text}|"), "{script}");
        }
    }

    #[test]
    fn only_plain_variables_expand() {
        for (text, expected) in [
            ("$A/b", "x y/b"),
            ("${A}b", "x yb"),
            ("$(id) $A", "$(id) x y"),
            ("`id`$A", "`id`x y"),
            ("${A:-z} $A", "${A:-z} x y"),
            ("$1 \"$A\" \\$A", "$1 \"x y\" \\x y"),
            ("$((1+1))$A$", "$((1+1))x y$"),
            ("plain", "plain"),
        ] {
            let script = format!("printf '%s' {}", expanding(text));
            let output = std::process::Command::new("sh").env("A", "x y").args(["-c", &script]).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{script}");
        }
    }
}
