//! What archives, digests, disks and the store do.

use std::path::PathBuf;

use toolkit::archive::{self, Refusal};
use toolkit::fs::FileError;
use toolkit::model::{Algorithm, Digest};
use toolkit::{ingest, provision, store};

use super::examples::{
    Example, GO_FILE, Section, absent, denied, failing, full, installing, read_only, section, text, unpacking,
};

const STAGED: &str = "/opt/toolkit/staging/k2v9x0/tree/pkg/tool/linux_arm64/compile";

pub fn sections() -> Vec<Section> {
    [taking_in(), archives(), names(), places(), links(), kinds(), stores(), views()].into_iter().flatten().collect()
}

fn taking_in() -> Vec<Section> {
    let digest = |byte| Digest::new(Algorithm::Sha256, &[byte; 32]).unwrap();
    let (file, publisher) = (|| text(GO_FILE), || text("go.dev"));
    let mismatch = |size, received| {
        let (expected, received) = (Box::new((digest(0x0d), size)), Box::new((digest(0x77), received)));
        installing(ingest::Error::Mismatch { file: file(), publisher: publisher(), expected, received })
    };
    let length = ingest::Error::Length { file: file(), publisher: publisher(), expected: 71_703_101, received: 1_242 };
    let disk = |source: std::io::Error| installing(FileError::new("write", STAGED, source).into());
    let part = FileError::new("write", "/srv/node.tar.xz", denied());
    let page = ingest::Error::UnknownFormat { file: text("yq_linux_amd64") };
    let thread = ingest::Error::Thread { source: std::io::Error::from_raw_os_error(11) };
    vec![
        section("ingest::Error::Mismatch", [mismatch(Some(71_703_101), 71_703_101), mismatch(None, 1_242)]),
        section("ingest::Error::Length", [installing(length)]),
        section(
            "ingest::Error::Longer",
            [installing(ingest::Error::Longer { file: file(), publisher: publisher(), expected: 71_703_101 })],
        ),
        section(
            "ingest::Error::Archive",
            [unpacking(archive::Error::Malformed { problem: text("the header at byte 1024 has a wrong checksum") })],
        ),
        section("ingest::Error::UnknownFormat", [Example::from(page)]),
        section(
            "ingest::Error::NoModule",
            [Example::from(ingest::Error::NoModule { file: text("node-v24.16.0-linux-x64.tar.xz") })],
        ),
        section("ingest::Error::File", [disk(full()), disk(failing()), Example::from(ingest::Error::from(part))]),
        section("ingest::Error::Thread", [installing(thread)]),
    ]
}

fn archives() -> Vec<Section> {
    let malformed = |problem: &str| unpacking(archive::Error::Malformed { problem: text(problem) });
    let cut = std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it ends in the middle");
    let limit = |what, allowed| unpacking(archive::Error::Limit { what, allowed });
    let disk = |action, source: std::io::Error| unpacking(FileError::new(action, STAGED, source).into());
    let again = std::io::Error::from_raw_os_error(11);
    vec![
        section("archive::Error::Refused", [refused("go/../../../etc/cron.d/x", Refusal::Parent)]),
        section("archive::Error::Malformed", [malformed("there is data after the end of the tar archive")]),
        section("archive::Error::Damaged", [unpacking(archive::Error::Damaged { source: cut })]),
        section("archive::Error::Limit", [limit("times its own size when unpacked", 200), limit("entries", 500_000)]),
        section("archive::Error::File", [disk("write", full()), disk("create", read_only()), disk("write", failing())]),
        section("archive::Error::Thread", [unpacking(archive::Error::Thread { source: again })]),
    ]
}

