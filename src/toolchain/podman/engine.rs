//! `podman`: the static build with the engine. It is built to run from `/`, so toolkit adds configuration files that name the
//! paths of its parts, and variables that point to these files.
//!
//! Keys: containers.conf(5), containers-storage.conf(5), containers-registries.conf(5), containers-policy.json(5).

use std::path::{Path, PathBuf};

use super::super::{Card, Completion, Layout, Setting, SettingValue, VersionProof};
use super::{Podman, SPELLINGS};
use crate::model::{Extra, ExtraKind, Platform, Redirect, Version};
use crate::store::placed_folder;

/// Podman with crun, runc, conmon, netavark and everything else that it needs to run containers.
pub const ENGINE: Podman = Podman {
    card: Card {
        name: "podman",
        about: "Podman with its engine as static binaries, from mgoltzsche/podman-static on GitHub",
        spellings: SPELLINGS,
        settings: SETTINGS,
        executables: &["usr/local/bin/podman"],
        redirected_by: REDIRECTED_BY,
        version_proof: Some(VersionProof { command: &["podman", "--version"], prefix: "", overridden_by: &[] }),
        smoke_test: &["podman", "--version"],
        layout: Layout::Completed(Completion { files, placed, notes }),
        ..Card::BLANK
    },
    repository: "mgoltzsche/podman-static",
    prefix: "podman-linux-",
    // Releases have signatures and no checksum file.
    sums: None,
    strip: 1,
    variables,
};

/// The folder of the configuration files that are the same everywhere.
const CONFIG: &str = "toolkit";

/// The configuration file that names the place of the install.
const CONTAINERS_CONF: &str = "containers.conf";

/// The folder of helper programs that comes before those of containers.conf (`FindHelperBinary` in `pkg/config/config.go` of
/// <https://github.com/containers/common>). `CONTAINERS_CONF` is set; `CONTAINERS_CONF_OVERRIDE`, `CONTAINERS_STORAGE_CONF` and
/// `CONTAINERS_REGISTRIES_CONF` are the user's own choice, and `CONTAINER_HOST` is another engine on purpose.
const REDIRECTED_BY: &[Redirect] = &[Redirect { name: "CONTAINERS_HELPER_BINARY_DIR", empty_is_unset: false }];

/// The first release that reads `CONTAINERS_POLICY_JSON`; earlier ones look in two fixed places.
const KNOWS_POLICY_VARIABLE: u64 = 6;

/// `podman = { version = "5", config = "own" }`
const SETTINGS: &[Setting] = &[Setting {
    name: "config",
    about: "whose storage.conf and registries.conf are used",
    values: &[
        SettingValue {
            name: "machine",
            about: "those of the machine and the user, else Podman's defaults (the default)",
            apply: |_, _| Ok(()),
        },
        SettingValue {
            name: "own",
            about: "those of the install: the usual storage, and docker.io for short names, whatever the machine's files say",
            apply: |root, activation| {
                for (name, file) in
                    [("CONTAINERS_STORAGE_CONF", "storage.conf"), ("CONTAINERS_REGISTRIES_CONF", "registries.conf")]
                {
                    activation.vars.push((name.to_owned(), text(&root.join(CONFIG).join(file))));
                }
                Ok(())
            },
        },
    ],
}];

fn variables(root: &Path) -> Vec<(String, String)> {
    vec![
        ("CONTAINERS_CONF".to_owned(), text(&placed_folder(root).join(CONTAINERS_CONF))),
        ("CONTAINERS_POLICY_JSON".to_owned(), text(&root.join(CONFIG).join("policy.json"))),
    ]
}

fn files(_: Platform) -> Vec<Extra> {
    let files = [("storage.conf", STORAGE_CONF), ("registries.conf", REGISTRIES_CONF), ("policy.json", POLICY_JSON)];
    let extra =
        |(name, text): (&str, &str)| Extra { path: format!("{CONFIG}/{name}"), kind: ExtraKind::Text(text.to_owned()) };
    files.into_iter().map(extra).collect()
}

fn placed(root: &Path) -> Vec<(&'static str, String)> {
    vec![(CONTAINERS_CONF, containers_conf(root))]
}

