//! Which processors a build ran on, by its environment type
//! (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>, `type`).

use std::fmt;

/// A kind of processor that Linux builds run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// Intel and AMD.
    Amd64,
    /// Graviton.
    Arm64,
}

impl Architecture {
    /// Reads an environment type. Windows, macOS and GPU have no counterpart on the other side, and neither has a type that
    /// is newer than this program.
    #[must_use]
    pub fn of(environment_type: &str) -> Option<Self> {
        match environment_type {
            "LINUX_CONTAINER" | "LINUX_EC2" | "LINUX_LAMBDA_CONTAINER" => Some(Self::Amd64),
            "ARM_CONTAINER" | "ARM_EC2" | "ARM_LAMBDA_CONTAINER" => Some(Self::Arm64),
            _ => None,
        }
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
