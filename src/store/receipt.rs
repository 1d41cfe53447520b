//! The receipt: what an install was made from, and the digest of the list of its files.

use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use super::error::Error;
use super::id::{Fingerprint, InstallId};
use crate::fs::{FileError, is_absent};
use crate::model::{Artifact, Digest, Executable, Format, Platform, Proof, ToolName, TreeDigest, Version};

/// The newest schema that is written and understood.
const SCHEMA: u64 = 1;

/// What is known about an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The install.
    pub id: InstallId,
    /// What it was unpacked from, in this order.
    pub artifacts: Vec<Origin>,
    /// The executables that a project named, for a tool that it defines itself.
    pub executables: Vec<Executable>,
    /// When it was promoted, in UTC.
    pub installed: jiff::Timestamp,
    /// The BLAKE3 digest of its file list, in hexadecimal digits.
    pub files: String,
    /// The same of the list without the files that this program added; none where it added none.
    pub unpacked: Option<String>,
    /// How many entries the tree has.
    pub count: u64,
    /// The bytes of all its files.
    pub bytes: u64,
}

/// One verified artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Where upstream publishes it.
    pub url: Url,
    /// What its bytes hashed to.
    pub digest: Digest,
    /// Who published that digest.
    pub proof: Proof,
    /// Its length in bytes.
    pub size: u64,
    /// How it was packed.
    pub format: Format,
    /// How many leading path components were dropped.
    #[serde(default)]
    pub strip: usize,
}

impl Origin {
    /// Records an artifact of which `size` bytes came in.
    #[must_use]
    pub fn of(artifact: &Artifact, size: u64) -> Self {
        let Artifact { url, digest, proof, format, strip, .. } = artifact.clone();
        Self { url, digest, proof, size, format, strip }
    }

    /// Returns the artifact, so that it can be fetched again.
    #[must_use]
    pub fn artifact(&self) -> Artifact {
        let Self { url, digest, proof, size, format, strip } = self.clone();
        Artifact { url, digest, proof, size: Some(size), format, strip }
    }
}

/// The receipt as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
struct Written {
    schema: u64,
    tool: String,
    version: String,
    /// What orders the version: upstreams spell freely (`1.27rc3`).
    semver: String,
    platform: String,
    artifacts: Vec<Origin>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    executables: Vec<Executable>,
    installed: jiff::Timestamp,
    files: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unpacked: Option<String>,
    count: u64,
    bytes: u64,
}

#[derive(Debug, Deserialize)]
struct Schema {
    schema: u64,
}

impl Receipt {
    /// Returns the digest of what was unpacked, as the receipt records it; none when it records something else there.
    #[must_use]
    pub fn tree(&self) -> Option<TreeDigest> {
        TreeDigest::from_hex(self.unpacked.as_ref().unwrap_or(&self.files))
    }

    /// Reads a receipt; none when there is no file or what it holds is not a receipt.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let Some(text) = read_text(path)? else { return Ok(None) };
        Self::parse(&text, path)
    }

    /// Reads the text of the receipt at `path`; none when it is not a receipt.
    pub(super) fn parse(text: &[u8], path: &Path) -> Result<Option<Self>, Error> {
        check_schema(text, path)?;
        Ok(serde_json::from_slice::<Written>(text).ok().and_then(Written::parse))
    }

    /// Returns the bytes of the file.
    pub(super) fn to_json(&self) -> Vec<u8> {
        let written = Written {
            schema: SCHEMA,
            tool: self.id.tool.to_string(),
            version: self.id.version.to_string(),
            semver: self.id.version.semver().to_string(),
            platform: self.id.platform.to_string(),
            artifacts: self.artifacts.clone(),
            executables: self.executables.clone(),
            installed: self.installed,
            files: self.files.clone(),
            unpacked: self.unpacked.clone(),
            count: self.count,
            bytes: self.bytes,
        };
        json(&written)
    }
}

/// Reads a small file; none when it is not there.
pub(super) fn read_text(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match super::read_regular(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(FileError::new("read", path, error).into()),
    }
}

/// Refuses a file that a newer version of this program wrote: what it cannot read it must not replace.
pub(super) fn check_schema(text: &[u8], path: &Path) -> Result<(), Error> {
    match serde_json::from_slice::<Schema>(text) {
        Ok(Schema { schema }) if schema > SCHEMA => {
            Err(Error::NewerSchema { path: path.to_owned(), schema, known: SCHEMA })
        }
        _ => Ok(()),
    }
}

/// Returns a value as indented JSON with a line end.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(value).expect("strings, numbers and lists always are JSON");
    text.push(b'\n');
    text
}

impl Written {
    /// Turns the strings of the file into words of the program; none when one of them is not what it should be.
    fn parse(self) -> Option<Receipt> {
        let id = InstallId {
            tool: ToolName::parse(&self.tool).ok()?,
            version: Version::spelled(&self.version, self.semver.parse().ok()?).ok()?,
            platform: self.platform.parse::<Platform>().ok()?,
            fingerprint: Fingerprint::laid_out(
                self.artifacts.iter().map(|artifact| (&artifact.digest, artifact.strip)),
                &self.executables,
            ),
        };
        if !self.executables.iter().all(Executable::is_plain) {
            return None;
        }
        let Self { artifacts, executables, installed, files, unpacked, count, bytes, .. } = self;
        Some(Receipt { id, artifacts, executables, installed, files, unpacked, count, bytes })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::model::{Algorithm, Level};

    fn receipt() -> Receipt {
        let digest = Digest::new(Algorithm::Sha256, &[7; 32]).unwrap();
        Receipt {
            id: InstallId {
                tool: ToolName::parse("go").unwrap(),
                version: Version::spelled("1.27rc3", "1.27.0-rc.3".parse().unwrap()).unwrap(),
                platform: "linux/arm64/musl".parse().unwrap(),
                fingerprint: Fingerprint::of([&digest]),
            },
            artifacts: vec![Origin {
                url: Url::parse("https://dl.google.com/go/go1.27rc3.linux-arm64.tar.gz").unwrap(),
                digest,
                proof: Proof { level: Level::Checksum, source: "go.dev".to_owned() },
                size: 12,
                format: Format::TarGz,
                strip: 1,
            }],
            executables: Vec::new(),
            installed: "2026-11-23T10:00:00Z".parse().unwrap(),
            files: "00".repeat(32),
            unpacked: None,
            count: 3,
            bytes: 40,
        }
    }

    #[test]
    fn a_receipt_reads_back_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.json");
        fs::write(&path, receipt().to_json()).unwrap();
        assert_eq!(Receipt::read(&path).unwrap().unwrap(), receipt());
    }

    #[test]
    fn what_is_no_receipt_is_none_and_a_newer_one_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipt.json");
        assert!(Receipt::read(&path).unwrap().is_none());
        let text = String::from_utf8(receipt().to_json()).unwrap();
        let edits = [
            String::new(),
            text[..text.len() / 2].to_owned(),
            "{}".to_owned(),
            text.replace("\"go\"", "\"../go\""),
            text.replace("1.27rc3\"", "/etc\""),
            text.replace("linux/arm64/musl", "plan9/mips"),
            text.replace("sha256:07", "sha256:"),
        ];
        for edit in edits {
            fs::write(&path, &edit).unwrap();
            assert!(Receipt::read(&path).unwrap().is_none(), "{edit} passed");
        }
        fs::write(&path, text.replace("\"schema\": 1", "\"schema\": 2").replace("\"tool\"", "\"utensil\"")).unwrap();
        assert!(matches!(Receipt::read(&path), Err(Error::NewerSchema { schema: 2, .. })));
    }
}
