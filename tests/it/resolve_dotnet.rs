//! .NET resolution against the real release documents of 2026-07-20 and the states of the index before them.
//!
//! Expected versions were read out of the documents by hand, not computed by the code under test.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;

use async_trait::async_trait;
use toolkit::model::{Choice, Explain, Kind, Policy, Release, Unsupported, Version};
use toolkit::net::{self, Document, Metadata};
use toolkit::toolchain::{self, Error, Toolchain};

mod global_json;
mod history;
mod host;

/// Real documents by the path of their address, with some replaced; counts what is read and keeps what is warned of.
#[derive(Default)]
pub struct Upstream {
    replaced: HashMap<String, Vec<u8>>,
    /// What an earlier good answer left in the cache.
    last_good: HashMap<String, Vec<u8>>,
    reads: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
}

impl Upstream {
    fn replace(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.replaced.insert(name.to_owned(), bytes.into());
        self
    }

    fn with_last_good(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.last_good.insert(name.to_owned(), bytes.into());
        self
    }

    fn reads(&self) -> Vec<String> {
        self.reads.lock().unwrap().clone()
    }

    fn warnings(&self) -> String {
        self.warnings.lock().unwrap().join("\n")
    }
}

#[async_trait]
impl Metadata for Upstream {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
        assert_eq!(document.url.host_str(), Some("builds.dotnet.microsoft.com"));
        let name = document.url.path().strip_prefix("/dotnet/release-metadata/").unwrap().to_owned();
        self.reads.lock().unwrap().push(name.clone());
        let fresh = self.replaced.get(&name).cloned().or_else(|| std::fs::read(folder("dotnet").join(&name)).ok());
        let fresh = fresh.filter(|bytes| (document.check)(bytes).is_ok());
        let missing = || net::Error::Changed { url: document.url.to_string() };
        fresh.or_else(|| self.last_good.get(&name).cloned()).ok_or_else(missing)
    }

    fn warn(&self, warning: &str) {
        self.warnings.lock().unwrap().push(warning.to_owned());
    }
}

pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/upstream")).join(name)
}

