//! A real registry on 127.0.0.1: Debian's `docker-registry`, plain, with passwords, with TLS, or behind a token service.
//!
//! ```ignore
//! let Some(registry) = Registry::start(Kind::Plain) else { return };   // says why it is skipped
//! registry.push(&layout, "app:1.2-arm64");
//! … run what is tested against registry.name("app:1.2")
//! ```
//! Dropping it ends the process and deletes what it stored.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

use super::tokens::Tokens;
use super::world::World;

/// Who may write to a registry that asks.
pub const USER: &str = "alice";
/// The password.
pub const PASSWORD: &str = "correct-horse-battery-staple";

/// What a registry asks of its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Nothing.
    Plain,
    /// A password.
    Htpasswd,
    /// A password, over TLS under an authority that nobody knows.
    Tls,
    /// A token, which its service sells for a password; reading is free.
    Token,
}

pub const KINDS: [Kind; 4] = [Kind::Plain, Kind::Htpasswd, Kind::Tls, Kind::Token];

/// A running registry.
pub struct Registry {
    pub kind: Kind,
    folder: TempDir,
    process: Child,
    address: String,
    pub tokens: Option<Tokens>,
}

impl Registry {
    /// Starts one. None, with a loud reason, on a machine that lacks what it takes.
    pub fn start(kind: Kind) -> Option<Self> {
        for tool in ["docker-registry", "skopeo"] {
            if !has(tool) {
                eprintln!("SKIPPED: {tool} is not installed (apt-get install docker-registry skopeo)");
                return None;
            }
        }
        let folder = tempfile::tempdir().unwrap();
        let tokens = (kind == Kind::Token).then(Tokens::start);
        let config = folder.path().join("config.yml");
        fs::write(&config, configuration(kind, folder.path(), tokens.as_ref())).unwrap();
        let mut process = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = BufReader::new(process.stderr.take().unwrap());
        let Some(address) = address(log) else {
            let _ = process.kill();
            let _ = process.wait();
            panic!("docker-registry ended before it listened");
        };
        let registry = Self { kind, folder, process, address, tokens };
        registry.write_credentials();
        Some(registry)
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> &str {
        &self.address
    }

    /// Names an image in it.
    pub fn name(&self, rest: &str) -> String {
        format!("{}/{rest}", self.address)
    }

    /// The folder in which everything stands that belongs to it.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A docker `config.json` with the user's password, or without anything where none is asked for.
    pub fn credentials(&self) -> PathBuf {
        self.folder().join("auth.json")
    }

    /// The certificate of its authority.
    pub fn authority(&self) -> PathBuf {
        self.folder().join("ca/ca.crt")
    }

    fn write_credentials(&self) {
        let (host, insecure) = (&self.address, self.kind != Kind::Tls);
        let conf =
            format!("unqualified-search-registries = []\n[[registry]]\nlocation = \"{host}\"\ninsecure = {insecure}\n");
        fs::write(self.folder().join("registries.conf"), conf).unwrap();
        let auths = match self.kind {
            Kind::Plain => serde_json::json!({}),
            _ => serde_json::json!({ &self.address: { "username": USER, "password": PASSWORD,
                "auth": base64(&format!("{USER}:{PASSWORD}")) } }),
        };
        let text = serde_json::json!({ "auths": auths }).to_string();
        fs::create_dir_all(self.folder().join("home/.docker")).unwrap();
        fs::write(self.folder().join("home/.docker/config.json"), &text).unwrap();
        fs::write(self.credentials(), text).unwrap();
    }

    /// Lets the command of this project reach it: credentials and authority.
    pub fn known_to(&self, world: World) -> World {
        let world = world.with("REGISTRY_AUTH_FILE", self.credentials().to_str().unwrap());
        match self.kind {
            Kind::Tls => world.with("SSL_CERT_FILE", self.authority().to_str().unwrap()),
            _ => world,
        }
    }

    /// Returns a command of skopeo or podman that reaches it, with the option for TLS that this subcommand has.
    pub fn tool(&self, tool: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(tool);
        command.args(arguments).env("REGISTRY_AUTH_FILE", self.credentials()).stdin(Stdio::null());
        command.env("CONTAINERS_REGISTRIES_CONF", self.folder().join("registries.conf"));
        // `podman manifest inspect` reads no other file than this one.
        command.env("HOME", self.folder().join("home")).env_remove("XDG_RUNTIME_DIR");
        if self.kind == Kind::Tls {
            command.env("SSL_CERT_FILE", self.authority());
        }
        command
    }

    /// Pushes the image in an OCI layout by `skopeo copy`, as it is or in Docker's format.
    pub fn push(&self, layout: &Path, name: &str, format: &str) {
        let target = format!("docker://{}", self.name(name));
        let from = format!("oci:{}", layout.display());
        let tls = format!("--dest-tls-verify={}", self.kind == Kind::Tls);
        let mut arguments = vec!["copy", "--quiet", &tls, "--insecure-policy", "--format", format];
        arguments.extend([from.as_str(), target.as_str()]);
        succeeded(&self.tool("skopeo", &arguments).output().unwrap());
    }

    /// Returns the bytes of a manifest as `skopeo inspect --raw` has them.
    pub fn raw(&self, name: &str) -> Vec<u8> {
        let at = format!("docker://{}", self.name(name));
        let tls = format!("--tls-verify={}", self.kind == Kind::Tls);
        succeeded(&self.tool("skopeo", &["inspect", &tls, "--raw", &at]).output().unwrap())
    }

    /// Lists every file below its store that is a tag or a manifest of a repository: equal lists mean that nothing was
    /// pushed.
    pub fn contents(&self) -> Vec<String> {
        let root = self.folder().join("data/docker/registry/v2/repositories");
        let mut found = Vec::new();
        walk(&root, &root, &mut found);
        // What was begun and not ended is no part of a repository.
        found.retain(|path| !path.contains("/_uploads/"));
        found.sort();
        found
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns true if a program is installed.
pub fn has(tool: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|folder| folder.join(tool).is_file())
}

/// Returns what a program printed, which must have succeeded.
pub fn succeeded(output: &Output) -> Vec<u8> {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout.clone()
}

fn base64(text: &str) -> String {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    BASE64_STANDARD.encode(text)
}

/// Reads the log until it says where the registry listens, and keeps reading, so that it never waits for its reader.
fn address(log: impl BufRead + Send + 'static) -> Option<String> {
    let mut lines = log.lines();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let rest = line.split_once("listening on ")?.1;
        Some(rest.chars().take_while(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect())
    });
    std::thread::spawn(move || lines.for_each(drop));
    address
}

fn configuration(kind: Kind, folder: &Path, tokens: Option<&Tokens>) -> String {
    let at = folder.display();
    let mut text = format!(
        "version: 0.1\nlog: {{level: info}}\nstorage:\n  filesystem: {{rootdirectory: {at}/data}}\n  delete: {{enabled: true}}\n\
         http:\n  addr: 127.0.0.1:0\n  secret: not-secret\n"
    );
    if kind == Kind::Tls {
        certificates(folder);
        text.push_str(&format!("  tls: {{certificate: {at}/cert.pem, key: {at}/key.pem}}\n"));
    }
    if matches!(kind, Kind::Htpasswd | Kind::Tls) {
        fs::write(folder.join("htpasswd"), password_line()).unwrap();
        text.push_str(&format!("auth:\n  htpasswd: {{realm: test, path: {at}/htpasswd}}\n"));
    }
    if let Some(tokens) = tokens {
        fs::write(folder.join("tokens.pem"), tokens.certificate()).unwrap();
        text.push_str(&format!(
            "auth:\n  token: {{realm: \"{}\", service: {}, issuer: {}, rootcertbundle: {at}/tokens.pem}}\n",
            tokens.realm(),
            super::tokens::SERVICE,
            super::tokens::ISSUER
        ));
    }
    text
}

/// `htpasswd -Bbn -C 4` of [`USER`] and [`PASSWORD`]: the registry reads bcrypt only, and no test should wait for it.
fn password_line() -> String {
    format!("{USER}:$2y$04$jMGarw2QilQ3j38OcrksnOFM3mzAvSqwUHVfTxbyb3NLnMXpaxgj2\n")
}

/// Makes an authority and, signed by it, a certificate for 127.0.0.1.
fn certificates(folder: &Path) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    fs::create_dir(folder.join("ca")).unwrap();
    fs::write(folder.join("ca/ca.crt"), params.self_signed(&key).unwrap().pem()).unwrap();
    let issuer = rcgen::Issuer::new(params, key);
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.join("cert.pem"), params.signed_by(&key, &issuer).unwrap().pem()).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, found);
        } else {
            let bytes = fs::read_to_string(&path).unwrap_or_default();
            found.push(format!("{} {bytes}", path.strip_prefix(root).unwrap().display()));
        }
    }
}
