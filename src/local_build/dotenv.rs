//! Parses secrets files with NAME=VALUE lines.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::Error;
use crate::fs::{Within, read_stream, read_text};

/// Reads a file of secrets: NAME=VALUE lines, with or without `export` and quotes; `#` starts a comment. Nothing is
/// expanded, so that a `$` in a password is kept.
///
/// # Errors
/// When the file cannot be read, or a line is not valid.
pub fn secrets(path: &Path, within: Within<'_>) -> Result<BTreeMap<String, String>, Error> {
    let text = match within {
        Within::Folder(_) => read_text(path, within)?,
        // The user's own choice may be a pipe: `--secrets <(vault …)`.
        Within::Anywhere => read_stream(path)?,
    };
    let mut found = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line
            .split_once('=')
            .filter(|(name, _)| is_name(name.trim()))
            .ok_or_else(|| Error::SecretsFile { path: path.to_owned(), line: index + 1 })?;
        found.insert(name.trim().to_owned(), unquoted(value.trim()));
    }
    Ok(found)
}

/// Returns true if this is a valid name of a shell variable.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unquoted(value: &str) -> String {
    for quote in ['\'', '"'] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return if quote == '"' { inner.replace("\\n", "\n").replace("\\\"", "\"") } else { inner.to_owned() };
        }
    }
    value.to_owned()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_are_read_literally_and_quotes_taken_off() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secrets");
        let text = "# tokens\n\nA=1\nexport B='two words'\nC=\"x\\ny\"\nD=p$ss#w=rd\nE=\n";
        fs::write(&file, text).unwrap();
        let found = secrets(&file, Within::Anywhere).unwrap();
        let all: Vec<_> = found.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(all, ["A=1", "B=two words", "C=x\ny", "D=p$ss#w=rd", "E="]);
        for bad in ["A\n", "A=1\n2B=3\n", "=x\n", "A B=1\n"] {
            fs::write(&file, bad).unwrap();
            assert!(matches!(secrets(&file, Within::Anywhere), Err(Error::SecretsFile { .. })), "{bad}");
        }
    }
}
