//! The machine this runs on, read once at the start and passed down: environment, folders, clock, terminal, C library.
//! No other module reads the environment or the clock.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::model::{Arch, Date, Explain, Kind, Libc, Os, Platform};

/// What the program may know about its surroundings.
#[derive(Debug, Clone)]
pub struct Host {
    /// The environment variables that are valid Unicode.
    vars: BTreeMap<String, String>,
    /// The variables whose names are valid Unicode and whose values are not.
    opaque: BTreeMap<String, OsString>,
    /// The home folder of the user database, where the environment names none.
    registered_home: Option<PathBuf>,
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
        let (mut vars, mut opaque) = (BTreeMap::new(), BTreeMap::new());
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(vars.insert(name, value)),
                Err(value) => drop(opaque.insert(name, value)),
            }
        }
        let host = Self {
            vars,
            opaque,
            registered_home: None,
            search_path: std::env::var_os("PATH"),
            cwd: std::env::current_dir()?,
            platform: this_platform(),
            now: jiff::Timestamp::now(),
            terminal: std::io::stderr().is_terminal(),
            processors: Processors::default(),
        };
        let registered_home = if host.home().is_none() { registered_home() } else { None };
        Ok(Self { registered_home, ..host })
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
        Self { vars: vars.into_iter().collect(), opaque: BTreeMap::new(), ..self }
    }

    /// Returns the home folder: `HOME`, on Windows `USERPROFILE`, else that of the user database, as Go, Rust and .NET do. None
    /// when none of them names an absolute path.
    #[must_use]
    pub fn home(&self) -> Option<PathBuf> {
        let set = |name: &str| {
            let opaque = || self.opaque.get(name).map(PathBuf::from);
            self.var(name).map(PathBuf::from).or_else(opaque).filter(|path| path.is_absolute())
        };
        set("HOME").or_else(|| set("USERPROFILE")).or_else(|| self.registered_home.clone())
    }

    /// Returns true if this is a job of a CI system: `CI` is set, as most do, or it is a build of CodeBuild, which does not.
    #[must_use]
    pub fn is_ci(&self) -> bool {
        let ci =
            self.var("CI").is_some_and(|value| !matches!(value.to_ascii_lowercase().as_str(), "0" | "false" | "no"));
        ci || self.var("CODEBUILD_BUILD_ID").is_some()
    }

    /// Returns the current day, in UTC.
    #[must_use]
    pub fn today(&self) -> Date {
        self.now.to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
    }

    /// Returns the folder for installs and caches: `TOOLKIT_HOME`, else `toolkit` in the XDG data folder
    /// (<https://specifications.freedesktop.org/basedir-spec/latest/>). A path in `TOOLKIT_HOME` may start with `~/`, which no
    /// shell expands in a variable of a CI file, and starts from the current directory when it is relative.
    ///
    /// # Errors
    /// When no home folder is known, or the path is not one that every tool can be told.
    pub fn toolkit_home(&self) -> Result<PathBuf, BadHome> {
        let (variable, path) = self.named_home()?;
        // Variables and generated files name it; a path that is changed on the way would be another folder.
        if path.to_str().is_none() {
            return Err(BadHome::NotUnicode { variable, path });
        }
        Ok(path)
    }

    fn named_home(&self) -> Result<(&'static str, PathBuf), BadHome> {
        const HOME: &str = "TOOLKIT_HOME";
        const DATA: &str = "XDG_DATA_HOME";
        if let Some(path) = self.opaque.get(HOME) {
            return Ok((HOME, self.cwd.join(path)));
        }
        if let Some(text) = self.var(HOME) {
            return Ok((HOME, self.expanded(text)?));
        }
        // The specification: a relative path in XDG_DATA_HOME is to be ignored.
        let data = self.var(DATA).map(PathBuf::from).or_else(|| self.opaque.get(DATA).map(PathBuf::from));
        if let Some(data) = data.filter(|data| data.is_absolute()) {
            return Ok((DATA, data.join("toolkit")));
        }
        Ok(("HOME", self.home().ok_or(BadHome::Unknown)?.join(".local/share/toolkit")))
    }

    fn expanded(&self, text: &str) -> Result<PathBuf, BadHome> {
        let Some(rest) = text.strip_prefix('~') else {
            // Without `.` between the folders, so that the path reads as people write it.
            return Ok(self.cwd.join(text).components().collect());
        };
        if !rest.is_empty() && !rest.starts_with(std::path::is_separator) {
            return Err(BadHome::OtherUser { value: text.to_owned() });
        }
        let home = self.home().ok_or(BadHome::Unknown)?;
        Ok(home.join(rest.trim_start_matches(std::path::is_separator)))
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

/// Why there is no folder for installs and caches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadHome {
    /// Nothing names one.
    #[error(
        "there is no folder for toolchains: neither TOOLKIT_HOME nor HOME is set, and the user database has no home folder \
         for this user"
    )]
    Unknown,
    /// It is the home folder of another user.
    #[error("the home folder of another user is not looked up: TOOLKIT_HOME is `{value}`")]
    OtherUser {
        /// The value.
        value: String,
    },
    /// Its path is not valid Unicode.
    #[error("the folder for toolchains, {}, which follows from {variable}, is not valid UTF-8", path.display())]
    NotUnicode {
        /// The variable that it follows from.
        variable: &'static str,
        /// The folder.
        path: PathBuf,
    },
}

