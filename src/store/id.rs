//! The name of an install, the same in the program and on disk.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::model::{Digest, Executable, Platform, ToolName, Version};

/// What distinguishes one install from every other.
#[derive(Debug, Clone)]
pub struct InstallId {
    /// The tool.
    pub tool: ToolName,
    /// The version, in the upstream's spelling.
    pub version: Version,
    /// The platform that it runs on.
    pub platform: Platform,
    /// What it was made from, so that a file that upstream replaced is another install.
    pub fingerprint: Fingerprint,
}

/// Twelve hexadecimal digits that stand for the digests of all artifacts of an install.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Derives the fingerprint: the first digits of a single artifact's digest, or of the BLAKE3 digest of several in their
    /// order.
    #[must_use]
    pub fn of<'a>(digests: impl IntoIterator<Item = &'a Digest>) -> Self {
        let digests: Vec<&Digest> = digests.into_iter().collect();
        let mut hex = match digests.as_slice() {
            [only] => only.hex(),
            several => {
                let mut hasher = blake3::Hasher::new();
                for digest in several {
                    hasher.update(format!("{digest}\n").as_bytes());
                }
                hasher.finalize().to_hex().to_string()
            }
        };
        hex.truncate(12);
        Self(hex)
    }

    /// Derives the fingerprint of an install of which the project says how it is laid out: another layout of the same files is
    /// another install. Without executables of the project's the fingerprint is that of the digests alone.
    #[must_use]
    pub fn laid_out<'a>(files: impl IntoIterator<Item = (&'a Digest, usize)>, executables: &[Executable]) -> Self {
        let files: Vec<(&Digest, usize)> = files.into_iter().collect();
        if executables.is_empty() {
            return Self::of(files.into_iter().map(|(digest, _)| digest));
        }
        let mut hasher = blake3::Hasher::new();
        for (digest, strip) in files {
            hasher.update(format!("{digest} {strip}\n").as_bytes());
        }
        for Executable { name, path } in executables {
            hasher.update(format!("{name} {path}\n").as_bytes());
        }
        let mut hex = hasher.finalize().to_hex().to_string();
        hex.truncate(12);
        Self(hex)
    }

    /// Returns the digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl InstallId {
    /// Returns the name of its folder: `1.27.3-linux-amd64-0df0a1b2c3d4`. The grammars of version, platform and fingerprint leave
    /// no character in it that could lead elsewhere.
    #[must_use]
    pub fn folder_name(&self) -> String {
        format!("{}-{}-{}", self.version, self.platform.file_name(), self.fingerprint.0)
    }

    /// Two spellings of one version lie in two folders, so that they are two installs here.
    fn key(&self) -> (&ToolName, &Version, &str, Platform, &Fingerprint) {
        (&self.tool, &self.version, self.version.as_str(), self.platform, &self.fingerprint)
    }
}

impl fmt::Display for InstallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.tool, self.folder_name())
    }
}

impl PartialEq for InstallId {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for InstallId {}

impl PartialOrd for InstallId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for InstallId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for InstallId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_artifact_is_another_install() {
        let digest = |byte: u8| Digest::new(crate::model::Algorithm::Sha256, &[byte; 32]).unwrap();
        let id = |digests: &[Digest]| InstallId {
            tool: ToolName::parse("go").unwrap(),
            version: Version::parse("1.27.3").unwrap(),
            platform: "linux/arm64/musl".parse().unwrap(),
            fingerprint: Fingerprint::of(digests),
        };
        assert_eq!(id(&[digest(0xab)]).to_string(), "go/1.27.3-linux-arm64-musl-abababababab");
        assert_ne!(id(&[digest(1)]), id(&[digest(2)]));
        assert_ne!(id(&[digest(1), digest(2)]), id(&[digest(2), digest(1)]));
        assert_eq!(id(&[digest(1), digest(2)]).fingerprint.as_str().len(), 12);
    }

    #[test]
    fn two_spellings_of_a_version_are_two_installs() {
        let id = |text: &str| InstallId {
            tool: ToolName::parse("go").unwrap(),
            version: Version::spelled(text, "1.20.0".parse().unwrap()).unwrap(),
            platform: "linux/amd64".parse().unwrap(),
            fingerprint: Fingerprint("000000000000".to_owned()),
        };
        assert_ne!(id("1.20"), id("1.20.0"));
    }
}
