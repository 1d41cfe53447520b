//! `[pipeline]` in `toolkit.toml`: what the project's pipeline does, on any service. An unknown key is an error with its
//! line and a suggestion; nothing here is ever executed.

mod read;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Arch;

/// What a pipeline does, independent of the service that runs it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Pipeline {
    /// The project's name, in image and cache names. The folder's name when it is left out.
    pub name: Option<String>,
    /// The architectures to build for, each on its own machines; those of `platforms` when left out.
    pub architectures: Vec<Architecture>,
    /// The folder below the repository in which commands run.
    pub directory: Option<String>,
    /// How long a job may run: "90 minutes".
    pub timeout: Option<Duration>,
    /// How often a job is retried, 0 to 2, when its machine fails or is reclaimed (a spot interruption).
    pub retry: Option<u32>,
    /// Plain environment variables. Never secrets.
    pub environment: BTreeMap<String, String>,
    /// Secret variables and where they are kept.
    pub secrets: BTreeMap<String, Secret>,
    /// The commands, step by step.
    pub steps: Steps,
    /// The image to build, if any.
    pub container: Option<Container>,
    /// Test reports and coverage.
    pub reports: Vec<Report>,
    /// Files to keep.
    pub artifacts: Option<Artifacts>,
    /// Folders to keep between builds.
    pub cache: Option<Cache>,
    /// When images are pushed and `publish` runs.
    pub push: Push,
    /// How a job gets the toolchains.
    pub install: Install,
    /// Access to Amazon Web Services.
    pub aws: Option<Aws>,
    /// Images that jobs run in, by builder or purpose, instead of the built-in ones: `kaniko = "…@sha256:…"`.
    pub images: BTreeMap<String, String>,
    /// Keys for buildspec files only.
    pub codebuild: CodeBuild,
    /// Keys for GitLab pipelines only.
    pub gitlab: GitLab,
    /// The CI image of `gen dockerfile`.
    pub dockerfile: Dockerfile,
    /// The runners of `gen runner`.
    pub runner: Runner,
}

/// An architecture that pipelines can build for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Architecture {
    /// x86-64.
    #[serde(alias = "x86_64", alias = "x64")]
    Amd64,
    /// 64-bit Arm: Graviton.
    #[serde(alias = "aarch64", alias = "graviton")]
    Arm64,
}

/// Commands, one shell line each.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Steps {
    /// Fetches dependencies: `dotnet restore`, `go mod download`.
    pub restore: Vec<String>,
    /// Compiles.
    pub build: Vec<String>,
    /// Tests.
    pub test: Vec<String>,
    /// Runs once, after everything else succeeded, where [`Push`] allows it.
    pub publish: Vec<String>,
}

/// The image that a pipeline builds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Container {
    /// Where it is pushed, without a tag. May use variables of the service (`$CI_REGISTRY_IMAGE/app`). GitLab's own
    /// registry when left out; CodeBuild needs one.
    pub repository: Option<String>,
    /// The Dockerfile; `Dockerfile` when left out.
    pub dockerfile: Option<String>,
    /// The build context; `.` when left out.
    pub context: Option<String>,
    /// The stage to build; the last when left out.
    pub target: Option<String>,
    /// Build arguments. Values may use variables of the service.
    pub arguments: BTreeMap<String, String>,
    /// Labels. Values may use variables of the service.
    pub labels: BTreeMap<String, String>,
    /// Tags in addition to the commit's, pushed where [`Push`] allows it: `latest`, `$CI_COMMIT_TAG`.
    pub tags: Vec<String>,
    /// The program that builds it; when left out, kaniko on GitLab and docker on CodeBuild.
    pub builder: Option<Builder>,
    /// The program that joins the architectures into one index; when left out, buildah on GitLab and docker on CodeBuild.
    pub manifest: Option<Manifest>,
    /// Commands that run inside the image just built, on each architecture.
    pub test: Vec<String>,
    /// Whether layers are cached in the registry; true when left out.
    pub cache: Option<bool>,
}

/// A program that builds images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// The maintained fork of kaniko: in an unprivileged container.
    Kaniko,
    /// Buildah.
    Buildah,
    /// Podman.
    Podman,
    /// BuildKit without a daemon.
    Buildkit,
    /// Docker, which needs a privileged daemon.
    Docker,
}

