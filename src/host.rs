//! The machine this runs on, read once at the start and passed down: environment, folders, clock, terminal, C library.
//! No other module reads the environment or the clock.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::model::{Arch, Date, Libc, Os, Platform};

/// What the program may know about its surroundings.
#[derive(Debug, Clone)]
pub struct Host {
    /// The environment variables that are valid Unicode.
    vars: BTreeMap<String, String>,
    /// `PATH`, in whatever bytes it is.
    pub search_path: Option<OsString>,
    /// The current directory.
    pub cwd: PathBuf,
    /// The platform of this machine.
    pub platform: Platform,
    /// The start of the program, in UTC.
    pub now: jiff::Timestamp,
    /// Whether standard error is a terminal.
    pub terminal: bool,
    /// How many threads can run at once.
    pub processors: Processors,
}

impl Host {
    /// Reads the machine.
    ///
    /// # Errors
    /// When the current directory is gone.
    pub fn read() -> std::io::Result<Self> {
        Ok(Self {
            vars: std::env::vars_os().filter_map(unicode).collect(),
            search_path: std::env::var_os("PATH"),
            cwd: std::env::current_dir()?,
            platform: this_platform(),
            now: jiff::Timestamp::now(),
            terminal: std::io::stderr().is_terminal(),
            processors: Processors::default(),
        })
    }

    /// Returns an environment variable; an empty one counts as unset.
    #[must_use]
    pub fn var(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Returns all environment variables that are valid Unicode, for programs that are started.
    pub fn vars(&self) -> impl Iterator<Item = (&str, &str)> {
        self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the same machine with these environment variables and no others. Programs are still searched for in
    /// [`Host::search_path`].
    #[must_use]
    pub fn with_vars(self, vars: impl IntoIterator<Item = (String, String)>) -> Self {
        Self { vars: vars.into_iter().collect(), ..self }
    }

    /// Returns the home folder: `HOME`, on Windows `USERPROFILE`. None when it is not set or not absolute.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        let home = self.var("HOME").or_else(|| self.var("USERPROFILE")).map(PathBuf::from);
        home.filter(|path| path.is_absolute())
    }

    /// Returns the current day, in UTC.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
    }

    /// Returns the folder for installs and caches: `TOOLKIT_HOME`, else `toolkit` in the XDG data folder
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/>). None when no home directory is known.
    #[must_use]
    pub fn toolkit_home(&self) -> Option<PathBuf> {
        let absolute = |path: &str| Path::new(path).is_absolute();
        if let Some(home) = self.var("TOOLKIT_HOME") {
            return Some(self.cwd.join(home));
        }
        // The specification: a relative path in XDG_DATA_HOME is to be ignored.
        if let Some(data) = self.var("XDG_DATA_HOME").filter(|path| absolute(path)) {
            return Some(Path::new(data).join("toolkit"));
        }
        Some(self.home()?.join(".local/share/toolkit"))
    }
}

/// How many threads can run at once. Read when it is first needed: the limits of a container take a dozen system calls.
#[derive(Debug, Clone, Default)]
pub struct Processors(OnceLock<usize>);

impl Processors {
    /// Returns the number: 1 where no second processor is free for this program.
    #[must_use]
    pub fn count(&self) -> usize {
        *self.0.get_or_init(|| std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
    }
}

fn unicode((name, value): (OsString, OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

/// Returns the platform of this machine; the C library is detected by its loader: a static binary runs on both.
fn this_platform() -> Platform {
    let os = match std::env::consts::OS {
        "macos" => Os::Darwin,
        "windows" => Os::Windows,
        _ => Os::Linux,
    };
    let arch = match std::env::consts::ARCH {
        "aarch64" => Arch::Arm64,
        "arm" => Arch::Arm,
        "s390x" => Arch::S390x,
        "powerpc64" => Arch::Ppc64le,
        "riscv64" => Arch::Riscv64,
        _ => Arch::Amd64,
    };
    let musl = os == Os::Linux && !has_glibc_loader() && has_musl_loader(Path::new("/lib"));
    Platform { os, arch, libc: musl.then_some(Libc::Musl) }
}

fn has_musl_loader(folder: &Path) -> bool {
    std::fs::read_dir(folder)
        .is_ok_and(|entries| entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("ld-musl-")))
}

/// A Debian with `musl` installed next to glibc is a glibc machine.
fn has_glibc_loader() -> bool {
    ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-armhf.so.3", "/lib64/ld64.so.2"]
        .iter()
        .chain(&["/lib/ld64.so.1", "/lib/ld-linux-riscv64-lp64d.so.1"])
        .any(|loader| Path::new(loader).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(vars: &[(&str, &str)]) -> Host {
        Host {
            vars: vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            search_path: None,
            cwd: PathBuf::from("/project"),
            platform: this_platform(),
            now: jiff::Timestamp::UNIX_EPOCH,
            terminal: false,
            processors: Processors::default(),
        }
    }

    #[test]
    fn the_store_lies_where_the_environment_says() {
        for (vars, expected) in [
            (&[("TOOLKIT_HOME", "/opt/toolkit"), ("HOME", "/root")][..], Some("/opt/toolkit")),
            (&[("TOOLKIT_HOME", "store"), ("HOME", "/root")], Some("/project/store")),
            (&[("XDG_DATA_HOME", "/data"), ("HOME", "/root")], Some("/data/toolkit")),
            (&[("XDG_DATA_HOME", "data"), ("HOME", "/root")], Some("/root/.local/share/toolkit")),
            (&[("TOOLKIT_HOME", ""), ("HOME", "/root")], Some("/root/.local/share/toolkit")),
            (&[("HOME", "")], None),
            (&[], None),
        ] {
            assert_eq!(host(vars).toolkit_home(), expected.map(PathBuf::from));
        }
    }
}
