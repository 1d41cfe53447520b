//! .NET: SDKs and runtimes from Microsoft's release metadata, chosen by channel, range or `global.json`.
//!
//! The documents list a SHA-512 for every archive. Nothing is signed, so the proof is [`Level::Checksum`].

use std::fs;
use std::path::Path;

use async_trait::async_trait;

use super::shared::platforms;
use super::{Card, Error, Layout, ProjectFile, SharedRoot, Toolchain, UsualPipeline, VersionProof};
use crate::model::{
    Activation, Algorithm, Arch, Artifact, BadChannel, BadVersion, Candidate, Channel, Choice, Digest, Format, Level,
    Libc, Os, Platform, Policy, Proof, Release, Version, Within,
};
use crate::net::Metadata;

mod choice;
mod documents;
mod environment;
pub mod global_json;
mod grammar;
pub mod host;
mod locked;
mod proposal;
mod reading;
mod roll_forward;
pub mod settings;

use documents::{File, Published};
use reading::Reading;

/// One of the three components that are published as archives.
#[derive(Debug)]
pub struct Dotnet {
    card: Card<'static>,
    component: Component,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Component {
    Sdk,
    Runtime,
    AspNetCore,
}

/// The SDK: compiler, command line and the runtimes of its own version.
pub const SDK: Dotnet = Dotnet {
    component: Component::Sdk,
    card: Card {
        name: Component::Sdk.name(),
        aliases: &["dotnet-sdk", "dotnetcore", "dotnet-core"],
        about: ".NET SDK",
        spellings: &[
            ("lts", "the newest stable SDK of the newest supported long-term channel"),
            ("sts", "the newest stable SDK of a standard-term (STS) channel; may be older than lts"),
            ("latest", "the newest stable SDK of the supported channels"),
            ("preview", "the newest SDK, previews and release candidates included"),
            ("10, 10.0, 10.0.x", "the newest stable SDK of a line, supported or not"),
            ("11.0-preview", "the newest SDK of a line, previews and release candidates included"),
            ("10.0.1xx", "the newest stable SDK of a feature band"),
            ("10.0.302", "one version, also a prerelease"),
            ("^10.0, >=8 <10, 8 || 9", "the newest in a semantic-version range"),
        ],
        project_files: &[ProjectFile { name: "global.json", read: global_json::read, ..ProjectFile::BLANK }],
        markers: &["*.sln", "*.slnx", "*.csproj", "*.fsproj", "*.vbproj"],
        pipeline: UsualPipeline {
            restore: &["dotnet restore"],
            build: &["dotnet build --no-restore --configuration Release"],
            test: &["dotnet test --no-build --configuration Release --logger trx --results-directory test-results"],
            reports: &[("trx", "test-results/**/*.trx")],
        },
        propose: proposal::propose,
        // The host selects an SDK, by the nearest `global.json`.
        version_proof: Some(VersionProof {
            command: &["dotnet", "--version"],
            prefix: "",
            overridden_by: &["global.json"],
        }),
        user_programs: environment::user_programs,
        patches: Within::Band,
        // `--version` would fail under a `global.json` that requests another SDK.
        smoke_test: &["dotnet", "--list-sdks"],
        ..CARD
    },
};

/// The name of the SDK as a tool.
pub const SDK_NAME: &str = Component::Sdk.name();

/// The runtime alone.
pub const RUNTIME: Dotnet = Dotnet {
    component: Component::Runtime,
    card: Card {
        name: Component::Runtime.name(),
        about: ".NET runtime",
        version_proof: Some(VersionProof {
            command: &["dotnet", "--list-runtimes"],
            prefix: "Microsoft.NETCore.App ",
            overridden_by: &[],
        }),
        ..RUNTIME_CARD
    },
};

/// The runtime with ASP.NET Core.
pub const ASPNETCORE: Dotnet = Dotnet {
    component: Component::AspNetCore,
    card: Card {
        name: Component::AspNetCore.name(),
        aliases: &["aspnetcore", "aspnet", "dotnet-aspnetcore"],
        about: ".NET runtime with ASP.NET Core",
        version_proof: Some(VersionProof {
            command: &["dotnet", "--list-runtimes"],
            prefix: "Microsoft.AspNetCore.App ",
            overridden_by: &[],
        }),
        ..RUNTIME_CARD
    },
};

/// What all three have in common.
const CARD: Card<'static> = Card {
    default_channel: "lts",
    executables: &["dotnet"],
    redirected_by: environment::REDIRECTED_BY,
    // ICU, and the libraries that its native parts are linked with (<https://learn.microsoft.com/dotnet/core/install/linux-debian>).
    debian_packages: &["libicu76", "libssl3t64", "libstdc++6"],
    layout: Layout::Shared(ROOT),
    ..Card::BLANK
};

