//! Go resolution against real documents of go.dev: which release every request means, on which day, and with which digest.
//! Expected picks were computed from the documents by other means than the code under test.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use toolkit::model::{Channel, Choice, Format, Level, Phase, Policy, Unsupported};
use toolkit::net::{self, Document, Metadata};
use toolkit::toolchain::{Error, Toolchain, find};

const SHORT: &str = "https://go.dev/dl/?mode=json";
const FULL: &str = "https://go.dev/dl/?mode=json&include=all";
const HISTORY: &str = "https://go.dev/doc/devel/release";

/// The day of most questions; the documents end three months before it.
const TODAY: &str = "2026-11-23";

/// Serves documents by URL and remembers what was read.
#[derive(Debug, Default)]
struct Upstream {
    documents: BTreeMap<&'static str, Vec<u8>>,
    reads: Mutex<Vec<String>>,
    warnings: Mutex<Vec<String>>,
}

#[async_trait]
impl Metadata for Upstream {
    async fn read(&self, document: &Document) -> Result<Vec<u8>, net::Error> {
        let url = document.url.to_string();
        self.reads.lock().unwrap().push(url.clone());
        let bytes = self.documents.get(url.as_str()).cloned().unwrap_or_else(|| panic!("{url} is not served here"));
        (document.check)(&bytes).unwrap_or_else(|reason| panic!("{url}: {reason}"));
        Ok(bytes)
    }

    fn warn(&self, warning: &str) {
        self.warnings.lock().unwrap().push(warning.to_owned());
    }
}

impl Upstream {
    fn reads(&self) -> Vec<String> {
        std::mem::take(&mut *self.reads.lock().unwrap())
    }
}

/// Returns the folder of real documents, or says why the test is skipped.
fn real() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream/go");
    if !folder.is_dir() {
        eprintln!("skipped: {} is not there; the unit tests cover the rules on small documents", folder.display());
        return None;
    }
    Some(folder)
}

/// Loads one state of go.dev: `2020-02`, `2021-11-08`, `reconstructed-2026-08-19`.
fn upstream(folder: &Path, state: &str) -> Upstream {
    let read = |name: String| std::fs::read(folder.join(name)).unwrap();
    let mut documents = BTreeMap::new();
    documents.insert(FULL, read(format!("go-dl-include-all.{state}.json")));
    if state.starts_with("reconstructed") {
        documents.insert(SHORT, read(format!("go-dl-default.{state}.json")));
    }
    documents.insert(HISTORY, release_history(&read("go-release-dates.json".to_owned())).into_bytes());
    Upstream { documents, ..Upstream::default() }
}

