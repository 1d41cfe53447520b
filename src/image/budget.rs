//! Bounds how much is read because of one name: an index can name the same manifest thousands of times, and indexes nest.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use oci_spec::image::Descriptor;

use super::ReadError;
use crate::oci::Manifest;

/// The most manifests that are read because of one name. An index for every platform that Go knows has some fifty.
pub(super) const MOST_MANIFESTS: usize = 256;

/// The manifests that were read because of one name.
#[derive(Debug, Default)]
pub(super) struct Budget(Mutex<HashSet<String>>);

impl Budget {
    /// Returns true if the manifest of a row is to be read: the first time that it is named.
    ///
    /// # Errors
    /// When `name` has led to too many already.
    pub(super) fn admits(&self, row: &Descriptor, name: &str) -> Result<bool, ReadError> {
        let mut read = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !read.insert(row.digest().to_string()) {
            return Ok(false);
        }
        if read.len() > MOST_MANIFESTS {
            return Err(ReadError::TooMany { name: name.to_owned(), limit: MOST_MANIFESTS });
        }
        Ok(true)
    }
}

/// Adds up sizes, which are what a registry says and need not be possible.
pub(super) fn total_size(layers: &[Descriptor], config: u64, manifest: &Manifest) -> u64 {
    let layers = layers.iter().map(Descriptor::size);
    layers.chain([config, manifest.bytes.len() as u64]).fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: usize) -> Descriptor {
        serde_json::from_value(serde_json::json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 2, "digest": format!("sha256:{number:064x}"),
        }))
        .unwrap()
    }

    #[test]
    fn each_manifest_is_read_once_and_only_so_many() {
        let budget = Budget::default();
        for number in 0..MOST_MANIFESTS {
            assert!(budget.admits(&row(number), "r.io/a:1").unwrap());
            assert!(!budget.admits(&row(0), "r.io/a:1").unwrap(), "it was read before");
        }
        let error = budget.admits(&row(MOST_MANIFESTS), "r.io/a:1").unwrap_err();
        assert_eq!(error.to_string(), "r.io/a:1 leads to more than 256 manifests");
    }
}
