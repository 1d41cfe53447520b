//! Says in plain words why a text is no YAML, and what the readers of the services say about it.

use granit_parser::ErrorKind;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::limits::DEEPEST;

/// What sort of mistake a text has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It does not follow the grammar.
    Syntax,
    /// A tab stands where only spaces indent.
    Tab,
    /// It nests too deeply.
    Depth,
    /// It is too much once its aliases are expanded.
    Size,
}

/// Returns the sort of a mistake and its reason in plain words.
pub(super) fn plain(kind: &ErrorKind) -> (Fault, String) {
    use ErrorKind as E;
    let text = match kind {
        E::RecursionLimitExceeded => {
            return (Fault::Depth, format!("nests deeper than {} levels", DEEPEST));
        }
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar => return (Fault::Tab, "a tab stands in the indentation; YAML wants spaces".to_owned()),
        E::UnclosedFlowCollection { open } => format!("`{open}` is never closed"),
        E::MismatchedFlowCollectionEnd { open, close } => format!("`{open}` is closed with `{close}`"),
        E::MisplacedFlowCollectionEnd => "a closing bracket without an opening one".to_owned(),
        E::InvalidColonPlacement | E::ExpectedFlowSequenceSeparator => {
            "a list in brackets is not closed, or lacks a `,` before this".to_owned()
        }
        E::ExpectedFlowMappingSeparator => "a map in braces is not closed, or lacks a `,` before this".to_owned(),
        E::UnclosedQuotedScalar => "a quote is never closed".to_owned(),
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            "text follows a closing quote; put the whole value into quotes, or use a `|` block".to_owned()
        }
        E::UnknownQuotedScalarEscape => {
            "an unknown escape in double quotes; use single quotes, where `\\` is itself".to_owned()
        }
        E::MappingValueNotAllowed => {
            "a second `: ` in one value; put the value into quotes, or check the indentation".to_owned()
        }
        E::ExpectedBlockMappingKey => {
            "the indentation fits nothing above; a key of the same map must stand in the same column".to_owned()
        }
        E::ExpectedBlockSequenceEntry => "a list ends here without less indentation; expected `- `".to_owned(),
        E::SimpleKeyExpected => "a line is neither `key: value` nor `- item`".to_owned(),
        E::BlockSequenceEntryNotAllowed => "a list cannot begin behind `key: `; put `- ` on the next line".to_owned(),
        E::UnexpectedCharacter { character } => format!("a value cannot begin with `{character}` without quotes"),
        E::CommentInterceptedScalar => "a comment cuts a value of several lines in two".to_owned(),
        E::UnknownAnchor => "an alias whose anchor is not defined before it".to_owned(),
        other => other.to_string(),
    };
    (Fault::Syntax, text)
}

/// What libyaml has against a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Its words, with line and column.
    pub said: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

/// Asks libyaml for its opinion of a text: GitLab reads with it (Ruby's Psych), CodeBuild with a port of it (go-yaml), and
/// their messages are its messages. None when it takes the text, or when only its limits refuse it.
#[must_use]
pub fn libyaml_refuses(text: &str) -> Option<Refusal> {
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let error = documents.find_map(|document| IgnoredAny::deserialize(document).err())?;
    let said = error.to_string();
    // "EndOfStream" is its word for a file without a document.
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
    fn libyaml_says_what_the_services_say() {
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
