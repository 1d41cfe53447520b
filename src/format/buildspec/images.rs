//! CodeBuild's curated images, their environments and their runtimes
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
    /// Where it has a `global.json` above the source, which then selects the .NET SDK.
    pub global_json: &'static [&'static str],
    /// The SDK line that this `global.json` requests.
    pub global_json_line: &'static str,
    /// Where `runtime-versions: dotnet` writes another `global.json`, relative to the source directory.
    pub dotnet_writes: &'static str,
}

/// The versions of one language in an image.
#[derive(Debug)]
pub struct Runtime {
    /// The name under `runtime-versions`.
    pub name: &'static str,
    /// The versions that can be requested, in addition to exact ones if [`Runtime::any`].
    pub versions: &'static [&'static str],
    /// The full versions that are in the image, newest first.
    pub exact: &'static [&'static str],
    /// Whether any exact version can be requested; it is then downloaded, unverified, when the build starts.
    pub any: bool,
    /// The version that is active if `runtime-versions` does not name the runtime; empty if there is none.
    pub default: &'static str,
}

/// The images that AWS maintains.
pub const CURATED: &[Image] = &[
    // For this image and for aarch64 3.0 the files of that date were not completely available: the versions of Java,
    // Python, PHP, Ruby and Node.js are those of the x86_64 image of the same age, and `exact` has only what is
    // certain.
    Image {
        id: "aws/codebuild/standard:7.0",
        environment: "LINUX_CONTAINER",
        arch: "amd64",
        runtimes: &[
            runtime("java", JAVA, &[], "corretto17"),
            runtime("golang", OLD_GO, &["1.26.0", "1.20.14"], "1.20"),
            runtime("python", OLD_PYTHON, &[], "3.11"),
            runtime("php", PHP, &[], "8.2"),
            runtime("ruby", OLD_RUBY, &[], "3.2"),
            runtime("nodejs", OLD_NODE, &[], "18"),
            runtime("dotnet", OLD_DOTNET, &["10.0.101", "8.0.411", "6.0.428"], "6.0"),
        ],
        global_json: &["/codebuild/global.json", "/global.json"],
        global_json_line: "6.0",
        dotnet_writes: ".",
    },
    Image {
        id: "aws/codebuild/standard:8.0",
        environment: "LINUX_CONTAINER",
        arch: "amd64",
        runtimes: &[
            runtime("java", JAVA, &[], "corretto25"),
            runtime("golang", GO, &["1.26.0", "1.25.7", "1.24.13"], "1.26"),
            runtime("rust", &["1.93"], &["1.93.1"], "1.93"),
            runtime("python", PYTHON, PYTHON_EXACT, "3.14"),
            runtime("php", PHP, PHP_EXACT, "8.4"),
            runtime("ruby", RUBY, RUBY_EXACT, "4.0"),
            runtime("nodejs", NODE, &["24.14.0", "22.22.0"], "24"),
            runtime("dotnet", DOTNET, &["10.0.101", "8.0.416"], "10.0"),
        ],
        global_json: &["/codebuild/global.json", "/global.json"],
        global_json_line: "10.0",
        dotnet_writes: "..",
    },
    Image {
        id: "aws/codebuild/amazonlinux-x86_64-standard:5.0",
        environment: "LINUX_CONTAINER",
        arch: "amd64",
        runtimes: &[
            runtime("java", JAVA, &[], "corretto17"),
            runtime("golang", OLD_GO, OLD_GO_EXACT, "1.20"),
            runtime("python", OLD_PYTHON, OLD_PYTHON_EXACT, "3.11"),
            runtime("php", PHP, PHP_EXACT, "8.2"),
            runtime("ruby", OLD_RUBY, OLD_RUBY_EXACT, "3.2"),
            runtime("nodejs", OLD_NODE, OLD_NODE_EXACT, "18"),
            runtime("dotnet", OLD_DOTNET, &["10.0.101", "8.0.416", "6.0.428"], "6.0"),
        ],
        global_json: &["/codebuild/global.json", "/global.json"],
        global_json_line: "6.0",
        dotnet_writes: ".",
    },
    Image {
        id: "aws/codebuild/amazonlinux-x86_64-standard:6.0",
        environment: "LINUX_CONTAINER",
        arch: "amd64",
        runtimes: &[
            runtime("java", JAVA, &[], "corretto25"),
            runtime("golang", GO, &["1.26.0", "1.25.7", "1.24.13"], "1.26"),
            runtime("rust", &["1.93"], &["1.93.1"], "1.93"),
            runtime("python", PYTHON, PYTHON_EXACT, "3.14"),
            runtime("php", PHP, PHP_EXACT, "8.5"),
            runtime("ruby", RUBY, RUBY_EXACT, "4.0"),
            runtime("nodejs", NODE, &["24.14.0", "22.22.0"], "24"),
            runtime("dotnet", DOTNET, &["10.0.101", "8.0.416"], "10.0"),
        ],
        global_json: &["/codebuild/global.json", "/global.json"],
        global_json_line: "10.0",
        dotnet_writes: "..",
    },
    Image {
        id: "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        environment: "ARM_CONTAINER",
        arch: "arm64",
        runtimes: &[
            runtime("java", JAVA, &[], "corretto17"),
            runtime("golang", OLD_GO, &["1.26.1", "1.20.14"], "1.20"),
            runtime("rust", &["1.94"], &["1.94.0"], ""),
            runtime("python", OLD_PYTHON, &[], "3.11"),
            runtime("php", &["8.5", "8.4", "8.3", "8.2", "8.1"], &[], ""),
            runtime("ruby", OLD_RUBY, &[], "3.2"),
            runtime("nodejs", OLD_NODE, &[], "18"),
            DOCKER,
            runtime("dotnet", OLD_DOTNET, &["10.0.103", "8.0.418", "6.0.428"], "6.0"),
        ],
        global_json: &["/codebuild/global.json", "/global.json"],
        global_json_line: "6.0",
        dotnet_writes: "..",
    },
    Image {
        id: "aws/codebuild/amazonlinux-aarch64-standard:4.0",
        environment: "ARM_CONTAINER",
        arch: "arm64",
        runtimes: &[
            runtime("java", JAVA, &[], "corretto25"),
            runtime("golang", GO, &["1.26.1", "1.25.8", "1.24.13"], "1.26"),
            runtime("rust", &["1.94"], &["1.94.0"], "1.94"),
            runtime("python", PYTHON, PYTHON_EXACT, "3.14"),
            runtime("php", PHP, PHP_EXACT, "8.5"),
            runtime("ruby", RUBY, RUBY_EXACT, "4.0"),
            runtime("nodejs", NODE, &["24.14.0", "22.22.1"], "24"),
            DOCKER,
            runtime("dotnet", DOTNET, &["10.0.103", "8.0.418"], "10.0"),
        ],
        global_json: &["/global.json"],
        global_json_line: "10.0",
        dotnet_writes: "..",
    },
];