fn notes(version: &Version, root: &Path, home: Option<&Path>) -> Vec<String> {
    let user = home.map(|home| home.join(".config/containers/policy.json"));
    let there =
        [Some(PathBuf::from("/etc/containers/policy.json")), user].into_iter().flatten().any(|file| file.exists());
    if there || version.semver().major >= KNOWS_POLICY_VARIABLE {
        return Vec::new();
    }
    let own = root.join(CONFIG).join("policy.json");
    vec![format!(
        "podman {version} accepts images only with a policy in /etc/containers/policy.json or \
         ~/.config/containers/policy.json, and neither exists; {} is a policy that accepts all",
        own.display()
    )]
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Returns a containers.conf with the paths of the engine's parts. The rest is what podman-static itself sets, because it is
/// built without systemd. `CONTAINERS_CONF` replaces every other file; users add to it by `CONTAINERS_CONF_OVERRIDE`.
fn containers_conf(root: &Path) -> String {
    let local = |path: &str| {
        // A TOML basic string has the escapes of JSON, except for the delete character.
        serde_json::Value::from(text(&root.join("usr/local").join(path))).to_string().replace('\u{7f}', "\\u007f")
    };
    format!(
        "# Written by toolkit: where the parts of this install are. For your own settings, name a file in\n\
         # CONTAINERS_CONF_OVERRIDE.\n\
         [containers]\n\
         init_path = {catatonit}\n\
         \n\
         [engine]\n\
         cgroup_manager = \"cgroupfs\"\n\
         events_logger = \"file\"\n\
         conmon_path = [{conmon}]\n\
         helper_binaries_dir = [{lib}, {libexec}, {bin}]\n\
         runtime = \"crun\"\n\
         \n\
         [engine.runtimes]\n\
         crun = [{crun}]\n\
         runc = [{runc}]\n\
         \n\
         [network]\n\
         network_backend = \"netavark\"\n",
        catatonit = local("lib/podman/catatonit"),
        conmon = local("lib/podman/conmon"),
        lib = local("lib/podman"),
        libexec = local("libexec/podman"),
        bin = local("bin"),
        crun = local("bin/crun"),
        runc = local("bin/runc"),
    )
}

/// Podman 4 and 5 refuse a file without root's paths; rootless users have their storage in their home.
const STORAGE_CONF: &str = "\
# Written by toolkit.
[storage]
driver = \"overlay\"
runroot = \"/run/containers/storage\"
graphroot = \"/var/lib/containers/storage\"
rootless_storage_path = \"$HOME/.local/share/containers/storage\"
";

const REGISTRIES_CONF: &str = "\
# Written by toolkit.
unqualified-search-registries = [\"docker.io\"]
";

/// The policy of Podman's packages: every image is accepted, wherever it comes from.
const POLICY_JSON: &str = "\
{
  \"default\": [{ \"type\": \"insecureAcceptAnything\" }],
  \"transports\": { \"docker-daemon\": { \"\": [{ \"type\": \"insecureAcceptAnything\" }] } }
}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_valid_whatever_the_name_of_the_root() {
        for root in ["/opt/podman", "/opt/a \"b\" \\c\u{7f}\n$HOME/é"] {
            let conf: toml::Table = containers_conf(Path::new(root)).parse().unwrap();
            let conmon = conf["engine"]["conmon_path"][0].as_str().unwrap();
            assert_eq!(conmon, format!("{root}/usr/local/lib/podman/conmon"));
        }
        STORAGE_CONF.parse::<toml::Table>().unwrap();
        REGISTRIES_CONF.parse::<toml::Table>().unwrap();
        serde_json::from_str::<serde_json::Value>(POLICY_JSON).unwrap();
    }

    #[test]
    fn a_missing_policy_is_noted_for_releases_that_cannot_be_pointed_to_one() {
        let home = tempfile::tempdir().unwrap();
        let notes = |version: &str| notes(&Version::parse(version).unwrap(), Path::new("/r"), Some(home.path()));
        assert!(notes("6.0.0").is_empty());
        let machine = Path::new("/etc/containers/policy.json").exists();
        assert_eq!(notes("5.8.4").is_empty(), machine);
        std::fs::create_dir_all(home.path().join(".config/containers")).unwrap();
        std::fs::write(home.path().join(".config/containers/policy.json"), POLICY_JSON).unwrap();
        assert!(notes("5.8.4").is_empty());
    }
}
