//! `global.json`: what is read out of it, and what each rule picks among what can be downloaded. No document is needed.

use toolkit::model::{Candidate, Channel, Phase, Prefer, Support, Version};
use toolkit::toolchain::dotnet::settings::Settings;
use toolkit::toolchain::{Toolchain, dotnet};

use super::{Upstream, is_there, policy, wait};

/// What can be downloaded: three bands of 8.0, two of 9.0, 10.0, and previews of 11.0.
const OFFERED: &[&str] = &[
    "8.0.100-rc.1.23463.5",
    "8.0.100",
    "8.0.101",
    "8.0.129",
    "8.0.206",
    "8.0.400",
    "8.0.423",
    "9.0.100",
    "9.0.119",
    "9.0.316",
    "10.0.100-rc.2.25502.107",
    "10.0.100",
    "10.0.110",
    "10.0.302",
    "11.0.100-preview.5.26302.115",
    "11.0.100-preview.6.26359.118",
];

fn offered() -> Vec<Candidate> {
    let candidate = |text: &&str| {
        let version = Version::parse(text).unwrap();
        let line = format!("{}.{}", version.semver().major, version.semver().minor);
        let support = Support { line, phase: Phase::Active, train: None, eol: None };
        Candidate { version, released: Some("2026-01-01".parse().unwrap()), support, security: false }
    };
    OFFERED.iter().map(candidate).collect()
}

