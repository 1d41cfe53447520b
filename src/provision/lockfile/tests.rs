use super::*;
use crate::model::Format;
use crate::provision::{Origin, argument};

fn artifact(platform: &str) -> LockedArtifact {
    LockedArtifact {
        platform: platform.parse().unwrap(),
        artifact: Artifact {
            url: format!("https://go.dev/dl/go1.26.7.{}.tar.gz", platform.replace('/', "-")).parse().unwrap(),
            digest: format!("sha256:{}", "0".repeat(64)).parse().unwrap(),
            proof: Proof { level: Level::Checksum, source: "go.dev".to_owned() },
            size: None,
            format: Format::TarGz,
            strip: 1,
        },
        executables: Vec::new(),
    }
}

/// What `go@1.26` and a lock of it say, before a case changes either.
fn agreeing() -> (ToolRequest, Lock, Policy) {
    let locked = LockedTool {
        name: "go".to_owned(),
        request: "1.26".to_owned(),
        file: None,
        source: None,
        version: "1.26.7".to_owned(),
        image: None,
        released: None,
        eol: None,
        trees: BTreeMap::new(),
        artifacts: vec![artifact("linux/amd64"), artifact("linux/arm64")],
    };
    (argument("go@1.26").unwrap(), Lock { tools: vec![locked] }, Policy::on("2026-11-01".parse().unwrap()))
}

#[test]
fn a_lock_that_differs_from_the_requests_in_one_thing_has_one_finding() {
    type Change = fn(&mut ToolRequest, &mut Lock);
    let cases: [(Change, Option<&str>); 10] = [
        (|_, _| {}, None),
        (|_, lock| lock.tools.clear(), Some("go is requested but not locked")),
        (|_, lock| lock.tools[0].request = "1.27".to_owned(), Some("as `1.26`, and locked as `1.27`")),
        (|_, lock| lock.tools[0].file = Some("go.mod".to_owned()), Some("locked as `1.26` by go.mod")),
        (
            |request, _| request.origin = Origin::File { path: "/p/go.mod".into(), name: "go.mod".to_owned() },
            Some("as `1.26` by go.mod, and locked as `1.26`"),
        ),
        (|request, _| request.source = Some("goproxy".to_owned()), Some("goproxy")),
        (|_, lock| lock.tools[0].version = "1.25.1".to_owned(), Some("go 1.25.1 does not match 1.26")),
        (|_, lock| drop(lock.tools[0].artifacts.pop()), Some("is not locked for linux/arm64")),
        (
            |_, lock| lock.tools[0].artifacts.push(artifact("darwin/arm64")),
            Some("locked for darwin/arm64, which `platforms` does not list"),
        ),
        (
            |_, lock| lock.tools.push(LockedTool { name: "dotnet".to_owned(), ..lock.tools[0].clone() }),
            Some("dotnet is locked and no longer requested"),
        ),
    ];
    for (change, expected) in cases {
        let (mut request, mut lock, policy) = agreeing();
        change(&mut request, &mut lock);
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().unwrap());
        let found = check(&[request], &platforms, &lock, &policy).0;
        assert_eq!(found.len(), usize::from(expected.is_some()), "{expected:?}: {found:?}");
        assert!(found.iter().all(|line| line.contains(expected.unwrap_or_default())), "{expected:?}: {found:?}");
    }
}

#[test]
fn each_of_several_versions_has_its_own_entry() {
    let (_, lock, policy) = agreeing();
    let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().unwrap());
    let locked = |line: &str, patch: &str| {
        let version = format!("{line}.{patch}");
        let artifact = |of: &str, name: &str| {
            let mut locked = artifact(of);
            let folder = format!("https://builds.dotnet.microsoft.com/dotnet/Sdk/{version}");
            locked.artifact.url = format!("{folder}/dotnet-sdk-{version}-{name}.tar.gz").parse().unwrap();
            locked.artifact.digest = format!("sha512:{}", "0".repeat(128)).parse().unwrap();
            locked.artifact.proof.source = "builds.dotnet.microsoft.com".to_owned();
            locked.artifact.strip = 0;
            locked
        };
        LockedTool {
            name: "dotnet".to_owned(),
            request: line.to_owned(),
            artifacts: vec![artifact("linux/amd64", "linux-x64"), artifact("linux/arm64", "linux-arm64")],
            version,
            ..lock.tools[0].clone()
        }
    };
    let requests =
        |lines: &[&str]| -> Vec<_> { lines.iter().map(|line| argument(&format!("dotnet@{line}")).unwrap()).collect() };
    let lock = Lock { tools: vec![locked("8.0", "415"), locked("9.0", "308")] };
    let found = |lines: &[&str]| check(&requests(lines), &platforms, &lock, &policy).0;
    assert_eq!(found(&["8.0", "9.0"]), [""; 0]);
    assert_eq!(found(&["9.0", "8.0"]), [""; 0], "their order does not matter");
    assert_eq!(found(&["9.0"]), ["dotnet `8.0` is locked and no longer requested"]);
    assert_eq!(found(&["9.0", "10.0", "8.0"]), ["dotnet `10.0` is requested but not locked"]);
    let changed = found(&["9.0", "10.0"]);
    assert!(changed[0].contains("dotnet is requested as `10.0`, and locked as `8.0`"), "{changed:?}");
    let picked = from_lock(&requests(&["9.0", "8.0"]), platforms[0], &lock, &policy).unwrap();
    let versions: Vec<_> = picked.iter().map(|(_, release)| release.version.as_str()).collect();
    assert_eq!(versions, ["9.0.308", "8.0.415"], "in the order of the requests");
}

#[test]
fn a_proof_that_is_too_weak_is_found_for_every_platform() {
    let (request, lock, mut policy) = agreeing();
    policy.verification = Level::Signature;
    let platforms = ["linux/amd64", "linux/arm64"].map(|platform| platform.parse().unwrap());
    let found = check(std::slice::from_ref(&request), &platforms, &lock, &policy).0;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.iter().all(|line| line.contains("is verified by checksum")), "{found:?}");
    assert!(matches!(from_lock(&[request], platforms[0], &lock, &policy), Err(Error::StaleLock { .. })));
}