/// Writes the page <https://go.dev/doc/devel/release> from its dates, in the shape and the spacing of its template.
fn release_history(dates: &[u8]) -> String {
    let dates: BTreeMap<String, serde_json::Value> = serde_json::from_slice(dates).unwrap();
    let mut page = "<h2 id=\"policy\">Release Policy</h2>\n<p>We fix critical security problems.</p>\n".to_owned();
    for (version, entry) in dates {
        let minor: u32 = version.split('.').nth(1).unwrap().parse().unwrap();
        let name = if minor < 21 { version.strip_suffix(".0").unwrap_or(&version) } else { &version };
        let date = entry["date"].as_str().unwrap();
        let what =
            if entry["security"] == true { "\n\t\t\t\t3\n\t\t\t\tsecurity\n\t\t\t\tfixes" } else { "\n\t\t\t\tfixes" };
        page += &if version.ends_with(".0") {
            format!(
                "<h2 id=\"go{name}\">go{name} (released {date})</h2>\n\n<p>\nGo {name} is a major release of Go.\n</p>\n"
            )
        } else {
            format!(
                "<p id=\"go{name}\">\n\t\tgo{name}\n\t\t(released {date})\n\t\t\n\t\t\tincludes{what} to the <code>net/http</code> \
                 package.\n\t\t\tSee the <a href=\"https://github.com/golang/go/issues?q=milestone%3AGo{name}\">Go {name} \
                 milestone</a>\n\t\t\ton our issue tracker for details.\n\t\t</p>\n"
            )
        };
    }
    page + "<p id=\"go1.99.9\">go1.99.9 (planned for 2027-01-05) will include 2 security fixes.</p>"
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn go() -> Arc<dyn Toolchain> {
    find("golang").unwrap()
}

fn policy(day: &str) -> Policy {
    Policy::on(day.parse().unwrap())
}

fn as_of(day: &str) -> Policy {
    Policy { as_of: true, ..policy(day) }
}

fn resolve(channel: &Channel, policy: &Policy, upstream: &Upstream) -> Choice {
    let candidates = run(go().candidates(channel, policy, upstream)).unwrap();
    let choice = go().choose(channel, &candidates, policy);
    let newest_first = choice.verdicts.iter().rev().is_sorted_by_key(|verdict| verdict.version.clone());
    assert!(newest_first && choice.verdicts.len() == candidates.len(), "{channel}: a verdict for each, newest first");
    assert!(choice.verdicts.iter().all(|verdict| !verdict.reason.is_empty()));
    assert_eq!(choice.verdicts.iter().filter(|verdict| verdict.picked).count(), usize::from(choice.pick.is_some()));
    choice
}

fn picked(choice: &Choice) -> &str {
    choice.pick.as_ref().map_or("none", |candidate| candidate.version.as_str())
}

#[test]
fn every_request_means_the_right_release() {
    let Some(folder) = real() else { return };
    let now = upstream(&folder, "reconstructed-2026-08-19");
    let at_2021 = upstream(&folder, "2021-11-08");
    let at_2020 = upstream(&folder, "2020-02");
    let cases: &[(&Upstream, &str, &str)] = &[
        (&now, "latest", "1.27.0"),
        (&now, "stable", "1.27.0"),
        (&now, "LATEST", "1.27.0"),
        (&now, "oldstable", "1.26.7"),
        (&now, "1", "1.27.0"),
        (&now, "1.x", "1.27.0"),
        (&now, "*", "1.27.0"),
        (&now, "1.27", "1.27.0"),
        (&now, "1.26", "1.26.7"),
        (&now, "1.25", "1.25.14"),
        (&now, "1.22", "1.22.12"),
        (&now, "1.22.x", "1.22.12"),
        (&now, "go1.22", "1.22.12"),
        (&now, "1.22.5", "1.22.5"),
        (&now, "go1.22.5", "1.22.5"),
        (&now, "1.21", "1.21.13"),
        (&now, "1.21.0", "1.21.0"),
        (&now, "go1.21.0", "1.21.0"),
        (&now, "1.20", "1.20.14"),
        (&now, "1.20.0", "1.20"),
        (&now, "1.19.0", "1.19"),
        (&now, "1.13", "1.13.15"),
        (&now, "1.2.2", "1.2.2"),
        (&now, "1.27rc3", "1.27rc3"),
        (&now, "go1.27rc1", "1.27rc1"),
        (&now, "1.19beta1", "1.19beta1"),
        (&now, "1.9.2rc2", "1.9.2rc2"),
        (&now, "1.27rc9", "none"),
        (&now, "1.22.99", "none"),
        (&now, "1.99", "none"),
        (&now, "2", "none"),
        (&now, "1.0", "none"),
        (&now, "^1.22", "1.27.0"),
        (&now, ">=1.21 <1.23", "1.22.12"),
        (&now, "1.21 || 1.22", "1.22.12"),
        (&now, "1.22.x || 1.20.x", "1.22.12"),
        (&now, "~1.22.3", "1.22.12"),
        (&now, ">=1.19 <1.20", "1.19.13"),
        (&now, ">=1.20 <1.20.5", "1.20.4"),
        (&now, ">=1.19 <=1.20.0", "1.20"),
        (&now, "<1.27.0", "1.26.7"),
        (&now, ">=1.27.0-rc.1 <1.27.0", "1.27rc3"),
        (&now, ">1.27", "none"),
        (&at_2021, "1", "1.17.3"),
        (&at_2021, "1.17", "1.17.3"),
        (&at_2021, "1.17.0", "1.17"),
        (&at_2021, "1.13", "1.13.15"),
        (&at_2021, "^1.15", "1.17.3"),
        (&at_2021, "1.18", "none"),
        (&at_2020, "1", "1.13.7"),
        (&at_2020, "1.13", "1.13.7"),
        (&at_2020, "1.14", "none"),
        (&at_2020, "1.14rc1", "1.14rc1"),
        (&at_2020, "^1.12 <1.13", "1.12.16"),
    ];
    for (upstream, ask, expected) in cases {
        let channel = go().channel(ask).unwrap();
        let choice = resolve(&channel, &policy(TODAY), upstream);
        assert_eq!(picked(&choice), *expected, "{ask}: {}", choice.rule);
        let index = if matches!(channel, Channel::Name(_)) { SHORT } else { FULL };
        let reads = upstream.reads();
        assert_eq!(reads[0], index, "{ask}");
        // Whether a patch that is behind lacks security fixes is in the history alone.
        let behind = matches!(channel, Channel::Exact(_)) && reads[1..] == [HISTORY];
        assert!(reads.len() == 1 || behind, "{ask} reads {reads:?}");
    }
    assert!(now.warnings.lock().unwrap().is_empty(), "every name of the index is understood");
}

#[test]
fn a_day_of_the_past_gives_what_was_there_then() {
    let Some(folder) = real() else { return };
    let upstream = upstream(&folder, "reconstructed-2026-08-19");
    for (day, latest, oldstable) in [
        ("2015-09-01", "1.5", "1.4"),
        ("2017-08-23", "1.8", "1.7"),
        ("2017-08-24", "1.9", "1.8"),
        ("2018-02-16", "1.10", "1.9.4"),
        ("2019-09-02", "1.12.9", "1.11.13"),
        ("2019-09-03", "1.13", "1.12.9"),
        ("2020-02-24", "1.13.8", "1.12.17"),
        ("2020-02-25", "1.14", "1.13.8"),
        ("2021-08-15", "1.16.7", "1.15.15"),
        ("2021-08-16", "1.17", "1.16.7"),
        ("2022-08-02", "1.19", "1.18.5"),
        ("2023-01-31", "1.19.5", "1.18.10"),
        ("2023-02-01", "1.20", "1.19.5"),
        ("2023-08-07", "1.20.7", "1.19.12"),
        ("2023-08-08", "1.21.0", "1.20.7"),
        ("2024-02-05", "1.21.6", "1.20.13"),
        ("2024-02-06", "1.22.0", "1.21.7"),
        ("2024-08-12", "1.22.6", "1.21.13"),
        ("2024-08-13", "1.23.0", "1.22.6"),
        ("2025-08-12", "1.25.0", "1.24.6"),
        ("2026-08-18", "1.26.6", "1.25.13"),
        ("2026-08-19", "1.27.0", "1.26.7"),
    ] {
        for (ask, expected) in [("latest", latest), ("stable", latest), ("oldstable", oldstable), ("1", latest)] {
            let choice = resolve(&go().channel(ask).unwrap(), &as_of(day), &upstream);
            assert_eq!(picked(&choice), expected, "{ask} as of {day}");
            assert!(choice.warnings.is_empty(), "{ask} was supported on {day}: {:?}", choice.warnings);
            assert_eq!(upstream.reads(), [FULL, HISTORY], "the short index knows only today");
        }
    }
    for (ask, day, expected) in [
        ("1.20", "2023-01-31", "none"),
        ("1.20", "2023-03-01", "1.20.1"),
        ("1.20", "2023-08-20", "1.20.7"),
        ("1.21", "2023-08-20", "1.21.0"),
        ("1.21", "2024-07-01", "1.21.11"),
        ("1.22", "2024-07-01", "1.22.4"),
        ("1.22.5", "2024-07-01", "none"),
        ("1.22.5", "2024-07-02", "1.22.5"),
        ("1.20.0", "2023-02-01", "1.20"),
        ("^1.19", "2023-03-01", "1.20.1"),
        ("1.27rc3", "2026-08-19", "none"), // the history has no day for a prerelease
        ("1.8.7", "2026-08-19", "none"),   // nor, in these dates, for patches before 1.9
        ("latest", "2012-03-27", "none"),
        ("oldstable", "2012-03-27", "none"),
    ] {
        let choice = resolve(&go().channel(ask).unwrap(), &as_of(day), &upstream);
        assert_eq!(picked(&choice), expected, "{ask} as of {day}");
    }
}

#[test]
fn rejections_say_why() {
    let Some(folder) = real() else { return };
    let upstream = upstream(&folder, "reconstructed-2026-08-19");
    let reasons = |ask: &str, policy: &Policy| {
        let choice = resolve(&go().channel(ask).unwrap(), policy, &upstream);
        let reasons: BTreeMap<_, _> =
            choice.verdicts.iter().map(|verdict| (verdict.version.to_string(), verdict.reason.clone())).collect();
        (choice.rule, reasons)
    };
    let (rule, found) = reasons("1.26", &policy(TODAY));
    assert_eq!(rule, "1.26: the newest patch of 1.26");
    assert_eq!(found["1.26.7"], rule);
    assert_eq!(found["1.26.6"], "older than 1.26.7");
    assert_eq!(found["1.26rc1"], "a prerelease is chosen only by name");
    assert_eq!(found["1.27.0"], "not in 1.26");
    let (_, found) = reasons("latest", &as_of("2026-08-01"));
    assert_eq!(found["1.27.0"], "it was released on 2026-08-19, after 2026-08-01");
    assert_eq!(found["1.8.7"], "its release date is not known, and the policy needs one");
    assert_eq!(reasons("1.20.0", &policy(TODAY)).0, "1.20.0: this release, which Go calls go1.20");
    assert_eq!(reasons("1.22.5", &policy(TODAY)).1["1.22.6"], "not 1.22.5");
    let (rule, found) = reasons("oldstable", &as_of("2026-08-19"));
    assert_eq!(rule, "oldstable: the newest patch of the second newest minor, 1.26");
    assert_eq!(found["1.27.0"], "not in 1.26");
}

#[test]
fn a_young_release_waits_unless_it_fixes_security() {
    let Some(folder) = real() else { return };
    let upstream = upstream(&folder, "reconstructed-2026-08-19");
    for (ask, day, days, expected) in [
        ("latest", "2026-08-20", 3, "1.26.6"),
        ("latest", "2026-08-21", 3, "1.26.6"),
        ("latest", "2026-08-22", 3, "1.27.0"),
        ("1.25", "2026-08-21", 3, "1.25.13"),
        ("1.25", "2026-08-22", 3, "1.25.14"),
        ("oldstable", "2026-08-20", 3, "1.26.6"), // 1.27.0 is too young to be taken, yet it is out
        ("latest", "2026-08-20", 7, "1.26.6"),    // a security fix of seven days ago
        ("latest", "2026-08-19", 10, "1.26.6"),   // of six days: security fixes pass
    ] {
        let policy = Policy { minimum_age: days, ..policy(day) };
        let choice = resolve(&go().channel(ask).unwrap(), &policy, &upstream);
        assert_eq!(picked(&choice), expected, "{ask} on {day} with {days} days");
        assert_eq!(upstream.reads(), [FULL, HISTORY]);
    }
}

#[test]
fn a_minor_ends_when_the_second_newer_one_ships() {
    let Some(folder) = real() else { return };
    let upstream = upstream(&folder, "reconstructed-2026-08-19");
    let support = |ask: &str, policy: &Policy| {
        let choice = resolve(&go().channel(ask).unwrap(), policy, &upstream);
        let support = choice.pick.unwrap().support;
        let eol = support.eol.map_or("none".to_owned(), |date| date.to_string());
        (support.line, support.phase, eol, choice.warnings.len())
    };
    let line = |line: &str, phase, eol: &str, warnings| (line.to_owned(), phase, eol.to_owned(), warnings);
    assert_eq!(support("1.27", &policy(TODAY)), line("1.27", Phase::Active, "none", 0));
    assert_eq!(support("1.26", &policy(TODAY)), line("1.26", Phase::Active, "none", 0));
    assert_eq!(support("1.25", &policy(TODAY)), line("1.25", Phase::Eol, "none", 1));
    assert_eq!(support("1.25", &as_of("2026-08-19")), line("1.25", Phase::Eol, "2026-08-19", 0));
    assert_eq!(support("1.25", &as_of("2026-08-20")), line("1.25", Phase::Eol, "2026-08-19", 1));
    assert_eq!(support("1.22", &as_of("2025-02-11")), line("1.22", Phase::Eol, "2025-02-11", 0));
    assert_eq!(support("1.22", &as_of("2025-02-12")), line("1.22", Phase::Eol, "2025-02-11", 1));
    let deny = Policy { unsupported: Unsupported::Deny, ..policy(TODAY) };
    assert_eq!(picked(&resolve(&go().channel("1.25").unwrap(), &deny, &upstream)), "none");
    assert_eq!(picked(&resolve(&go().channel("1.26").unwrap(), &deny, &upstream)), "1.26.7");
    let at_2020 = self::upstream(&folder, "2020-02");
    let choice = resolve(&go().channel("1.14rc1").unwrap(), &policy("2020-02-10"), &at_2020);
    assert_eq!(choice.pick.unwrap().support.phase, Phase::Preview);
}

#[test]
fn project_files_ask_for_the_right_release() {
    let Some(folder) = real() else { return };
    let upstream = upstream(&folder, "reconstructed-2026-08-19");
    for (name, text, expected) in [
        ("go.mod", "module example.org/m\n\ngo 1.22\n", "1.22.12"),
        ("go.mod", "module example.org/m\n\ngo 1.22.5\n", "1.22.5"),
        ("go.mod", "go 1.22.0\n\ntoolchain go1.22.5\n", "1.22.5"),
        ("go.mod", "go 1.23\ntoolchain go1.22.5\n", "1.23.12"),
        ("go.mod", "go 1.22.5\ntoolchain default\n", "1.22.5"),
        ("go.mod", "go 1.25\ntoolchain go1.25.3-custom\n", "1.25.3"),
        ("go.mod", "go 1.19\ntoolchain go1.20\n", "1.20"),
        ("go.mod", "go 1.20\n", "1.20.14"),
        ("go.mod", "go 1.21\n", "1.21.13"),
        ("go.mod", "go 1.26\ntoolchain go1.27rc3\n", "1.27rc3"),
        ("go.mod", "\u{feff}go\t1.22 // least\r\n", "1.22.12"),
        ("go.work", "go 1.25.0\n\nuse (\n\t./a\n\t./b\n)\n", "1.25.0"),
        ("go.work", "go 1.25\ntoolchain go1.27.0\nuse ./a\n", "1.27.0"),
        (".go-version", "1.22\n", "1.22.12"),
        (".go-version", "go1.20.0\n", "1.20"),
    ] {
        let file = go().card().project_files.iter().find(|file| file.name == name).unwrap();
        let wish = (file.read)(text).unwrap();
        let choice = resolve(&wish.channel.unwrap(), &policy(TODAY), &upstream);
        assert_eq!(picked(&choice), expected, "{name}: {text:?}");
    }
}

/// The documents, the request, the platform; the archive, its SHA-256, its size.
type Row<'a> = (&'a Upstream, &'a str, &'a str, &'a str, &'a str, Option<u64>);

