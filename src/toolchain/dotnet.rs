//! .NET: SDKs and runtimes from Microsoft's release metadata, chosen by channel, range or `global.json`.
//!
//! The documents carry a SHA-512 for every archive; nothing is signed, so [`Level::Checksum`] is all there is.

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;

use crate::model::{
    Activation, Algorithm, Arch, Artifact, BadChannel, Candidate, Channel, Choice, Digest, Format, Level, Libc, Os,
    Platform, Policy, Proof, Release, ToolName, Version,
};
use crate::net::Metadata;
use crate::toolchain::{Error, ProjectFile, Toolchain};

mod choice;
mod documents;
pub mod global_json;
mod grammar;
pub mod host;
mod reading;
pub mod settings;

use documents::{File, Published};
use reading::Reading;

/// The SDK: compiler, command line and the runtimes of its own version.
pub const SDK: &Dotnet = &Dotnet { component: Component::Sdk };
/// The runtime alone.
pub const RUNTIME: &Dotnet = &Dotnet { component: Component::Runtime };
/// The runtime with ASP.NET Core.
pub const ASPNETCORE: &Dotnet = &Dotnet { component: Component::AspNetCore };

/// One of the three components that are published as archives.
#[derive(Debug)]
pub struct Dotnet {
    component: Component,
}

/// What of a release is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    Sdk,
    Runtime,
    AspNetCore,
}

impl Component {
    /// Gives the tool's name.
    fn name(self) -> &'static str {
        match self {
            Self::Sdk => "dotnet",
            Self::Runtime => "dotnet-runtime",
            Self::AspNetCore => "aspnetcore-runtime",
        }
    }

    fn noun(self) -> &'static str {
        if self == Self::Sdk { "SDK" } else { "runtime" }
    }

    /// Gives the start of its archives' names.
    fn archive(self) -> &'static str {
        if self == Self::Sdk { "dotnet-sdk" } else { self.name() }
    }
}

#[async_trait]
impl Toolchain for Dotnet {
    fn name(&self) -> &'static str {
        self.component.name()
    }

    fn aliases(&self) -> &'static [&'static str] {
        match self.component {
            Component::Sdk => &["dotnet-sdk", "dotnetcore"],
            Component::Runtime | Component::AspNetCore => &[],
        }
    }

    fn about(&self) -> &'static str {
        match self.component {
            Component::Sdk => ".NET SDK",
            Component::Runtime => ".NET runtime",
            Component::AspNetCore => ".NET runtime with ASP.NET Core",
        }
    }

    fn spellings(&self) -> &'static [(&'static str, &'static str)] {
        match self.component {
            Component::Sdk => &[
                ("lts", "the newest stable SDK of the newest supported long-term channel"),
                ("sts", "the same of the standard-term channels; it may be older than lts"),
                ("latest", "the newest stable SDK of the supported channels"),
                ("preview", "the newest SDK, previews and release candidates included"),
                ("10, 10.0, 10.0.x", "the newest stable SDK of a line, also when the line has ended"),
                ("10.0.1xx", "the newest stable SDK of a feature band"),
                ("10.0.302", "one version, prereleases too"),
                ("^10.0, >=8 <10, 8 || 9", "the newest in a semantic-version range"),
            ],
            Component::Runtime | Component::AspNetCore => &[
                ("lts", "the newest stable runtime of the newest supported long-term channel"),
                ("sts", "the same of the standard-term channels; it may be older than lts"),
                ("latest", "the newest stable runtime of the supported channels"),
                ("preview", "the newest runtime, previews and release candidates included"),
                ("10, 10.0, 10.0.x", "the newest stable runtime of a line, also when the line has ended"),
                ("10.0.10", "one version, prereleases too"),
                ("^10.0, >=8 <10, 8 || 9", "the newest in a semantic-version range"),
            ],
        }
    }

    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        grammar::channel(self.component, text)
    }

    async fn candidates(
        &self,
        channel: &Channel,
        policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        Reading { component: self.component, policy, metadata }.candidates(channel).await
    }

    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        choice::choose(self.component, channel, candidates, policy)
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        let policy = Policy::on(jiff::civil::Date::MAX); // choosing is over; no rule of it matters here
        let reading = Reading { component: self.component, policy: &policy, metadata };
        let document = reading.document_of(version).await?;
        let published = document.published(self.component, version);
        let published = published.expect("`document_of` gives a document that has the version");
        let file = self.file(published, version, platform)?;
        Ok(Release {
            tool: ToolName::parse(self.name()).expect("the three names follow the grammar of names"),
            version: version.clone(),
            platform,
            artifacts: vec![artifact(file)?],
        })
    }

    /// Gives the folder of the muxer and the variables that make it quiet and self-contained.
    ///
    /// `DOTNET_MULTILEVEL_LOOKUP=0` only for a host before .NET 7, which on Windows would also look into Program Files.
    fn activation(&self, root: &Path) -> Activation {
        let mut vars = vec![
            ("DOTNET_ROOT".to_owned(), root.display().to_string()),
            ("DOTNET_CLI_TELEMETRY_OPTOUT".to_owned(), "1".to_owned()),
            ("DOTNET_NOLOGO".to_owned(), "1".to_owned()),
        ];
        if newest_host(root).is_some_and(|host| host.semver().major < 7) {
            vars.push(("DOTNET_MULTILEVEL_LOOKUP".to_owned(), "0".to_owned()));
        }
        Activation { paths: vec![root.to_owned()], vars }
    }

    fn executables(&self, platform: Platform) -> Vec<PathBuf> {
        vec![PathBuf::from(if platform.os == Os::Windows { "dotnet.exe" } else { "dotnet" })]
    }

    fn shared_root(&self) -> Option<&'static str> {
        Some("dotnet")
    }

    fn rank(&self, root: &Path) -> Option<Version> {
        newest_host(root)
    }

    fn project_files(&self) -> &'static [ProjectFile] {
        match self.component {
            Component::Sdk => &[ProjectFile { name: "global.json", read: global_json::read }],
            Component::Runtime | Component::AspNetCore => &[],
        }
    }

    /// Lists what is installed instead of printing the version, which fails under a `global.json` that wants another one.
    fn smoke_test(&self) -> &'static [&'static str] {
        match self.component {
            Component::Sdk => &["dotnet", "--list-sdks"],
            Component::Runtime | Component::AspNetCore => &["dotnet", "--list-runtimes"],
        }
    }
}