/// A program that assembles an index of several architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Manifest {
    /// `buildah manifest`.
    Buildah,
    /// `podman manifest`.
    Podman,
    /// `docker buildx imagetools create`.
    Docker,
    /// `toolkit image index`.
    Toolkit,
}

/// A test or coverage report.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Report {
    /// The report group's name on CodeBuild; "tests" or "coverage" when left out.
    pub name: Option<String>,
    /// The format of its files.
    pub format: ReportFormat,
    /// The files, as globs.
    pub files: Vec<String>,
    /// The folder in which the globs begin.
    pub directory: Option<String>,
}

/// The format of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    /// JUnit XML.
    Junit,
    /// Visual Studio's TRX.
    Trx,
    /// NUnit 2 XML.
    Nunit,
    /// NUnit 3 XML.
    Nunit3,
    /// TestNG XML.
    Testng,
    /// Cucumber JSON.
    Cucumber,
    /// Cobertura XML (coverage).
    Cobertura,
    /// JaCoCo XML (coverage).
    Jacoco,
    /// Clover XML (coverage).
    Clover,
    /// SimpleCov JSON (coverage).
    Simplecov,
}

/// Files to keep.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Artifacts {
    /// The files, as globs.
    pub files: Vec<String>,
    /// Globs of files to leave out.
    pub exclude: Vec<String>,
    /// The folder in which the globs begin.
    pub directory: Option<String>,
    /// How long GitLab keeps them: "1 week".
    pub expire: Option<String>,
}

/// Folders to keep between builds. Its key has the lock's digest, the operating system and the architecture.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Cache {
    /// The folders.
    pub paths: Vec<String>,
    /// Files whose content is part of the key: `go.sum`, `packages.lock.json`. At most two on GitLab.
    pub files: Vec<String>,
}

/// When images are pushed. Merge requests do not push unless this allows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Push {
    /// Branches; the default branch alone when left out (`$CI_DEFAULT_BRANCH` on GitLab, `main` on CodeBuild).
    pub branches: Option<Vec<String>>,
    /// Whether git tags push.
    pub tags: bool,
    /// Whether merge requests push.
    pub merge_requests: bool,
}

impl Default for Push {
    fn default() -> Self {
        Self { branches: None, tags: true, merge_requests: false }
    }
}

/// A secret variable and where it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Secret {
    /// A parameter of AWS Systems Manager Parameter Store: `{ parameter-store = "/app/password" }`.
    ParameterStore(String),
    /// A secret of AWS Secrets Manager: `{ secrets-manager = "app/database:password" }`.
    SecretsManager(String),
}

/// How a job gets the toolchains.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Install {
    /// The method.
    pub method: Method,
    /// The toolkit program itself, for `method = "toolkit"`; already in the image when left out.
    pub bootstrap: BTreeMap<Architecture, Bootstrap>,
}

/// A way to install toolchains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The runtimes of the job's image, if it has exactly the locked versions on every architecture; else toolkit, if a
    /// bootstrap is set; else portable.
    #[default]
    Auto,
    /// CodeBuild's `runtime-versions`.
    RuntimeVersions,
    /// `toolkit install --locked`.
    Toolkit,
    /// Plain POSIX shell with pinned URLs and digests: no toolkit at build time.
    Portable,
    /// Nothing: the image has everything.
    Image,
}

/// Where to download the toolkit program.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Bootstrap {
    /// The program's URL: the executable itself, or a `.tar.gz` that contains `toolkit`.
    pub url: url::Url,
    /// Its digest: `sha256:…`.
    pub digest: String,
}

/// Access to Amazon Web Services.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Aws {
    /// The role that GitLab jobs assume with their `id_tokens`.
    pub role: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The audience of the token; the GitLab server's address when left out.
    pub audience: Option<String>,
}

/// Keys for buildspec files only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CodeBuild {
    /// Where the file is written; `buildspec.yml` when left out.
    pub file: Option<String>,
    /// One build or a graph; a graph when there is more than one architecture.
    pub shape: Option<Shape>,
    /// The build image of each architecture; the newest curated Amazon Linux image when left out.
    pub image: BTreeMap<Architecture, String>,
    /// The size of machines: `small`, `medium`, `large`, `xlarge`, `2xlarge`.
    pub compute: Option<String>,
    /// Runtimes of the curated image that this program does not provide: `java = "corretto21"`, `python = "3.13"`.
    pub runtimes: BTreeMap<String, String>,
    /// Variables that later actions of a CodePipeline may read.
    pub exported_variables: Vec<String>,
    /// The shell: `bash`, or `/bin/sh` when left out.
    pub shell: Option<String>,
    /// The CodeBuild project that runs it, which `build start` starts when none is named.
    pub project: Option<String>,
}

