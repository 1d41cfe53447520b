//! The index as it was on nineteen days, four of them bad: never a wrong pick.

use toolkit::model::Channel;
use toolkit::toolchain::{Toolchain, dotnet};

use super::{Upstream, folder, is_there, policy, resolve, wait};

const INDEX: &str = "releases-index.json";

fn index_of(name: &str) -> Vec<u8> {
    std::fs::read(folder("dotnet-history").join(format!("{name}.json"))).unwrap()
}

#[test]
fn every_state_of_the_index_is_read() {
    if !is_there() {
        return;
    }
    // The newest long-term SDK by each day, classify by the index of that day.
    for (day, expected) in [
        ("2018-12-01", "2.1.500"),
        ("2019-09-30", "2.1.802"),
        ("2020-11-15", "3.1.404"),
        ("2021-11-10", "6.0.100"),
        ("2022-11-18", "6.0.403"),
        ("2022-12-20", "6.0.404"),
        ("2023-11-15", "8.0.100"),
        ("2024-05-15", "8.0.300"),
        ("2024-08-01", "8.0.303"),
        ("2024-11-13", "8.0.404"),
        ("2025-05-15", "8.0.408"), // 8.0.409 came out two days before; its date was rewritten to 2025-05-22 later
        ("2025-11-12", "10.0.100"),
        ("2026-02-15", "10.0.103"),
        ("2026-05-15", "10.0.300"),
        ("2026-07-20", "10.0.302"),
    ] {
        let upstream = Upstream::default().replace(INDEX, index_of(day));
        let choice = resolve(&upstream, "dotnet@lts", &format!("{day} as-of")).unwrap();
        let picked = choice.pick.map(|pick| pick.version.to_string());
        assert_eq!(picked.as_deref(), Some(expected), "{day}: {}", choice.rule);
    }
}

#[test]
fn an_index_that_is_not_json_never_replaces_the_last_good_copy() {
    if !is_there() {
        return;
    }
    let bad = index_of("quirk-2021-12-29.INVALID-JSON");
    let alone = Upstream::default().replace(INDEX, bad.clone());
    let error = resolve(&alone, "dotnet@lts", "2021-12-29 as-of").unwrap_err();
    assert!(error.contains("could not read the dotnet releases"), "{error}");
    let cached = Upstream::default().replace(INDEX, bad.clone()).with_last_good(INDEX, index_of("2021-11-10"));
    let choice = resolve(&cached, "dotnet@lts", "2021-12-29 as-of").unwrap();
    assert_eq!(choice.pick.unwrap().version.as_str(), "6.0.101");
    // An exact version does not need the index at all.
    let choice = resolve(&alone, "dotnet@6.0.101", "2021-12-29 as-of").unwrap();
    assert_eq!(choice.pick.unwrap().version.as_str(), "6.0.101");
}

#[test]
fn what_is_no_index_never_replaces_the_last_good_copy() {
    if !is_there() {
        return;
    }
    for bad in [
        &b"<!DOCTYPE html><html></html>"[..],
        b"",
        b"{}",
        b"[]",
        br#"{"releases-index": []}"#,
        br#"{"releases-index": 3}"#,
    ] {
        let upstream = Upstream::default().replace(INDEX, bad);
        assert!(resolve(&upstream, "dotnet@lts", "2026-11-23").is_err());
        let channel = Upstream::default().replace("8.0/releases.json", bad);
        assert!(resolve(&channel, "dotnet@8.0", "2026-11-23").is_err());
    }
}

#[test]
fn a_document_of_another_channel_is_refused() {
    if !is_there() {
        return;
    }
    let other = std::fs::read(folder("dotnet/9.0/releases.json")).unwrap();
    let upstream = Upstream::default().replace("8.0/releases.json", other);
    let error = resolve(&upstream, "dotnet@8.0", "2026-11-23").unwrap_err();
    assert!(error.contains("it describes channel `9.0`, not 8.0"), "{error}");
}

#[test]
fn a_version_that_only_the_index_has_is_left_out_with_a_warning() {
    if !is_there() {
        return;
    }
    let upstream = Upstream::default().replace(INDEX, index_of("quirk-2024-03-12.typo-latest-sdk-6.0.4209"));
    let choice = resolve(&upstream, "dotnet@6", "2024-03-12 as-of").unwrap();
    assert_eq!(choice.pick.unwrap().version.as_str(), "6.0.420");
    assert!(choice.verdicts.iter().all(|verdict| verdict.version.as_str() != "6.0.4209"));
    assert!(upstream.warnings().contains("dotnet 6.0.4209"), "{}", upstream.warnings());
}

