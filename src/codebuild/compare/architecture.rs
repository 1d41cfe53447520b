//! The processor architecture of a build, from its environment type
//! (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html>, `type`).

use std::fmt;

/// A processor architecture of Linux builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    Amd64,
    Arm64,
}

impl Architecture {
    /// Parses an environment type. Returns none for Windows, macOS and GPU, which have no counterpart, and for unknown
    /// types.
    #[must_use]
    pub fn of(environment_type: &str) -> Option<Self> {
        match environment_type {
            "LINUX_CONTAINER" | "LINUX_EC2" | "LINUX_LAMBDA_CONTAINER" => Some(Self::Amd64),
            "ARM_CONTAINER" | "ARM_EC2" | "ARM_LAMBDA_CONTAINER" => Some(Self::Arm64),
            _ => None,
        }
    }

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