/// How many builds a buildspec describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// One, on one architecture.
    Single,
    /// A batch: one for each architecture, then one that joins them.
    Batch,
}

/// Keys for GitLab pipelines only.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GitLab {
    /// Where the file is written; `.gitlab-ci.yml` when left out.
    pub file: Option<String>,
    /// Whose machines run the jobs.
    pub runners: Runners,
    /// Whether architectures are one job with a matrix or a job each; a job each on CodeBuild's runners.
    pub jobs: Option<Jobs>,
    /// The tags of each architecture's runners; its name when left out.
    pub tags: BTreeMap<Architecture, Vec<String>>,
    /// The CodeBuild project of `runners = "codebuild"`.
    pub project: Option<String>,
    /// The size of CodeBuild's or GitLab's machines.
    pub size: Option<String>,
    /// The image of jobs that run steps.
    pub image: Option<String>,
}

/// Whose machines run GitLab's jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runners {
    /// Your own, selected by tags.
    #[default]
    Tags,
    /// CodeBuild's.
    Codebuild,
    /// GitLab's.
    Gitlab,
}

/// How GitLab's jobs are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Jobs {
    /// One job with `parallel: matrix`.
    Matrix,
    /// A job for each architecture.
    Plain,
}

/// The CI image of `gen dockerfile`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dockerfile {
    /// Where the file is written; `ci.Dockerfile` when left out.
    pub file: Option<String>,
    /// The image it builds on.
    pub base: Option<String>,
    /// Packages of the base image's distribution to add.
    pub packages: Vec<String>,
    /// The user that jobs run as; root when left out.
    pub user: Option<String>,
}

/// The runners of `gen runner`: GitLab Runner on EKS with Karpenter.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Runner {
    /// The folder that is written; `runner` when left out.
    pub folder: Option<String>,
    /// The GitLab server; `https://gitlab.com` when left out.
    pub url: Option<String>,
    /// The Kubernetes namespace; `gitlab-runner` when left out.
    pub namespace: Option<String>,
    /// The EKS cluster's name, by which subnets and security groups are found.
    pub cluster: Option<String>,
    /// The IAM role of the nodes.
    pub node_role: Option<String>,
    /// The version of the gitlab-runner chart.
    pub chart: Option<String>,
    /// How many jobs run at once for each architecture; 10 when left out.
    pub concurrent: Option<u32>,
    /// Whether jobs run on spot machines; true when left out.
    pub spot: Option<bool>,
    /// The image of jobs that name none.
    pub image: Option<String>,
    /// What a job's container requests: `cpu = "2"`, `memory = "4Gi"`.
    pub requests: BTreeMap<String, String>,
    /// The S3 bucket of the shared cache.
    pub cache_bucket: Option<String>,
    /// The AMI alias of the nodes.
    pub ami: Option<String>,
}

/// A span of time: "90 minutes".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    /// Its length in minutes.
    pub minutes: u32,
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let span: Result<jiff::SignedDuration, _> = text.parse();
        let minutes = span.ok().map(|span| span.as_mins()).filter(|minutes| (1..=2160).contains(minutes));
        let minutes = minutes.and_then(|minutes| u32::try_from(minutes).ok());
        minutes.map(|minutes| Self { minutes }).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "`{text}` is not a time such as \"90 minutes\", between 1 minute and 36 hours"
            ))
        })
    }
}

impl Architecture {
    /// Returns the name in images, tags and Kubernetes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns what `uname -m` prints on it.
    #[must_use]
    pub const fn machine(self) -> &'static str {
        match self {
            Self::Amd64 => "x86_64",
            Self::Arm64 => "aarch64",
        }
    }

    /// Returns the processor as toolchains know it.
    #[must_use]
    pub const fn arch(self) -> Arch {
        match self {
            Self::Amd64 => Arch::Amd64,
            Self::Arm64 => Arch::Arm64,
        }
    }
}
