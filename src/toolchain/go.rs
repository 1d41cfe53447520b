//! The Go toolchain, from go.dev or the module proxy: its release index, file names, support policy and project files.
//!
//! Sources: <https://go.dev/dl/?mode=json&include=all>, <https://go.dev/doc/devel/release> and
//! <https://go.dev/doc/toolchain>.

mod choose;
mod documents;
mod gotoolchain;
mod proxy;
mod sumdb;
mod version;
mod version_files;
mod work_files;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use self::documents::{Dated, Entry, File, History};
use self::proxy::Proxy;
use super::shared::locked::Expected;
use super::shared::{locked, platforms, semantic};
use super::{Card, Error, ProjectFile, Role, Toolchain, UsualPipeline, VersionProof};
use crate::model::{
    Activation, Algorithm, Arch, Artifact, BadChannel, BadVersion, Candidate, Channel, Choice, Digest, Format, Level,
    Os, Phase, Platform, Policy, Proof, Release, Support, Version,
};
use crate::net::{Document, Metadata};

pub use self::work_files::prevailing;

/// Go from go.dev.
pub const GO: Go = Go { upstream: Upstream::GoDev };

/// The Go toolchain from one of its upstreams.
#[derive(Debug)]
pub struct Go {
    upstream: Upstream,
}

#[derive(Debug)]
enum Upstream {
    /// One archive per platform, with the SHA-256 of go.dev's index.
    GoDev,
    /// A module, with the hash that the checksum database proves.
    Proxy(Proxy),
}

const CARD: Card<'static> = Card {
    name: "go",
    aliases: &["golang"],
    about: "the Go toolchain, from go.dev",
    spellings: SPELLINGS,
    sources: &[GOPROXY],
    settings: gotoolchain::SETTINGS,
    project_files: PROJECT_FILES,
    pipeline: UsualPipeline {
        restore: &["go mod download"],
        build: &["go build ./..."],
        test: &["go vet ./...", "go test ./..."],
        reports: &[],
    },
    propose: work_files::propose,
    executables: &["bin/go", "bin/gofmt"],
    redirected_by: gotoolchain::REDIRECTED_BY,
    user_programs: gotoolchain::user_programs,
    // It prints the toolchain that `GOTOOLCHAIN`, `go.work` and `go.mod` select.
    version_proof: Some(VersionProof {
        command: &["go", "version"],
        prefix: "go",
        overridden_by: &["go.work", "go.mod"],
    }),
    smoke_test: &["go", "version"],
    ..Card::BLANK
};

/// Who publishes the digests of go.dev's index, as proofs name it.
const SOURCE: &str = "go.dev";

/// The archives have one folder, `go`.
const STRIP: usize = 1;

/// The name of the module proxy as a source.
const GOPROXY: &str = "goproxy";

/// The spellings, for every source.
const SPELLINGS: &[(&str, &str)] = &[
    ("latest", "the newest release; `stable` means the same"),
    ("oldstable", "the newest patch of the second newest minor, which is still supported"),
    ("1", "the newest release of Go 1; also `1.x`"),
    ("1.22", "the newest patch of 1.22; also `1.22.x`, `go1.22`"),
    ("1.22.5", "this release; also `go1.22.5`; `1.20.0` is the release that Go calls go1.20"),
    ("1.27rc3", "this prerelease; prereleases are chosen only by name"),
    ("^1.22", "a semantic-version range; also `>=1.21 <1.23`, `1.21 || 1.22`"),
];

/// The `go` line is a minimum (<https://go.dev/doc/toolchain#config>). With `GOTOOLCHAIN=auto` an older Go gets what it needs
/// by itself.
const MINIMUM: Role = Role::Minimum { lifted_by: ("toolchain", "auto") };

/// The files that request a version of Go, in order of precedence within a folder.
const PROJECT_FILES: &[ProjectFile] = &[
    ProjectFile {
        name: "go.work",
        ending: Some(".work"),
        role: MINIMUM,
        read: work_files::read_go_work,
        workspace: Some(work_files::WORKSPACE),
    },
    ProjectFile { name: "go.mod", ending: Some(".mod"), role: MINIMUM, read: work_files::read_go_mod, workspace: None },
    ProjectFile { name: ".go-version", role: Role::Pin, read: version_files::read_go_version, ..ProjectFile::BLANK },
];

