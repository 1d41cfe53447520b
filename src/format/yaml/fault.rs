//! Explains why a text is not YAML, and what the services' parsers say about it.

use granit_parser::ErrorKind;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::limits::DEEPEST;

/// The kinds of syntax errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not follow the grammar.
    Syntax,
    /// A tab in the indentation.
    Tab,
    /// It nests too deeply.
    Depth,
    /// It is too large once its aliases are expanded.
    Size,
}

/// Returns the kind of a syntax error and its reason in plain words.
pub(super) fn plain(kind: &ErrorKind) -> (Fault, String) {
    use ErrorKind as E;
    let text = match kind {
        E::RecursionLimitExceeded => {
            return (Fault::Depth, format!("nests deeper than {DEEPEST} levels"));
        }
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar => return (Fault::Tab, "a tab in the indentation; YAML requires spaces".to_owned()),
        E::UnclosedFlowCollection { open } => format!("`{open}` is never closed"),
        E::MismatchedFlowCollectionEnd { open, close } => format!("`{open}` is closed with `{close}`"),
        E::MisplacedFlowCollectionEnd => "a closing bracket without an opening one".to_owned(),
        E::InvalidColonPlacement | E::ExpectedFlowSequenceSeparator => {
            "a list in brackets is not closed, or a `,` is missing before this".to_owned()
        }
        E::ExpectedFlowMappingSeparator => "a map in braces is not closed, or a `,` is missing before this".to_owned(),
        E::UnclosedQuotedScalar => "a quote is never closed".to_owned(),
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            "text follows a closing quote; quote the whole value, or use a `|` block".to_owned()
        }
        E::UnknownQuotedScalarEscape => {
            "an unknown escape in double quotes; use single quotes, where `\\` is itself".to_owned()
        }
        E::MappingValueNotAllowed => "a second `: ` in one value; quote the value, or check the indentation".to_owned(),
        E::ExpectedBlockMappingKey => {
            "the indentation matches nothing above; the keys of one map must be in the same column".to_owned()
        }
        E::ExpectedBlockSequenceEntry => "a list ends here without less indentation; expected `- `".to_owned(),
        E::SimpleKeyExpected => "a line is neither `key: value` nor `- item`".to_owned(),
        E::BlockSequenceEntryNotAllowed => "a list cannot begin after `key: `; put `- ` on the next line".to_owned(),
        E::UnexpectedCharacter { character } => format!("a value cannot begin with `{character}` without quotes"),
        E::CommentInterceptedScalar => "a comment cuts a value of several lines in two".to_owned(),
        E::UnknownAnchor => "an alias whose anchor is not defined before it".to_owned(),
        other => other.to_string(),
    };
    (Fault::Syntax, text)
}

/// Why libyaml rejects a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its message, with line and column.
    pub said: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Parses a text with libyaml: GitLab uses it (Ruby's Psych), CodeBuild a port of it (go-yaml), and their messages are
/// its messages. None if it accepts the text, or rejects it only because of its limits.
#[must_use]
pub fn libyaml_refuses(text: &str) -> Option<Refusal> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let error = documents.find_map(|document| IgnoredAny::deserialize(document).err())?;
    let said = error.to_string();
    // It reports "EndOfStream" for a file without a document.
    let others = ["recursion limit", "repetition limit", "EndOfStream"];
    if others.iter().any(|other| said.contains(other)) {
        return None;
    }
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    Some(Refusal { said, line, column })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libyaml_gives_the_messages_of_the_services() {
        for (text, said, line) in [
            ("a:\n\tb: c", "found character that cannot start any token", 2),
            ("a: [1, 2\nb: c", "did not find expected ',' or ']'", 2),
            ("-\ta", "found character that cannot start any token", 1),
            ("a: b\n---\nc: d: e", "mapping values are not allowed in this context", 3),
        ] {
            let refusal = libyaml_refuses(text).unwrap();
            assert!(refusal.said.contains(said) && refusal.line == line, "{refusal:?}");
        }
        for text in ["", "# x", "a: 1", "a: !reference [b, c]", "a: 1\n---\nb: 2", "a: 1\na: 2"] {
            assert_eq!(libyaml_refuses(text), None, "{text}");
        }
    }
}