#[test]
fn an_end_date_that_is_the_word_null_is_no_date() {
    if !is_there() {
        return;
    }
    // The channel's own document knows the date today; without it, 7.0 has none and is alive.
    let head = r#"{"channel-version": "7.0", "release-type": "sts", "eol-date": "", "releases": [{"release-date": "2022-02-17",
        "sdk": {"version": "7.0.100-preview.1.22110.4"}}]}"#;
    let index = index_of("quirk-2022-02-17.eol-date-string-null");
    let upstream = Upstream::default().replace(INDEX, index).replace("7.0/releases.json", head);
    let choice = resolve(&upstream, "dotnet@preview", "2022-02-18 as-of").unwrap();
    let pick = choice.pick.unwrap();
    assert_eq!((pick.version.as_str(), pick.support.eol), ("7.0.100-preview.1.22110.4", None));
    let choice = resolve(&upstream, "dotnet@7", "2022-02-18 as-of").unwrap();
    assert!(choice.pick.is_none() && choice.rule.contains("only prereleases"), "{}", choice.rule);
    let choice = resolve(&upstream, "dotnet@lts", "2022-02-18 as-of").unwrap();
    assert_eq!(choice.pick.unwrap().version.as_str(), "6.0.200");
}

#[test]
fn a_preview_that_is_called_active_is_not_a_release() {
    if !is_there() {
        return;
    }
    let index = index_of("quirk-2023-02-21.preview-marked-active");
    let upstream = Upstream::default().replace(INDEX, index);
    for (request, expected) in [("dotnet@lts", "6.0.406"), ("dotnet@latest", "7.0.201"), ("dotnet@sts", "7.0.201")] {
        let choice = resolve(&upstream, request, "2023-02-21 as-of").unwrap();
        assert_eq!(choice.pick.unwrap().version.as_str(), expected, "{request}");
    }
    let choice = resolve(&upstream, "dotnet@8", "2023-02-21 as-of").unwrap();
    assert!(choice.pick.is_none(), "{:?}", choice.pick);
}

#[test]
fn a_document_never_chooses_the_host() {
    if !is_there() {
        return;
    }
    let index = String::from_utf8(index_of("2026-07-20")).unwrap();
    for evil in [
        "https://evil.example/",
        "http://builds.dotnet.microsoft.com/",
        "https://u:p@builds.dotnet.microsoft.com/",
        "file:///",
    ] {
        let changed = index.replace("https://builds.dotnet.microsoft.com/", evil);
        let upstream = Upstream::default().replace(INDEX, changed);
        let choice = resolve(&upstream, "dotnet@lts", "2026-11-23").unwrap(); // the double refuses other hosts
        assert_eq!(choice.pick.unwrap().version.as_str(), "10.0.302");
        assert!(upstream.warnings().contains("unexpected URL"), "{}", upstream.warnings());
    }
    let channel = std::fs::read_to_string(folder("dotnet/8.0/releases.json")).unwrap();
    let changed = channel.replace("https://builds.dotnet.microsoft.com/", "https://evil.example/");
    let upstream = Upstream::default().replace("8.0/releases.json", changed);
    let Channel::Exact(version) = dotnet::SDK.channel("8.0.423").unwrap() else { panic!() };
    let error = wait(dotnet::SDK.release(&version, "linux/amd64".parse().unwrap(), &upstream)).unwrap_err();
    assert!(error.to_string().contains("evil.example is not a host of .NET downloads"), "{error}");
}

#[test]
fn addresses_on_retired_hosts_are_moved() {
    if !is_there() {
        return;
    }
    let channel = std::fs::read_to_string(folder("dotnet/8.0/releases.json")).unwrap();
    for old in ["https://dotnetcli.azureedge.net/", "https://dotnetcli.blob.core.windows.net/"] {
        let changed = channel.replace("https://builds.dotnet.microsoft.com/", old);
        let upstream = Upstream::default().replace("8.0/releases.json", changed);
        let Channel::Exact(version) = dotnet::SDK.channel("8.0.423").unwrap() else { panic!() };
        let release = wait(dotnet::SDK.release(&version, "linux/amd64".parse().unwrap(), &upstream)).unwrap();
        let url = "https://builds.dotnet.microsoft.com/dotnet/Sdk/8.0.423/dotnet-sdk-8.0.423-linux-x64.tar.gz";
        assert_eq!(release.artifacts[0].url.as_str(), url);
    }
}

#[test]
fn an_end_of_life_that_moved_is_judged_by_the_index_that_is_read() {
    if !is_there() {
        return;
    }
    // Until September 2025, 9.0 was to end on 2026-05-12.
    let upstream = Upstream::default().replace(INDEX, index_of("2025-05-15"));
    let candidates =
        wait(dotnet::SDK.candidates(&Channel::Name("sts"), &policy("2025-05-15 as-of"), &upstream)).unwrap();
    let of_nine = candidates.iter().find(|candidate| candidate.version.as_str() == "9.0.300").unwrap();
    assert_eq!(of_nine.support.eol.unwrap().to_string(), "2026-05-12");
}
