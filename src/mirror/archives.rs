//! The archives that a mirror needs for a lock: every archive, for every platform, under the path that readers request.

use std::collections::{BTreeMap, BTreeSet};

use super::mirror_store::check_path;
use super::{Error, Use};
use crate::model::Artifact;
use crate::net::{self, Mirror};
use crate::project::Lock;

/// An archive of a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its path in a mirror.
    pub path: String,
    /// Its source and expected contents.
    pub artifact: Artifact,
    /// The tool that it belongs to, for messages.
    pub tool: String,
    /// The version of the tool.
    pub version: String,
    /// Its uses: some files serve several platforms, some layers several images.
    pub uses: BTreeSet<Use>,
}

/// Lists the archives of a lock, each once, sorted by path.
///
/// # Errors
/// [`Error::NotMirrorable`] for a file that a mirror cannot contain; [`Error::TwoFiles`] when two have the same path.
pub fn archives(lock: &Lock) -> Result<Vec<Archive>, Error> {
    let mut found: BTreeMap<String, Archive> = BTreeMap::new();
    for tool in &lock.tools {
        for locked in &tool.artifacts {
            let artifact = &locked.artifact;
            let path = path_of(artifact)?;
            let one = Use {
                tool: tool.name.clone(),
                version: Some(tool.version.clone()),
                platform: Some(locked.platform.to_string()),
            };
            let archive = found.entry(path.clone()).or_insert_with(|| Archive {
                path,
                artifact: artifact.clone(),
                tool: tool.name.clone(),
                version: tool.version.clone(),
                uses: BTreeSet::new(),
            });
            if archive.artifact.digest != artifact.digest {
                let (first, second) = (archive.artifact.digest.clone(), artifact.digest.clone());
                return Err(Error::TwoFiles { path: archive.path.clone(), first, second });
            }
            archive.uses.insert(one);
        }
    }
    Ok(found.into_values().collect())
}

fn path_of(artifact: &Artifact) -> Result<String, Error> {
    let not_mirrorable = |reason: String| Error::NotMirrorable { url: net::shown(&artifact.url), reason };
    if artifact.url.scheme() == "file" {
        return Err(not_mirrorable("a file of one machine is read where it is".to_owned()));
    }
    let path = Mirror::path(&artifact.url, None).map_err(|cause| match cause {
        net::Error::Refused { reason, .. } => not_mirrorable(reason),
        other => not_mirrorable(other.to_string()),
    })?;
    check_path(&path).map_err(|reason| not_mirrorable(reason.to_owned()))?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(files: &[(&str, &str, &str)]) -> Lock {
        let rows: String = files
            .iter()
            .map(|(platform, url, byte)| {
                format!(
                    "\n[[tool.artifact]]\nplatform = \"{platform}\"\nurl = \"{url}\"\ndigest = \"sha256:{}\"\n\
                     proof = \"checksum\"\nproven-by = \"x\"\nformat = \"tar-gz\"\n",
                    byte.repeat(64)
                )
            })
            .collect();
        let text = format!("version = 1\n\n[[tool]]\nname = \"x\"\nrequest = \"1\"\nversion = \"1\"\n{rows}");
        Lock::parse(std::path::Path::new("toolkit.lock"), &text).unwrap()
    }

    #[test]
    fn a_file_of_two_platforms_is_wanted_once() {
        let same = "https://host:8443/a%2Bb/x.tar.gz";
        let lock = lock(&[
            ("linux/amd64", same, "0"),
            ("linux/arm64", same, "0"),
            ("darwin/arm64", "goproxy:///m/@v/x.zip", "1"),
        ]);
        let found = archives(&lock).unwrap();
        let paths: Vec<_> = found.iter().map(|archive| (archive.path.as_str(), archive.uses.len())).collect();
        assert_eq!(paths, [("goproxy/m/@v/x.zip", 1), ("host:8443/a+b/x.tar.gz", 2)]);
    }

    #[test]
    fn a_lock_that_no_mirror_can_hold_is_refused() {
        for (files, said) in [
            (vec![("linux/amd64", "https://h/x", "0"), ("linux/arm64", "https://h/x", "1")], "two files"),
            (vec![("linux/amd64", "https://h/x?token=secret", "0")], "a query"),
            (vec![("linux/amd64", "file:///x", "0")], "read where it is"),
            (vec![("linux/amd64", "https://h/a/%2e%2e%2fb", "0")], "file name"),
        ] {
            let error = archives(&lock(&files)).unwrap_err().to_string();
            assert!(error.contains(said) && !error.contains("secret"), "{error}");
        }
    }
}
