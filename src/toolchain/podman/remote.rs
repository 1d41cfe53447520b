//! `podman-remote`: the static client, which needs a Podman service to talk to.

use super::super::{Card, Completion, Layout, Setting, SettingValue, VersionProof};
use super::{Podman, SPELLINGS};
use crate::model::{Extra, ExtraKind, Platform};

/// The client that the Podman project publishes.
pub const REMOTE: Podman = Podman {
    card: Card {
        name: "podman-remote",
        about: "the client of Podman without an engine, from Podman's releases on GitHub",
        spellings: SPELLINGS,
        settings: SETTINGS,
        executables: &["bin/podman-remote"],
        version_proof: Some(VersionProof { command: &["podman-remote", "--version"], prefix: "", overridden_by: &[] }),
        smoke_test: &["podman-remote", "--version"],
        layout: Layout::Completed(Completion { files: links, placed: |_| Vec::new(), notes: |_, _, _| Vec::new() }),
        ..Card::BLANK
    },
    repository: "podman-container-tools/podman",
    prefix: PREFIX,
    // Written by `sha256sum *` in the release's workflow.
    sums: Some("shasums"),
    strip: 0,
    variables: |_| Vec::new(),
};

const PREFIX: &str = "podman-remote-static-linux_";

/// `podman-remote = { version = "5", command = "podman" }`
const SETTINGS: &[Setting] = &[Setting {
    name: "command",
    about: "the name of the client's command",
    values: &[
        SettingValue {
            name: "podman-remote",
            about: "podman-remote only, so that a podman of the machine or the project stays as it is (the default)",
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

/// Lists links to the client, whose name in the archive contains the platform.
fn links(platform: Platform) -> Vec<Extra> {
    let client = format!("{PREFIX}{}", platform.arch.as_str());
    let link = |path: String, target: String| Extra { path, kind: ExtraKind::Link(target) };
    let as_podman = link(format!("{AS_PODMAN}/podman"), format!("../bin/{client}"));
    vec![link("bin/podman-remote".to_owned(), client), as_podman]
}
