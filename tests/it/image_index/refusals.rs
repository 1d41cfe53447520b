//! What is refused, each with its own words, and nothing pushed.

use super::Bench;
use crate::support::front::{Answer, Front, Turn};
use crate::support::layouts::Image;
use crate::support::registry::Kind;

#[test]
fn images_that_do_not_fit_are_refused() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    bench.push(&Image::of("linux/amd64"), "app:wrong-arm64");
    bench.push(&Image::of("linux/amd64").layer(vec![1]), "app:other");
    bench.world.write("arm64.digest", &bench.digest("app:1.2-amd64"));
    bench.world.write("empty.digest", "");
    for (code, words, said) in [
        (1, &["R/app:1.2-amd64", "R/app:wrong-arm64"][..], "is an image for linux/amd64, and its name says arm64"),
        (1, &["--digest-file", "arm64.digest"], "and the name of arm64.digest says arm64"),
        (1, &["--child", "linux/arm64=R/app:1.2-amd64"], "and --child says linux/arm64"),
        (1, &["R/app:1.2-amd64", "R/app:other"], "two images are for linux/amd64: "),
        (1, &["R/app:1.2-amd64", "R/app:1.2-amd64"], "which are the same image"),
        (
            1,
            &["R/app:1.2-amd64", "--platform", "linux/amd64,linux/arm64"],
            "there is no image for linux/arm64, only for linux/amd64",
        ),
        (2, &["R/app:1.2-amd46"], "does not exist"),
        (2, &["R/app:1.2-amd46"], "did you mean "),
        (2, &["R/absent:1"], "does not exist"),
        (2, &["R/app@sha256:0000000000000000000000000000000000000000000000000000000000000000"], "does not exist"),
        (2, &[], "no image was given"),
        (2, &["R/App:1"], "capital letters"),
        (2, &["--digest-file", "empty.digest"], "the file is empty"),
        (5, &["--digest-file", "absent.digest"], "could not read the digest file absent.digest"),
        (2, &["--child", "R/app:1.2-amd64"], "PLATFORM=IMAGE"),
        (2, &["oci:absent"], "is not an OCI layout"),
        (1, &["R/app:1.2-amd64", "--platform", "arm64"], "there is no image for linux/arm64, only for linux/amd64"),
        (2, &["R/app:1.2-amd64", "--platform", "beer"], "os/architecture"),
        (2, &["R/app:1.2-amd64", "--annotation", "x"], "expected KEY=VALUE"),
        (2, &["R/app:1.2-amd64", "--tag", "R/other:1"], "all tags of an index must name one repository"),
    ] {
        let error = bench.refuses(code, &[&["--tag", "R/app:1.2"], words].concat());
        assert!(error.contains(said), "{words:?} does not say `{said}`: {error}");
    }
}

#[test]
fn what_is_no_image_is_refused() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let folder = bench.layout(&Image::of("linux/amd64"), "chart");
    let config = crate::support::layouts::blob(&folder, "application/vnd.cncf.helm.config.v1+json", b"{}");
    let manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": [] });
    let row =
        crate::support::layouts::blob(&folder, crate::support::layouts::MANIFEST, manifest.to_string().as_bytes());
    crate::support::layouts::write_index(&folder, &[row]);
    let from = format!("oci:{}", folder.display());
    let said = bench.refuses(2, &["--tag", "R/app:1.2", &from]);
    assert!(said.contains("is not a container image: it contains application/vnd.cncf.helm.config.v1+json"), "{said}");
}

#[test]
fn a_lying_server_is_found_out() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    fn spoil(answer: &mut Answer) {
        if let Some(byte) = answer.body.iter_mut().rev().find(|byte| byte.is_ascii_digit()) {
            *byte = if *byte == b'1' { b'2' } else { b'1' };
        }
    }
    let digest = bench.digest("app:1.2-arm64");
    for part in ["/manifests/1.2-arm64", "/manifests/sha256:", "/blobs/sha256:"] {
        let front = Front::before(bench.registry.host(), move |seen, _| match seen.target.contains(part) {
            true if seen.method == "GET" => Turn::Changed(spoil),
            _ => Turn::Pass,
        });
        let child = match part.contains("manifests/sha256") {
            true => front.name(&format!("app@{digest}")),
            false => front.name("app:1.2-arm64"),
        };
        let before = bench.registry.contents();
        let said = bench.world.fails(4, &["image", "index", "--tag", &front.name("app:1.2"), &child]);
        assert!(said.contains("expected sha256:") && said.contains("nothing was pushed"), "{part}: {said}");
        assert_eq!(bench.registry.contents(), before);
        assert!(!front.lines().iter().any(|line| line.starts_with("PUT")), "{:#?}", front.lines());
    }
    // What was pushed and reads back otherwise is told.
    let front = Front::before(bench.registry.host(), |seen, _| match seen.line().as_str() {
        "GET /v2/app/manifests/1.2" => Turn::Changed(|answer| {
            spoil(answer);
            answer.headers.retain(|(name, _)| name != "docker-content-digest");
        }),
        _ => Turn::Pass,
    });
    let said = bench.world.fails(4, &["image", "index", "--tag", &front.name("app:1.2"), &front.name("app:1.2-arm64")]);
    assert!(said.contains("was pushed as sha256:") && said.contains("now reads as sha256:"), "{said}");
}

