//! What is in the store, and what of it cannot be read: one install that is private or broken does not hide the others.

use std::path::{Path, PathBuf};

use super::error::Error;
use super::receipt::{Receipt, read_text};
use super::{INSTALLS, Install, RECEIPT, Store, TREE, folders};

/// The installs of a store.
#[derive(Debug, Default)]
pub struct Inventory {
    /// Those that can be used, sorted by tool, version and platform.
    pub installs: Vec<Install>,
    /// What stands among them and cannot be used, sorted by path.
    pub skipped: Vec<Skipped>,
}

/// A folder that was passed over.
#[derive(Debug)]
pub struct Skipped {
    /// The folder of an install, or of all installs of a tool.
    pub folder: PathBuf,
    /// The reason.
    pub reason: Error,
}

impl Store {
    /// Lists the installs that can be used, as [`Store::inventory`] does, without what cannot.
    ///
    /// # Errors
    /// As [`Store::inventory`].
    pub fn list(&self) -> Result<Vec<Install>, Error> {
        Ok(self.inventory()?.installs)
    }

    /// Lists the installs, and what cannot be read: of another user, with a receipt that is not whole, of a newer version of
    /// this program. Folders without a receipt are half-made or foreign and not listed at all.
    ///
    /// # Errors
    /// When the store itself cannot be read. A store that is not there yet is empty.
    pub fn inventory(&self) -> Result<Inventory, Error> {
        let mut inventory = Inventory::default();
        for tool in folders(&self.root.join(INSTALLS))? {
            match folders(&tool) {
                Ok(folders) => folders.into_iter().for_each(|folder| self.look_at(folder, &mut inventory)),
                Err(reason) => inventory.skipped.push(Skipped { folder: tool, reason }),
            }
        }
        inventory.installs.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(inventory)
    }

    fn look_at(&self, folder: PathBuf, inventory: &mut Inventory) {
        match self.read_install(&folder) {
            Ok(Some(install)) => inventory.installs.push(install),
            Ok(None) => {}
            Err(reason) => inventory.skipped.push(Skipped { folder, reason }),
        }
    }

    /// Reads the install in a folder; none without a receipt, or with that of an install that belongs elsewhere.
    fn read_install(&self, folder: &Path) -> Result<Option<Install>, Error> {
        let path = folder.join(RECEIPT);
        let Some(text) = read_text(&path)? else { return Ok(None) };
        let receipt = Receipt::parse(&text, &path)?.ok_or(Error::Receipt { path })?;
        let id = receipt.id.clone();
        let here = self.install_folder(&id) == folder;
        Ok(here.then(|| Install { id, root: folder.join(TREE), receipt, hold: None }))
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_receipt_that_is_not_whole_is_told_and_a_folder_without_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::at(folder.path().to_owned());
        for (name, receipt) in
            [("cut", Some("{\"schema\": 1, \"tool\": \"g")), ("newer", Some("{\"schema\": 9}")), ("notes", None)]
        {
            let folder = folder.path().join("installs/go").join(name);
            fs::create_dir_all(&folder).unwrap();
            if let Some(text) = receipt {
                fs::write(folder.join(RECEIPT), text).unwrap();
            }
        }
        let inventory = store.inventory().unwrap();
        assert!(inventory.installs.is_empty());
        let [cut, newer] = inventory.skipped.as_slice() else { panic!("{inventory:?}") };
        assert!(cut.folder.ends_with("go/cut") && matches!(cut.reason, Error::Receipt { .. }), "{cut:?}");
        assert!(newer.folder.ends_with("go/newer") && matches!(newer.reason, Error::NewerSchema { .. }), "{newer:?}");
    }
}
