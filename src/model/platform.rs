//! Operating system, processor and C library, in one spelling.

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

    /// Reads `os/arch[/libc]`, with the spellings people know: `x86_64`, `x64`, `aarch64`, `macos`, `osx`.
    fn from_str(text: &str) -> Result<Self, BadPlatform> {
        let bad = |reason: String| BadPlatform { text: text.to_owned(), reason };
        let mut parts = text.split('/');
        let os = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "linux" => Os::Linux,
            "darwin" | "macos" | "macosx" | "osx" | "mac" => Os::Darwin,
            "windows" | "win" => Os::Windows,
            other => {
                return Err(bad(format!(
                    "unknown operating system `{other}`; expected one of: linux, darwin, windows"
                )));
            }
        };
        let arch = match parts.next().unwrap_or_default().to_ascii_lowercase().as_str() {
            "amd64" | "x86_64" | "x86-64" | "x64" => Arch::Amd64,
            "arm64" | "aarch64" | "arm64v8" => Arch::Arm64,
            "arm" | "armv6l" | "armv7l" | "armhf" => Arch::Arm,
            "s390x" => Arch::S390x,
            "ppc64le" => Arch::Ppc64le,
            "riscv64" => Arch::Riscv64,
            "" => return Err(bad("the architecture is missing, as in linux/arm64".to_owned())),
            other => {
                return Err(bad(format!(
                    "unknown architecture `{other}`; expected one of: amd64, arm64, arm, s390x, ppc64le, riscv64"
                )));
            }
        };
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
        ] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_platform_is_named() {
        for text in ["", "linux", "linux/", "linux/mips", "plan9/amd64", "darwin/arm64/musl", "linux/amd64/musl/x"] {
            let error = text.parse::<Platform>().unwrap_err();
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
