//! CodeBuild's curated images: which exist for which environment, and which runtimes each carries
//! (<https://github.com/aws/aws-codebuild-docker-images>, state of 2026-04-09).

/// A curated image.
#[derive(Debug)]
pub struct Image {
    /// Its identifier.
    pub id: &'static str,
    /// The environment type that runs it.
    pub environment: &'static str,
    /// The architecture, as Go spells it.
    pub arch: &'static str,
    /// Its runtimes.
    pub runtimes: &'static [Runtime],
    /// Where it hides a `global.json` above the source, which then chooses the .NET SDK.
    pub global_json: &'static [&'static str],
}

/// What an image carries of one language.
#[derive(Debug)]
pub struct Runtime {
    /// The name under `runtime-versions`.
    pub name: &'static str,
    /// The versions that may be asked for, beside exact ones where [`Runtime::any`].
    pub versions: &'static [&'static str],
    /// The full versions that are in the image, newest first.
    pub exact: &'static [&'static str],
    /// Whether any exact version can be asked for and is then downloaded, unverified, when the build starts.
    pub any: bool,
}

/// The images that AWS maintains.
pub const CURATED: &[Image] = &[
    Image {
        id: "aws/codebuild/amazonlinux-x86_64-standard:6.0",
        environment: "LINUX_CONTAINER",
        arch: "amd64",
        runtimes: &[
            Runtime { name: "dotnet", versions: &["10.0", "8.0"], exact: &["10.0.101", "8.0.416"], any: true },
            Runtime {
                name: "golang",
                versions: &["1.26", "1.25", "1.24"],
                exact: &["1.26.0", "1.25.7", "1.24.13"],
                any: true,
            },
        ],
        global_json: &["/codebuild/global.json", "/global.json"],
    },
    Image {
        id: "aws/codebuild/amazonlinux-aarch64-standard:4.0",
        environment: "ARM_CONTAINER",
        arch: "arm64",
        runtimes: &[
            Runtime { name: "dotnet", versions: &["10.0", "8.0"], exact: &["10.0.103", "8.0.418"], any: true },
            Runtime {
                name: "golang",
                versions: &["1.26", "1.25", "1.24"],
                exact: &["1.26.1", "1.25.8", "1.24.13"],
                any: true,
            },
        ],
        global_json: &["/global.json"],
    },
];

/// Finds a curated image.
#[must_use]
pub fn curated(id: &str) -> Option<&'static Image> {
    CURATED.iter().find(|image| image.id == id)
}

impl Image {
    /// Finds a runtime.
    #[must_use]
    pub fn runtime(&self, name: &str) -> Option<&'static Runtime> {
        self.runtimes.iter().find(|runtime| runtime.name == name)
    }
}