/// What both runtimes have in common.
const RUNTIME_CARD: Card<'static> = Card {
    spellings: &[
        ("lts", "the newest stable runtime of the newest supported long-term channel"),
        ("sts", "the newest stable runtime of a standard-term (STS) channel; may be older than lts"),
        ("latest", "the newest stable runtime of the supported channels"),
        ("preview", "the newest runtime, previews and release candidates included"),
        ("10, 10.0, 10.0.x", "the newest stable runtime of a line, supported or not"),
        ("11.0-preview", "the newest runtime of a line, previews and release candidates included"),
        ("10.0.10", "one version, also a prerelease"),
        ("^10.0, >=8 <10, 8 || 9", "the newest in a semantic-version range"),
    ],
    smoke_test: &["dotnet", "--list-runtimes"],
    ..CARD
};

/// `DOTNET_ROOT`, which SDKs and runtimes share. SDKs of one major ship different manifests, templates and packs under the
/// same versions; those of the newer install are the ones that its SDK was tested with.
///
/// `dotnet workload install` puts manifests, packs and its records into it
/// (<https://github.com/dotnet/designs/blob/main/accepted/2020/workloads/workload-installation.md>).
pub const ROOT: SharedRoot = SharedRoot {
    name: "dotnet",
    rank: newest_host,
    overlapping: &["sdk-manifests", "templates", "packs"],
    added: &["library-packs", "metadata", "packs", "sdk-manifests", "template-packs", "tool-packs"],
};

impl Component {
    const fn name(self) -> &'static str {
        match self {
            Self::Sdk => "dotnet",
            Self::Runtime => "dotnet-runtime",
            Self::AspNetCore => "aspnetcore-runtime",
        }
    }

    fn noun(self) -> &'static str {
        if self == Self::Sdk { "SDK" } else { "runtime" }
    }

    /// Returns the prefix of its archives' names.
    fn archive(self) -> &'static str {
        if self == Self::Sdk { "dotnet-sdk" } else { self.name() }
    }
}

#[async_trait]
impl Toolchain for Dotnet {
    fn card(&self) -> Card<'_> {
        self.card
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
        Reading::new(self.component, policy, metadata).candidates(channel).await
    }

    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        choice::choose(self.component, channel, candidates, policy)
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        let policy = Policy::on(jiff::civil::Date::MAX); // nothing is chosen here, so its rules do not matter
        let reading = Reading::new(self.component, &policy, metadata);
        let document = reading.document_of(version).await?;
        let published = document.published(self.component, version);
        let published = published.expect("`document_of` returns a document that has the version");
        let file = self.file(published, version, platform)?;
        Ok(self.card.release(version, platform, vec![artifact(file)?]))
    }

    /// Returns the folder of the muxer, and the variables that make it quiet and self-contained.
    ///
    /// `DOTNET_MULTILEVEL_LOOKUP=0` is set only for hosts before .NET 7, which on Windows also search Program Files.
    fn activation(&self, root: &Path) -> Activation {
        let mut vars = vec![
            ("DOTNET_ROOT".to_owned(), root.display().to_string()),
            ("DOTNET_CLI_TELEMETRY_OPTOUT".to_owned(), "1".to_owned()),
            ("DOTNET_NOLOGO".to_owned(), "1".to_owned()),
        ];
        if newest_host(root).is_some_and(|host| host.semver().major < 7) {
            vars.push(("DOTNET_MULTILEVEL_LOOKUP".to_owned(), "0".to_owned()));
        }
        Activation { paths: vec![root.to_owned()], vars, ..Activation::default() }
    }

    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        Version::parse(text)
    }

    fn check_locked(&self, release: &Release) -> Result<(), String> {
        locked::check(self.component, self.card.name, release)
    }
}

/// Returns the newest `host/fxr/<version>` at a root: the host that the muxer there runs.
fn newest_host(root: &Path) -> Option<Version> {
    let folders = fs::read_dir(root.join("host").join("fxr")).ok()?.flatten();
    folders.filter_map(|folder| Version::parse(folder.file_name().to_str()?).ok()).max()
}