#[test]
fn who_may_not_write_is_told_so() {
    for kind in [Kind::Htpasswd, Kind::Token] {
        let Some(bench) = Bench::new(kind) else { return };
        let nobody = bench.folder.path().join("nobody.json");
        std::fs::write(&nobody, "{}").unwrap();
        let anonymous = crate::support::world::World::new().with("REGISTRY_AUTH_FILE", nobody.to_str().unwrap());
        let before = bench.registry.contents();
        let words = ["image", "index", "--tag", &bench.name("app:1.2"), &bench.name("app:1.2-arm64")];
        let said = anonymous.fails(2, &words);
        assert!(said.contains("denies permission to") && said.contains("anonymous"), "{kind:?}: {said}");
        assert!(said.contains("login"), "{said}");
        assert_eq!(bench.registry.contents(), before);
    }
    // With the right password and without the right: 403.
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let front = Front::before(bench.registry.host(), |seen, _| match seen.method.as_str() {
        "PUT" => Turn::Answer(Answer::refusal(403, "DENIED", "requested access to the resource is denied")),
        _ => Turn::Pass,
    });
    let said = bench.world.fails(2, &["image", "index", "--tag", &front.name("app:1.2"), &front.name("app:1.2-arm64")]);
    assert!(said.contains("could not push the index") && said.contains("DENIED"), "{said}");
    assert!(said.contains("no tag was moved"), "{said}");
}

#[test]
fn a_tag_that_cannot_be_moved_is_told_and_one_that_need_not_be_is_well() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    // As ECR: whatever is there already is refused, be it the same or not.
    let refusing = || {
        Front::before(bench.registry.host(), |seen, _| match seen.line().as_str() {
            "PUT /v2/app/manifests/1.2" => Turn::Answer(Answer::refusal(
                400,
                "TAG_INVALID",
                "The image tag '1.2' already exists in the 'app' repository and cannot be overwritten because the repository \
                 is immutable.",
            )),
            _ => Turn::Pass,
        })
    };
    bench.push(&Image::of("linux/s390x"), "app:1.2");
    let front = refusing();
    let words = |front: &Front| {
        let tags = vec!["--tag".to_owned(), front.name("app:new"), "--tag".to_owned(), front.name("app:1.2")];
        let mut words = vec!["image".to_owned(), "index".to_owned()];
        words.extend(tags);
        words.extend([front.name("app:1.2-amd64"), front.name("app:1.2-arm64")]);
        words
    };
    let run = |words: &[String]| bench.world.run(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let before = bench.digest("app:1.2");
    let refused = run(&words(&front));
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("exists, and its repository does not allow tags to be moved"),
        "{}",
        refused.stderr
    );
    assert!(refused.stderr.contains("moved so far: new"), "{}", refused.stderr);
    assert_eq!(bench.digest("app:1.2"), before);
    // The same index is there from a run before: nothing need be moved.
    bench.index(&["--tag", "R/app:1.2", "R/app:1.2-amd64", "R/app:1.2-arm64"]);
    let again = run(&words(&front));
    assert_eq!(again.code, Some(0), "{}", again.stderr);
}

#[test]
fn a_rate_limit_is_explained() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let front = Front::before(bench.registry.host(), |_, _| {
        let refusal = Answer::refusal(429, "TOOMANYREQUESTS", "You have reached your pull rate limit");
        Turn::Answer(refusal.with("Retry-After", "3600"))
    });
    let said = bench.world.fails(3, &["image", "index", "--tag", &front.name("app:1.2"), &front.name("app:1.2-arm64")]);
    assert!(said.contains("429") && said.contains("limit how often"), "{said}");
}