#[async_trait]
impl Toolchain for Go {
    fn card(&self) -> Card<'_> {
        CARD
    }

    fn channel(&self, text: &str) -> Result<Channel, BadChannel> {
        version::channel(text)
    }

    async fn candidates(
        &self,
        channel: &Channel,
        policy: &Policy,
        metadata: &dyn Metadata,
    ) -> Result<Vec<Candidate>, Error> {
        match &self.upstream {
            Upstream::GoDev => go_dev_candidates(channel, policy, metadata).await,
            Upstream::Proxy(proxy) => proxy.candidates(channel, policy, metadata).await,
        }
    }

    fn choose(&self, channel: &Channel, candidates: &[Candidate], policy: &Policy) -> Choice {
        choose::choose(channel, candidates, policy)
    }

    async fn release(&self, version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
        match &self.upstream {
            Upstream::GoDev => go_dev_release(version, platform, metadata).await,
            Upstream::Proxy(proxy) => proxy.release(version, platform, metadata).await,
        }
    }

    fn check_locked(&self, release: &Release) -> Result<(), String> {
        let artifact = locked::only_file(release)?;
        match &self.upstream {
            Upstream::GoDev => expected(&release.version, release.platform).check(artifact),
            Upstream::Proxy(_) => proxy::expected(&release.version, release.platform).check(artifact),
        }
    }

    fn version(&self, text: &str) -> Result<Version, BadVersion> {
        version::release(text).map_or_else(|| Version::parse(text), Ok)
    }

    fn activation(&self, root: &Path) -> Activation {
        gotoolchain::activation(root)
    }

    fn with_source(&self, source: &str) -> Option<Arc<dyn Toolchain>> {
        (source == GOPROXY)
            .then(|| Arc::new(Self { upstream: Upstream::Proxy(Proxy::default()) }) as Arc<dyn Toolchain>)
    }
}

/// Reads the short index for a moving name, and the full one otherwise or where dates matter: the short one has only the
/// releases of today.
async fn go_dev_candidates(
    channel: &Channel,
    policy: &Policy,
    metadata: &dyn Metadata,
) -> Result<Vec<Candidate>, Error> {
    let moving = matches!(channel, Channel::Name(_)) && !policy.needs_dates();
    let document = if moving { documents::short_index() } else { documents::full_index() };
    let entries = read_index(&document, metadata).await?;
    let versions: Vec<Version> = entries.into_iter().filter(is_installable).map(|entry| entry.version).collect();
    let history = match channel {
        Channel::Exact(exact) if !policy.needs_dates() && has_newer_patch(exact, &versions) => fixes(metadata).await,
        _ => read_history(policy, metadata).await?,
    };
    Ok(candidates(versions, &history))
}

fn has_newer_patch(exact: &Version, versions: &[Version]) -> bool {
    let is_newer = |other: &Version| other > exact && line(other) == line(exact) && !other.is_prerelease();
    !exact.is_prerelease() && versions.iter().any(is_newer)
}

/// Reads which releases fix security problems, for a warning; without the document there is none.
async fn fixes(metadata: &dyn Metadata) -> History {
    let document = documents::history();
    metadata.read(&document).await.map(|bytes| documents::parse_history(&bytes)).unwrap_or_default()
}

async fn go_dev_release(version: &Version, platform: Platform, metadata: &dyn Metadata) -> Result<Release, Error> {
    let entries = index_with(version, metadata).await?;
    let Some(entry) = entries.iter().find(|entry| entry.version == *version && is_installable(entry)) else {
        let known = entries.iter().filter(|entry| is_installable(entry)).map(|entry| &entry.version);
        return Err(no_such_version(version, known));
    };
    let name = archive_name(&entry.version, platform);
    let Some(file) = entry.files.iter().find(|file| file.filename == name && file.kind == "archive") else {
        return Err(platforms::not_published(CARD.name, &entry.version, platform, &published(entry)));
    };
    let artifacts = vec![artifact(file, platform)?];
    Ok(CARD.release(&entry.version, platform, artifacts))
}

/// Reads the index that lists the version: the short one if it is in memory and has it, else the full one.
async fn index_with(version: &Version, metadata: &dyn Metadata) -> Result<Vec<Entry>, Error> {
    let short = documents::short_index();
    if metadata.holds(&short) {
        let entries = read_index(&short, metadata).await?;
        if entries.iter().any(|entry| entry.version == *version) {
            return Ok(entries);
        }
    }
    read_index(&documents::full_index(), metadata).await
}

async fn read(document: &Document, metadata: &dyn Metadata) -> Result<Vec<u8>, Error> {
    metadata.read(document).await.map_err(|source| Error::Metadata { tool: CARD.name.to_owned(), source })
}