const JAVA: &[&str] = &["corretto25", "corretto21", "corretto17", "corretto11", "corretto8"];

const GO: &[&str] = &["1.26", "1.25", "1.24"];
const OLD_GO: &[&str] = &["1.26", "1.25", "1.24", "1.23", "1.22", "1.21", "1.20"];
const OLD_GO_EXACT: &[&str] = &["1.26.0", "1.25.7", "1.24.13", "1.23.12", "1.22.12", "1.21.13", "1.20.14"];
const PYTHON: &[&str] = &["3.14", "3.13", "3.12", "3.11", "3.10"];
const PYTHON_EXACT: &[&str] = &["3.14.3", "3.13.12", "3.12.13", "3.11.15", "3.10.20"];
const OLD_PYTHON: &[&str] = &["3.14", "3.13", "3.12", "3.11", "3.10", "3.9"];
const OLD_PYTHON_EXACT: &[&str] = &["3.14.3", "3.13.12", "3.12.13", "3.11.15", "3.10.20", "3.9.25"];
const PHP: &[&str] = &["8.5", "8.4", "8.3", "8.2"];
const PHP_EXACT: &[&str] = &["8.5.3", "8.4.18", "8.3.30", "8.2.30"];
const RUBY: &[&str] = &["4.0", "3.4", "3.3"];
const RUBY_EXACT: &[&str] = &["4.0.1", "3.4.8", "3.3.10"];
const OLD_RUBY: &[&str] = &["4.0", "3.4", "3.3", "3.2", "3.1"];
const OLD_RUBY_EXACT: &[&str] = &["4.0.1", "3.4.8", "3.3.10", "3.2.10", "3.1.7"];
const NODE: &[&str] = &["24", "22"];
const OLD_NODE: &[&str] = &["24", "22", "20", "18"];
const OLD_NODE_EXACT: &[&str] = &["24.14.0", "22.22.0", "20.20.0", "18.20.8"];
const DOTNET: &[&str] = &["10.0", "8.0"];
const OLD_DOTNET: &[&str] = &["10.0", "8.0", "6.0"];