/// Finds the newest `host/fxr/<version>` at a root: the host that the muxer there would run.
fn newest_host(root: &Path) -> Option<Version> {
    let folders = fs::read_dir(root.join("host").join("fxr")).ok()?.flatten();
    folders.filter_map(|folder| Version::parse(folder.file_name().to_str()?).ok()).max()
}

impl Dotnet {
    /// Finds the archive for the platform by its name: one `rid` also has installers, packs and composite runtimes.
    fn file<'a>(&self, published: &'a Published, version: &Version, platform: Platform) -> Result<&'a File, Error> {
        let name = self.archive_name(platform);
        let found = name.and_then(|name| published.files.iter().find(|file| file.name == name));
        found.ok_or_else(|| Error::NoSuchPlatform {
            tool: self.name().to_owned(),
            version: version.to_string(),
            platform,
            published: in_words(&self.platforms(published)),
        })
    }

    fn archive_name(&self, platform: Platform) -> Option<String> {
        let extension = if platform.os == Os::Windows { "zip" } else { "tar.gz" };
        Some(format!("{}-{}.{extension}", self.component.archive(), rid(platform)?))
    }

    /// Lists the platforms for which there is an archive.
    fn platforms(&self, published: &Published) -> Vec<Platform> {
        let is_there = |name: &str| published.files.iter().any(|file| file.name == name);
        all_platforms().filter(|platform| self.archive_name(*platform).is_some_and(|name| is_there(&name))).collect()
    }
}

fn all_platforms() -> impl Iterator<Item = Platform> {
    let arches = [Arch::Amd64, Arch::Arm64, Arch::Arm];
    let systems = [(Os::Linux, None), (Os::Linux, Some(Libc::Musl)), (Os::Darwin, None), (Os::Windows, None)];
    systems.into_iter().flat_map(move |(os, libc)| arches.into_iter().map(move |arch| Platform { os, arch, libc }))
}

/// Gives .NET's name for a platform, its runtime identifier.
fn rid(platform: Platform) -> Option<String> {
    let os = match (platform.os, platform.libc) {
        (Os::Linux, None) => "linux",
        (Os::Linux, Some(Libc::Musl)) => "linux-musl",
        (Os::Darwin, _) => "osx",
        (Os::Windows, _) => "win",
    };
    let arch = match platform.arch {
        Arch::Amd64 => "x64",
        Arch::Arm64 => "arm64",
        Arch::Arm => "arm",
        Arch::S390x | Arch::Ppc64le | Arch::Riscv64 => return None,
    };
    Some(format!("{os}-{arch}"))
}

fn in_words(platforms: &[Platform]) -> String {
    let names: Vec<String> = platforms.iter().map(ToString::to_string).collect();
    match names.as_slice() {
        [] => "no platform as an archive".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// Turns a published file into what is fetched.
fn artifact(file: &File) -> Result<Artifact, Error> {
    let url = documents::accepted(&file.url)
        .map_err(|reason| Error::Document { url: format!("the entry of {}", file.name), reason })?;
    let hash = file.hash.as_deref().unwrap_or_default();
    let digest = Digest::from_hex(Algorithm::Sha512, hash).map_err(|bad| {
        let reason = if hash.is_empty() { "none is announced".to_owned() } else { bad.reason };
        Error::NoDigest { url: url.to_string(), reason }
    })?;
    let format = Format::from_name(&file.name).expect("the name was made with an extension that is known");
    let proof = Proof { level: Level::Checksum, source: format!("releases.json of {}", documents::HOST) };
    Ok(Artifact { url, digest, proof, size: None, format, strip: 0 })
}