async fn read_index(document: &Document, metadata: &dyn Metadata) -> Result<Vec<Entry>, Error> {
    let bytes = read(document, metadata).await?;
    let (entries, unknown) =
        documents::parse_index(&bytes).map_err(|reason| Error::Document { url: document.url.to_string(), reason })?;
    if !unknown.is_empty() {
        metadata.warn(&format!(
            "{} lists releases with unknown names, which are left out: {}",
            document.url,
            unknown.join(", ")
        ));
    }
    Ok(entries)
}

/// Reads release dates if the policy needs them, and nothing otherwise.
async fn read_history(policy: &Policy, metadata: &dyn Metadata) -> Result<History, Error> {
    if !policy.needs_dates() {
        return Ok(History::new());
    }
    let document = documents::history();
    let history = documents::parse_history(&read(&document, metadata).await?);
    if history.is_empty() {
        let reason = "it has no release with a date".to_owned();
        return Err(Error::Document { url: document.url.to_string(), reason });
    }
    Ok(history)
}

/// Returns true if the release has an archive, with a regular name, for at least one platform.
fn is_installable(entry: &Entry) -> bool {
    entry.files.iter().any(|file| file.kind == "archive" && has_regular_name(file, &entry.version))
}

fn has_regular_name(file: &File, version: &Version) -> bool {
    let stem = format!("go{version}.{}-{}", file.os, file.arch);
    file.filename.strip_prefix(&stem).is_some_and(|rest| matches!(rest, ".tar.gz" | ".zip"))
}

/// Adds to each version the support of its line and its release date.
fn candidates(mut versions: Vec<Version>, history: &History) -> Vec<Candidate> {
    versions.sort_by(|a, b| b.cmp(a));
    let mut lines: Vec<(u64, u64)> = versions.iter().filter(|version| !version.is_prerelease()).map(line).collect();
    lines.dedup();
    let candidate = |version: Version| {
        let dated: Option<&Dated> = history.get(&version);
        let (released, security) = (dated.map(|dated| dated.date), dated.is_some_and(|dated| dated.security));
        Candidate { released, security, support: support(line(&version), &lines, history), version }
    };
    versions.into_iter().map(candidate).collect()
}

fn line(version: &Version) -> (u64, u64) {
    (version.semver().major, version.semver().minor)
}

/// Applies Go's policy: a minor is supported until there are two newer ones (<https://go.dev/doc/devel/release#policy>), so
/// it reaches end of life when the second newer one is released.
fn support(line: (u64, u64), lines: &[(u64, u64)], history: &History) -> Support {
    let newer = lines.iter().take_while(|other| **other > line).count();
    let phase = match newer {
        0 if !lines.contains(&line) => Phase::Preview,
        0 | 1 => Phase::Active,
        _ => Phase::Eol,
    };
    let successor = (newer >= 2).then(|| lines[newer - 2]);
    let first = successor.and_then(|(major, minor)| version::release(&format!("{major}.{minor}.0")));
    let eol = first.and_then(|first| history.get(&first)).map(|dated| dated.date);
    Support { line: format!("{}.{}", line.0, line.1), phase, train: None, eol }
}

/// Returns the name of the archive for a platform. The toolchain is static, so one archive serves glibc and musl.
fn archive_name(version: &Version, platform: Platform) -> String {
    let arch = match (platform.os, platform.arch) {
        (Os::Linux, Arch::Arm) => "armv6l",
        (_, arch) => arch.as_str(),
    };
    let extension = if platform.os == Os::Windows { "zip" } else { "tar.gz" };
    format!("go{version}.{}-{arch}.{extension}", platform.os.as_str())
}

/// Returns what a lock says about the archive of a release.
fn expected(version: &Version, platform: Platform) -> Expected<'static> {
    Expected {
        url: download(&archive_name(version, platform)),
        algorithm: Some(Algorithm::Sha256),
        proofs: &[(Level::Checksum, SOURCE)],
        format: Format::from_name(&archive_name(version, platform)),
        strip: STRIP,
    }
}

fn download(file: &str) -> Url {
    documents::document(&format!("https://go.dev/dl/{file}"), None, |_| Ok(())).url
}

