//! The activation of an installed Go, and the setting for `GOTOOLCHAIN` (<https://go.dev/doc/toolchain#select>).

use std::path::{Path, PathBuf};

use super::version;
use crate::host::Host;
use crate::model::{Activation, Redirect};
use crate::toolchain::{Setting, SettingValue};

/// `go = { version = "1.22", toolchain = "pin" }`
pub(super) const SETTINGS: &[Setting] = &[Setting {
    name: "toolchain",
    about: "the value of GOTOOLCHAIN: whether the installed go may download and run another version",
    values: &[
        SettingValue {
            name: "local",
            about: "GOTOOLCHAIN=local: only the installed go; a module that needs a newer one fails (the default)",
            apply: |_, activation| set(activation, "local"),
        },
        SettingValue {
            name: "auto",
            about: "GOTOOLCHAIN=auto: go downloads what go.mod asks for, bypassing toolkit.lock",
            apply: |_, activation| set(activation, "auto"),
        },
        SettingValue {
            name: "pin",
            about: "GOTOOLCHAIN=go1.22.5: exactly the installed release, even when another go comes first on PATH",
            apply: pin,
        },
    ],
}];

/// The root of another Go. An empty value is none (<https://pkg.go.dev/cmd/go#hdr-Environment_variables>, and `findGOROOT`
/// in `cmd/go/internal/cfg`). `GOTOOLDIR` is printed by `go env` and not read; `GOTOOLCHAIN` is set.
pub(super) const REDIRECTED_BY: &[Redirect] = &[Redirect { name: "GOROOT", empty_is_unset: true }];

/// Returns the folder of `go install`: `GOBIN`, else `bin` in the first folder of `GOPATH`, else in `~/go`
/// (<https://pkg.go.dev/cmd/go#hdr-Compile_and_install_packages_and_dependencies>).
pub(super) fn user_programs(host: &Host) -> Vec<PathBuf> {
    let first = |list: &str| std::env::split_paths(list).next();
    let gopath = || host.var("GOPATH").and_then(first).or_else(|| Some(host.home()?.join("go")));
    let folder = host.var("GOBIN").map(PathBuf::from).or_else(|| Some(gopath()?.join("bin")));
    folder.into_iter().collect()
}

/// Puts `bin` on `PATH` and forbids silent downloads of another version.
pub(super) fn activation(root: &Path) -> Activation {
    let vars = vec![("GOTOOLCHAIN".to_owned(), "local".to_owned())];
    Activation { paths: vec![root.join("bin")], vars, ..Activation::default() }
}

fn set(activation: &mut Activation, value: &str) -> Result<(), String> {
    activation.vars.retain(|(name, _)| name != "GOTOOLCHAIN");
    activation.vars.push(("GOTOOLCHAIN".to_owned(), value.to_owned()));
    Ok(())
}

/// Pins the release that the first line of the file `VERSION` at the root names.
fn pin(root: &Path, activation: &mut Activation) -> Result<(), String> {
    let path = root.join("VERSION");
    let text = crate::fs::read_text(&path, crate::fs::Within::Anywhere)
        .map_err(|error| format!("could not read {}: {}", path.display(), error.source))?;
    let name = text.lines().next().unwrap_or_default().trim();
    if name.strip_prefix("go").and_then(version::release).is_none() {
        let shown: String = name.chars().take(40).collect();
        return Err(format!("{} does not name a release: `{shown}`", path.display()));
    }
    set(activation, name)
}

#[cfg(test)]
mod tests {
    use super::super::GO;
    use crate::toolchain::activate;

    fn chosen(root: &std::path::Path, value: &str) -> Result<String, String> {
        let settings = [("toolchain".to_owned(), value.to_owned())];
        let activation = activate(&GO, root, &settings).map_err(|bad| bad.to_string())?;
        assert_eq!(activation.paths, [root.join("bin")]);
        assert_eq!(activation.vars.len(), 1);
        Ok(format!("{}={}", activation.vars[0].0, activation.vars[0].1))
    }

    #[test]
    fn gotoolchain_can_be_set() {
        let root = tempfile::tempdir().unwrap();
        let version = root.path().join("VERSION");
        assert_eq!(activate(&GO, root.path(), &[]).unwrap().vars[0].1, "local");
        assert_eq!(chosen(root.path(), "local").unwrap(), "GOTOOLCHAIN=local");
        assert_eq!(chosen(root.path(), "auto").unwrap(), "GOTOOLCHAIN=auto");
        assert!(chosen(root.path(), "pin").unwrap_err().contains("could not read"));
        for (content, pinned) in [
            ("go1.22.5\ntime 2024-06-27T20:11:12Z\n", Some("GOTOOLCHAIN=go1.22.5")),
            ("go1.20", Some("GOTOOLCHAIN=go1.20")),
            ("go1.27rc3\r\n", Some("GOTOOLCHAIN=go1.27rc3")),
            ("devel go1.23-abc", None),
            ("go1.22.5 --exec=x", None),
            ("", None),
        ] {
            std::fs::write(&version, content).unwrap();
            assert_eq!(chosen(root.path(), "pin").ok().as_deref(), pinned, "{content:?}");
        }
    }

    #[test]
    fn an_unknown_setting_names_what_exists() {
        let root = std::path::Path::new("/opt/go");
        let bad = |name: &str, value: &str| activate(&GO, root, &[(name.to_owned(), value.to_owned())]).unwrap_err();
        assert!(bad("toolchain", "path").to_string().contains("local, auto, pin"));
        assert!(bad("tolchain", "pin").to_string().contains("`toolchain`"));
    }
}
