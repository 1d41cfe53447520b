//! `podman-remote`: the static client without an engine, which talks to a Podman service.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::super::shared::semantic;
use super::super::{Error, Setting, SettingValue, Toolchain, VersionProof};
use super::{SPELLINGS, Source};
use crate::model::{
    Activation, BadChannel, BadVersion, Candidate, Channel, Choice, Extra, ExtraKind, Platform, Policy, Release,
    Version,
};
use crate::net::Metadata;

/// The client that Podman's makers publish.
pub const REMOTE: Remote = Remote;

/// `podman-remote` from Podman's own releases.
#[derive(Debug)]
pub struct Remote;

const SOURCE: Source = Source {
    tool: "podman-remote",
    repository: "podman-container-tools/podman",
    prefix: "podman-remote-static-linux_",
    // Written by `sha256sum *` in the release's workflow.
    sums: Some("shasums"),
    strip: 0,
};

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
        SOURCE.tool
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
        SOURCE.candidates(metadata).await
    }

    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        semantic::choose(channel, candidates, policy)
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        SOURCE.release(version, platform, metadata).await
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