impl Dotnet {
    /// Finds the archive for a platform by its name, because a `rid` also has installers, packs and composite runtimes.
    fn file<'a>(&self, published: &'a Published, version: &Version, platform: Platform) -> Result<&'a File, Error> {
        let name = self.archive_name(platform);
        let found = name.and_then(|name| published.files.iter().find(|file| file.name == name));
        found.ok_or_else(|| {
            let platforms: Vec<String> = self.platforms(published).map(|platform| platform.to_string()).collect();
            platforms::not_published(self.card.name, version, platform, &platforms)
        })
    }

    fn archive_name(&self, platform: Platform) -> Option<String> {
        Some(format!("{}-{}.{}", self.component.archive(), rid(platform)?, extension(platform)))
    }

    /// Lists the platforms for which there is an archive.
    fn platforms(&self, published: &Published) -> impl Iterator<Item = Platform> {
        let is_there = |name: &str| published.files.iter().any(|file| file.name == name);
        platforms::every(&[Arch::Amd64, Arch::Arm64, Arch::Arm])
            .filter(move |platform| self.archive_name(*platform).is_some_and(|name| is_there(&name)))
    }
}

fn extension(platform: Platform) -> &'static str {
    if platform.os == Os::Windows { "zip" } else { "tar.gz" }
}

/// Returns .NET's runtime identifier of a platform.
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

