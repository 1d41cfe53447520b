//! What `verify` and `repair` compare an install with, besides the list and the receipt next to its files.

use std::collections::BTreeMap;
use std::path::Path;

use super::render::Failure;
use super::settings::Settings;
use crate::model::{Pins, TreeDigest};
use crate::project::{LOCK, Lock};
use crate::provision;
use crate::store::{Change, Difference, Error, FileList, Install, InstallId};
use crate::text::chain;

/// What an install is compared with.
pub(super) enum Basis {
    /// Its own list and receipt alone.
    Store,
    /// What the lock pins of its files.
    Lock(TreeDigest),
    /// What its archives hold.
    Archive(FileList),
}

/// What a lock pins, by the installs that it names.
pub(super) type AllPins = BTreeMap<InstallId, Pins>;

impl Basis {
    /// Returns what is pinned of an install.
    pub(super) fn of(install: &Install, pins: &AllPins) -> Self {
        pins.get(&install.id).and_then(|pins| pins.tree).map_or(Self::Store, Self::Lock)
    }

    /// Reads the archives of an install again.
    pub(super) fn fetched(install: &Install, settings: &Settings) -> Result<Self, Failure> {
        let (release, context) = (install.release(), settings.context());
        let list = settings.runtime.block_on(async { Ok(provision::read_archives(&release, &context).await?) })?;
        Ok(Self::Archive(list))
    }

    /// Returns its name, for JSON.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Lock(_) => LOCK,
            Self::Archive(_) => "archive",
        }
    }

    /// Returns what follows the name of an install that is sound.
    pub(super) fn in_words(&self) -> &'static str {
        match self {
            Self::Store => "",
            Self::Lock(_) => ", as pinned in toolkit.lock",
            Self::Archive(_) => ", as in its archive",
        }
    }

    /// Adds what differs from it to what was found otherwise.
    ///
    /// # Errors
    /// When the list of files cannot be read.
    pub(super) fn compare(
        &self,
        mut differences: Vec<Difference>,
        install: &Install,
        settings: &Settings,
    ) -> Result<Vec<Difference>, Error> {
        if matches!(self, Self::Store) {
            return Ok(differences);
        }
        match settings.store.file_list(install, &provision::added_files(install)) {
            Err(Error::FileList { path, .. }) => differences.push(other_list(&path)),
            found => match (self, found?) {
                (Self::Lock(pinned), found) if found.digest() != *pinned => {
                    differences.push(other_list(&install.root.with_file_name("files")));
                }
                (Self::Archive(archive), found) => differences.extend(archive.differences(&found)),
                (Self::Store | Self::Lock(_), _) => {}
            },
        }
        differences.sort();
        differences.dedup();
        Ok(differences)
    }
}

/// Returns a list of files that is not the right one as a difference.
pub(super) fn other_list(path: &Path) -> Difference {
    Difference { path: path.display().to_string(), change: Change::Content }
}

/// Returns what the lock of the project here pins. A lock that cannot be read pins nothing.
pub(super) fn pinned(settings: &Settings) -> AllPins {
    match Lock::read(&settings.root) {
        Ok(lock) => {
            let releases = lock.as_ref().map(provision::locked_releases).unwrap_or_default();
            releases.iter().filter_map(|release| Some((provision::id_of(release), release.pins?))).collect()
        }
        Err(cause) => {
            settings.report.warned(&format!("nothing is compared with {LOCK}: {}", chain(&cause)));
            AllPins::new()
        }
    }
}

/// Says what was not proven of installs that were compared with nothing else.
pub(super) fn alone(count: usize, all: usize) -> String {
    let which = if count == all { "the files".to_owned() } else { format!("the files of {count} of {all} installs") };
    format!(
        "note: {which} were compared with the store's own records only, which finds damage and no forgery; \
         `toolkit lock --trees` pins what a project uses, `toolkit verify --fetch` reads the archives again"
    )
}
