//! How often a registry is asked, and what others hear.

use std::sync::{Arc, Mutex};

use super::Bench;
use crate::support::front::{Answer, Front, Turn};
use crate::support::registry::{Kind, PASSWORD, USER};
use crate::support::upstream::Upstream;
use crate::support::world::World;

fn run(world: &World, words: &[String]) -> serde_json::Value {
    let words: Vec<&str> = ["image", "index", "--json"].into_iter().chain(words.iter().map(String::as_str)).collect();
    world.json(&words)
}

fn words(front: &Front) -> Vec<String> {
    let name = |rest: &str| front.name(rest);
    vec!["--tag".to_owned(), name("app:1.2"), name("app:1.2-amd64"), name("app:1.2-arm64")]
}

#[test]
fn an_index_of_two_images_takes_seven_requests() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    let front = Front::before(bench.registry.host(), |_, _| Turn::Pass);
    let told = run(&bench.world, &words(&front));
    let mut lines = front.lines();
    let digest = told["digest"].as_str().unwrap();
    // The way to a registry on this machine is found out by one request more, which no other registry gets.
    lines.retain(|line| line != "GET /v2/");
    let reading = lines.iter().filter(|line| line.starts_with("GET /v2/app/")).count();
    assert_eq!(reading, 5, "{lines:#?}");
    assert_eq!(
        lines[4..],
        [
            format!("PUT /v2/app/manifests/{digest}"),
            "PUT /v2/app/manifests/1.2".to_owned(),
            "GET /v2/app/manifests/1.2".to_owned()
        ]
    );
    assert_eq!(lines.len(), 7);
    // With another tag there are two more: it is pushed and read back.
    let more = [words(&front), vec!["--tag".to_owned(), front.name("app:latest")]].concat();
    let before = front.seen().len();
    run(&bench.world, &more);
    assert_eq!(front.seen()[before..].iter().filter(|seen| seen.line() != "GET /v2/").count(), 9);
}

#[test]
fn credentials_cost_one_question_and_what_it_takes_to_answer_it() {
    // One of each count is the question whether a registry on this machine speaks TLS, which no other one is asked. The
    // answer to it tells the registry with TLS's question too.
    for (kind, expected) in
        [(Kind::Plain, 1 + 7), (Kind::Htpasswd, 1 + 1 + 7), (Kind::Tls, 1 + 7), (Kind::Token, 1 + 2 + 7)]
    {
        let Some(bench) = Bench::new(kind) else { return };
        let told = bench.index(&["--tag", "R/app:1.2", "R/app:1.2-amd64", "R/app:1.2-arm64"]);
        assert_eq!(told["requests"], expected, "{kind:?}");
    }
}

#[test]
fn one_token_serves_for_all_that_is_done() {
    let Some(bench) = Bench::new(Kind::Token) else { return };
    let words = bench.words(&["--tag", "R/app:1.2", "R/app:1.2-amd64", "R/app:1.2-arm64"]);
    let tokens = bench.registry.tokens.as_ref().unwrap();
    let before = tokens.seen().len();
    bench.world.json(&words.iter().map(String::as_str).collect::<Vec<_>>());
    let asked: Vec<String> = tokens.seen()[before..].iter().map(|seen| seen.target.clone()).collect();
    assert_eq!(asked.len(), 1, "{asked:#?}");
    assert!(asked[0].contains("repository%3Aapp%3Apull%2Cpush"), "{asked:#?}");
}

#[test]
fn what_is_said_to_a_registry_reaches_no_other_server() {
    let Some(bench) = Bench::new(Kind::Htpasswd) else { return };
    let elsewhere = Arc::new(Upstream::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    let front = Front::before(bench.registry.host(), {
        let (elsewhere, told) = (Arc::clone(&elsewhere), Arc::clone(&told));
        let data = bench.registry.folder().join("data/docker/registry/v2/blobs/sha256");
        move |seen, _| {
            let Some(digest) = seen.target.split("/blobs/sha256:").nth(1).filter(|_| seen.method == "GET") else {
                return Turn::Pass;
            };
            let known = seen.headers.get("authorization").is_some_and(|value| value.starts_with("Basic "));
            if !known {
                return Turn::Pass; // the registry asks who is there
            }
            told.lock().unwrap().push(digest.to_owned());
            let bytes = std::fs::read(data.join(&digest[..2]).join(digest).join("data")).unwrap();
            let path = format!("/cdn/{digest}");
            elsewhere.file(&path, bytes);
            let to = elsewhere.url(&path);
            Turn::Answer(Answer::new(307, "text/plain", Vec::new()).with("Location", to.as_str()))
        }
    });
    let auths = serde_json::json!({ "auths": { front.host(): { "username": USER, "password": PASSWORD } } });
    let file = bench.folder.path().join("front.json");
    let auths = auths.to_string().replace(
        "\"password\"",
        &format!("\"auth\":\"{}\",\"password\"", {
            use base64::prelude::{BASE64_STANDARD, Engine as _};
            BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"))
        }),
    );
    std::fs::write(&file, auths).unwrap();
    let world = World::new().with("REGISTRY_AUTH_FILE", file.to_str().unwrap());
    // Configurations are read over the redirect, and so are the layers, which go to another registry.
    run(&world, &words(&front));
    let Some(other) = Bench::new(Kind::Plain) else { return };
    let copied = ["--tag".to_owned(), other.name("copy:1.2"), front.name("app:1.2")];
    run(&world, &copied);
    assert!(told.lock().unwrap().len() >= 4, "nothing was redirected");
    assert_eq!(elsewhere.total_requests(), told.lock().unwrap().len());
    for seen in elsewhere.all_seen() {
        assert!(!seen.headers.contains_key("authorization"), "{seen:?}");
    }
}

#[test]
fn a_registry_that_cuts_every_third_request_ends_right() {
    let Some(bench) = Bench::new(Kind::Plain) else { return };
    for after in [false, true] {
        let front = Front::before(bench.registry.host(), move |_, number| match number % 3 {
            0 if after => Turn::CutAfter,
            0 => Turn::Cut,
            _ => Turn::Pass,
        });
        let told = run(&bench.world, &words(&front));
        assert_eq!(bench.digest("app:1.2"), told["digest"].as_str().unwrap());
        // Images that must be copied come over such a line too.
        let target = format!("copy{}", u8::from(after));
        let copy = ["--tag".to_owned(), front.name(&format!("{target}:1.2")), bench.name("app:1.2")];
        let told = run(&bench.world, &copy);
        assert_eq!(bench.digest(&format!("{target}:1.2")), told["digest"].as_str().unwrap());
        assert!(front.seen().len() > 12, "{:#?}", front.lines());
    }
}
