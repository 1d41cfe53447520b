//! `which dotnet-sdk`: the choice of the .NET host among installed SDKs, by the rules of hostfxr.

use std::fs;
use std::path::Path;

use toolkit::toolchain::dotnet::host::{Installed, judge, select};
use toolkit::toolchain::dotnet::settings::Settings;

/// What is installed for the table.
const INSTALLED: &[&str] = &[
    "8.0.101",
    "8.0.129",
    "8.0.206",
    "8.0.423",
    "9.0.119",
    "9.0.316",
    "10.0.110",
    "10.0.302",
    "10.0.303-preview.1",
    "11.0.100-preview.6.26359.118",
];

fn picked(json: &str, installed: &[&str]) -> String {
    let settings = Settings::of_host(json.as_bytes()).unwrap_or_default();
    let folders: Vec<_> = installed.iter().map(|name| Installed { name: (*name).to_owned(), is_whole: true }).collect();
    let judged = judge(&settings.requirement, &folders);
    assert_eq!(judged.len(), folders.len());
    judged.into_iter().find(|(_, picked, _)| *picked).map_or("-".to_owned(), |(name, ..)| name)
}

#[test]
fn every_rule_selects_what_the_host_selects() {
    let mut wrong = Vec::new();
    let rows: &[(&str, &str, &str)] = &[
        // the exact version is installed
        ("8.0.101", "", "8.0.101"),
        ("8.0.101", "patch", "8.0.101"),
        ("8.0.101", "feature", "8.0.129"), // only patch and disable prefer the exact version
        ("8.0.101", "minor", "8.0.129"),
        ("8.0.101", "major", "8.0.129"),
        ("8.0.101", "latestPatch", "8.0.129"),
        ("8.0.101", "latestFeature", "8.0.423"),
        ("8.0.101", "latestMinor", "8.0.423"),
        ("8.0.101", "latestMajor", "11.0.100-preview.6.26359.118"),
        ("8.0.101", "disable", "8.0.101"),
        ("8.0.101", "DISABLE", "8.0.101"),
        // it is not
        ("8.0.102", "", "8.0.129"),
        ("8.0.102", "patch", "8.0.129"),
        ("8.0.102", "feature", "8.0.129"),
        ("8.0.102", "minor", "8.0.129"),
        ("8.0.102", "major", "8.0.129"),
        ("8.0.102", "latestPatch", "8.0.129"),
        ("8.0.102", "latestFeature", "8.0.423"),
        ("8.0.102", "latestMinor", "8.0.423"),
        ("8.0.102", "latestMajor", "11.0.100-preview.6.26359.118"),
        ("8.0.102", "disable", "-"),
        ("8.0.130", "", "-"),
        ("8.0.130", "latestPatch", "-"),
        ("8.0.130", "feature", "8.0.206"),
        ("8.0.300", "minor", "8.0.423"),
        ("8.0.500", "feature", "-"),
        ("8.0.500", "minor", "-"),
        ("8.0.500", "major", "9.0.119"),
        ("9.0.120", "major", "9.0.316"),
        // prereleases count
        ("10.0.302", "latestPatch", "10.0.303-preview.1"),
        ("10.0.302", "patch", "10.0.302"),
        ("10.0.301", "patch", "10.0.303-preview.1"),
        ("10.0.303", "patch", "-"), // the prerelease comes before it
        ("10.0.300", "feature", "10.0.303-preview.1"),
        ("10.0.400", "major", "11.0.100-preview.6.26359.118"),
        ("11.0.100-preview.5.1", "", "11.0.100-preview.6.26359.118"),
        ("11.0.100-preview.6.26359.118", "disable", "11.0.100-preview.6.26359.118"),
        ("11.0.100", "latestMajor", "-"),
        // a runtime's version is used, although it can be no SDK
        ("10.0.0", "latestFeature", "10.0.303-preview.1"),
        ("8.0.0", "feature", "8.0.129"),
        ("8.0.0", "", "-"),
        // the whole file is ignored: the latest installed
        ("8.0", "", "11.0.100-preview.6.26359.118"),
        ("8", "latestFeature", "11.0.100-preview.6.26359.118"),
        ("8.0.1xx", "", "11.0.100-preview.6.26359.118"),
        ("08.0.101", "", "11.0.100-preview.6.26359.118"),
        ("8.0.101", "newest", "11.0.100-preview.6.26359.118"),
        ("8.0.101", "unsupported", "11.0.100-preview.6.26359.118"),
    ];
    for (version, rule, expected) in rows {
        let rule = if rule.is_empty() { String::new() } else { format!(r#", "rollForward": "{rule}""#) };
        let json = format!(r#"{{"sdk": {{"version": "{version}"{rule}}}}}"#);
        let got = picked(&json, INSTALLED);
        if got != *expected {
            wrong.push(format!("{json}: expected {expected}, got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn files_are_read_as_the_host_reads_them() {
    let latest = "11.0.100-preview.6.26359.118";
    for (json, expected) in [
        ("{}", latest),
        (r#"{"sdk": null}"#, latest),
        (r#"{"sdk": {}}"#, latest),
        (r#"{"sdk": {"version": null, "rollForward": null}}"#, latest),
        (r#"{"sdk": {"allowPrerelease": false}}"#, "10.0.302"),
        (r#"{"sdk": {"rollForward": "latestMajor", "allowPrerelease": false}}"#, "10.0.302"),
        (r#"{"sdk": {"rollForward": "latestMinor", "allowPrerelease": false}}"#, latest), // ignored: it needs a version
        (r#"{"sdk": {"version": "8.0.101", "allowPrerelease": "no"}}"#, latest),
        (r#"{"sdk": {"version": "8.0.101", "rollForward": "latestMajor", "allowPrerelease": false}}"#, "10.0.302"),
        (r#"{"sdk": {"version": "11.0.100-preview.1", "allowPrerelease": false}}"#, latest),
        (r#"{"sdk": {"version": 8}}"#, latest),
        (r#"{"sdk": {"version": "8.0.2147483648", "rollForward": "latestFeature"}}"#, latest),
        (r#"{"sdk": {"version": "8.0.101", "version": "9.0.119"}}"#, "8.0.101"), // the first
        (r#"{"sdk": {"Version": "8.0.101"}}"#, latest),
        ("// why\n{\"sdk\": /* it */ {\"version\": \"8.0.101\"}}", "8.0.101"),
        ("\u{feff}{\"sdk\": {\"version\": \"8.0.101\"}}", "8.0.101"),
        (r#"{"sdk": {"version": "8.0.101",}}"#, latest), // a trailing comma is an error to the host
        (r#"{"sdk": {"version": "8.0.101"}} and more"#, "8.0.101"), // it stops after the first value
        (r#"{"a": "}", "sdk": {"version": "8.0.101"}} }"#, "8.0.101"),
        (r#"{'sdk': {"version": "8.0.101"}}"#, latest),
        (r#"{"sdk": {"version": "8.0.101", "errorMessage": 3}}"#, latest),
        (r#"{"sdk": {"version": "8.0.101", "paths": "x"}}"#, latest),
        ("[]", latest),
        ("", latest),
    ] {
        assert_eq!(picked(json, INSTALLED), expected, "{json}");
    }
}

#[test]
fn versions_are_ordered_as_the_host_orders_them() {
    let any = r#"{"sdk": {}}"#;
    for (installed, expected) in [
        (&["9.0.316", "10.0.100"][..], "10.0.100"),
        (&["10.0.100-preview.9", "10.0.100-preview.10"], "10.0.100-preview.10"),
        (&["10.0.100-rc.1", "10.0.100-preview.10"], "10.0.100-rc.1"),
        (&["10.0.100-rc.1", "10.0.100-rc.1.1"], "10.0.100-rc.1.1"),
        (&["10.0.100-1", "10.0.100-alpha"], "10.0.100-alpha"),
        (&["10.0", "NuGetFallbackFolder", "8.0.101"], "8.0.101"),
        (&["v10.0.100", "010.0.100", "10.0.0100", "8.0.101"], "8.0.101"),
        (&["10.0.100.1", "8.0.101"], "8.0.101"),
        (&["2147483648.0.100", "10.0.4294967296", "8.0.101"], "8.0.101"), // its numbers are C integers
        (&[], "-"),
    ] {
        assert_eq!(picked(any, installed), expected, "{installed:?}");
    }
}

fn install(root: &Path, versions: &[&str]) {
    for version in versions {
        let folder = root.join("sdk").join(version);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("dotnet.dll"), "").unwrap();
    }
}

#[test]
fn the_nearest_file_upward_decides() {
    let world = tempfile::tempdir().unwrap();
    let base = world.path().canonicalize().unwrap();
    let (root, deep) = (base.join("root"), base.join("a/b/c"));
    install(&root, &["8.0.101", "9.0.316"]);
    fs::create_dir_all(root.join("sdk/10.0.302")).unwrap(); // half-made: no dotnet.dll
    fs::create_dir_all(root.join("sdk/NuGetFallbackFolder")).unwrap();
    fs::create_dir_all(&deep).unwrap();
    fs::write(base.join("a/global.json"), r#"{"sdk": {"version": "8.0.100"}}"#).unwrap();
    let selection = select(&root, &deep);
    assert_eq!(selection.version.as_deref(), Some("8.0.101"));
    assert_eq!(selection.path, Some(root.join("sdk/8.0.101")));
    assert_eq!(selection.global_json, Some(base.join("a/global.json")));
    let reasons: Vec<_> =
        selection.explain.iter().map(|classify| (classify.version.as_str(), classify.reason.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("10.0.302", "it has no dotnet.dll"),
            ("9.0.316", "rollForward=patch does not reach it from 8.0.100"),
            ("8.0.101", "the requested version is not installed, and it is the latest patch of its band"),
            ("NuGetFallbackFolder", "it is not a version"),
        ]
    );
    fs::write(deep.join("global.json"), "{").unwrap();
    let selection = select(&root, &deep);
    assert_eq!(selection.version.as_deref(), Some("9.0.316"));
    assert!(selection.warnings[0].contains("the host ignores"), "{:?}", selection.warnings);
    let json = serde_json::to_value(&selection).unwrap();
    assert_eq!(json["explain"][1]["verdict"], "picked");
    assert_eq!(json["roll-forward"], "latestMajor");
}

#[test]
fn paths_are_searched_in_order_and_the_first_match_ends_it() {
    let world = tempfile::tempdir().unwrap();
    let base = world.path().canonicalize().unwrap();
    let (root, project) = (base.join("root"), base.join("project"));
    install(&root, &["8.0.129", "10.0.302"]);
    install(&project.join(".dotnet"), &["8.0.101"]);
    let absolute = base.join("elsewhere");
    install(&absolute, &["9.0.316"]);
    let versions = |paths: &str, version: &str| {
        let json = format!(
            r#"{{"sdk": {{"version": "{version}", "rollForward": "latestPatch", "paths": [{paths}], "errorMessage": "run ./get-sdk"}}}}"#
        );
        fs::write(project.join("global.json"), json).unwrap();
        let selection = select(&root, &project);
        (selection.version, selection.message)
    };
    let found = |version: &str| Some(version.to_owned());
    assert_eq!(versions(r#"".dotnet", "$host$""#, "8.0.100").0, found("8.0.101"));
    assert_eq!(versions(r#""$host$", ".dotnet""#, "8.0.100").0, found("8.0.129"));
    assert_eq!(versions(r#"".dotnet", "$host$""#, "10.0.100").0, None); // no 10.0.1xx anywhere
    assert_eq!(versions(r#"".dotnet", "$host$""#, "10.0.300").0, found("10.0.302"));
    assert_eq!(versions(&format!("{:?}", absolute.to_str().unwrap()), "9.0.300").0, found("9.0.316"));
    assert_eq!(versions(r#""missing""#, "8.0.100"), (None, found("run ./get-sdk")));
    assert_eq!(versions("", "8.0.100").0, None);
    // Hosts before .NET 10 know neither.
    fs::create_dir_all(root.join("host/fxr/9.0.18")).unwrap();
    assert_eq!(versions(r#"".dotnet""#, "8.0.100"), (found("8.0.129"), None));
    fs::create_dir_all(root.join("host/fxr/10.0.10")).unwrap();
    assert_eq!(versions(r#"".dotnet""#, "8.0.100").0, found("8.0.101"));
}

#[test]
fn nothing_installed_is_no_selection() {
    let world = tempfile::tempdir().unwrap();
    let selection = select(&world.path().join("none"), world.path());
    assert_eq!((selection.version, selection.explain.len()), (None, 0));
}