impl Explain for BadHome {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown => Kind::Machine,
            Self::OtherUser { .. } | Self::NotUnicode { .. } => Kind::Usage,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::Unknown => "set TOOLKIT_HOME to a writable folder",
            Self::OtherUser { .. } => "nothing was changed; write the whole path, or `./~…` for a folder of that name",
            Self::NotUnicode { .. } => "nothing was changed; set TOOLKIT_HOME to a folder whose path is valid UTF-8",
        };
        vec![hint.to_owned()]
    }
}

/// Reads this user's home folder in the user database.
#[cfg(unix)]
fn registered_home() -> Option<PathBuf> {
    let user = rustix::process::getuid().as_raw();
    home_in(&std::fs::read_to_string("/etc/passwd").ok()?, user)
}

#[cfg(not(unix))]
fn registered_home() -> Option<PathBuf> {
    None
}

/// Finds a user's home folder in the text of `/etc/passwd` (passwd(5)).
#[cfg_attr(not(unix), allow(dead_code))]
fn home_in(database: &str, user: u32) -> Option<PathBuf> {
    let home = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let [_, _, id, _, _, home, ..] = fields.as_slice() else { return None };
        (id.parse() == Ok(user)).then(|| PathBuf::from(home))
    };
    database.lines().find_map(home).filter(|home| home.is_absolute())
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
            opaque: BTreeMap::new(),
            registered_home: None,
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
            (&[("TOOLKIT_HOME", "./a/./store"), ("HOME", "/root")], Some("/project/a/store")),
            (&[("TOOLKIT_HOME", "~/tk"), ("HOME", "/root")], Some("/root/tk")),
            (&[("TOOLKIT_HOME", "~"), ("HOME", "/root")], Some("/root")),
            (&[("TOOLKIT_HOME", "~/tk")], None),
            (&[("TOOLKIT_HOME", "~other/tk"), ("HOME", "/root")], None),
            (&[("TOOLKIT_HOME", "./~other"), ("HOME", "/root")], Some("/project/~other")),
            (&[("XDG_DATA_HOME", "/data"), ("HOME", "/root")], Some("/data/toolkit")),
            (&[("XDG_DATA_HOME", "data"), ("HOME", "/root")], Some("/root/.local/share/toolkit")),
            (&[("TOOLKIT_HOME", ""), ("HOME", "/root")], Some("/root/.local/share/toolkit")),
            (&[("HOME", "")], None),
            (&[], None),
        ] {
            assert_eq!(host(vars).toolkit_home().ok(), expected.map(PathBuf::from), "{vars:?}");
        }
    }

    #[test]
    fn the_user_database_answers_where_the_environment_names_no_home() {
        let database =
            "root:x:0:0:root:/root:/bin/sh\nci:x:1000:1000::/home/ci:/bin/sh\nodd:x:7:7::none:/bin/false\n\nbad\n";
        assert_eq!(home_in(database, 1000), Some(PathBuf::from("/home/ci")));
        assert_eq!((home_in(database, 7), home_in(database, 8)), (None, None));
        for (vars, expected) in [
            (&[][..], "/home/ci/.local/share/toolkit"),
            (&[("HOME", "relative")], "/home/ci/.local/share/toolkit"),
            (&[("TOOLKIT_HOME", "~/tk")], "/home/ci/tk"),
            (&[("HOME", "/elsewhere")], "/elsewhere/.local/share/toolkit"),
        ] {
            let host = Host { registered_home: home_in(database, 1000), ..host(vars) };
            assert_eq!(host.toolkit_home(), Ok(PathBuf::from(expected)), "{vars:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_unicode_is_refused_and_not_passed_over() {
        use std::os::unix::ffi::OsStringExt;
        for variable in ["TOOLKIT_HOME", "XDG_DATA_HOME", "HOME"] {
            let opaque = BTreeMap::from([(variable.to_owned(), OsString::from_vec(b"/opt/\xff".to_vec()))]);
            let vars = if variable == "HOME" { &[][..] } else { &[("HOME", "/root")] };
            let host = Host { opaque, ..host(vars) };
            assert!(
                matches!(host.toolkit_home(), Err(BadHome::NotUnicode { variable: named, .. }) if named == variable),
                "{variable}"
            );
        }
    }

    #[test]
    fn a_job_is_known_by_the_variable_of_its_ci_system() {
        for (vars, expected) in [
            (&[("CI", "true")][..], true),
            (&[("CI", "1")], true),
            (&[("CI", "false")], false),
            (&[("CI", "")], false),
            (&[("CODEBUILD_BUILD_ID", "shop:1")], true),
            (&[], false),
        ] {
            assert_eq!(host(vars).is_ci(), expected, "{vars:?}");
        }
    }
}
