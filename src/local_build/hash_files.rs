//! `codebuild-hash-files`, which is used in cache keys, and which exists only on CodeBuild's machines. The digests
//! differ from CodeBuild's, whose algorithm is not documented.

use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::error::Error;
use super::files::{Pattern, name};
use crate::fs::{At, Within, open};
use crate::model::hex;

const CALL: &str = "$(codebuild-hash-files";

/// Replaces `$(codebuild-hash-files PATTERN…)` with digests.
pub(super) fn answer(key: &str, source: &Path) -> Result<String, Error> {
    let (mut text, mut rest) = (String::new(), key);
    while let Some(start) = rest.find(CALL) {
        let (before, call) = rest.split_at(start);
        let call = &call[CALL.len()..];
        let Some(end) = call.find(')').filter(|_| call.starts_with([' ', '\t'])) else { break };
        text.push_str(before);
        text.push_str(&digest(&words(&call[..end]), source)?);
        rest = &call[end + 1..];
    }
    text.push_str(rest);
    Ok(text)
}

/// Hashes the names and contents of all matching files.
fn digest(patterns: &[String], source: &Path) -> Result<String, Error> {
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 64 << 10]);
    for pattern in Pattern::all(patterns)? {
        for path in pattern.find(source)? {
            let full = source.join(&path);
            let mut of_file = Sha256::new();
            let mut file = open(&full, Within::Anywhere)?;
            loop {
                match file.read(&mut buffer).at("read", &full)? {
                    0 => break,
                    count => of_file.update(&buffer[..count]),
                }
            }
            hash.update(name(&path).as_bytes());
            hash.update([0]);
            hash.update(of_file.finalize());
        }
    }
    Ok(hex(&hash.finalize()))
}

/// Splits words, with or without quotes.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(c),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_key_changes_with_the_files_that_it_names_and_only_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let put = |file: &str, text: &str| fs::write(folder.path().join(file), text).unwrap();
        let key = |text: &str| answer(text, folder.path()).unwrap();
        put("a.lock", "1");
        put("b", "1");
        let first = key("go-$(codebuild-hash-files 'a.lock' \"*.sum\")-x");
        assert!(first.starts_with("go-") && first.ends_with("-x") && first.len() == 69, "{first}");
        put("b", "2");
        assert_eq!(key("go-$(codebuild-hash-files 'a.lock' \"*.sum\")-x"), first);
        put("a.lock", "2");
        assert_ne!(key("go-$(codebuild-hash-files a.lock *.sum)-x"), first);
        for other in ["plain", "$(uname -m)", "$(codebuild-hash-files", "$(codebuild-hash-filesx a)"] {
            assert_eq!(key(other), other);
        }
    }
}
