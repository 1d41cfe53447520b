//! Operating system, processor and C library, in one spelling.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// An operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Os {
    /// Linux.
    Linux,
    /// macOS.
    Darwin,
    /// Windows.
    Windows,
}

/// A processor architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// x86-64.
    Amd64,
    /// 64-bit Arm: Graviton, Apple silicon.
    Arm64,
    /// 32-bit Arm with hardware floating point (v6 and v7).
    Arm,
    /// IBM Z.
    S390x,
    /// 64-bit little-endian POWER.
    Ppc64le,
    /// 64-bit RISC-V.
    Riscv64,
}

/// A C library other than the platform's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Libc {
    /// musl, as on Alpine.
    Musl,
}

/// What a toolchain runs on: `linux/amd64`, `linux/arm64/musl`, `darwin/arm64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Platform {
    /// The operating system.
    pub os: Os,
    /// The processor.
    pub arch: Arch,
    /// The C library, unless it is the default (glibc on Linux).
    pub libc: Option<Libc>,
}

/// A text that does not name a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a platform: {reason}")]
pub struct BadPlatform {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it, and which spellings exist.
    pub reason: String,
}

impl Platform {
    /// Joins an operating system and a processor with the default C library.
    #[must_use]
    pub const fn new(os: Os, arch: Arch) -> Self {
        Self { os, arch, libc: None }
    }

    /// Returns a spelling for file names: `linux-arm64-musl`.
    #[must_use]
    pub fn file_name(self) -> String {
        self.to_string().replace('/', "-")
    }
}

impl Os {
    /// Reads a lower-case spelling that people use.
    fn spelled(name: &str) -> Option<Self> {
        Some(match name {
            "linux" => Self::Linux,
            "darwin" | "macos" | "macosx" | "osx" | "mac" => Self::Darwin,
            "windows" | "win" => Self::Windows,
            _ => return None,
        })
    }

    /// Returns the spelling of Go and of OCI images.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Linux => "linux",
            Self::Darwin => "darwin",
            Self::Windows => "windows",
        }
    }
}

impl Arch {
    /// Reads a lower-case spelling that people use.
    fn spelled(name: &str) -> Option<Self> {
        Some(match name {
            "amd64" | "x86_64" | "x86-64" | "x64" => Self::Amd64,
            "arm64" | "aarch64" | "arm64v8" => Self::Arm64,
            "arm" | "armv6l" | "armv7l" | "armhf" => Self::Arm,
            "s390x" => Self::S390x,
            "ppc64le" => Self::Ppc64le,
            "riscv64" => Self::Riscv64,
            _ => return None,
        })
    }

    /// Returns the spelling of Go and of OCI images.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
            Self::Arm => "arm",
            Self::S390x => "s390x",
            Self::Ppc64le => "ppc64le",
            Self::Riscv64 => "riscv64",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let musl = if self.libc == Some(Libc::Musl) { "/musl" } else { "" };
        f.pad(&format!("{}/{}{musl}", self.os.as_str(), self.arch.as_str()))
    }
}

impl FromStr for Platform {
    type Err = BadPlatform;

    /// Reads `os/arch[/libc]`, with the spellings people know: `x86_64`, `x64`, `aarch64`, `macos`, `osx`; an architecture
    /// alone, which is one of Linux; and the identifiers of .NET and of archives, `linux-musl-arm64`, `osx-x64`, `linux_amd64`.
    fn from_str(text: &str) -> Result<Self, BadPlatform> {
        let bad = |reason: String| BadPlatform { text: text.to_owned(), reason };
        let slashed = slashed(text);
        let mut parts = slashed.split('/');
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let os = Os::spelled(&name).ok_or_else(|| {
            bad(format!(
                "unknown operating system `{name}`; expected one of: linux, darwin, windows, as in linux/arm64"
            ))
        })?;
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        if name.is_empty() {
            return Err(bad("the architecture is missing, as in linux/arm64".to_owned()));
        }
        let arch = Arch::spelled(&name).ok_or_else(|| {
            bad(format!("unknown architecture `{name}`; expected one of: amd64, arm64, arm, s390x, ppc64le, riscv64"))
        })?;
        let libc = match (os, parts.next().map(str::to_ascii_lowercase).as_deref()) {
            (_, None) | (Os::Linux, Some("gnu" | "glibc")) => None,
            (Os::Linux, Some("musl")) => Some(Libc::Musl),
            (_, Some(other)) => return Err(bad(format!("unknown C library `{other}`; only linux has one, `musl`"))),
        };
        match parts.next() {
            None => Ok(Self { os, arch, libc }),
            Some(rest) => Err(bad(format!("`/{rest}` is not part of a platform"))),
        }
    }
}

/// Returns a platform in the form with slashes, where it is in another one that is known.
pub(super) fn slashed(text: &str) -> Cow<'_, str> {
    let lower = text.to_ascii_lowercase();
    if Arch::spelled(&lower).is_some() {
        return format!("linux/{lower}").into();
    }
    // `x86_64` and `x86-64` hold the separators themselves.
    let plain = lower.replace("x86_64", "x64").replace("x86-64", "x64");
    let parts: Vec<&str> = plain.split(['-', '_']).collect();
    let known = |os: &str, arch: &str| Os::spelled(os).is_some() && Arch::spelled(arch).is_some();
    match parts.as_slice() {
        [os, arch] if known(os, arch) => format!("{os}/{arch}").into(),
        [os, "musl", arch] | [os, arch, "musl"] if known(os, arch) => format!("{os}/{arch}/musl").into(),
        _ => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_ends_in_one() {
        for (text, expected) in [
            ("linux/amd64", "linux/amd64"),
            ("Linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/musl", "linux/arm64/musl"),
            ("linux/arm64/gnu", "linux/arm64"),
            ("macos/arm64", "darwin/arm64"),
            ("win/x64", "windows/amd64"),
            ("arm64", "linux/arm64"),
            ("X64", "linux/amd64"),
            ("x86_64", "linux/amd64"),
            ("x86-64", "linux/amd64"),
            ("aarch64", "linux/arm64"),
            ("linux-arm64", "linux/arm64"),
            ("linux_amd64", "linux/amd64"),
            ("linux-x86_64", "linux/amd64"),
            ("linux-musl-x64", "linux/amd64/musl"),
            ("linux-arm64-musl", "linux/arm64/musl"),
            ("osx-arm64", "darwin/arm64"),
            ("win-x64", "windows/amd64"),
        ] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_platform_is_named() {
        for text in [
            "",
            "linux",
            "linux/",
            "linux/mips",
            "plan9/amd64",
            "darwin/arm64/musl",
            "linux/amd64/musl/x",
            "musl",
            "arm64/linux",
            "linux-",
            "osx-musl-arm64",
        ] {
            let error = text.parse::<Platform>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
