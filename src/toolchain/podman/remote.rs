//! `podman-remote`: the static client without an engine, which talks to a Podman service.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::super::github::{self, Repository};
use super::super::{Error, Setting, SettingValue, Toolchain, VersionProof, semantic};
use crate::model::{
    Activation, Arch, Artifact, BadChannel, BadVersion, Candidate, Channel, Choice, Extra, ExtraKind, Format, Os,
    Platform, Policy, Release, ToolName, Version,
};
use crate::net::Metadata;

/// The client that Podman's makers publish.
pub const REMOTE: Remote = Remote;

/// The list of digests in every release.
const SUMS: &str = "shasums";

/// `podman-remote` from Podman's own releases.
#[derive(Debug)]
pub struct Remote;

const SPELLINGS: &[(&str, &str)] = &[
    ("latest", "the newest release; `stable` means the same"),
    ("5", "the newest release of Podman 5; also `5.x`"),
    ("5.8", "the newest patch of 5.8; also `5.8.x`, `v5.8`"),
    ("5.8.4", "this release; also `v5.8.4`"),
    ("6.0.0-rc1", "this prerelease; prereleases are taken only when they are named"),
    ("^5.6", "a semantic-version range; also `>=5.6 <6`, `5.7 || 5.8`"),
];

/// `podman-remote = { version = "5", command = "podman" }`
const SETTINGS: &[Setting] = &[Setting {
    name: "command",
    about: "the name by which the client is called",
    values: &[
        SettingValue {
            name: "podman-remote",
            about: "podman-remote alone, beside a podman of the machine or the project (the default)",
            apply: |_, _| Ok(()),
        },
        SettingValue {
            name: "podman",
            about: "podman as well: scripts that call it reach the service that CONTAINER_HOST names",
            apply: |root, activation| {
                activation.paths.push(root.join(AS_PODMAN));
                Ok(())
            },
        },
    ],
}];

/// The folder in which the client is called `podman`.
const AS_PODMAN: &str = "as-podman";

#[async_trait]
impl Toolchain for Remote {
    fn name(&self) -> &'static str {
        "podman-remote"
    }

    fn about(&self) -> &'static str {
        "the client of Podman without an engine, from Podman's releases on GitHub"
    }

    fn spellings(&self) -> &'static [(&'static str, &'static str)] {
        SPELLINGS
    }

    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        semantic::channel(self.name(), text)
    }

    async fn candidates(
        &self,
        _channel: &Channel,
        _policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        let releases = super::read(self.name(), &repository(), |name| platform_of(name).is_some(), metadata).await?;
        Ok(super::candidates(&releases))
    }

    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        semantic::choose(channel, candidates, policy)
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        let repository = repository();
        let releases = super::read(self.name(), &repository, |name| platform_of(name).is_some(), metadata).await?;
        let Some(found) = releases.iter().find(|dated| dated.version == *version) else {
            let near = semantic::near(version, releases.iter().map(|dated| &dated.version));
            return Err(Error::NoSuchVersion { tool: self.name().to_owned(), version: version.to_string(), near });
        };
        let published = &found.published;
        let asset = archive_name(platform).and_then(|name| published.asset(&name)).ok_or_else(|| {
            let platforms = published.assets.iter().filter_map(|asset| platform_of(&asset.name));
            super::super::not_published(self.name(), version, platform, platforms)
        })?;
        let sums = published.asset(SUMS).map(|_| SUMS);
        let (digest, proof) = github::digest(&repository, published, asset, sums, metadata).await?;
        let url = repository.download(&published.tag, &asset.name);
        let artifact = Artifact { url, digest, proof, size: asset.size, format: Format::TarGz, strip: 0 };
        let tool = ToolName::parse(self.name()).expect("lower-case letters and `-` are a tool's name");
        Ok(Release::new(tool, found.version.clone(), platform, vec![artifact]))
    }

    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        semantic::version(text)
    }

    fn activation(&self, root: &Path) -> Activation {
        Activation { paths: vec![root.join("bin")], vars: Vec::new() }
    }

    fn executables(&self, _platform: Platform) -> Vec<PathBuf> {
        vec![PathBuf::from("bin/podman-remote")]
    }

    /// The archive has the client under a name that nobody types.
    fn extras(&self, _root: &Path, platform: Platform) -> Vec<Extra> {
        let client = format!("podman-remote-static-linux_{}", platform.arch.as_str());
        let link = |path: String, target: String| Extra { path, kind: ExtraKind::Link(target) };
        let as_podman = link(format!("{AS_PODMAN}/podman"), format!("../bin/{client}"));
        vec![link("bin/podman-remote".to_owned(), client), as_podman]
    }

    fn settings(&self) -> &'static [Setting] {
        SETTINGS
    }

    fn version_proof(&self, version: &str) -> Option<VersionProof> {
        let command = &["podman-remote", "--version"];
        Some(VersionProof { command, words: version.to_owned(), swayed_by: &[] })
    }

    fn smoke_test(&self) -> &'static [&'static str] {
        &["podman-remote", "--version"]
    }
}

fn repository() -> Repository {
    Repository::parse("podman-container-tools/podman").expect("a constant repository is one")
}

/// Gives the name of the archive. There is one for glibc and musl alike: the client is static.
fn archive_name(platform: Platform) -> Option<String> {
    let known = platform.os == Os::Linux && matches!(platform.arch, Arch::Amd64 | Arch::Arm64);
    known.then(|| format!("podman-remote-static-linux_{}.tar.gz", platform.arch.as_str()))
}

/// Tells for which platform a file of a release is the archive; none for the other clients, installers and lists.
fn platform_of(name: &str) -> Option<Platform> {
    let arch = name.strip_prefix("podman-remote-static-linux_")?.strip_suffix(".tar.gz")?;
    let arch = [Arch::Amd64, Arch::Arm64].into_iter().find(|known| known.as_str() == arch)?;
    Some(Platform::new(Os::Linux, arch))
}