/// Changes nothing: the image prints that choosing a version of Docker is deprecated.
const DOCKER: Runtime = Runtime { name: "docker", versions: &["23"], exact: &[], any: false, default: "" };

const fn runtime(
    name: &'static str,
    versions: &'static [&'static str],
    exact: &'static [&'static str],
    default: &'static str,
) -> Runtime {
    Runtime { name, versions, exact, any: true, default }
}

/// The tags of the images for Lambda compute, `aws/codebuild/amazonlinux-{x86_64,aarch64}-lambda-standard:<tag>`. They
/// have no `runtime-versions` to choose from.
pub const LAMBDA_TAGS: &[&str] = &[
    "dotnet6",
    "dotnet8",
    "go1.21",
    "go1.24",
    "corretto11",
    "corretto17",
    "corretto21",
    "nodejs18",
    "nodejs20",
    "nodejs22",
    "nodejs24",
    "python3.11",
    "python3.12",
    "python3.13",
    "ruby3.2",
    "ruby3.4",
];

/// The names that any Linux, Windows or macOS image has had under `runtime-versions`
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html>).
pub const RUNTIME_NAMES: &[&str] =
    &["android", "docker", "dotnet", "golang", "java", "nodejs", "perl", "php", "python", "ruby", "rust"];

/// A kind of machine that CodeBuild builds on (`EnvironmentType` of its API).
#[derive(Debug, PartialEq, Eq)]
pub struct Environment {
    /// Its name.
    pub name: &'static str,
    /// The architecture, as Go spells it.
    pub arch: &'static str,
    /// The operating system, as Go spells it.
    pub os: &'static str,
    /// Whether it is Lambda compute: no root, no Docker, no cache, at most 15 minutes.
    pub lambda: bool,
}

/// Every kind of machine.
pub const ENVIRONMENTS: &[Environment] = &[
    environment("LINUX_CONTAINER", "linux", "amd64", false),
    environment("ARM_CONTAINER", "linux", "arm64", false),
    environment("LINUX_GPU_CONTAINER", "linux", "amd64", false),
    environment("LINUX_LAMBDA_CONTAINER", "linux", "amd64", true),
    environment("ARM_LAMBDA_CONTAINER", "linux", "arm64", true),
    environment("LINUX_EC2", "linux", "amd64", false),
    environment("ARM_EC2", "linux", "arm64", false),
    environment("WINDOWS_EC2", "windows", "amd64", false),
    environment("WINDOWS_CONTAINER", "windows", "amd64", false),
    environment("WINDOWS_SERVER_2019_CONTAINER", "windows", "amd64", false),
    environment("WINDOWS_SERVER_2022_CONTAINER", "windows", "amd64", false),
    environment("MAC_ARM", "darwin", "arm64", false),
];

const fn environment(name: &'static str, os: &'static str, arch: &'static str, lambda: bool) -> Environment {
    Environment { name, arch, os, lambda }
}

/// The sizes of machines for everything but Lambda.
pub const COMPUTE_TYPES: &[&str] = &[
    "BUILD_GENERAL1_SMALL",
    "BUILD_GENERAL1_MEDIUM",
    "BUILD_GENERAL1_LARGE",
    "BUILD_GENERAL1_XLARGE",
    "BUILD_GENERAL1_2XLARGE",
    "ATTRIBUTE_BASED_COMPUTE",
    "CUSTOM_INSTANCE_TYPE",
];

/// The sizes of Lambda compute.
pub const LAMBDA_COMPUTE_TYPES: &[&str] =
    &["BUILD_LAMBDA_1GB", "BUILD_LAMBDA_2GB", "BUILD_LAMBDA_4GB", "BUILD_LAMBDA_8GB", "BUILD_LAMBDA_10GB"];

