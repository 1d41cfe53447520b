//! OCI layouts: images as a folder of blobs
//! (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>). Reads only, and believes no byte whose digest
//! it has not checked.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, ImageIndex};
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

use super::manifest::{Manifest, digest_of};
use crate::fs::{At, Cause, FileError, Within, open, read};
use crate::model::{Algorithm, Digest, Explain, Kind};

/// The most bytes of a file that is read into memory: as large as the largest manifest that a registry takes.
const LARGEST: u64 = 8 << 20;

/// Under which key an index of a layout keeps the names of its images.
const NAME: &str = "org.opencontainers.image.ref.name";

/// A folder that is an OCI layout.
#[derive(Debug, Clone)]
pub struct Layout {
    folder: PathBuf,
}

/// What can be wrong with a layout.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The folder is not a layout.
    #[error("{} is not an OCI layout: {reason}", folder.display())]
    NotOne {
        folder: PathBuf,
        /// What is missing or not understood.
        reason: String,
    },
    /// The layout has no image of this name.
    #[error("{} has no image called `{name}`", folder.display())]
    Unknown {
        folder: PathBuf,
        /// The name that was requested.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The layout has several images, and none was named.
    #[error("{} has {count} images, and none was named", folder.display())]
    Several {
        folder: PathBuf,
        /// How many there are.
        count: usize,
        /// The names that there are.
        known: Vec<String>,
    },
    /// A file of the layout cannot be read.
    #[error(transparent)]
    Read(#[from] FileError),
    /// A file does not match its name.
    #[error("{} does not match its name: its digest is {received}", path.display())]
    Mismatch {
        path: PathBuf,
        /// The digest or size of what it holds.
        received: String,
    },
}

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "imageLayoutVersion")]
    version: String,
}

impl Layout {
    /// Opens a folder.
    ///
    /// # Errors
    /// When it is not a layout of version 1.
    pub fn open(folder: &Path) -> Result<Self, LayoutError> {
        let layout = Self { folder: folder.to_owned() };
        let bytes = match layout.small(&folder.join("oci-layout")) {
            Err(LayoutError::Read(source)) if source.is_absent() => {
                return Err(layout.unfit("it has no file `oci-layout`"));
            }
            other => other?,
        };
        let header: Header =
            serde_json::from_slice(&bytes).map_err(|_| layout.unfit("its file `oci-layout` is not understood"))?;
        if !header.version.starts_with("1.") {
            return Err(layout.unfit(&format!("its version is {}, and 1.x is known", header.version)));
        }
        Ok(layout)
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Finds the image of this name, or the only one, and reads its manifest or index.
    ///
    /// # Errors
    /// When there is none, or several without a name, or its bytes are not what they should be.
    pub fn find(&self, name: Option<&str>) -> Result<Manifest, LayoutError> {
        let path = self.folder.join("index.json");
        let index: ImageIndex = serde_json::from_slice(&self.small(&path)?)
            .map_err(|error| self.unfit(&format!("its index.json is not understood: {error}")))?;
        let named = |row: &Descriptor| row.annotations().as_ref().and_then(|all| all.get(NAME)).cloned();
        let known = || index.manifests().iter().filter_map(named).collect::<Vec<_>>();
        let folder = self.folder.clone();
        let mut fitting: Vec<&Descriptor> = match name {
            Some(name) => index.manifests().iter().filter(|row| named(row).as_deref() == Some(name)).collect(),
            None => index.manifests().iter().collect(),
        };
        // One image under two names is one image.
        fitting.sort_by(|left, right| left.digest().as_ref().cmp(right.digest().as_ref()));
        fitting.dedup_by(|left, right| left.digest() == right.digest());
        match (fitting.as_slice(), name) {
            ([row], _) => self.manifest(row),
            ([], Some(name)) => Err(LayoutError::Unknown { folder, name: name.to_owned(), known: known() }),
            ([], None) => Err(self.unfit("it holds no image")),
            (several, _) => Err(LayoutError::Several { folder, count: several.len(), known: known() }),
        }
    }

    /// Reads the manifest or index that a descriptor names.
    ///
    /// # Errors
    /// When it is not there or not what the descriptor says.
    pub fn manifest(&self, row: &Descriptor) -> Result<Manifest, LayoutError> {
        let (digest, bytes) = self.blob(row)?;
        let read = Manifest::read(Some(row.media_type().as_ref()), bytes);
        let mut manifest = read.map_err(|reason| self.unfit(&format!("{digest}: {reason}")))?;
        manifest.digest = digest;
        Ok(manifest)
    }

    /// Reads a small blob into memory: a manifest, a configuration.
    ///
    /// # Errors
    /// When it is not there or not what the descriptor says.
    pub fn blob(&self, row: &Descriptor) -> Result<(Digest, Vec<u8>), LayoutError> {
        let digest = self.digest(row)?;
        let path = self.path(&digest);
        let bytes = self.small(&path)?;
        let received = digest_of(digest.algorithm(), &bytes);
        if received != digest || bytes.len() as u64 != row.size() {
            return Err(LayoutError::Mismatch { path, received: format!("{received} ({} bytes)", bytes.len()) });
        }
        Ok((digest, bytes))
    }

    /// Finds the file of a blob and checks all of its bytes.
    ///
    /// # Errors
    /// When it is not there or not what the descriptor says.
    pub fn file(&self, row: &Descriptor) -> Result<PathBuf, LayoutError> {
        let digest = self.digest(row)?;
        let path = self.path(&digest);
        let (received, size) = hashed(digest.algorithm(), open(&path, Within::Anywhere)?).at("read", &path)?;
        if received != digest || size != row.size() {
            return Err(LayoutError::Mismatch { path, received: format!("{received} ({size} bytes)") });
        }
        Ok(path)
    }

    fn digest(&self, row: &Descriptor) -> Result<Digest, LayoutError> {
        let digest: Result<Digest, _> = row.digest().as_ref().parse();
        digest.map_err(|error: crate::model::BadDigest| self.unfit(&error.to_string()))
    }

    /// A digest is hexadecimal digits of a known algorithm, so that it names nothing outside of the folder.
    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join("blobs").join(digest.algorithm().prefix()).join(digest.hex())
    }