/// Turns a published file into an artifact.
fn artifact(file: &File) -> Result<Artifact, Error> {
    let url = documents::accepted(&file.url)
        .map_err(|reason| Error::Document { url: format!("the entry of {}", file.name), reason })?;
    let hash = file.hash.as_deref().unwrap_or_default();
    let digest = Digest::from_hex(Algorithm::Sha512, hash).map_err(|bad| {
        let reason = if hash.is_empty() { "none is published".to_owned() } else { bad.reason };
        Error::UnusableChecksum { url: url.to_string(), reason }
    })?;
    let format = Format::from_name(&file.name).expect("the name was made with a known extension");
    let proof = Proof { level: Level::Checksum, source: documents::HOST.to_owned() };
    Ok(Artifact { url, digest, proof, size: None, format, strip: 0 })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::model::{Explain, Kind, Phase, Prefer, Train};
    use crate::net::{self, Document};

    const INDEX: &str = r#"{"releases-index": [
        {"channel-version": "2.1", "latest-sdk": "2.1.818", "support-phase": "eol", "eol-date": "2021-08-21", "release-type": "lts"},
        {"channel-version": "9.0", "latest-sdk": "9.0.101", "support-phase": "sleepy", "eol-date": "2026-11-10", "release-type": "sts"},
        {"channel-version": "11.0", "latest-sdk": "11.0.100-rc.1", "support-phase": "go-live", "release-type": "sts",
         "releases.json": "https://dotnetcli.azureedge.net/dotnet/release-metadata/11.0/releases.json"},
        {"channel-version": "10.0", "latest-sdk": "10.0.2000", "support-phase": "active", "eol-date": null, "release-type": "lts",
         "releases.json": "https://example.org/10.0/releases.json", "new-field": [1]}]}"#;

    const TEN: &str = r#"{"channel-version": "10.0", "eol-date": "2028-11-14", "support-phase": "active", "releases": [
        {"release-date": "2026-07-14", "security": true, "runtime": {"version": "10.0.10"}, "aspnetcore-runtime": null,
         "sdk": {"version": "10.0.302", "files": [
            {"name": "dotnet-sdk-linux-x64.tar.gz", "rid": "linux-x64", "url": "https://builds.dotnet.microsoft.com/a.tar.gz", "hash": "HASH"},
            {"name": "dotnet-sdk-linux-arm64.tar.gz", "url": "https://builds.dotnet.microsoft.com/b.tar.gz", "hash": ""},
            {"name": "dotnet-sdk-linux-arm.tar.gz", "url": "https://builds.dotnet.microsoft.com/c.tar.gz"},
            {"name": "dotnet-sdk-osx-x64.pkg", "url": "https://builds.dotnet.microsoft.com/d.pkg", "hash": "HASH"},
            {"name": "dotnet-sdk-osx-arm64.tar.gz", "url": "http://builds.dotnet.microsoft.com/e.tar.gz", "hash": "HASH"}]},
         "sdks": [{"version": "10.0.110"}]},
        {"release-date": "2026-06-09", "runtime": null, "sdk": {"version": "10.0.301"}, "sdks": []},
        {"release-date": "soon", "security": null, "sdk": {"version": "10.0.300", "version-display": null}, "sdks": null},
        {"release-date": "2026-05-12", "sdk": {"version": "../../etc"}},
        {"release-date": "2025-10-14", "sdk": {"version": "10.0.100-rc.2.25502.107"}}]}"#;

    const ELEVEN: &str = r#"{"channel-version": "11.0", "releases": [
        {"release-date": "2026-09-08", "sdk": {"version": "11.0.100-rc.1"}}]}"#;

    const NINE: &str = r#"{"channel-version": "9.0", "eol-date": "null", "releases": [
        {"release-date": "2024-12-03", "sdks": [{"version": "9.0.100"}, {"version": "9.0.101"}]}]}"#;

    /// Serves the four documents above.
    #[derive(Default)]
    struct Small {
        reads: Mutex<Vec<String>>,
        warnings: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Metadata for Small {
        async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
            let name = document.url.path().trim_start_matches("/dotnet/release-metadata/").to_owned();
            let text = match name.as_str() {
                "releases-index.json" => format!("\u{feff}{INDEX}"),
                "9.0/releases.json" => NINE.to_owned(),
                "10.0/releases.json" => TEN.replace("HASH", &"aB".repeat(64)),
                "11.0/releases.json" => ELEVEN.to_owned(),
                _ => return Err(net::Error::Changed { url: document.url.to_string() }),
            };
            (document.check)(text.as_bytes()).unwrap();
            self.reads.lock().unwrap().push(name);
            Ok(text.into_bytes())
        }

        fn warn(&self, warning: &str) {
            self.warnings.lock().unwrap().push(warning.to_owned());
        }
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn choose(metadata: &Small, spec: &str, day: &str) -> Result<Choice, Error> {
        let channel = SDK.channel(spec).unwrap();
        let policy = Policy::on(day.parse().unwrap());
        Ok(SDK.choose(&channel, &wait(SDK.candidates(&channel, &policy, metadata))?, &policy))
    }

    #[test]
    fn small_documents_give_the_right_picks() {
        for (spec, day, expected) in [
            ("lts", "2026-11-23", "10.0.302"),
            ("sts", "2026-11-10", "9.0.101"),
            ("latest", "2026-11-23", "10.0.302"),
            ("preview", "2026-11-23", "11.0.100-rc.1"),
            ("10", "2026-11-23", "10.0.302"),
            ("10.0.1xx", "2026-11-23", "10.0.110"),
            ("10.0.301", "2026-11-23", "10.0.301"),
            ("9 || 10", "2026-11-23", "10.0.302"),
            ("<10", "2026-11-23", "9.0.101"),
        ] {
            let choice = choose(&Small::default(), spec, day).unwrap();
            assert_eq!(choice.pick.unwrap().version.as_str(), expected, "{spec}");
        }
        let choice = choose(&Small::default(), "sts", "2026-11-23").unwrap();
        assert!(choice.pick.is_none());
        assert!(choice.rule.contains("11.0 has only prereleases"), "{}", choice.rule);
        assert!(choice.rule.contains("9.0 reached end of life on 2026-11-10"), "{}", choice.rule);
    }

    #[test]
    fn what_is_odd_in_the_documents_is_warned_of_and_never_picked() {
        let metadata = Small::default();
        let choice = choose(&metadata, "latest", "2026-11-10").unwrap();
        assert_eq!(choice.pick.unwrap().version.as_str(), "10.0.302");
        let warnings = metadata.warnings.lock().unwrap().join("\n");
        assert!(warnings.contains("dotnet 10.0.2000, which is missing from the releases of 10.0"), "{warnings}");
        assert!(warnings.contains("unexpected URL for 10.0 (example.org is not a host"), "{warnings}");
        let metadata = Small::default();
        choose(&metadata, "<10", "2026-11-10").unwrap();
        let warnings = metadata.warnings.lock().unwrap().join("\n");
        assert!(warnings.contains("9.0: unknown support phase `sleepy`"), "{warnings}");
    }

    #[test]
    fn an_index_entry_and_the_head_of_its_document_complete_each_other() {
        let choice = choose(&Small::default(), "lts", "2026-11-23").unwrap();
        let support = choice.pick.unwrap().support;
        assert_eq!((support.phase, support.train), (Phase::Active, Some(Train::Lts)));
        assert_eq!(support.eol.unwrap().to_string(), "2028-11-14"); // null in the index
    }

    #[test]
    fn a_release_without_a_date_is_held_back_where_dates_matter() {
        let channel = SDK.channel("10.0.300").unwrap();
        let mut policy = Policy::on("2026-11-23".parse().unwrap());
        policy.minimum_age = 3;
        let candidates = wait(SDK.candidates(&channel, &policy, &Small::default())).unwrap();
        let choice = SDK.choose(&channel, &candidates, &policy);
        assert!(choice.pick.is_none() && choice.rule.contains("release date is not known"), "{}", choice.rule);
    }

    #[test]
    fn a_file_is_taken_only_with_a_digest_and_over_https() {
        let version = Version::parse("10.0.302").unwrap();
        let release = |platform: &str| wait(SDK.release(&version, platform.parse().unwrap(), &Small::default()));
        let good = release("linux/amd64").unwrap();
        assert_eq!(good.artifacts[0].digest.to_string(), format!("sha512:{}", "ab".repeat(64)));
        assert_eq!(good.artifacts[0].proof.source, "builds.dotnet.microsoft.com");
        for (platform, kind, part) in [
            ("linux/arm64", Kind::Integrity, "none is published"),
            ("linux/arm", Kind::Integrity, "none is published"),
            ("darwin/arm64", Kind::Upstream, "not a plain https URL"),
            ("darwin/amd64", Kind::Usage, "linux/amd64, linux/arm64, linux/arm and darwin/arm64, not for darwin/amd64"),
            ("windows/amd64", Kind::Usage, "not for windows/amd64"),
        ] {
            let error = release(platform).unwrap_err();
            assert!(error.kind() == kind && error.to_string().contains(part), "{error}");
        }
    }

    #[test]
    fn a_channel_that_does_not_exist_is_told_from_one_that_cannot_be_read() {
        let error = choose(&Small::default(), "12.0.100", "2026-11-23").unwrap_err();
        assert_eq!(error.to_string(), "no dotnet release matches `12.0.100`");
        assert_eq!(error.hints(), ["similar versions are 11.0, 10.0, 9.0"]);
        let error = choose(&Small::default(), "2.1.500", "2026-11-23").unwrap_err();
        assert!(matches!(error, Error::Metadata { .. }), "{error}");
    }

    #[test]
    fn rolling_forward_reads_only_the_channels_on_its_way() {
        for (sdk, prefer, reads, expected) in [
            ("9.0.101", Prefer::Named, "9", "9.0.101"),
            ("9.0.100", Prefer::Newest, "9", "9.0.101"),
            ("9.0.100 latestMajor", Prefer::Named, "9", "9.0.100"),
            ("9.0.100 latestMajor", Prefer::Newest, "9 index 11 10", "10.0.302"),
            ("9.0.100 major", Prefer::Newest, "9", "9.0.101"),
            ("9.0.200 major", Prefer::Named, "9 index 10", "10.0.110"),
            ("9.0.200 minor", Prefer::Named, "9 index", "-"),
            ("8.0.100 major", Prefer::Named, "index 9", "9.0.101"),
        ] {
            let (version, rule) = sdk.split_once(' ').unwrap_or((sdk, "patch"));
            let json = format!(r#"{{"sdk": {{"version": "{version}", "rollForward": "{rule}"}}}}"#);
            let (channel, metadata) = (global_json::read(&json).unwrap().channel.unwrap(), Small::default());
            let policy = Policy { prefer, ..Policy::on("2026-11-10".parse().unwrap()) };
            let choice = SDK.choose(&channel, &wait(SDK.candidates(&channel, &policy, &metadata)).unwrap(), &policy);
            assert_eq!(choice.pick.map_or("-".to_owned(), |pick| pick.version.to_string()), expected, "{sdk}");
            let read = metadata.reads.lock().unwrap().join(" ");
            assert_eq!(read.replace(".0/releases.json", "").replace("releases-index.json", "index"), reads, "{sdk}");
        }
    }

    #[test]
    fn an_install_is_quiet_and_self_contained() {
        let root = tempfile::tempdir().unwrap();
        let names = |root: &Path| SDK.activation(root).vars.into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(root.path()), ["DOTNET_ROOT", "DOTNET_CLI_TELEMETRY_OPTOUT", "DOTNET_NOLOGO"]);
        for (host, expected) in [("6.0.36", true), ("10.0.10", false), ("9.0.18", false)] {
            fs::create_dir_all(root.path().join("host/fxr").join(host)).unwrap();
            assert_eq!(names(root.path()).contains(&"DOTNET_MULTILEVEL_LOOKUP".to_owned()), expected, "{host}");
        }
        assert_eq!((ROOT.rank)(root.path()).unwrap().as_str(), "10.0.10");
    }
}
