//! What an upstream offers: candidates to choose from, and the chosen release with its artifacts.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{Digest, Platform, Proof, Reference, ToolName, TreeDigest, Version};

/// A calendar day, in UTC.
pub type Date = jiff::civil::Date;

/// One version that could be chosen, as the upstream's documents describe it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The version.
    pub version: Version,
    /// The day of its release, if the upstream states it.
    pub released: Option<Date>,
    /// How long its release line is supported.
    pub support: Support,
    /// Whether the release fixes a security problem.
    pub security: bool,
}

/// How long a release line is supported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Support {
    /// The line's name: `8.0`, `1.27`.
    pub line: String,
    /// The phase that the upstream states.
    pub phase: Phase,
    /// Long or standard term, if the upstream distinguishes them.
    pub train: Option<Train>,
    /// The last day of support.
    pub eol: Option<Date>,
}

/// The stages of a release line's support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Not released yet.
    Preview,
    /// A release candidate with a production licence.
    GoLive,
    /// Released and developed.
    Active,
    /// Security fixes only.
    Maintenance,
    /// No longer supported.
    Eol,
}

/// Long-term or standard-term support.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Train {
    /// Long-term support.
    Lts,
    /// Standard-term support.
    Sts,
}

/// How an artifact is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A tar archive, not compressed.
    Tar,
    /// A gzip-compressed tar archive.
    TarGz,
    /// An xz-compressed tar archive.
    TarXz,
    /// A Zstandard-compressed tar archive.
    TarZst,
    /// A zip archive.
    Zip,
    /// A zip archive in the shape of a Go module, verified by its `h1:` hash.
    GoModuleZip,
    /// A layer of an image: a tar archive that changes the tree of the layers below it
    /// (<https://github.com/opencontainers/image-spec/blob/main/layer.md>).
    LayerTar,
    /// A layer of an image, gzip-compressed.
    LayerTarGz,
    /// A layer of an image, compressed by Zstandard.
    LayerTarZst,
    /// Not an archive: the executable itself.
    File,
}

impl Format {
    /// Returns true if it is a layer of an image, which changes the tree of the layers before it.
    #[must_use]
    pub const fn is_layer(self) -> bool {
        matches!(self, Self::LayerTar | Self::LayerTarGz | Self::LayerTarZst)
    }

    /// Returns the format that a file's name indicates.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match () {
            () if ends(&[".tar.gz", ".tgz"]) => Some(Self::TarGz),
            () if ends(&[".tar.xz", ".txz"]) => Some(Self::TarXz),
            () if ends(&[".tar.zst", ".tzst"]) => Some(Self::TarZst),
            () if ends(&[".tar"]) => Some(Self::Tar),
            () if ends(&[".zip"]) => Some(Self::Zip),
            () => None,
        }
    }
}

/// One file to download, verify and unpack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// The upstream URL. A mirror is applied when it is downloaded.
    pub url: Url,
    /// The digest that its bytes must have.
    pub digest: Digest,
    /// Where the digest comes from.
    pub proof: Proof,
    /// Its length in bytes, if published.
    pub size: Option<u64>,
    /// How it is packed.
    pub format: Format,
    /// How many leading path components to drop.
    pub strip: usize,
}

impl Artifact {
    /// Returns the last part of the URL's path.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.url.path_segments().and_then(|mut parts| parts.next_back()).unwrap_or_default()
    }
}

/// One version for one platform, ready to be downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The tool.
    pub tool: ToolName,
    /// The version.
    pub version: Version,
    /// The platform.
    pub platform: Platform,
    /// The files that make it up.
    pub artifacts: Vec<Artifact>,
    /// The image, if it is published as one: the files are then its layers.
    pub image: Option<SourceImage>,
    /// The executables that the project names, if it defines the tool itself; empty for other tools.
    pub executables: Vec<Executable>,
    /// What the lock pins besides digests and executables; none for a release that is not from the lock.
    pub pins: Option<Pins>,
}

/// What a lock pins of a release, besides the digests of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pins {
    /// The list of the files that it unpacks to.
    pub tree: Option<TreeDigest>,
}

impl Release {
    /// Makes a release that consists of files, of a tool that knows its executables.
    #[must_use]
    pub fn new(tool: ToolName, version: Version, platform: Platform, artifacts: Vec<Artifact>) -> Self {
        Self { tool, version, platform, artifacts, image: None, executables: Vec::new(), pins: None }
    }
}

/// An executable of a tool that a project defines.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Executable {
    /// The name by which it is called.
    pub name: String,
    /// Where it is, relative to the root, `/` between the parts.
    pub path: String,
}

impl Executable {
    /// Returns true if name and path stay below a root. They come from files that are exchanged between machines.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let plain = |part: &str| {
            let known = |c: char| c.is_ascii_alphanumeric() || "._+@~-".contains(c);
            !part.is_empty() && !part.starts_with(['.', '-', '~']) && !part.contains("..") && part.chars().all(known)
        };
        plain(&self.name) && self.path.split('/').all(plain)
    }

    /// Returns the path at which it has its name: next to the file, if the file has another name.
    #[must_use]
    pub fn named_path(&self) -> String {
        let (folder, file) =
            self.path.rsplit_once('/').map_or(("", self.path.as_str()), |(folder, file)| (folder, file));
        let same = file == self.name || file.strip_suffix(".exe") == Some(&self.name);
        let file = if same { file } else { &self.name };
        if folder.is_empty() { file.to_owned() } else { format!("{folder}/{file}") }
    }
}

/// An image that is published as a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceImage {
    /// Its name for all platforms, with the tag and the digest of its index, or of the image itself if there is no index.
    pub reference: Reference,
    /// The digest of its manifest for the release's platform; none for a release from the lock, which does not contain it.
    pub manifest: Option<Digest>,
}

/// What makes an install visible: folders for `PATH`, variables to set and variables to unset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Activation {
    /// Folders to put in front of `PATH`, first one first.
    pub paths: Vec<PathBuf>,
    /// Variables to set.
    pub vars: Vec<(String, String)>,
    /// Variables to unset.
    pub unset: Vec<Redirect>,
}

/// A variable that would redirect a tool to another install if the tool inherited it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Redirect {
    /// Its name.
    pub name: &'static str,
    /// Whether the tool treats an empty value as unset, for readers that can set a variable and not unset it.
    pub empty_is_unset: bool,
}

impl Redirect {
    /// Returns true if shells and `ENV` instructions can name it.
    #[must_use]
    pub fn is_identifier(&self) -> bool {
        self.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    }
}