/// Names that no entry may have.
fn names() -> Vec<Section> {
    vec![
        section("archive::Refusal::Empty", [refused("", Refusal::Empty)]),
        section("archive::Refusal::NotUnicode", [refused("go/doc/caf\u{fffd}.html", Refusal::NotUnicode)]),
        section("archive::Refusal::Absolute", [refused("/usr/local/bin/go", Refusal::Absolute)]),
        section("archive::Refusal::Parent", [refused("go/bin/../../../root/.ssh/authorized_keys", Refusal::Parent)]),
        section("archive::Refusal::Control", [refused("go/\\u{1b}[2J", Refusal::Control)]),
        section("archive::Refusal::Backslash", [refused("go\\\\bin\\\\go.exe", Refusal::Backslash)]),
        section("archive::Refusal::Drive", [refused("C:/Windows/x.dll", Refusal::Drive)]),
        section("archive::Refusal::Windows", [refused("go/src/aux", Refusal::Windows)]),
        section("archive::Refusal::LongPart", [refused("go/aaaaaaaaaaaaaaaa", Refusal::LongPart)]),
        section("archive::Refusal::LongPath", [refused("go/a/b/c/d/e/f/g/h", Refusal::LongPath)]),
        section("archive::Refusal::Deep", [refused("go/a/a/a/a/a/a/a", Refusal::Deep)]),
        section("archive::Refusal::SlashedFile", [refused("go/bin/go/", Refusal::SlashedFile)]),
        section(
            "archive::Refusal::OutsideModule",
            [refused(
                "other@v1.0.0/go.mod",
                Refusal::OutsideModule { prefix: text("golang.org/toolchain@v0.0.1-go1.27.3.linux-arm64/") },
            )],
        ),
    ]
}

/// Entries that get in each other's way.
fn places() -> Vec<Section> {
    vec![
        section("archive::Refusal::Duplicate", [refused("go/VERSION", Refusal::Duplicate)]),
        section("archive::Refusal::CaseFold", [refused("go/version", Refusal::CaseFold { other: text("go/VERSION") })]),
        section("archive::Refusal::OverFolder", [refused("go/bin", Refusal::OverFolder)]),
        section("archive::Refusal::OverFile", [refused("go/VERSION/", Refusal::OverFile)]),
        section(
            "archive::Refusal::BelowFile",
            [refused("go/VERSION/x", Refusal::BelowFile { parent: text("VERSION") })],
        ),
    ]
}

fn links() -> Vec<Section> {
    let target = || text("/etc/passwd");
    vec![
        section("archive::Refusal::ThroughLink", [refused("go/lib/x", Refusal::ThroughLink { parent: text("lib") })]),
        section("archive::Refusal::LinkOut", [refused("go/lib/passwd", Refusal::LinkOut { target: target() })]),
        section("archive::Refusal::HardLink", [refused("go/lib/passwd", Refusal::HardLink { target: target() })]),
        section("archive::Refusal::Entangled", [refused("go/lib/a", Refusal::Entangled)]),
    ]
}

fn kinds() -> Vec<Section> {
    let sizes = Refusal::Sizes { header: 0, extended: 524_288 };
    vec![
        section("archive::Refusal::Special", [refused("go/dev/sda", Refusal::Special { kind: "block device" })]),
        section("archive::Refusal::UnknownType", [refused("go/x", Refusal::UnknownType { flag: text("Z") })]),
        section("archive::Refusal::Sparse", [refused("go/pkg/go.img", Refusal::Sparse)]),
        section("archive::Refusal::Contents", [refused("go/lib", Refusal::Contents { kind: "folder", size: 512 })]),
        section("archive::Refusal::Sizes", [refused("go/bin/go", sizes)]),
        section("archive::Refusal::TwoNames", [refused("go/bin/go", Refusal::TwoNames)]),
        section(
            "archive::Refusal::Whiteout",
            [refused("etc/.wh...", Refusal::Whiteout { reason: "it names a folder by dots" })],
        ),
        section("archive::Refusal::Encrypted", [refused("go/bin/go.exe", Refusal::Encrypted)]),
        section("archive::Refusal::Compression", [refused("go/bin/go.exe", Refusal::Compression)]),
    ]
}

