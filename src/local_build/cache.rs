//! Keeps what `cache` names between builds, one folder for each key
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.cache>).
//!
//! `key` has to match exactly; else the newest entry whose key begins with a fallback key is taken. Restoring never changes a
//! file that is there: paths such as `/root/.m2` lie outside of the source, on this very machine. A build that failed keeps
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

/// The name of the one entry of caches without a key.
const NO_KEY: &str = "default";

/// How long a name may be: file systems take 255 bytes.
const LONGEST: usize = 200;

/// A cache of the buildspec in a folder of this machine.
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
    pub(super) fn new(cache: &Cache, folder: &Path, around: &ShellConfig) -> Result<Self, Error> {
        let mut keys = Vec::new();
        for key in cache.key.iter().chain(&cache.fallback_keys) {
            keys.push(hash_files::answer(&key.text, around.source())?);
        }
        let keys = expand(&keys.iter().map(String::as_str).collect::<Vec<_>>(), around)?;
        let mut keys = keys.into_iter();
        // Fallback keys without a key are ignored, as the guide says.
        let entry = cache.key.as_ref().and_then(|_| keys.next());
        let fallbacks = if entry.is_some() { keys.map(|key| encoded(&key)).collect() } else { Vec::new() };
        let action = cache.action.as_ref().map(|action| action.text.to_ascii_lowercase());
        let texts: Vec<&str> = cache.paths.iter().map(|path| path.text.as_str()).collect();
        Ok(Self {
            folder: folder.to_owned(),
            entry: entry.map_or(NO_KEY.to_owned(), |key| shortened(&encoded(&key))),
            fallbacks,
            paths: Pattern::all(&expand(&texts, around)?)?,
            restores: action.as_deref() != Some("save"),
            saves: action.as_deref() != Some("restore"),
        })
    }

    /// Brings back what an earlier build left.
    pub(super) fn restore(&self, around: &ShellConfig, log: &mut Log) -> Result<(), Error> {
        if !self.restores {
            return Ok(());
        }
        let Some(entry) = self.find()? else {
            log.say(&format!("No cache found for key {}", self.entry));
            return Ok(());
        };
        let (mut count, mut there) = (0, 0);
        for (below, root) in [("source", around.source()), ("root", Path::new("/"))] {
            let below = entry.join(below);
            for path in Pattern::new("**/*")?.find(&below)? {
                around.stop().check()?;
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

    /// Keeps the paths for later builds. The entry is there whole or not at all.
    pub(super) fn save(&self, around: &ShellConfig, log: &mut Log) -> Result<(), Error> {
        if !self.saves {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).at("create", &self.folder)?;
        let target = self.folder.join(&self.entry);
        let temporary = TempDir::beside(&target)?;
        let made = temporary.path().join("made");
        let count = self.fill(&made, around)?;
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

    fn fill(&self, staging: &Path, around: &ShellConfig) -> Result<usize, Error> {
        let mut count = 0;
        for pattern in &self.paths {
            for path in pattern.find(around.source())? {
                around.stop().check()?;
                let below = if pattern.is_absolute() { "root" } else { "source" };
                copy(&around.source().join(&path), &staging.join(below).join(name(&path)), true)?;
                count += 1;
            }
        }
        Ok(count)
    }
}

/// Spells a key so that it is the name of a folder; keys that begin alike do so afterwards.
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
