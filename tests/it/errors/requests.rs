//! What people ask for and what their project's files say.

use toolkit::cli::Unrepresentable;
use toolkit::fs::FileError;
use toolkit::model::{Algorithm, Choice, Digest, Level};
use toolkit::{project, provision, toolchain};

use super::examples::{
    Example, GO_FILE, GO_URL, SDK_INDEX, Section, absent, arm64, denied, failing, read_only, reading_releases,
    resolving, run, section, text,
};
use toolkit::net;
use toolkit::provision::Error;

pub fn sections() -> Vec<Section> {
    [words(), commands(), arguments(), files(), projects(), releases(), locks()].into_iter().flatten().collect()
}

const HOME: &[(&str, &str)] = &[("HOME", "/home/ci")];

/// Texts that are not what they should be.
fn words() -> Vec<Section> {
    let digest = |digest: &str| run(HOME, &["fetch", GO_URL, "--digest", digest, "--output", "go.tar.gz"]);
    let bad = toolchain::find("dotnet").unwrap().version("10.0").unwrap_err();
    let bad_tree = "blake3:0df0".parse::<toolkit::model::TreeDigest>().unwrap_err();
    let bad_tree = Error::UnexpectedLock { reasons: vec![bad_tree.to_string()] };
    let bad_version = Error::StaleLock { reasons: vec![bad.to_string()] };
    vec![
        section("model::BadRequest", [asked("go@"), in_manifest(asked_error("@1.27"))]),
        section(
            "model::BadChannel",
            [asked("go@tip"), asked("dotnet@10.y"), asked("go@latest:1.26"), in_manifest(asked_error("go@v1.27"))],
        ),
        section("model::BadDigest", [digest("sha256:0df0"), digest("md5:900150983cd24fb0d6963f7d28e17f72")]),
        section("model::BadS3Uri", [run(HOME, &["mirror", "parse", "https://my%2Ebucket.s3.amazonaws.com/a"])]),
        section("model::BadPlatform", [run(HOME, &["resolve", "go@1.27", "--platform", "linux/mips"])]),
        section("model::BadTreeDigest", [Example { debug: None, ..bad_tree.into() }]),
        section("model::BadVersion", [Example { debug: None, ..bad_version.into() }]),
    ]
}

fn commands() -> Vec<Section> {
    let unspeakable = Unrepresentable { name: text("PATH"), format: "a Dockerfile" };
    vec![
        section(
            "cli::Mistake",
            [
                run(HOME, &["fetch", "go.dev/dl", "--digest", &format!("sha256:{}", "0d".repeat(32)), "--output", "x"]),
                run(HOME, &["-C", "absent", "list"]),
                run(HOME, &["remove", "go@latest"]),
                run(&[("TOOLKIT_HOME", "/srv/job:42/store")], &["install", "go@1.27"]),
            ],
        ),
        section("cli::Unrepresentable", [Example::from(unspeakable)]),
    ]
}

fn arguments() -> Vec<Section> {
    let source = Error::UnknownSource { tool: text("go"), name: text("ftp"), known: vec![text("goproxy")] };
    let no_source = Error::UnknownSource { tool: text("dotnet"), name: text("goproxy"), known: Vec::new() };
    vec![
        section("provision::Error::BadRequest", [Example::from(asked_error("@lts"))]),
        section("provision::Error::BadChannel", [Example::from(asked_error("go@1.27-rc3"))]),
        section("provision::Error::BadSetting", [in_manifest(Error::BadSetting(bad_setting("toolchain", "newest")))]),
        section("toolchain::BadSetting", [in_manifest(Error::BadSetting(bad_setting("flavour", "plain")))]),
        section("provision::Error::UnknownTool", [asked("dotnett@lts"), asked("rust@stable"), asked("go:1.26")]),
        section(
            "provision::Error::BadDefinition",
            [in_manifest(Error::BadDefinition {
                tool: text("go"),
                reason: text("this tool is built in; remove `github` and `url`, or choose another name"),
            })],
        ),
        section("provision::Error::SeveralVersions", [in_manifest(Error::SeveralVersions { tool: text("go") })]),
        section("provision::Error::UnknownSource", [in_manifest(source), in_manifest(no_source)]),
        section("provision::Error::ManifestLine", [in_manifest(asked_error("go@>1.22 <"))]),
    ]
}