/// Finds a curated image.
#[must_use]
pub fn curated(id: &str) -> Option<&'static Image> {
    CURATED.iter().find(|image| image.id == id)
}

/// Finds a kind of machine.
#[must_use]
pub fn environment_type(name: &str) -> Option<&'static Environment> {
    ENVIRONMENTS.iter().find(|environment| environment.name == name)
}

/// Returns the architecture of an AWS image, including Lambda and retired ones; `None` for other images.
#[must_use]
pub fn arch_of(image: &str) -> Option<&'static str> {
    let id = image.strip_prefix("aws/codebuild/").or_else(|| image.strip_prefix("public.ecr.aws/codebuild/"))?;
    let name = id.split(':').next().unwrap_or(id);
    match name {
        "standard" => Some("amd64"),
        _ if name.contains("aarch64") => Some("arm64"),
        _ if name.contains("x86_64") => Some("amd64"),
        _ => None,
    }
}

/// Returns true if an image is one for Lambda compute.
#[must_use]
pub fn is_lambda_image(image: &str) -> bool {
    image.starts_with("aws/codebuild/") && image.contains("-lambda-standard:")
}

/// Returns true if this is an AWS image that AWS no longer maintains.
#[must_use]
pub fn is_retired(image: &str) -> bool {
    let Some(id) = image.strip_prefix("aws/codebuild/") else { return false };
    let Some((name, tag)) = id.split_once(':') else { return false };
    let major: Option<u32> = tag.split('.').next().and_then(|major| major.parse().ok());
    let below = |first: u32| major.is_some_and(|major| major < first);
    match name {
        "standard" => below(7),
        "amazonlinux2-x86_64-standard" | "amazonlinux2-aarch64-standard" => true,
        "amazonlinux-x86_64-standard" => below(5),
        "amazonlinux-aarch64-standard" => below(3),
        _ => false,
    }
}

impl Image {
    /// Finds a runtime.
    #[must_use]
    pub fn runtime(&self, name: &str) -> Option<&'static Runtime> {
        self.runtimes.iter().find(|runtime| runtime.name == name)
    }
}

impl Environment {
    /// Returns true if a size of machine exists for it.
    #[must_use]
    pub fn has_compute(&self, compute: &str) -> bool {
        if self.lambda { LAMBDA_COMPUTE_TYPES.contains(&compute) } else { COMPUTE_TYPES.contains(&compute) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_image_goes_with_its_environment() {
        for image in CURATED {
            let environment = environment_type(image.environment).unwrap();
            assert_eq!(environment.arch, image.arch, "{}", image.id);
            assert_eq!(arch_of(image.id), Some(image.arch), "{}", image.id);
            assert!(!is_retired(image.id), "{}", image.id);
            for runtime in image.runtimes {
                assert!(RUNTIME_NAMES.contains(&runtime.name), "{}", runtime.name);
                assert!(runtime.default.is_empty() || runtime.versions.contains(&runtime.default), "{}", image.id);
                for exact in runtime.exact {
                    let line = |version: &&str| exact.starts_with(*version);
                    assert!(runtime.versions.iter().any(line), "{} {exact}", image.id);
                }
            }
        }
    }

    #[test]
    fn images_are_told_apart_by_their_names() {
        assert!(is_lambda_image("aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24"));
        for (image, arch, retired) in [
            ("aws/codebuild/standard:5.0", Some("amd64"), true),
            ("aws/codebuild/amazonlinux2-aarch64-standard:3.0", Some("arm64"), true),
            ("aws/codebuild/amazonlinux-x86_64-standard:7.0", Some("amd64"), false),
            ("public.ecr.aws/codebuild/amazonlinux-aarch64-standard:3.0", Some("arm64"), false),
            ("golang:1.27", None, false),
        ] {
            assert_eq!((arch_of(image), is_retired(image)), (arch, retired), "{image}");
        }
        assert!(environment_type("ARM_LAMBDA_CONTAINER").unwrap().has_compute("BUILD_LAMBDA_2GB"));
        assert!(!environment_type("ARM_CONTAINER").unwrap().has_compute("BUILD_LAMBDA_2GB"));
    }
}