/// Returns true if the real documents are there, and says why a test is skipped when not.
pub fn is_there() -> bool {
    let there = folder("dotnet/releases-index.json").exists();
    if !there {
        eprintln!("skipped: ../shared/upstream/dotnet is not there; the unit tests cover the rules on small documents");
    }
    there
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Reads a policy: a day, then words such as `as-of`, `deny`, `allow`, `age=3`, `newest`.
pub fn policy(text: &str) -> Policy {
    let mut words = text.split_whitespace();
    let mut policy = Policy::on(words.next().unwrap().parse().unwrap());
    for word in words {
        match word.split_once('=') {
            None if word == "as-of" => policy.as_of = true,
            None if word == "deny" => policy.unsupported = Unsupported::Deny,
            None if word == "allow" => policy.unsupported = Unsupported::Allow,
            None if word == "newest" => policy.prefer = toolkit::model::Prefer::Newest,
            Some(("age", days)) => policy.minimum_age = days.parse().unwrap(),
            _ => panic!("{word}"),
        }
    }
    policy
}

pub fn resolve(upstream: &Upstream, request: &str, rules: &str) -> Result<Choice, String> {
    let (tool, spec) = request.split_once('@').unwrap();
    let tool = toolchain::find(tool).unwrap();
    let channel = tool.channel(spec).map_err(|error| error.to_string())?;
    let policy = policy(rules);
    let candidates = wait(tool.candidates(&channel, &policy, upstream)).map_err(|error| full(&error))?;
    Ok(tool.choose(&channel, &candidates, &policy))
}

fn full(error: &Error) -> String {
    format!("{error}; {}", error.hints().join("; "))
}

const NOW: &str = "2026-11-23";
const JULY: &str = "2026-07-20 as-of";

/// Request, policy, and the pick: a version, `!` in front when a warning goes with it, or `-` and a part of the reason.
const CASES: &[(&str, &str, &str)] = &[
    // names, today: 8.0 and 9.0 ended on 2026-11-10
    ("dotnet@lts", NOW, "10.0.302"),
    ("dotnet@LTS", NOW, "10.0.302"),
    ("dotnet@latest", NOW, "10.0.302"),
    ("dotnet@preview", NOW, "11.0.100-preview.6.26359.118"),
    ("dotnet@sts", NOW, "-9.0 reached end of life on 2026-11-10"),
    ("dotnet@sts", NOW, "-11.0 has only prereleases (request one by its version, such as 11.0.100-preview.6.26359.118"),
    ("dotnet@sts", "2026-11-23 allow", "-9.0 reached end of life on 2026-11-10"),
    ("dotnet-sdk@lts", NOW, "10.0.302"),
    ("dotnetcore@lts", NOW, "10.0.302"),
    ("dotnet-runtime@lts", NOW, "10.0.10"),
    ("aspnetcore-runtime@lts", NOW, "10.0.10"),
    ("dotnet-runtime@preview", NOW, "11.0.0-preview.6.26359.118"),
    // names, in the past
    ("dotnet@sts", JULY, "9.0.316"), // older than lts
    ("dotnet@lts", JULY, "10.0.302"),
    ("dotnet@latest", JULY, "10.0.302"),
    ("dotnet@sts", "2026-11-10 as-of", "9.0.316"), // its last day
    ("dotnet@lts", "2025-11-10 as-of", "8.0.415"),
    ("dotnet@lts", "2025-11-11 as-of", "10.0.100"),
    ("dotnet@lts", "2023-11-13 as-of", "6.0.416"),
    ("dotnet@lts", "2023-11-14 as-of", "8.0.100"),
    ("dotnet@sts", "2025-06-01 as-of", "9.0.300"),
    ("dotnet@sts", "2024-05-14 as-of", "7.0.409"),
    ("dotnet@sts", "2024-05-15 as-of", "-7.0 reached end of life on 2024-05-14"),
    ("dotnet@latest", "2024-12-01 as-of", "8.0.404"),
    ("dotnet@latest", "2024-12-03 as-of", "9.0.101"),
    ("dotnet@latest", "2022-12-20 as-of", "7.0.101"),
    ("dotnet@lts", "2019-01-01 as-of", "2.1.502"),
    ("dotnet@lts", "2015-01-01 as-of", "-10.0 had no release by 2015-01-01"),
    ("dotnet@preview", "2025-10-20 as-of", "10.0.100-rc.2.25502.107"),
    ("dotnet@preview", "2025-11-30 as-of", "10.0.100"),
    ("dotnet@preview", "2023-02-21 as-of", "8.0.100-preview.1.23115.2"),
    ("dotnet@lts", "2023-02-21 as-of", "6.0.406"),
    ("dotnet-runtime@lts", "2024-10-01 as-of", "8.0.8"),
    // lines
    ("dotnet@8", NOW, "!8.0.423"),
    ("dotnet@8.x", NOW, "!8.0.423"),
    ("dotnet@8.0", NOW, "!8.0.423"),
    ("dotnet@8.0.x", NOW, "!8.0.423"),
    ("dotnet@8.0.X", "2026-11-23 allow", "8.0.423"),
    ("dotnet@8.0", "2026-11-10", "8.0.423"),
    ("dotnet@8.0", "2026-11-10 deny", "8.0.423"),
    ("dotnet@8.0", "2026-11-11 deny", "-8.0 reached end of life on 2026-11-10"),
    ("dotnet@8.0.1xx", NOW, "!8.0.129"),
    ("dotnet@8.0.2xx", NOW, "!8.0.206"),
    ("dotnet@8.0.3xx", NOW, "!8.0.319"),
    ("dotnet@8.0.4XX", NOW, "!8.0.423"),
    ("dotnet@8.0.5xx", NOW, "-8.0 reached end of life on 2026-11-10"),
    ("dotnet@9", NOW, "!9.0.316"),
    ("dotnet@9.0.1xx", NOW, "!9.0.119"),
    ("dotnet@9.0.2xx", JULY, "9.0.205"),
    ("dotnet@10", NOW, "10.0.302"),
    ("dotnet@10.0.1xx", NOW, "10.0.110"),
    ("dotnet@10.0.2xx", NOW, "10.0.204"),
    ("dotnet@11", NOW, "-11.0 has only prereleases"),
    ("dotnet@11.0", NOW, "-or the newest by `11.0-preview`"),
    ("dotnet@11.0.1xx", NOW, "-or the newest by `11.0-preview`"),
    ("dotnet@7", NOW, "!7.0.410"),
    ("dotnet@6.0", NOW, "!6.0.428"),
    ("dotnet@5", NOW, "!5.0.408"),
    ("dotnet@3", NOW, "!3.1.426"),
    ("dotnet@3.0", NOW, "!3.0.103"),
    ("dotnet@2", NOW, "!2.2.402"), // the highest number; the index calls 2.2.207 the latest
    ("dotnet@2.1", NOW, "!2.1.818"),
    ("dotnet@2.1.5xx", NOW, "!2.1.526"),
    ("dotnet@2.1.2xx", NOW, "!2.1.202"), // lives in channel 2.0
    ("dotnet@2.1.1xx", NOW, "!2.1.105"),
    ("dotnet@2.0", NOW, "!2.0.3"),
    ("dotnet@1", NOW, "!1.1.14"),
    ("dotnet@1.0", NOW, "!1.0.4"),
    ("dotnet@12", NOW, "-no dotnet release matches `12`"),
    ("dotnet@12.0", NOW, "-no dotnet release matches `12.0`"),
    ("dotnet@4.0.1xx", NOW, "-no dotnet release matches"),
    ("dotnet-runtime@8", NOW, "!8.0.29"),
    ("dotnet-runtime@8.0", NOW, "!8.0.29"),
    ("dotnet-runtime@2.1", "2019-05-14 as-of", "2.1.11"),
    ("aspnetcore-runtime@2.1", NOW, "!2.1.30"),
    ("dotnet@8.0", "2023-11-01 as-of", "-8.0 has only prereleases"),
    ("dotnet@8.0", "2024-01-08 as-of", "8.0.100"),
    // versions
    ("dotnet@8.0.101", NOW, "!8.0.101"),
    ("dotnet@8.0.101", "2024-01-08 as-of", "-released on 2024-01-09, after 2024-01-08"),
    ("dotnet@8.0.101", "2026-11-23 deny", "-8.0 reached end of life on 2026-11-10"),
    ("dotnet@8.0.318", NOW, "!8.0.318"), // in `sdks`, not in `sdk`
    ("dotnet@8.0.450", NOW, "-similar versions are 8.0.422, 8.0.423"),
    ("dotnet@8.0.305", NOW, "-similar versions are 8.0.303, 8.0.304, 8.0.306"),
    ("dotnet@8.0.0", NOW, "-SDK versions of 8.0 start at 8.0.100"),
    ("dotnet@v8.0.401", NOW, "-did you mean `8.0.401`"),
    ("dotnet@current", NOW, "-old name of `sts`"),
    ("dotnet@10.0-preview", NOW, "10.0.302"),
    ("dotnet@11.0.100-preview.6.26359.118", NOW, "11.0.100-preview.6.26359.118"),
    ("dotnet@11.0.100-Preview.5.26302.115", NOW, "11.0.100-preview.5.26302.115"),
    ("dotnet@10.0.100-RC.2.25502.107", "2025-10-13 as-of", "-released on 2025-10-14"),
    ("dotnet@10.0.100-rc.2", NOW, "-no dotnet release matches"),
    ("dotnet@2.1.4", NOW, "!2.1.4"),
    ("dotnet@2.1.202", NOW, "!2.1.202"),
    ("dotnet@1.0.0-preview2.1-003177", NOW, "!1.0.0-preview2.1-003177"), // only in channel 1.1
    ("dotnet-runtime@8.0.29", NOW, "!8.0.29"),
    ("dotnet-runtime@8.0.129", NOW, "-it is an SDK version"),
    ("aspnetcore-runtime@8.0.0-rc.2.23480.2", NOW, "!8.0.0-rc.2.23480.2"),
    ("aspnetcore-runtime@1.0.13", NOW, "-no aspnetcore-runtime release matches"),
    // ranges
    ("dotnet@^8.0", NOW, "!8.0.423"),
    ("dotnet@>=8 <10", NOW, "!9.0.316"),
    ("dotnet@8 || 9", NOW, "!9.0.316"),
    ("dotnet@8.0.x || 10.x", NOW, "10.0.302"),
    ("dotnet@~8.0.100", NOW, "!8.0.423"),
    ("dotnet@>=8.0.300 <8.0.400", NOW, "!8.0.319"),
    ("dotnet@>=8.0.100, <8.0.200", NOW, "!8.0.129"),
    ("dotnet@<=10.0.110", NOW, "10.0.110"),
    ("dotnet@*", NOW, "10.0.302"),
    ("dotnet@6 - 7", NOW, "!7.0.410"),
    ("dotnet@^3", NOW, "!3.1.426"),
    ("dotnet@~2.1.300", NOW, "!2.1.818"),
    ("dotnet@>=2.1.100 <2.1.300", NOW, "!2.1.202"),
    ("dotnet@=8.0.101", NOW, "!8.0.101"),
    ("dotnet@>10", NOW, "-11.0 has only prereleases"),
    ("dotnet@>=11.0.100-preview.1", NOW, "11.0.100-preview.6.26359.118"),
    ("dotnet@>=10.0.100-rc.1", NOW, "10.0.302"),
    ("dotnet@>=12", NOW, "-no dotnet release matches"),
    ("dotnet@>=6 <8", "2024-08-01 as-of", "!7.0.410"),
    ("dotnet@>=6 <8", "2024-08-01 as-of deny", "6.0.424"),
    ("dotnet-runtime@^8.0", NOW, "!8.0.29"),
    // age: 10.0.5 of 2026-03-12 fixed nothing in security, 10.0.4 and 10.0.10 did
    ("dotnet@10", "2026-03-13 as-of age=3", "10.0.200"),
    ("dotnet@10", "2026-03-15 as-of age=3", "10.0.201"),
    ("dotnet@10", "2026-07-14 as-of age=30", "10.0.302"),
    ("dotnet@10.0.201", "2026-03-13 as-of age=3", "-it is 1 days old"),
    ("dotnet@lts", "2025-11-12 as-of age=7", "8.0.415"),
    ("dotnet@lts", "2025-11-18 as-of age=7", "10.0.100"),
    ("dotnet-runtime@10", "2026-03-13 as-of age=3", "10.0.4"),
];

#[test]
fn every_row_of_the_table_has_the_right_pick() {
    assert!(CASES.len() >= 80);
    if !is_there() {
        return;
    }
    let mut wrong = Vec::new();
    for (request, rules, expected) in CASES {
        let got = resolve(&Upstream::default(), request, rules);
        let is_right = match (&got, expected.strip_prefix('-')) {
            (Err(text), Some(part)) => text.contains(part),
            (Ok(choice), Some(part)) => choice.pick.is_none() && choice.rule.contains(part),
            (Ok(choice), None) => {
                let warned = if choice.warnings.is_empty() { "" } else { "!" };
                choice.pick.as_ref().is_some_and(|pick| format!("{warned}{}", pick.version) == **expected)
                    && choice.verdicts.iter().filter(|verdict| verdict.picked).count() == 1
            }
            (Err(_), None) => false,
        };
        if !is_right {
            let got =
                got.map(|choice| (choice.pick.map(|pick| pick.version.to_string()), choice.warnings, choice.rule));
            wrong.push(format!("{request} on {rules}: expected {expected}, got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

#[test]
fn only_the_documents_that_decide_are_read() {
    if !is_there() {
        return;
    }
    let index = "releases-index.json";
    for (request, rules, expected) in [
        ("dotnet@8.0.101", NOW, vec!["8.0/releases.json"]),
        ("dotnet@8.0.1xx", NOW, vec!["8.0/releases.json"]),
        ("dotnet@8.0", NOW, vec!["8.0/releases.json"]),
        ("dotnet@8", NOW, vec![index, "8.0/releases.json"]),
        ("dotnet@lts", NOW, vec![index, "10.0/releases.json"]),
        ("dotnet@sts", NOW, vec![index, "11.0/releases.json"]),
        ("dotnet@sts", JULY, vec![index, "11.0/releases.json", "9.0/releases.json"]),
        ("dotnet@latest", NOW, vec![index, "11.0/releases.json", "10.0/releases.json"]),
        ("dotnet@preview", NOW, vec![index, "11.0/releases.json"]),
        ("dotnet@>=8 <10", NOW, vec![index, "9.0/releases.json"]),
        ("dotnet@2.1.202", NOW, vec!["2.0/releases.json"]),
        ("dotnet-runtime@8.0.29", NOW, vec!["8.0/releases.json"]),
    ] {
        let upstream = Upstream::default();
        resolve(&upstream, request, rules).unwrap();
        assert_eq!(upstream.reads(), expected, "{request}");
        assert_eq!(upstream.warnings(), "", "{request}");
    }
}

#[test]
fn every_rejection_has_its_reason() {
    if !is_there() {
        return;
    }
    for (request, rules, version, reason) in [
        ("dotnet@8.0.1xx", NOW, "8.0.423", "it is not in 8.0.1xx"),
        ("dotnet@8.0", NOW, "8.0.422", "8.0.423 is newer"),
        ("dotnet@8.0", NOW, "8.0.100-rc.2.23502.2", "prerelease"),
        ("dotnet@lts", "2025-11-10 as-of", "10.0.100", "released on 2025-11-11, after 2025-11-10"),
        ("dotnet@sts", NOW, "9.0.316", "9.0 reached end of life on 2026-11-10"),
        ("dotnet@10", "2026-03-13 as-of age=3", "10.0.201", "1 days old"),
        ("dotnet@>=8 <9", NOW, "8.0.100-rc.1.23463.5", "not in the range"),
    ] {
        let choice = resolve(&Upstream::default(), request, rules).unwrap();
        let verdict = choice.verdicts.iter().find(|verdict| verdict.version.as_str() == version).unwrap();
        assert!(!verdict.picked && verdict.reason.contains(reason), "{request}: {verdict:?}");
        assert!(choice.verdicts.is_sorted_by(|a, b| a.version >= b.version), "{request}: newest first");
    }
}

fn release(request: &str, platform: &str) -> Result<Release, Error> {
    let (tool, version) = request.split_once('@').unwrap();
    let upstream = Upstream::default();
    let version = Version::parse(version).unwrap();
    let release = wait(toolchain::find(tool).unwrap().release(&version, platform.parse().unwrap(), &upstream));
    assert_eq!(upstream.reads().len(), 1, "{request}: one document");
    release
}

#[test]
fn a_release_has_the_archive_of_its_platform() {
    if !is_there() {
        return;
    }
    // The start and the end of each hash, as they stand in the documents.
    for (request, platform, path, start, end) in [
        (
            "dotnet@8.0.423",
            "linux/amd64",
            "Sdk/8.0.423/dotnet-sdk-8.0.423-linux-x64.tar.gz",
            "e94513dfe422",
            "d909e786b1a5",
        ),
        (
            "dotnet@8.0.129",
            "linux/arm64/musl",
            "Sdk/8.0.129/dotnet-sdk-8.0.129-linux-musl-arm64.tar.gz",
            "a5e8f216468c",
            "a70c1e52a6b7",
        ),
        (
            "dotnet@10.0.302",
            "linux/arm64",
            "Sdk/10.0.302/dotnet-sdk-10.0.302-linux-arm64.tar.gz",
            "9e409c14e006",
            "df21634cd5d6",
        ),
        (
            "dotnet@10.0.302",
            "darwin/arm64",
            "Sdk/10.0.302/dotnet-sdk-10.0.302-osx-arm64.tar.gz",
            "b2286dec9177",
            "2c1664c92ac0",
        ),
        (
            "dotnet@10.0.302",
            "windows/amd64",
            "Sdk/10.0.302/dotnet-sdk-10.0.302-win-x64.zip",
            "7d170ed75fa9",
            "1c3a2a258716",
        ),
        // announced in upper case
        (
            "dotnet@10.0.100-preview.5.25277.114",
            "linux/amd64",
            "Sdk/10.0.100-preview.5.25277.114/dotnet-sdk-10.0.100-preview.5.25277.114-linux-x64.tar.gz",
            "4ef3bc177bba",
            "2ecfd8c15c79",
        ),
        (
            "dotnet-runtime@10.0.10",
            "linux/amd64/musl",
            "Runtime/10.0.10/dotnet-runtime-10.0.10-linux-musl-x64.tar.gz",
            "307a1ac48283",
            "3343bc929460",
        ),
        (
            "aspnetcore-runtime@10.0.10",
            "linux/arm",
            "aspnetcore/Runtime/10.0.10/aspnetcore-runtime-10.0.10-linux-arm.tar.gz",
            "8a66330ffeea",
            "db2103d86625",
        ),
        (
            "dotnet@2.1.202",
            "linux/amd64",
            "Sdk/2.1.202/dotnet-sdk-2.1.202-linux-x64.tar.gz",
            "e785b9b488b5",
            "0d75eab1c20a",
        ),
    ] {
        let release = release(request, platform).unwrap();
        let [artifact] = release.artifacts.as_slice() else { panic!("{request}") };
        assert_eq!(artifact.url.as_str(), format!("https://builds.dotnet.microsoft.com/dotnet/{path}"));
        let hex = artifact.digest.hex();
        assert!(hex.starts_with(start) && hex.ends_with(end) && hex.len() == 128, "{request}: {hex}");
        assert_eq!((artifact.strip, artifact.size), (0, None));
    }
}

#[test]
fn what_cannot_be_verified_or_is_not_published_is_refused() {
    if !is_there() {
        return;
    }
    for (request, platform, kind, part) in [
        (
            "dotnet@2.0.0",
            "linux/amd64",
            Kind::Integrity,
            "no usable checksum: sha512 has 128 hexadecimal digits, not 64",
        ),
        ("dotnet-runtime@2.0.0", "darwin/amd64", Kind::Integrity, "no usable checksum"),
        ("dotnet@5.0.408", "darwin/arm64", Kind::Usage, "linux/arm64/musl"),
        ("dotnet@5.0.408", "darwin/arm64", Kind::Usage, "not for darwin/arm64"),
        ("aspnetcore-runtime@2.1.30", "linux/arm64", Kind::Usage, "is published for linux/amd64, linux/arm, "),
        ("dotnet@10.0.302", "linux/s390x", Kind::Usage, "not for linux/s390x"),
        ("dotnet@1.1.14", "linux/amd64", Kind::Usage, "aspnetcore"),
        ("dotnet@8.0.998", "linux/amd64", Kind::Usage, "no dotnet release matches `8.0.998`"),
    ] {
        if part == "aspnetcore" {
            // 1.x was published per distribution: `ubuntu.16.04-x64`, never `linux-x64`.
            assert!(matches!(release(request, platform), Err(Error::NoSuchPlatform { .. })));
            continue;
        }
        let error = release(request, platform).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

/// Every archive of every document: a digest and an address that are accepted, or a clear refusal; never a panic.
#[test]
fn every_version_of_every_channel_has_releases_or_a_clear_error() {
    if !is_there() {
        return;
    }
    let (mut good, mut refused) = (0, 0);
    for tool in [toolchain::dotnet::SDK, toolchain::dotnet::RUNTIME, toolchain::dotnet::ASPNETCORE] {
        for line in ["1.0", "1.1", "2.0", "2.2", "3.0", "11.0"] {
            let upstream = Upstream::default();
            let policy = policy(NOW);
            let candidates = wait(tool.candidates(&tool.channel(line).unwrap(), &policy, &upstream)).unwrap();
            for candidate in candidates.iter().filter(|candidate| candidate.support.line == line) {
                match wait(tool.release(&candidate.version, "linux/amd64".parse().unwrap(), &upstream)) {
                    Ok(_) => good += 1,
                    Err(Error::NoSuchPlatform { .. } | Error::UnusableChecksum { .. }) => refused += 1,
                    Err(other) => panic!("{} {}: {other}", tool.card().name, candidate.version),
                }
            }
        }
    }
    assert!(good > 100 && refused > 10, "{good} {refused}");
}