fn files() -> Vec<Section> {
    let path = || "/src/shop/go.mod";
    let known = vec![text("global.json"), text("go.work"), text("go.mod"), text(".go-version"), text("mise.toml")];
    vec![
        section(
            "provision::Error::ReadFile",
            [
                in_manifest(FileError::new("read", path(), absent()).into()),
                Example::from(Error::from(FileError::new("read", path(), denied()))),
            ],
        ),
        section(
            "provision::Error::BadProjectFile",
            [unread("global.json", "{\n  \"sdk\": {\n    \"version\": 10\n  }\n}\n")],
        ),
        section(
            "toolchain::BadProjectFile",
            [unread("go.mod", "module shop\n\ngo 1.27.x\n"), unread(".go-version", "\n")],
        ),
        section(
            "provision::Error::UnknownFile",
            [Example::from(Error::UnknownFile { path: "/src/shop/Gopkg.toml".into(), known })],
        ),
        section(
            "provision::Error::NothingInFile",
            [Example::from(Error::NothingInFile {
                path: "/src/shop/.tool-versions".into(),
                reason: text("names no version of go"),
            })],
        ),
        section(
            "provision::Error::PinBelowMinimum",
            [Example::from(Error::PinBelowMinimum {
                tool: text("go"),
                pin: text("1.25.3"),
                pinned_by: text(".tool-versions"),
                minimum: text("1.26.0"),
                needed_by: text("go.mod"),
            })],
        ),
        section(
            "provision::Error::NothingAsked",
            [
                Example::from(Error::NothingAsked { folder: "/src/shop".into(), silent: Vec::new() }),
                Example::from(Error::NothingAsked {
                    folder: "/src/shop".into(),
                    silent: vec![text("global.json has no `sdk`: it requests no SDK")],
                }),
            ],
        ),
    ]
}

fn projects() -> Vec<Section> {
    let content = |name: &str, line, reason: &str| {
        let path = format!("/src/shop/{name}").into();
        Example::from(Error::Project(project::Error::Content { path, line, reason: text(reason) }))
    };
    let io = |action, source: std::io::Error| {
        Example::from(project::Error::from(FileError::new(action, "/src/shop/toolkit.lock", source)))
    };
    vec![
        section(
            "provision::Error::Project",
            [content("toolkit.toml", 3, "unknown key `polcy`; did you mean `policy`?")],
        ),
        section(
            "project::Error::File",
            [io("write", read_only()), io("read", denied()), io("read", failing()), io("write", absent())],
        ),
        section(
            "project::Error::Content",
            [
                content("toolkit.toml", 5, "expected text in quotes, found float"),
                content("toolkit.lock", 12, "go is listed twice for one request; a merge went wrong"),
            ],
        ),
        section(
            "project::Error::NewerLock",
            [Example::from(project::Error::NewerLock { path: "/src/shop/toolkit.lock".into(), found: 2, known: 1 })],
        ),
    ]
}