#[test]
fn a_release_has_the_digest_of_its_platform() {
    let Some(folder) = real() else { return };
    let now = upstream(&folder, "reconstructed-2026-08-19");
    let at_2021 = upstream(&folder, "2021-11-08");
    let cases: &[Row<'_>] = &[
        (
            &now,
            "1.22.5",
            "linux/amd64",
            "go1.22.5.linux-amd64.tar.gz",
            "904b924d435eaea086515bc63235b192ea441bd8c9b198c507e85009e6e4c7f0",
            None,
        ),
        (
            &now,
            "1.22.5",
            "linux/amd64/musl",
            "go1.22.5.linux-amd64.tar.gz",
            "904b924d435eaea086515bc63235b192ea441bd8c9b198c507e85009e6e4c7f0",
            None,
        ),
        (
            &now,
            "1.22.5",
            "linux/arm64",
            "go1.22.5.linux-arm64.tar.gz",
            "8d21325bfcf431be3660527c1a39d3d9ad71535fabdf5041c826e44e31642b5a",
            None,
        ),
        (
            &now,
            "1.22.5",
            "linux/arm64/musl",
            "go1.22.5.linux-arm64.tar.gz",
            "8d21325bfcf431be3660527c1a39d3d9ad71535fabdf5041c826e44e31642b5a",
            None,
        ),
        (
            &now,
            "1.22.5",
            "linux/arm",
            "go1.22.5.linux-armv6l.tar.gz",
            "8c4587cf3e63c9aefbcafa92818c4d9d51683af93ea687bf6c7508d6fa36f85e",
            None,
        ),
        (
            &now,
            "1.20.0",
            "linux/amd64",
            "go1.20.linux-amd64.tar.gz",
            "5a9ebcc65c1cce56e0d2dc616aff4c4cedcfbda8cc6f0288cc08cda3b18dcbf1",
            None,
        ),
        (
            &now,
            "1.27rc3",
            "linux/arm64",
            "go1.27rc3.linux-arm64.tar.gz",
            "f09f98f77484ce208c77c7d74d30e47588df825bd90bc32ff137074c30c5e044",
            None,
        ),
        (
            &now,
            "1.27.0",
            "darwin/arm64",
            "go1.27.0.darwin-arm64.tar.gz",
            "90493b3bbd5e10f91d12153198bf1994fd756399b4fec93b49b0c6e2acdeeb3e",
            None,
        ),
        (
            &now,
            "1.27.0",
            "windows/amd64",
            "go1.27.0.windows-amd64.zip",
            "f0c0a0d33ba94f4d2c5dbc887334ce678b21813504ddb3aafcb06e60a5a667c4",
            None,
        ),
        (
            &now,
            "1.27.0",
            "linux/riscv64",
            "go1.27.0.linux-riscv64.tar.gz",
            "e631e2e1e5aec4979960787f5f8cdb549001bb144c279e134447e54ffe8bd2d3",
            None,
        ),
        (
            &now,
            "1.26.7",
            "linux/s390x",
            "go1.26.7.linux-s390x.tar.gz",
            "bc3308e05e9397958ad4aac453e3dc4565ba6d548e9ace0a9b4b165feb6382f2",
            None,
        ),
        (
            &at_2021,
            "1.17.3",
            "linux/amd64",
            "go1.17.3.linux-amd64.tar.gz",
            "550f9845451c0c94be679faf116291e7807a8d78b43149f9506c1b15eb89008c",
            Some(134_804_820),
        ),
        (
            &at_2021,
            "1.17.3",
            "linux/arm64",
            "go1.17.3.linux-arm64.tar.gz",
            "06f505c8d27203f78706ad04e47050b49092f1b06dc9ac4fbee4f0e4d015c8d4",
            Some(102_625_829),
        ),
        (
            &at_2021,
            "1.17.3",
            "windows/amd64",
            "go1.17.3.windows-amd64.zip",
            "e78684b955742e215926204afc6ed62b9d165b509e25a687d62902516f08726b",
            Some(150_393_304),
        ),
        (
            &at_2021,
            "1.13.7",
            "linux/arm64",
            "go1.13.7.linux-arm64.tar.gz",
            "8717de6c662ada01b7bf318f5025c046b57f8c10cd39a88268bdc171cc7e4eab",
            Some(97_600_515),
        ),
    ];
    for (upstream, ask, platform, file, digest, size) in cases {
        let Channel::Exact(version) = go().channel(ask).unwrap() else { panic!("{ask} is one release") };
        let release = run(go().release(&version, platform.parse().unwrap(), *upstream)).unwrap();
        let [artifact] = &release.artifacts[..] else { panic!("one archive") };
        assert_eq!(artifact.url.as_str(), format!("https://go.dev/dl/{file}"));
        assert_eq!((artifact.digest.to_string(), artifact.size), (format!("sha256:{digest}"), *size), "{file}");
        assert_eq!((artifact.proof.level, artifact.proof.source.as_str()), (Level::Checksum, "go.dev"));
        let zip = platform.starts_with("windows");
        assert_eq!((artifact.format, artifact.strip), (if zip { Format::Zip } else { Format::TarGz }, 1));
        assert_eq!(upstream.reads(), [FULL]);
    }
}