fn stores() -> Vec<Section> {
    let install = || PathBuf::from("/opt/toolkit/installs/go/1.27.3-linux-arm64-0df0aa51c1e7");
    let io = |action, path: &str, source: std::io::Error| stored(FileError::new(action, path, source).into());
    let unsupported = std::io::Error::new(std::io::ErrorKind::Unsupported, "lock is not supported");
    let list = store::Error::FileList {
        path: install().join("files"),
        reason: text("its digest is not the one in the receipt"),
    };
    let other_tree = store::Error::OtherTree {
        id: text("go/1.27.3-linux-arm64-0df0c1e7"),
        pinned: format!("blake3:{}", "0d".repeat(32)),
        found: format!("blake3:{}", "77".repeat(32)),
    };
    let unproven = store::Error::Unproven {
        id: text("go/1.27.3-linux-arm64-0df0aa51c1e7"),
        reason: text("the verified digests are not those of its artifacts"),
    };
    vec![
        section(
            "store::Error::File",
            [
                io("create", "/opt/toolkit/staging/k2v9x0", full()),
                io("create", "/opt/toolkit/locks", denied()),
                io("open", "/opt/toolkit/locks/go-1.27.3-linux-arm64-0df0aa51c1e7.lock", read_only()),
                io("create", "/mnt/absent/toolkit/locks", absent()),
                io("lock", "/mnt/nfs/toolkit/locks/go-1.27.3-linux-arm64-0df0aa51c1e7.lock", unsupported),
                io("read", "/opt/toolkit/installs", failing()),
            ],
        ),
        section(
            "store::Error::NewerSchema",
            [stored(store::Error::NewerSchema { path: install().join("receipt.json"), schema: 2, known: 1 })],
        ),
        section("store::Error::Receipt", [stored(store::Error::Receipt { path: install().join("receipt.json") })]),
        section(
            "store::Error::Record",
            [stored(store::Error::Record { path: "/opt/toolkit/projects/0df0a1b2c3d4e5f6".into() })],
        ),
        section("store::Error::InUse", [stored(store::Error::InUse { name: "go 1.27.3 for linux/arm64".to_owned() })]),
        section("store::Error::FileList", [stored(list)]),
        section("store::Error::Unproven", [stored(unproven)]),
        section("store::Error::OtherTree", [stored(other_tree)]),
        section("store::Error::Damaged", [stored(store::Error::Damaged { path: install().join("tree/bin/go") })]),
        section(
            "store::Error::Foreign",
            [stored(store::Error::Foreign { path: "/opt/toolkit/installs".into(), found: "a symbolic link" })],
        ),
        section("provision::Error::Store", [io("write", "/opt/toolkit/staging/k2v9x0/receipt.json", full())]),
    ]
}

fn views() -> Vec<Section> {
    let conflict = store::Error::Conflict {
        view: text("dotnet"),
        path: text("sdk/10.0.302/dotnet.dll"),
        first: text("dotnet/10.0.302-linux-amd64-0df0aa51c1e7"),
        second: text("dotnet/10.0.302-linux-amd64-77aa51c101bd"),
    };
    let not_ours = store::Error::NotOurs { path: "/usr/local/bin/go".into(), store: "/opt/toolkit".into() };
    vec![
        section("store::Error::Conflict", [stored(conflict)]),
        section("store::Error::NotEmpty", [Example::from(store::Error::NotEmpty { path: "/opt/node".into() })]),
        section("store::Error::NotOurs", [stored(not_ours)]),
        section(
            "store::Error::NoExecutable",
            [stored(store::Error::NoExecutable { path: "/opt/toolkit/views/dotnet/b1c2/tree/dotnet".into() })],
        ),
        section("store::Error::NoLinks", [stored(store::Error::NoLinks { path: r"C:\tools".into() })]),
    ]
}

fn stored(error: store::Error) -> Example {
    provision::Error::Store(error).into()
}

fn refused(entry: &str, reason: Refusal) -> Example {
    unpacking(archive::Error::Refused { entry: text(entry), reason })
}