    fn small(&self, path: &Path) -> Result<Vec<u8>, LayoutError> {
        // Builders link blobs to caches of theirs; digests say whether they are the right ones.
        match read(path, Within::Anywhere, LARGEST) {
            Err(FileError { source: Cause::TooLarge { .. }, .. }) => {
                Err(self.unfit(&format!("{} is larger than any of its kind", path.display())))
            }
            outcome => Ok(outcome?),
        }
    }

    fn unfit(&self, reason: &str) -> LayoutError {
        LayoutError::NotOne { folder: self.folder.clone(), reason: reason.to_owned() }
    }
}

/// Hashes all that comes out of `from`, and counts it.
pub(super) fn hashed(algorithm: Algorithm, mut from: impl Read) -> io::Result<(Digest, u64)> {
    let (mut sha256, mut sha512) = (Sha256::new(), Sha512::new());
    let (mut buffer, mut size) = (vec![0; 256 << 10], 0);
    loop {
        let count = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if count == 0 {
            break;
        }
        size += count as u64;
        match algorithm {
            Algorithm::Sha512 => sha512.update(&buffer[..count]),
            Algorithm::Sha256 | Algorithm::GoModule => sha256.update(&buffer[..count]),
        }
    }
    let (algorithm, hash) = match algorithm {
        Algorithm::Sha512 => (Algorithm::Sha512, sha512.finalize().to_vec()),
        Algorithm::Sha256 | Algorithm::GoModule => (Algorithm::Sha256, sha256.finalize().to_vec()),
    };
    Ok((Digest::new(algorithm, &hash).expect("a hash has the length of its algorithm"), size))
}

