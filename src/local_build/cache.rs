//! Keeps the files of `cache` between builds, in one folder per key
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache>).
//!
//! `key` must match exactly; else the newest entry whose key begins with a fallback key is used. Restoring never
//! changes existing files: paths such as `/root/.m2` are outside of the source, on this machine. A failed build saves
//! nothing [unverified].

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::artifacts::copy;
use super::error::Error;
use super::files::{Pattern, name};
use super::hash_files;
use super::log::Log;
use super::session::ShellConfig;
use super::values::expand;
use crate::format::buildspec::Cache;
use crate::fs::{At, TempDir};
use crate::model::hex;

/// The name of the entry of caches without a key.
const NO_KEY: &str = "default";

/// The longest name in bytes: file systems allow 255.
const LONGEST: usize = 200;

/// A cache in a folder of this machine.
#[derive(Debug)]
pub(super) struct Kept {
    folder: PathBuf,
    entry: String,
    fallbacks: Vec<String>,
    paths: Vec<Pattern>,
    restores: bool,
    saves: bool,
}

impl Kept {
    pub(super) fn new(cache: &Cache, folder: &Path, shell_config: &ShellConfig) -> Result<Self, Error> {
        let mut keys = Vec::new();
        for key in cache.key.iter().chain(&cache.fallback_keys) {
            keys.push(hash_files::answer(&key.text, shell_config.source())?);
        }
        let keys = expand(&keys.iter().map(String::as_str).collect::<Vec<_>>(), shell_config)?;
        let mut keys = keys.into_iter();
        // Fallback keys without a key are ignored, as documented.
        let entry = cache.key.as_ref().and_then(|_| keys.next());
        let fallbacks = if entry.is_some() { keys.map(|key| encoded(&key)).collect() } else { Vec::new() };
        let action = cache.action.as_ref().map(|action| action.text.to_ascii_lowercase());
        let texts: Vec<&str> = cache.paths.iter().map(|path| path.text.as_str()).collect();
        Ok(Self {
            folder: folder.to_owned(),
            entry: entry.map_or(NO_KEY.to_owned(), |key| shortened(&encoded(&key))),
            fallbacks,
            paths: Pattern::all(&expand(&texts, shell_config)?)?,
            restores: action.as_deref() != Some("save"),
            saves: action.as_deref() != Some("restore"),
        })
    }

    /// Restores the files of an earlier build.
    pub(super) fn restore(&self, shell_config: &ShellConfig, log: &mut Log) -> Result<(), Error> {
        if !self.restores {
            return Ok(());
        }
        let Some(entry) = self.find()? else {
            log.say(&format!("No cache found for key {}", self.entry));
            return Ok(());
        };
        let (mut count, mut there) = (0, 0);
        for (below, root) in [("source", shell_config.source()), ("root", Path::new("/"))] {
            let below = entry.join(below);
            for path in Pattern::new("**/*")?.find(&below)? {
                shell_config.stop().check()?;
                let target = root.join(&path);
                if fs::symlink_metadata(&target).is_ok() {
                    there += 1;
                } else {
                    copy(&below.join(&path), &target, true)?;
                    count += 1;
                }
            }
        }
        let name = entry.file_name().unwrap_or_default().to_string_lossy().into_owned();
        log.say(&format!("Restored {count} file(s) of cache {name}; {there} were there already"));
        Ok(())
    }

    fn find(&self) -> Result<Option<PathBuf>, Error> {
        let exact = self.folder.join(&self.entry);
        if exact.is_dir() {
            return Ok(Some(exact));
        }
        if !self.folder.is_dir() {
            return Ok(None);
        }
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder).at("read", &self.folder)? {
            let entry = entry.at("read", &self.folder)?;
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue; // one that another build is about to make
            }
            let made = entry.metadata().and_then(|metadata| metadata.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push((made, entry.file_name().to_string_lossy().into_owned(), entry.path()));
        }
        entries.sort();
        for fallback in &self.fallbacks {
            let newest = entries.iter().rev().find(|(_, name, _)| name.starts_with(fallback));
            if let Some((_, _, path)) = newest {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }

    /// Saves the paths for later builds, atomically.
    pub(super) fn save(&self, shell_config: &ShellConfig, log: &mut Log) -> Result<(), Error> {
        if !self.saves {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).at("create", &self.folder)?;
        let target = self.folder.join(&self.entry);
        let temporary = TempDir::beside(&target)?;
        let made = temporary.path().join("made");
        let count = self.fill(&made, shell_config)?;
        if count > 0 {
            if target.exists() {
                fs::rename(&target, temporary.path().join("replaced")).at("replace", &target)?;
            }
            fs::rename(&made, &target).at("create", &target)?;
        }
        match count {
            0 => log.say("No matching cache paths found"),
            count => log.say(&format!("Saved {count} file(s) in cache {}", self.entry)),
        }
        Ok(())
    }

    fn fill(&self, staging: &Path, shell_config: &ShellConfig) -> Result<usize, Error> {
        let mut count = 0;
        for pattern in &self.paths {
            for path in pattern.find(shell_config.source())? {
                shell_config.stop().check()?;
                let below = if pattern.is_absolute() { "root" } else { "source" };
                copy(&shell_config.source().join(&path), &staging.join(below).join(name(&path)), true)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Encodes a key as the name of a folder; common prefixes are preserved.
fn encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+=@".contains(&byte);
    let mut text = String::new();
    for (index, byte) in key.bytes().enumerate() {
        if plain(byte) || (byte == b'.' && index > 0) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

fn shortened(name: &str) -> String {
    if name.len() <= LONGEST {
        return name.to_owned();
    }
    let digest = hex(&<sha2::Sha256 as sha2::Digest>::digest(name.as_bytes())[..8]);
    format!("{}-{digest}", &name[..LONGEST - 17])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_become_names_of_folders() {
        for (key, expected) in
            [("go-1", "go-1"), ("a/b c", "a%2fb%20c"), ("..", "%2e."), ("v1.2", "v1.2"), ("é", "%c3%a9"), ("", "")]
        {
            assert_eq!(encoded(key), expected);
        }
        assert!(encoded("go-x/y").starts_with(&encoded("go-x/")));
        let long = shortened(&"x".repeat(300));
        assert_eq!(long.len(), LONGEST);
        assert_ne!(long, shortened(&"x".repeat(301)));
    }
}