fn releases() -> Vec<Section> {
    let offline = |request| reading_releases(request, net::Error::Offline { url: text(SDK_INDEX) });
    let version = |version: &str, near: &[&str]| toolchain::Error::NoSuchVersion {
        tool: text("go"),
        version: text(version),
        near: near.iter().map(|near| text(near)).collect(),
    };
    let platform = toolchain::Error::NoSuchPlatform {
        tool: text("dotnet"),
        version: text("10.0.302"),
        platform: "linux/s390x".parse().unwrap(),
        published: text("linux/amd64, linux/arm and linux/arm64"),
    };
    let sha256 = |byte| Digest::new(Algorithm::Sha256, &[byte; 32]).unwrap();
    let mismatch = toolchain::Error::Mismatch {
        url: text("https://ghcr.io/v2/osscontainertools/kaniko/manifests/sha256:0d0d"),
        expected: sha256(0x0d),
        received: sha256(0x77),
    };
    let digest = |url: &str, reason: &str| toolchain::Error::UnusableChecksum { url: text(url), reason: text(reason) };
    let document =
        toolchain::Error::Document { url: text(SDK_INDEX), reason: text("`support-phase` of channel 10.0 is `actve`") };
    vec![
        section("provision::Error::Resolve", [offline("dotnet@lts")]),
        section(
            "toolchain::Error::Metadata",
            [reading_releases("go@stable", net::Error::Html { url: text("https://go.dev/dl/") })],
        ),
        section("toolchain::Error::Document", [resolving("dotnet@lts", document)]),
        section(
            "toolchain::Error::NoSuchVersion",
            [
                resolving("go@1.27.9", version("1.27.9", &["1.27.3", "1.27.2"])),
                resolving("go@9.9.9", version("9.9.9", &[])),
            ],
        ),
        section("toolchain::Error::NoSuchPlatform", [resolving("dotnet@lts", platform)]),
        section("toolchain::Error::Mismatch", [resolving("kaniko@1", mismatch)]),
        section(
            "toolchain::Error::Limited",
            [resolving(
                "podman-remote@5",
                toolchain::Error::Limited {
                    repository: text("podman-container-tools/podman"),
                    source: net::Error::Status {
                        url: text("https://api.github.com/repos/podman-container-tools/podman/releases?per_page=…"),
                        status: 403,
                    },
                },
            )],
        ),
        section(
            "toolchain::Error::NoRepository",
            [resolving("jq@1.7", toolchain::Error::NoRepository { tool: text("jq"), repository: text("jqlang/jqq") })],
        ),
        section(
            "toolchain::Error::NoChecksum",
            [resolving(
                "podman@5.4",
                toolchain::Error::NoChecksum {
                    url: text(
                        "https://github.com/mgoltzsche/podman-static/releases/download/v5.4.2/podman-linux-arm64.tar.gz",
                    ),
                    reason: text("GitHub publishes none"),
                },
            )],
        ),
        section(
            "toolchain::Error::UnusableChecksum",
            [
                resolving(
                    "go@1.5.4",
                    digest(
                        "https://go.dev/dl/go1.5.4.linux-amd64.tar.gz",
                        "go.dev publishes none; releases before 1.6 have only a SHA-1, which is not secure",
                    ),
                ),
                resolving(
                    "go@1.27.3",
                    digest(
                        "goproxy:///golang.org/toolchain/@v/v0.0.1-go1.27.3.linux-arm64.zip",
                        "the checksum database does not prove it: it has no signature by the key of sum.golang.org",
                    ),
                ),
            ],
        ),
        section(
            "provision::Error::NothingChosen",
            [
                nothing_chosen(),
                Example::from(Error::NothingChosen {
                    request: text("dotnet@12"),
                    place: Some(text("toolkit.toml, line 3")),
                    choice: choice("12: the newest patch of the newest band of .NET 12"),
                    nearest: Vec::new(),
                }),
            ],
        ),
        section(
            "provision::Error::CannotRun",
            [cannot_run("its mode does not allow that"), cannot_run("entity not found")],
        ),
        section(
            "provision::Error::WeakProof",
            [Example::from(Error::WeakProof {
                file: text(GO_FILE),
                found: Level::Checksum,
                source_name: text("go.dev"),
                required: Level::Signature,
            })],
        ),
    ]
}

fn nothing_chosen() -> Example {
    let nearest = ["1.27.3: it is 2 days old, and minimum-age is 7 days", "1.26.9: not in >=1.27", "and 61 more"];
    let nearest = nearest.iter().map(|line| text(line)).collect();
    let choice = choice(">=1.27: the newest release in the range");
    Error::NothingChosen { request: text("go@>=1.27"), place: None, choice, nearest }.into()
}