impl Explain for LayoutError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotOne { .. } | Self::Unknown { .. } | Self::Several { .. } => Kind::Usage,
            Self::Read(_) => Kind::Machine,
            Self::Mismatch { .. } => Kind::Integrity,
        }
    }

    fn hints(&self) -> Vec<String> {
        let names = |known: &Vec<String>| match known.as_slice() {
            [] => "its images have no names; a folder with one image needs none".to_owned(),
            known => format!("expected one of: {}; name it as oci:DIR:NAME", known.join(", ")),
        };
        vec![match self {
            Self::NotOne { .. } => {
                "an OCI layout is written by `skopeo copy … oci:DIR`, `buildah push … oci:DIR`, kaniko's --oci-layout-path"
                    .to_owned()
            }
            Self::Unknown { known, .. } | Self::Several { known, .. } => names(known),
            Self::Read(_) => "check that the folder is complete and that this user may read it".to_owned(),
            Self::Mismatch { .. } => "it was not used; the folder is damaged: build the image again".to_owned(),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Writes a layout of images with these names, each with another manifest.
    fn layout(folder: &Path, names: &[&str]) -> Vec<Digest> {
        std::fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
        let mut digests = Vec::new();
        let mut rows = Vec::new();
        for (number, name) in names.iter().enumerate() {
            let config = json!({ "mediaType": "application/vnd.oci.image.config.v1+json", "size": 2, "digest":
                "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a" });
            let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [],
                "annotations": { "number": number.to_string() } });
            let bytes = manifest.to_string().into_bytes();
            let digest = digest_of(Algorithm::Sha256, &bytes);
            rows.push(json!({ "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": bytes.len(),
                "digest": digest, "annotations": { NAME: name } }));
            std::fs::write(folder.join("blobs/sha256").join(digest.hex()), bytes).unwrap();
            digests.push(digest);
        }
        let index = json!({ "schemaVersion": 2, "manifests": rows });
        std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
        digests
    }

    #[test]
    fn an_image_is_found_by_its_name_or_alone() {
        let folder = tempfile::tempdir().unwrap();
        let digests = layout(folder.path(), &["one", "two"]);
        let opened = Layout::open(folder.path()).unwrap();
        assert_eq!(opened.find(Some("two")).unwrap().digest, digests[1]);
        assert!(matches!(opened.find(None), Err(LayoutError::Several { count: 2, .. })));
        let error = opened.find(Some("three")).unwrap_err();
        assert!(error.hints()[0].contains("one, two"), "{error}");
        let digests = layout(folder.path(), &["one"]);
        assert_eq!(opened.find(None).unwrap().digest, digests[0]);
    }

    #[test]
    fn a_damaged_layout_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(Layout::open(folder.path()), Err(LayoutError::NotOne { .. })));
        let digests = layout(folder.path(), &["one"]);
        let opened = Layout::open(folder.path()).unwrap();
        let blob = folder.path().join("blobs/sha256").join(digests[0].hex());
        let text = std::fs::read_to_string(&blob).unwrap();
        std::fs::write(&blob, text.replace('0', "1")).unwrap();
        assert!(matches!(opened.find(None), Err(LayoutError::Mismatch { .. })));
        std::fs::remove_file(&blob).unwrap();
        assert!(matches!(opened.find(None), Err(LayoutError::Read(_))));
        for (file, text) in [
            ("index.json", "{}"),
            ("index.json", r#"{"schemaVersion":2,"manifests":[]}"#),
            ("oci-layout", "{}"),
            ("oci-layout", r#"{"imageLayoutVersion":"2.0.0"}"#),
        ] {
            layout(folder.path(), &["one"]);
            std::fs::write(folder.path().join(file), text).unwrap();
            let found = Layout::open(folder.path()).and_then(|layout| layout.find(None));
            assert!(matches!(found, Err(LayoutError::NotOne { .. })), "{file} {text}");
        }
    }

    #[test]
    fn files_are_hashed_to_their_end() {
        for (algorithm, prefix) in [(Algorithm::Sha256, "sha256:e3b0c442"), (Algorithm::Sha512, "sha512:cf83e135")] {
            let (digest, size) = hashed(algorithm, io::empty()).unwrap();
            assert!(digest.to_string().starts_with(prefix) && size == 0, "{digest}");
            let bytes = vec![7; 600 << 10];
            assert_eq!(hashed(algorithm, bytes.as_slice()).unwrap(), (digest_of(algorithm, &bytes), 600 << 10));
        }
    }
}