fn artifact(file: &File, platform: Platform) -> Result<Artifact, Error> {
    let url = download(&file.filename);
    let digest = Digest::from_hex(Algorithm::Sha256, &file.sha256).map_err(|bad| {
        let none = "go.dev publishes none; releases before 1.6 have only a SHA-1, which is not secure".to_owned();
        let reason = if file.sha256.is_empty() { none } else { bad.reason };
        Error::UnusableChecksum { url: url.to_string(), reason }
    })?;
    let proof = Proof { level: Level::Checksum, source: SOURCE.to_owned() };
    let size = (file.size > 0).then_some(file.size);
    let format = if platform.os == Os::Windows { Format::Zip } else { Format::TarGz };
    Ok(Artifact { url, digest, proof, size, format, strip: STRIP })
}

fn no_such_version<'a>(version: &Version, known: impl Iterator<Item = &'a Version>) -> Error {
    let near = semantic::near(version, known);
    Error::NoSuchVersion { tool: CARD.name.to_owned(), version: version.to_string(), near }
}

fn published(entry: &Entry) -> Vec<String> {
    let plain = entry.files.iter().filter(|file| file.kind == "archive" && has_regular_name(file, &entry.version));
    let arch = |arch: &str| if arch == "armv6l" { "arm".to_owned() } else { arch.to_owned() };
    platforms::names(plain.map(|file| format!("{}/{}", file.os, arch(&file.arch))))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::net;

    const HISTORY: &str = "<h2>go1.27.0 (released 2026-08-19)</h2> <p>go1.26.7 (released 2026-08-19) includes fixes.</p>\
        <p>go1.26.6 (released 2026-08-13) includes 2 security fixes</p> <h2>go1.26.0 (released 2026-02-10)</h2>\
        <p>go1.25.14 (released 2026-08-19) includes fixes</p> <p>go1.21.0 (released 2023-08-08)</p>\
        <p>go1.20.1 (released 2023-02-14) includes security fixes</p> <h2>go1.20 (released 2023-02-01)</h2>";

    /// Serves a small go.dev and counts what is read.
    struct FakeUpstream {
        reads: Mutex<Vec<String>>,
        warnings: Mutex<Vec<String>>,
    }

    /// Writes an index of the given versions, each with archives for three platforms and the odd rows of the real one.
    fn index(versions: &[&str]) -> String {
        let file = |version: &str, place: &str, kind: &str, sha256: &str| {
            let (os, arch) = place.split_once('-').unwrap_or_default();
            let dot = if place.is_empty() { "src" } else { place };
            let end = match (os, kind) {
                (_, "installer") => "msi",
                ("windows", _) => "zip",
                _ => "tar.gz",
            };
            format!(
                r#"{{"filename":"go{version}.{dot}.{end}","os":"{os}","arch":"{arch}","version":"go{version}","sha256":"{sha256}","size":7,"kind":"{kind}"}}"#
            )
        };
        let entry = |version: &&str| {
            let digest = if *version == "1.4" { String::new() } else { "ab".repeat(32) };
            let files = [
                file(version, "", "source", &digest),
                file(version, "linux-amd64", "archive", &digest),
                file(version, "linux-armv6l", "archive", &digest),
                file(version, "windows-amd64", "installer", &digest),
                file(version, "windows-amd64", "archive", &digest),
            ];
            let stable = !version.contains("rc");
            format!(r#"{{"version":"go{version}","stable":{stable},"files":[{}]}}"#, files.join(","))
        };
        let bootstrap = r#"{"version":"go1","stable":true,"files":[{"filename":"go1.4-bootstrap-20170518.tar.gz","os":"4","arch":"bootstrap","version":"go1","sha256":"","size":1,"kind":"archive"}]}"#;
        let entries: Vec<_> = versions.iter().map(entry).chain([bootstrap.to_owned()]).collect();
        format!("[{}]", entries.join(","))
    }

    #[async_trait]
    impl Metadata for FakeUpstream {
        async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
            let url = document.url.as_str();
            let (name, text) = match url.strip_prefix("https://go.dev/").unwrap() {
                "dl/?mode=json" => ("short", index(&["1.27.0", "1.26.7"])),
                "dl/?mode=json&include=all" => {
                    let all =
                        ["1.27.0", "1.27rc1", "1.26.7", "1.26.6", "1.26.0", "1.25.14", "1.21.0", "1.20.1", "1.20"];
                    ("full", index(&[&all[..], &["1.4", "1.28alpha1"]].concat()))
                }
                _ => ("history", HISTORY.to_owned()),
            };
            assert_eq!((document.check)(text.as_bytes()), Ok(()));
            self.reads.lock().unwrap().push(name.to_owned());
            Ok(text.into_bytes())
        }

        fn warn(&self, warning: &str) {
            self.warnings.lock().unwrap().push(warning.to_owned());
        }
    }

    fn upstream() -> FakeUpstream {
        FakeUpstream { reads: Mutex::default(), warnings: Mutex::default() }
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn each_request_reads_what_it_needs_and_picks_the_right_release() {
        let plain = Policy::on("2026-11-23".parse().unwrap());
        let as_of = |day: &str| Policy { as_of: true, ..Policy::on(day.parse().unwrap()) };
        let aged = Policy { minimum_age: 3, ..Policy::on("2026-08-20".parse().unwrap()) };
        for (ask, policy, reads, pick, released) in [
            ("latest", &plain, "short", "1.27.0", None),
            ("oldstable", &plain, "short", "1.26.7", None),
            ("1", &plain, "full", "1.27.0", None),
            ("1.26", &plain, "full", "1.26.7", None),
            ("1.26.6", &plain, "full history", "1.26.6", Some("2026-08-13")),
            ("1.20", &plain, "full", "1.20.1", None),
            ("1.20.0", &plain, "full history", "1.20", Some("2023-02-01")),
            ("1.27rc1", &plain, "full", "1.27rc1", None),
            ("1.0", &plain, "full", "none", None),
            (">=1.20 <1.26", &plain, "full", "1.25.14", None),
            ("latest", &as_of("2026-08-18"), "full history", "1.26.6", Some("2026-08-13")),
            ("oldstable", &as_of("2026-08-19"), "full history", "1.26.7", Some("2026-08-19")),
            ("latest", &as_of("2023-02-01"), "full history", "1.20", Some("2023-02-01")),
            ("latest", &aged, "full history", "1.26.6", Some("2026-08-13")),
            ("1.27rc1", &aged, "full history", "none", None),
        ] {
            let upstream = upstream();
            let channel = GO.channel(ask).unwrap();
            let candidates = run(GO.candidates(&channel, policy, &upstream)).unwrap();
            let choice = GO.choose(&channel, &candidates, policy);
            assert_eq!(choice.pick.as_ref().map_or("none", |pick| pick.version.as_str()), pick, "{ask}");
            assert_eq!(choice.verdicts.len(), candidates.len(), "{ask}");
            let day = choice.pick.and_then(|pick| pick.released).map(|day| day.to_string());
            assert_eq!(day.as_deref(), released, "{ask}");
            assert_eq!(upstream.reads.lock().unwrap().join(" "), reads, "{ask}");
            let warned = upstream.warnings.lock().unwrap().join(" ");
            assert_eq!(warned.contains("go1.28alpha1"), reads != "short", "{ask}: {warned}");
        }
    }

    #[test]
    fn a_release_is_one_archive_or_a_clear_error() {
        let release = |name: &str, platform: &str| {
            run(GO.release(&version::release(name).unwrap(), platform.parse().unwrap(), &upstream()))
        };
        for (name, platform, file) in [
            ("1.20.0", "linux/amd64", "go1.20.linux-amd64.tar.gz"),
            ("1.21.0", "linux/amd64/musl", "go1.21.0.linux-amd64.tar.gz"),
            ("1.27rc1", "linux/arm", "go1.27rc1.linux-armv6l.tar.gz"),
            ("1.26.7", "windows/amd64", "go1.26.7.windows-amd64.zip"),
        ] {
            let release = release(name, platform).unwrap();
            assert_eq!(release.artifacts[0].file_name(), file);
            assert_eq!(release.artifacts[0].url.as_str(), format!("https://go.dev/dl/{file}"));
            assert_eq!(release.artifacts[0].size, Some(7));
        }
        assert!(matches!(release("1.4", "linux/amd64"), Err(Error::UnusableChecksum { .. })));
        assert!(matches!(release("1.99.0", "linux/amd64"), Err(Error::NoSuchVersion { .. })));
        let error = release("1.26.7", "linux/arm64").unwrap_err().to_string();
        assert!(
            error.contains("published for linux/amd64, linux/arm and windows/amd64, not for linux/arm64"),
            "{error}"
        );
    }

    #[test]
    fn a_lock_can_name_every_release_in_gos_own_spelling() {
        for (text, semver) in [("1.20", "1.20.0"), ("1.27rc3", "1.27.0-rc.3"), ("1.22.5", "1.22.5")] {
            let version = GO.version(text).unwrap();
            assert_eq!((version.as_str(), version.semver().to_string().as_str()), (text, semver));
        }
        assert!(GO.version("1").is_err() && GO.version("go1.20").is_err());
    }
}