#[test]
fn what_upstream_does_not_offer_is_named() {
    let Some(folder) = real() else { return };
    let upstream = upstream(&folder, "2021-11-08");
    let release = |ask: &str, platform: &str| {
        let Channel::Exact(version) = go().channel(ask).unwrap() else { panic!("{ask} is one release") };
        run(go().release(&version, platform.parse().unwrap(), &upstream)).unwrap_err()
    };
    match release("1.17.99", "linux/amd64") {
        Error::NoSuchVersion { near, .. } => assert_eq!(near, ["1.17.3", "1.17.2", "1.17.1"]),
        other => panic!("{other}"),
    }
    match release("1.99.0", "linux/amd64") {
        Error::NoSuchVersion { near, .. } => assert_eq!(near, ["1.17.3", "1.17.2"]),
        other => panic!("{other}"),
    }
    let error = release("1.13.7", "darwin/arm64").to_string();
    let platforms = "darwin/amd64, freebsd/386, freebsd/amd64, linux/386, linux/amd64, linux/arm, linux/arm64, \
        linux/ppc64le, linux/s390x, windows/386 and windows/amd64";
    assert_eq!(error, format!("go 1.13.7 is published for {platforms}, not for darwin/arm64"));
    assert!(
        matches!(release("1.4.3", "linux/amd64"), Error::UnusableChecksum { .. }),
        "an empty sha256 is not a digest"
    );
    assert!(matches!(release("1.6beta1", "linux/arm"), Error::NoSuchPlatform { .. }), "`arm6` is an odd row");
    assert!(matches!(release("1.0.0", "linux/amd64"), Error::NoSuchVersion { .. }), "go1 is only a bootstrap archive");
}
