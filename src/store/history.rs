//! What the store remembers in addition to installs: which projects use it, and which install of a tool is the newest.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::records::{self, bytes_of, path_of};
use super::{Install, InstallId, Store};
use crate::fs::{FileError, is_absent};
use crate::model::{Platform, Release};

/// The folder with one small file for each project: its name is the digest of the path, its text the path, and after a zero byte
/// each the names of the installs that its lock named when it was last used.
const PROJECTS: &str = "projects";

/// A project that uses the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// Its folder.
    pub folder: PathBuf,
    /// The installs that its lock named when it was last used, as their ids print themselves: for when the lock cannot be read.
    pub installs: Vec<String>,
}

impl Store {
    /// Remembers, by one rename, that the project in `folder` uses these installs, so that a prune keeps what its lock names.
    ///
    /// # Errors
    /// When the store cannot be written to. What is remembered already needs no write.
    pub fn remember(&self, folder: &Path, installs: &[InstallId]) -> Result<(), Error> {
        let mut text = bytes_of(folder);
        for install in installs {
            text.push(0);
            text.extend_from_slice(install.to_string().as_bytes());
        }
        records::write(self, PROJECTS, folder, &text)
    }

    /// Lists the projects that were remembered, whether their folders still exist or not; an error for each record that cannot
    /// be read or does not name a project.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn projects(&self) -> Result<Vec<Result<Project, Error>>, Error> {
        let paths = records::list(self, PROJECTS)?;
        Ok(paths.into_iter().filter_map(|path| read_project(&path).transpose()).collect())
    }

    /// Finds the newest install of a tool for `platform` that `admits` lets pass; of several of one version the one that was
    /// installed last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest(
        &self,
        tool: &str,
        platform: Platform,
        admits: &dyn Fn(&Install) -> bool,
    ) -> Result<Option<Install>, Error> {
        let fits =
            |install: &Install| install.id.tool.as_str() == tool && install.id.platform == platform && admits(install);
        let installs = self.list()?.into_iter().filter(fits);
        Ok(installs.max_by(|left, right| {
            let age = |install: &Install| (install.id.version.clone(), install.receipt.installed);
            age(left).cmp(&age(right))
        }))
    }
}

/// Reads a record; none when it has vanished.
fn read_project(path: &Path) -> Result<Option<Project>, Error> {
    let text = match super::read_regular(path) {
        Ok(text) => text,
        Err(error) if is_absent(&error) => {
            let vanished = fs::symlink_metadata(path).is_err();
            return if vanished { Ok(None) } else { Err(Error::Record { path: path.to_owned() }) };
        }
        Err(error) => return Err(FileError::new("read", path, error).into()),
    };
    let mut parts = text.split(|byte| *byte == 0);
    let folder = path_of(parts.next().unwrap_or_default());
    if !folder.is_absolute() {
        return Err(Error::Record { path: path.to_owned() });
    }
    let installs = parts.map(|part| String::from_utf8_lossy(part).into_owned()).collect();
    Ok(Some(Project { folder, installs }))
}

impl Install {
    /// Returns the release that it was made from.
    #[must_use]
    pub fn release(&self) -> Release {
        Release {
            tool: self.id.tool.clone(),
            version: self.id.version.clone(),
            platform: self.id.platform,
            artifacts: self.receipt.artifacts.iter().map(super::Origin::artifact).collect(),
            image: None,
            executables: self.receipt.executables.clone(),
            pins: None,
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::model::{Algorithm, Digest, ToolName, Version};
    use crate::store::Fingerprint;

    fn id() -> InstallId {
        InstallId {
            tool: ToolName::parse("go").unwrap(),
            version: Version::parse("1.27.3").unwrap(),
            platform: "linux/arm64".parse().unwrap(),
            fingerprint: Fingerprint::of([&Digest::new(Algorithm::Sha256, &[7; 32]).unwrap()]),
        }
    }

    fn world() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("store"));
        (folder, store)
    }

    #[test]
    fn projects_are_remembered_with_what_they_use_whatever_their_names() {
        let (folder, store) = world();
        assert!(store.projects().unwrap().is_empty());
        let mut expected = Vec::new();
        for name in [&b"plain"[..], b"not \xff utf-8", b"with\nline", b"gone by now"] {
            let project = folder.path().join(OsStr::from_bytes(name));
            store.remember(&project, &[]).unwrap();
            store.remember(&project, &[id()]).unwrap();
            store.remember(&project, &[id()]).unwrap();
            expected.push(Project { folder: project, installs: vec![id().to_string()] });
        }
        let mut known: Vec<Project> = store.projects().unwrap().into_iter().map(Result::unwrap).collect();
        known.sort_by(|left, right| left.folder.cmp(&right.folder));
        expected.sort_by(|left, right| left.folder.cmp(&right.folder));
        assert_eq!(known, expected);
    }

    #[test]
    fn a_record_that_is_empty_or_broken_is_told_and_one_half_written_is_not_one() {
        let (folder, store) = world();
        let project = folder.path().join("project");
        store.remember(&project, &[]).unwrap();
        let records = store.root().join(PROJECTS);
        let record = fs::read_dir(&records).unwrap().next().unwrap().unwrap().path();
        fs::write(records.join(".0123.toolkit-0123456789abcdef"), "/half").unwrap();
        for broken in ["", "relative/path", "\0go/1.27.3"] {
            fs::write(&record, broken).unwrap();
            let known = store.projects().unwrap();
            assert!(
                matches!(known.as_slice(), [Err(Error::Record { path })] if *path == record),
                "{broken:?}: {known:?}"
            );
            store.remember(&project, &[id()]).unwrap();
            assert_eq!(store.projects().unwrap()[0].as_ref().unwrap().folder, project);
        }
        fs::remove_file(&record).unwrap();
        fs::create_dir(&record).unwrap();
        assert!(store.projects().unwrap()[0].is_err());
    }
}
