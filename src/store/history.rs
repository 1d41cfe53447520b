//! What the store remembers in addition to installs: which projects use it, and which install of a tool is the newest.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::{Install, Store};
use crate::fs::{At, Durability, FileError, Links, Replacement, is_absent};
use crate::model::{Platform, Release, Version};

/// The folder with one small file for each project: its name is the digest of the path, its text the path.
const PROJECTS: &str = "projects";

impl Store {
    /// Remembers that the project in `folder` uses this store, so that a prune keeps what its lock names.
    ///
    /// # Errors
    /// When the store cannot be written to. A project that is remembered already needs no write.
    pub fn remember(&self, folder: &Path) -> Result<(), Error> {
        let Some(text) = folder.to_str() else { return Ok(()) };
        let entry = self.root().join(PROJECTS).join(&blake3::hash(text.as_bytes()).to_hex()[..16]);
        if entry.is_file() {
            return Ok(());
        }
        let parent = self.root().join(PROJECTS);
        fs::create_dir_all(&parent).at("create", &parent)?;
        let mut replacement = Replacement::new(&entry, Links::Replace)?;
        replacement.write_all(text.as_bytes()).at("write", &entry)?;
        Ok(replacement.commit(Durability::Cached)?)
    }

    /// Lists the folders of the projects that were remembered and still exist.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn projects(&self) -> Result<Vec<PathBuf>, Error> {
        let folder = self.root().join(PROJECTS);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            Err(error) => return Err(FileError::new("read", &folder, error).into()),
        };
        let mut projects: Vec<PathBuf> = entries
            .flatten()
            .filter_map(|entry| String::from_utf8(super::read_regular(&entry.path()).ok()?).ok())
            .map(PathBuf::from)
            .filter(|project| project.is_dir())
            .collect();
        projects.sort();
        Ok(projects)
    }

    /// Finds the newest install of a tool for `platform` whose version `admits` lets pass; of several of one version the
    /// one that was installed last.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn newest(
        &self,
        tool: &str,
        platform: Platform,
        admits: &dyn Fn(&Version) -> bool,
    ) -> Result<Option<Install>, Error> {
        let fits = |install: &Install| {
            install.id.tool.as_str() == tool && install.id.platform == platform && admits(&install.id.version)
        };
        let installs = self.list()?.into_iter().filter(fits);
        Ok(installs.max_by(|left, right| {
            let age = |install: &Install| (install.id.version.clone(), install.receipt.installed);
            age(left).cmp(&age(right))
        }))
    }
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
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_are_remembered_for_as_long_as_they_exist() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().join("store"));
        assert!(store.projects().unwrap().is_empty());
        let (kept, gone) = (folder.path().join("kept"), folder.path().join("gone"));
        for project in [&kept, &gone] {
            fs::create_dir(project).unwrap();
            store.remember(project).unwrap();
            store.remember(project).unwrap();
        }
        fs::remove_dir(&gone).unwrap();
        assert_eq!(store.projects().unwrap(), [kept]);
    }
}