fn pick(sdk: &str, prefer: Prefer) -> String {
    let request = dotnet::global_json::read(&format!(r#"{{"sdk": {{{sdk}}}}}"#)).unwrap();
    let mut policy = policy("2026-11-23");
    policy.prefer = prefer;
    let choice = dotnet::SDK.choose(&request.channel.unwrap(), &offered(), &policy);
    assert_eq!(choice.verdicts.len(), OFFERED.len());
    assert!(choice.verdicts.iter().all(|verdict| !verdict.reason.is_empty()));
    choice.pick.map_or("-".to_owned(), |pick| pick.version.to_string())
}

/// Version, rule, the pick by default, the pick of `--upgrade`; `-` for none.
const ROWS: &[(&str, &str, &str, &str)] = &[
    // the exact version is there
    ("8.0.101", "", "8.0.101", "8.0.129"),
    ("8.0.101", "patch", "8.0.101", "8.0.129"),
    ("8.0.101", "feature", "8.0.101", "8.0.129"),
    ("8.0.101", "minor", "8.0.101", "8.0.129"),
    ("8.0.101", "major", "8.0.101", "8.0.129"),
    ("8.0.101", "latestPatch", "8.0.101", "8.0.129"),
    ("8.0.101", "latestFeature", "8.0.101", "8.0.423"),
    ("8.0.101", "latestMinor", "8.0.101", "8.0.423"),
    ("8.0.101", "latestMajor", "8.0.101", "10.0.302"),
    ("8.0.101", "disable", "8.0.101", "8.0.101"),
    ("8.0.101", "LATESTfeature", "8.0.101", "8.0.423"),
    // it is not there, its band is
    ("8.0.102", "", "8.0.129", "8.0.129"),
    ("8.0.102", "patch", "8.0.129", "8.0.129"),
    ("8.0.102", "feature", "8.0.129", "8.0.129"),
    ("8.0.102", "minor", "8.0.129", "8.0.129"),
    ("8.0.102", "major", "8.0.129", "8.0.129"),
    ("8.0.102", "latestPatch", "8.0.129", "8.0.129"),
    ("8.0.102", "latestFeature", "8.0.423", "8.0.423"),
    ("8.0.102", "latestMinor", "8.0.423", "8.0.423"),
    ("8.0.102", "latestMajor", "10.0.302", "10.0.302"),
    ("8.0.102", "disable", "-", "-"),
    // its band has nothing from it on
    ("8.0.130", "patch", "-", "-"),
    ("8.0.130", "latestPatch", "-", "-"),
    ("8.0.130", "feature", "8.0.206", "8.0.206"),
    ("8.0.130", "minor", "8.0.206", "8.0.206"),
    ("8.0.130", "major", "8.0.206", "8.0.206"),
    ("8.0.300", "feature", "8.0.423", "8.0.423"),
    // its minor has nothing from it on
    ("8.0.500", "feature", "-", "-"),
    ("8.0.500", "latestFeature", "-", "-"),
    ("8.0.500", "minor", "-", "-"),
    ("8.0.500", "latestMinor", "-", "-"),
    ("8.0.500", "major", "9.0.119", "9.0.119"),
    ("8.0.500", "latestMajor", "10.0.302", "10.0.302"),
    ("9.0.200", "major", "9.0.316", "9.0.316"),
    // prereleases
    ("10.0.100-rc.2.25502.107", "", "10.0.100-rc.2.25502.107", "10.0.110"),
    ("10.0.100-rc.2.25502.107", "disable", "10.0.100-rc.2.25502.107", "10.0.100-rc.2.25502.107"),
    ("10.0.100-rc.1.25451.107", "", "10.0.110", "10.0.110"),
    ("11.0.100-preview.5.26302.115", "", "11.0.100-preview.5.26302.115", "11.0.100-preview.6.26359.118"),
    ("11.0.100-preview.4.26230.115", "latestPatch", "11.0.100-preview.6.26359.118", "11.0.100-preview.6.26359.118"),
    ("11.0.100", "latestMajor", "-", "-"), // previews come before 11.0.100
    ("10.0.303", "latestMajor", "11.0.100-preview.6.26359.118", "11.0.100-preview.6.26359.118"),
    ("10.0.303", "latestFeature", "-", "-"),
    // as the CodeBuild images write it
    ("10.0.0", "latestFeature", "10.0.302", "10.0.302"),
    ("8.0.0", "latestMinor", "8.0.423", "8.0.423"),
    ("8.0.0", "feature", "8.0.129", "8.0.129"),
];

#[test]
fn every_rule_picks_what_the_host_would_accept() {
    let mut wrong = Vec::new();
    for (version, rule, named, newest) in ROWS {
        let rule = if rule.is_empty() { String::new() } else { format!(r#", "rollForward": "{rule}""#) };
        let sdk = format!(r#""version": "{version}"{rule}"#);
        let got = (pick(&sdk, Prefer::Named), pick(&sdk, Prefer::Newest));
        if got != ((*named).to_owned(), (*newest).to_owned()) {
            wrong.push(format!("{sdk}: expected {named}, {newest}; got {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), ROWS.len(), wrong.join("\n"));
}

#[test]
fn no_prerelease_is_picked_where_the_file_forbids_it() {
    for (sdk, expected) in [
        (r#""version": "10.0.303", "rollForward": "latestMajor", "allowPrerelease": false"#, "-"),
        (r#""version": "10.0.100-rc.2.25502.107", "allowPrerelease": false"#, "10.0.100-rc.2.25502.107"), // the host ignores it
        (r#""allowPrerelease": false"#, "10.0.302"),
        (r#""allowPrerelease": true"#, "10.0.302"), // an installer takes the stable one
        (r#""rollForward": "latestMajor""#, "10.0.302"),
        ("", "10.0.302"),
    ] {
        assert_eq!(pick(sdk, Prefer::Named), expected, "{sdk}");
    }
}

#[test]
fn the_policy_stands_above_the_file() {
    let request = dotnet::global_json::read(r#"{"sdk": {"version": "8.0.101"}}"#).unwrap();
    let channel = request.channel.unwrap();
    let mut candidates = offered();
    candidates
        .iter_mut()
        .filter(|c| c.version.as_str() == "8.0.101")
        .for_each(|c| c.released = Some("2026-11-22".parse().unwrap()));
    let choice = dotnet::SDK.choose(&channel, &candidates, &policy("2026-11-23 age=3"));
    assert_eq!(choice.pick.unwrap().version.as_str(), "8.0.129");
    let verdict = choice.verdicts.iter().find(|verdict| verdict.version.as_str() == "8.0.101").unwrap();
    assert!(verdict.reason.contains("1 days old"), "{verdict:?}");
}

/// The file, the channel or nothing, and a part of the rule.
#[test]
fn what_a_file_asks_for_is_read() {
    for (text, channel, rule) in [
        (r#"{"sdk": {"version": "8.0.101"}}"#, "8.0.101 rollForward=patch", ", the default (line 1)"),
        ("\u{feff}{\n \"sdk\": {\n  \"version\": \"8.0.101\" } }", "8.0.101 rollForward=patch", "(line 3)"),
        (
            "{ // why\n /* and\n so */ \"sdk\": {\"version\": \"8.0.101\", \"rollForward\": \"Minor\"}}",
            "8.0.101 rollForward=minor",
            "(line 3)",
        ),
        (r#"{"sdk": {"version": "8.0.101", "rollForward": null}}"#, "8.0.101 rollForward=patch", ""),
        (
            r#"{"sdk": {"version": "8.0.101", "allowPrerelease": false}}"#,
            "8.0.101 rollForward=patch allowPrerelease=false",
            "",
        ),
        (r#"{"sdk": {"version": null}}"#, "latest", "names no version"),
        (r#"{"sdk": {}}"#, "latest", "including prereleases"),
        (r#"{"sdk": {"allowPrerelease": false}}"#, "latest", "any installed stable SDK"),
        (r#"{"sdk": {"version": "2.1.4"}}"#, "2.1.4 rollForward=patch", ""),
        (
            r#"{"sdk": {"version": "8.0.101", "paths": ["$host$"], "errorMessage": "run ./install"}}"#,
            "8.0.101 rollForward=patch",
            "",
        ),
        (r#"{"sdk": null}"#, "", "requests no SDK"),
        (r#"{"msbuild-sdks": {"A": "1.0.0"}, "tools": {"dotnet": "8.0.100"}}"#, "", "requests no SDK"),
        ("{}", "", "requests no SDK"),
    ] {
        let request = dotnet::global_json::read(text).unwrap();
        let got = request.channel.as_ref().map(Channel::to_string).unwrap_or_default();
        assert_eq!(got, channel, "{text}");
        assert!(request.rule.contains(rule), "{text}: {}", request.rule);
        let fine = request.warnings.is_empty() || text.contains("2.1.4");
        assert!(fine, "{text}: {:?}", request.warnings);
    }
}

#[test]
fn what_the_host_sees_otherwise_is_warned_of() {
    for (text, channel, warning) in [
        ("{\"sdk\": {\"version\": \"8.0.101\",\n}}", "8.0.101 rollForward=patch", "trailing comma"),
        ("{\"sdk\": {\"version\": \"8.0.101\"},\n}", "8.0.101 rollForward=patch", "line 1: the .NET host ignores"),
        (r#"{"sdk": {"rollForward": "latestFeature"}}"#, "latest", "needs a `version`; the host ignores it"),
        (
            r#"{"sdk": {"version": "8.0.101", "version": "9.0.100"}}"#,
            "8.0.101 rollForward=patch",
            "duplicate `version`; the host uses the first",
        ),
        (r#"{"sdk": {"Version": "8.0.101"}}"#, "latest", "write `version`"),
        (
            r#"{"sdk": {"version": "10.0.100-rc.1.25451.107", "allowPrerelease": false}}"#,
            "10.0.100-rc.1.25451.107 rollForward=patch",
            "ignored, because the version is a prerelease",
        ),
        (
            r#"{"sdk": {"version": "10.0.0", "rollForward": "latestFeature"}}"#,
            "10.0.0 rollForward=latestFeature",
            "start at 10.0.100",
        ),
        (r#"{"sdk": {"version": "8.0.101", "paths": [".dotnet"]}}"#, "8.0.101 rollForward=patch", "add `$host$`"),
        (r#"{"sdk": {"version": "8.0.101", "paths": []}}"#, "8.0.101 rollForward=patch", "search no folder"),
        (
            r#"{"sdk": {"version": "8.0.101", "paths": ["$host$", 3]}}"#,
            "8.0.101 rollForward=patch",
            "`paths[1]` is ignored",
        ),
    ] {
        let request = dotnet::global_json::read(text).unwrap();
        assert_eq!(request.channel.unwrap().to_string(), channel, "{text}");
        let [only] = request.warnings.as_slice() else { panic!("{text}: {:?}", request.warnings) };
        assert!(only.contains(warning), "{text}: {only}");
    }
}

#[test]
fn a_bad_file_is_refused_with_its_line() {
    for (text, line, part) in [
        ("{\"sdk\": {\n\"version\": \"8.0\"}}", 2, "`8.0.100` with `\"rollForward\": \"latestFeature\"`"),
        ("{\n\n\"sdk\": {\"version\": \"8\"}}", 3, "`8.0.100` with"),
        ("{\"sdk\": {\"version\":\n\"8.0.0\"}}", 2, "`8.0.100` with"), // a runtime's version would never be found
        ("{\"sdk\": {\"version\": \"8.0.0\", \"rollForward\": \"latestPatch\"}}", 1, "not an SDK version"),
        ("{\"sdk\": {\"version\": \"8.0.0\", \"rollForward\": \"disable\"}}", 1, "not an SDK version"),
        ("{\"sdk\": {\"version\": \"8.0.x\"}}", 1, "`8.0.100` with"),
        ("{\"sdk\": {\"version\": \"8.0.1xx\"}}", 1, "`8.0.100` with"),
        ("{\"sdk\": {\"version\": \"v8.0.100\"}}", 1, "`8.0.100` with"),
        ("{\"sdk\": {\"version\": \"08.0.100\"}}", 1, "not an SDK version"),
        ("{\"sdk\": {\"version\": \"latest\"}}", 1, "write `10.0.100`, for example"),
        ("{\"sdk\": {\"version\": \"\"}}", 1, "not an SDK version"),
        ("{\"sdk\": {\"version\": \"8.0.100/../x\"}}", 1, "not an SDK version"),
        ("{\"sdk\": {\"version\": 8}}", 1, "`sdk.version` must be a string"),
        (
            "{\"sdk\": {\"version\": \"8.0.100\",\n\"rollForward\": \"newest\"}}",
            2,
            "latestFeature, latestMinor, latestMajor, disable",
        ),
        ("{\"sdk\": {\"version\": \"8.0.100\",\n\"rollForward\": true}}", 2, "`sdk.rollForward` must be a string"),
        ("{\"sdk\": {\"version\": \"8.0.100\",\n\n\"allowPrerelease\": \"no\"}}", 3, "must be true or false"),
        ("{\"sdk\": {\"paths\": \"x\"}}", 1, "`sdk.paths` must be an array"),
        ("{\"sdk\": {\"errorMessage\": 3}}", 1, "`sdk.errorMessage` must be a string"),
        ("{\n\"sdk\": \"8.0.100\"}", 2, "`sdk` must be an object"),
        ("[]", 1, "one JSON object"),
        ("", 1, "empty"),
        ("{\n\"sdk\": {\"version\": \"8.0.100\"", 2, "not valid JSON"),
        ("{\n'sdk': {}}", 2, "not valid JSON"),
        ("{\nsdk: {}}", 2, "not valid JSON"),
    ] {
        let error = dotnet::global_json::read(text).unwrap_err();
        assert!(error.reason.contains(part), "{text}: {error}");
        assert_eq!(error.line, line, "{text}: {error}");
    }
}

/// Version, rule, policy, the pick, and the channels that are read for it, with the index as `i`.
#[test]
fn the_real_documents_answer_each_rule() {
    if !is_there() {
        return;
    }
    for (version, rule, rules, expected, reads) in [
        ("8.0.101", "patch", "2026-11-23", "8.0.101", "8"),
        ("8.0.130", "patch", "2026-11-23", "-", "8"),
        ("8.0.117", "latestPatch", "2026-11-23 newest", "8.0.129", "8"),
        ("8.0.207", "feature", "2026-11-23", "8.0.319", "8"),
        ("8.0.101", "latestFeature", "2026-11-23 newest", "8.0.423", "8"),
        ("8.0.101", "latestFeature", "2024-05-20 as-of newest", "8.0.300", "8"),
        ("8.0.101", "latestMinor", "2026-11-23 newest", "8.0.423", "8 i"),
        ("8.0.101", "latestMajor", "2026-11-23", "8.0.101", "8"),
        ("8.0.101", "latestMajor", "2026-11-23 newest", "10.0.302", "8 i 11 10"),
        ("8.0.101", "latestMajor", "2025-01-20 as-of newest", "9.0.102", "8 i 11 10 9"),
        ("8.0.424", "latestFeature", "2026-11-23", "-", "8"),
        ("8.0.424", "minor", "2026-11-23", "-", "8 i"),
        ("8.0.424", "major", "2026-11-23", "9.0.119", "8 i 9"),
        ("8.0.424", "major", "2026-11-23 deny", "10.0.110", "8 i 9 10"),
        ("3.0.104", "minor", "2026-11-23", "3.1.120", "3 i 3.1"),
        ("2.1.106", "feature", "2026-11-23", "2.1.202", "2"),
        ("10.0.0", "latestFeature", "2026-11-23", "10.0.302", "10"),
        ("6.0.0", "latestFeature", "2026-11-23", "6.0.428", "6"),
        ("11.0.100-preview.3.26207.106", "patch", "2026-11-23", "11.0.100-preview.3.26207.106", "11"),
        ("11.0.100-preview.3.26207.106", "patch", "2026-11-23 newest", "11.0.100-preview.6.26359.118", "11"),
        ("11.0.100", "disable", "2026-11-23", "-", "11"),
        ("12.0.100", "latestMajor", "2026-11-23", "?", "12 i"),
    ] {
        let json = format!(r#"{{"sdk": {{"version": "{version}", "rollForward": "{rule}"}}}}"#);
        let channel = dotnet::global_json::read(&json).unwrap().channel.unwrap();
        let (upstream, policy) = (Upstream::default(), policy(rules));
        let got = match wait(dotnet::SDK.candidates(&channel, &policy, &upstream)) {
            Err(_) => "?".to_owned(),
            Ok(candidates) => {
                let choice = dotnet::SDK.choose(&channel, &candidates, &policy);
                choice.pick.map_or("-".to_owned(), |pick| pick.version.to_string())
            }
        };
        assert_eq!(got, expected, "{json} on {rules}");
        let read = upstream.reads().join(" ").replace("releases-index.json", "i").replace("/releases.json", "");
        assert_eq!(read.replace(".0", ""), reads, "{json} on {rules}");
    }
}

/// Every prefix of a file, and the file without each of its characters: no panic, and where nothing is warned of, the
/// installer and the host understand the same.
#[test]
fn the_installer_and_the_host_understand_a_damaged_file_alike() {
    let whole = "\u{feff}{ // ü\n \"sdk\": { /* x */ \"version\": \"8.0.101\", \"rollForward\": \"minor\",\n\
        \"allowPrerelease\": false, \"paths\": [\"$host$\", \"a\\\"b\"], \"errorMessage\": null }, \"x\": [1, {}] }";
    let cuts = whole.char_indices().map(|(at, _)| whole[..at].to_owned());
    let holes = whole.char_indices().map(|(at, c)| format!("{}{}", &whole[..at], &whole[at + c.len_utf8()..]));
    let mut understood = 0;
    for text in cuts.chain(holes).chain([whole.to_owned()]) {
        let host = Settings::of_host(text.as_bytes());
        let Ok(request) = dotnet::global_json::read(&text) else { continue };
        if !request.warnings.is_empty() {
            continue;
        }
        let host = host.unwrap_or_else(|reason| panic!("{text}: {reason}"));
        if let Some(Channel::Minimum(minimum)) = request.channel {
            understood += 1;
            assert_eq!(host.requirement.version.as_ref(), Some(minimum.version.semver()), "{text}");
            let roll_forward = (host.requirement.roll_forward.within(), host.requirement.roll_forward.preference());
            assert_eq!(roll_forward, (minimum.within, minimum.preference), "{text}");
            assert_eq!(host.requirement.allow_prerelease, minimum.prereleases, "{text}");
        }
    }
    assert!(understood > 20, "{understood}");
}
