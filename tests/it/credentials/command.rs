//! The command against a real registry that asks for a password, which each source gives in turn.

use std::path::Path;
use std::process::Command;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::json;

use crate::image_index::Bench;
use crate::support::registry::{Kind, PASSWORD, USER};
use crate::support::upstream::{Fault, Upstream};
use crate::support::world::World;

/// Installs a helper program that knows the user.
fn install(folder: &Path) {
    let (source, target) = (folder.join("script"), folder.join("bin/docker-credential-test"));
    let answer = json!({"ServerURL": "", "Username": USER, "Secret": PASSWORD});
    std::fs::write(&source, format!("#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")).unwrap();
    let status = Command::new("install").args(["-D", "-m", "755"]).arg(source).arg(target).status();
    assert!(status.unwrap().success());
}

#[test]
fn every_source_opens_a_registry_with_passwords() {
    let Some(bench) = Bench::new(Kind::Htpasswd) else { return };
    let host = bench.registry.host();
    let auth = BASE64_STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let folder = bench.folder.path();
    install(folder);
    let path = format!("{}:/usr/bin:/bin", folder.join("bin").display());
    let file = |name: &str, text: serde_json::Value| {
        std::fs::write(folder.join(name), text.to_string()).unwrap();
        folder.join(name).display().to_string()
    };
    let plain = json!({"auths": {host: {"auth": &auth}}});
    let own = file("own.json", json!({"credHelpers": {host: "test"}}));
    let store = file("store.json", json!({"auths": {host: {}}, "credsStore": "test"}));
    let plain_file = file("plain.json", plain.clone());
    for (name, vars) in [
        ("a file", &[("REGISTRY_AUTH_FILE", plain_file.as_str())][..]),
        ("a variable", &[("DOCKER_AUTH_CONFIG", &plain.to_string())]),
        ("a helper", &[("REGISTRY_AUTH_FILE", &own), ("PATH", &path)]),
        ("a store", &[("REGISTRY_AUTH_FILE", &store), ("PATH", &path)]),
        ("a job", &[("CI_REGISTRY", host), ("CI_REGISTRY_USER", USER), ("CI_REGISTRY_PASSWORD", PASSWORD)]),
    ] {
        let world = vars.iter().fold(World::new(), |world, (name, value)| world.with(name, value));
        let run = world.run(&["image", "inspect", &bench.name("app:1.2-arm64")]);
        assert_eq!(run.code, Some(0), "{name}: {}", run.stderr);
        for text in [&run.stdout, &run.stderr] {
            assert!(!text.contains(PASSWORD) && !text.contains(&auth), "{name}: {text}");
        }
    }
    let said = World::new().fails(2, &["image", "inspect", &bench.name("app:1.2-arm64")]);
    assert!(said.contains("anonymous"), "{said}");
    let missing = World::new().with("REGISTRY_AUTH_FILE", &store);
    let said = missing.fails(5, &["image", "inspect", &bench.name("app:1.2-arm64")]);
    assert!(said.contains("docker-credential-test, which is not on PATH"), "{said}");
    assert!(said.contains("hint: install it"), "{said}");
}

#[test]
fn a_refresh_token_follows_no_redirect() {
    const TOKEN: &str = "refresh-token-of-alice";
    let (other, registry) = (Upstream::new(), Upstream::new());
    let challenge = format!("Bearer realm=\"{}\",service=\"test\"", registry.url("/token"));
    registry.file("/v2/shop/manifests/1", "{}");
    registry.fault("/v2/shop/manifests/1", Fault::Under { code: 401 });
    registry.fault("/v2/shop/manifests/1", Fault::Header("WWW-Authenticate", challenge));
    registry.fault("/token", Fault::RedirectAll { to: other.url("/token").to_string() });
    let auths = json!({"auths": {registry.host(): {"auth": BASE64_STANDARD.encode("alice:"), "identitytoken": TOKEN}}});
    let world = World::new().with("DOCKER_AUTH_CONFIG", &auths.to_string());
    let run = world.run(&["image", "inspect", &format!("{}/shop:1", registry.host())]);
    let sent = registry.seen("/token");
    assert!(sent.len() == 1 && String::from_utf8_lossy(&sent[0].body).contains(TOKEN), "{sent:?} {}", run.stderr);
    assert_eq!(other.total_requests(), 0, "{}", run.stderr);
    assert!(run.stderr.contains("meant for this server alone") && !run.stderr.contains(TOKEN), "{}", run.stderr);
}