fn choice(rule: &str) -> Box<Choice> {
    Box::new(Choice { rule: text(rule), pick: None, verdicts: Vec::new(), warnings: Vec::new() })
}

const ENDED: &str = "dotnet 8.0.423 reached end of life on 2026-11-10, and the policy denies unsupported versions";

const UNEXPECTED: &str = "go 1.27.3 for linux/arm64 is not what toolkit writes: its URL is \
    `https://downloads.example/go1.27.3.linux-arm64.tar.gz`, expected \
    `https://go.dev/dl/go1.27.3.linux-arm64.tar.gz`";

fn locks() -> Vec<Section> {
    let (tool, version, platform) = (|| text("go"), || text("1.27.3"), arm64());
    let reasons =
        vec![text("dotnet is requested but not locked"), text("go is requested as `1.26`, and locked as `1.27`")];
    vec![
        section("provision::Error::NoLock", [Example::from(Error::NoLock { folder: "/src/shop".into() })]),
        section("provision::Error::StaleLock", [Example::from(Error::StaleLock { reasons })]),
        section(
            "provision::Error::UnexpectedLock",
            [Example::from(Error::UnexpectedLock { reasons: vec![text(UNEXPECTED)] })],
        ),
        section(
            "provision::Error::CannotLock",
            [Example::from(Error::CannotLock {
                tool: text("kaniko"),
                version: text("1.28.3"),
                platform,
                reason: text(
                    "a lock may not name `http://localhost:5000/v2/kaniko/blobs/sha256:00aa`, only https URLs",
                ),
            })],
        ),
        section(
            "provision::Error::UnsupportedLock",
            [Example::from(Error::UnsupportedLock { reasons: vec![text(ENDED)] })],
        ),
        section(
            "provision::Error::OtherTree",
            [Example::from(Error::OtherTree {
                tool: tool(),
                version: version(),
                platform,
                root: "/opt/toolkit/installs/go/1.27.3-linux-arm64-00aa/tree".into(),
            })],
        ),
        section(
            "provision::Error::Unlistable",
            [Example::from(Error::Unlistable {
                tool: text("jq"),
                version: text("1.7.1"),
                platform,
                reason: text("it has no file `bin/jq`"),
            })],
        ),
        section(
            "provision::Error::NotLocked",
            [Example::from(Error::NotLocked { tool: tool(), version: version(), platform })],
        ),
        section(
            "provision::Error::NotInstalled",
            [Example::from(Error::NotInstalled { tool: tool(), version: version(), platform })],
        ),
        section(
            "provision::Error::Install",
            [super::examples::installing(toolkit::ingest::Error::Net {
                file: text(GO_FILE),
                source: net::Error::Status { url: text(GO_URL), status: 404 },
            })],
        ),
    ]
}

/// Returns what the product says to a request as it is typed.
fn asked_error(request: &str) -> Error {
    provision::argument(request).map(|asked| asked.text()).unwrap_err()
}

fn asked(request: &str) -> Example {
    asked_error(request).into()
}

fn in_manifest(error: Error) -> Example {
    Error::ManifestLine { line: 5, source: Box::new(error) }.into()
}

fn bad_setting(name: &str, value: &str) -> toolchain::BadSetting {
    toolchain::check_settings(toolchain::find("go").unwrap().as_ref(), &[(text(name), text(value))]).unwrap_err()
}

/// Returns what the product says to a project file that it does not understand.
fn unread(name: &str, contents: &str) -> Example {
    let mut readers = toolchain::ALL.iter().flat_map(|tool| tool.card().project_files).filter(|file| file.name == name);
    let source = (readers.next().unwrap().read)(contents).unwrap_err();
    Error::BadProjectFile { path: format!("/src/shop/{name}").into(), source }.into()
}

fn cannot_run(reason: &str) -> Example {
    let path = "/opt/toolkit/installs/go/1.26.7-linux-amd64-85c8419fc53e/tree/bin/go".into();
    Example::from(Error::CannotRun { tool: text("go"), version: text("1.26.7"), path, reason: text(reason) })
}
