//! Hostile and awkward archives: refused, or unpacked exactly as the room's table says, and nothing outside the target.

use std::fs::{self, File};
use std::io::{Cursor, Write};
use std::path::Path;

use tempfile::TempDir;
use toolkit::archive::{self, Error, Limits, Options};
use toolkit::fs::FileError;
use toolkit::model::{Explain, Format, Kind, Node, NodeKind};

mod bodies;
pub mod made;

use made::{Tar, Zip, gzip, xz, zstd};

/// What must become of an archive.
enum Outcome {
    /// It is refused, and the error's texts hold this one.
    Refused(&'static str),
    /// It becomes exactly this tree: `a/`, `a/file 644 5`, `a/link -> target`.
    Unpacked(&'static [&'static str]),
}

use Outcome::{Refused, Unpacked};

struct Case(&'static str, Format, Vec<u8>, Outcome);

#[test]
fn hostile_tar_archives_are_refused() {
    let long = "n".repeat(256);
    let deep = "d/".repeat(129) + "f";
    let refused = |name, tar: Tar, why| Case(name, Format::Tar, tar.end(), Refused(why));
    check(vec![
        refused("absolute path", Tar::new().file("/etc/passwd", b"x"), "its path is absolute"),
        refused("parent", Tar::new().file("a/../../outside", b"x"), "its path has `..`"),
        refused("parent inside", Tar::new().file("a/../b", b"x"), "its path has `..`"),
        refused("backslash", Tar::new().file("..\\outside", b"x"), "backslash"),
        refused("line feed in a name", Tar::new().file("a\nb", b"x"), "control character"),
        refused("NUL in a long name", Tar::new().pax("path", b"a\0b").file("c", b"x"), "control character"),
        refused("no name", Tar::new().file("", b"x"), "no name"),
        refused("file named like the root", Tar::new().file("./", b"x"), "slash"),
        refused("not UTF-8", Tar::new().file_raw(b"caf\xe9", b"x"), "not UTF-8"),
        refused("long part", Tar::new().long_name(&long).file("short", b"x"), "255 bytes"),
        refused("long path", Tar::new().long_name(&("ab/".repeat(1400) + "f")).file("short", b"x"), "4096 bytes"),
        refused("deep path", Tar::new().long_name(&deep).file("short", b"x"), "128 parts"),
        refused("link to an absolute path", Tar::new().link("l", "/etc/passwd"), "links to `/etc/passwd`"),
        refused("link out", Tar::new().link("a/l", "../../outside"), "links to `../../outside`"),
        refused("link out over a link", Tar::new().link("a/b", "..").link("a/c", "b/.."), "links to `b/..`"),
        refused("link to nothing", Tar::new().link("l", ""), "no name"),
        refused(
            "write through a link",
            Tar::new().link("l", "a").file("l/x", b"x"),
            "its parent `l` is a symbolic link",
        ),
        refused(
            "write through a link to a folder",
            Tar::new().folder("a").link("l", "a").file("l/x", b"x"),
            "its parent `l` is a symbolic link",
        ),
        refused("file over a link", Tar::new().link("l", "x").file("l", b"x"), "occurs twice"),
        refused(
            "folder over a link",
            Tar::new().link("l", "x").folder("l"),
            "other than a folder already has this path",
        ),
        refused(
            "hard link before its target",
            Tar::new().hard_link("l", "f").file("f", b"x"),
            "not a file unpacked before",
        ),
        refused("hard link to a link", Tar::new().link("l", "x").hard_link("h", "l"), "not a file unpacked before"),
        refused("hard link to a folder", Tar::new().folder("d").hard_link("h", "d"), "not a file unpacked before"),
        refused("hard link out", Tar::new().hard_link("h", "../outside"), "its path has `..`"),
        refused("hard link to an absolute path", Tar::new().hard_link("h", "/etc/passwd"), "its path is absolute"),
        refused("hard link with contents", Tar::new().file("f", b"x").entry(b'1', "h", "f", b"y"), "hard link and has"),
        refused("the same file twice", Tar::new().file("f", b"x").file("./f", b"y"), "occurs twice"),
        refused("file over folder", Tar::new().file("d/f", b"x").file("d", b"y"), "a folder already has this path"),
        refused(
            "folder over file",
            Tar::new().file("f", b"x").folder("f"),
            "other than a folder already has this path",
        ),
        refused("below a file", Tar::new().file("f", b"x").file("f/g", b"y"), "its parent `f` is not a folder"),
        refused("character device", Tar::new().entry(b'3', "null", "", b""), "character device"),
        refused("block device", Tar::new().entry(b'4', "sda", "", b""), "block device"),
        refused("named pipe", Tar::new().entry(b'6', "pipe", "", b""), "named pipe"),
        refused("unknown type", Tar::new().entry(b'V', "volume", "", b""), "its type `V`"),
        refused("GNU sparse file", Tar::new().entry(b'S', "holes", "", b""), "sparse"),
        refused("PAX sparse file", Tar::new().pax("GNU.sparse.major", b"1").file("holes", b"x"), "sparse"),
        refused("folder with contents", Tar::new().entry(b'5', "d", "", b"hidden"), "folder and has 6 bytes"),
        refused(
            "PAX smaller than ustar",
            Tar::new().pax("size", b"0").file("f", b"hidden"),
            "headers disagree on its size",
        ),
        refused(
            "PAX larger than ustar",
            Tar::new().pax("size", b"1024").file("f", b"hidden"),
            "headers disagree on its size",
        ),
        refused("two long names", Tar::new().long_name("a").pax("path", b"b").file("c", b"x"), "two names"),
        refused("global name", Tar::new().global("path", b"evil").file("f", b"x"), "sets the path of all entries"),
        refused("long name without an entry", Tar::new().file("f", b"x").long_name("a"), "without an entry"),
        refused("endless long name", Tar::new().huge(b'L', 1 << 40), "bytes in one extended header"),
        refused("endless PAX header", Tar::new().huge(b'x', 1 << 40), "bytes in one extended header"),
        refused("endless file", Tar::new().huge(b'0', 1 << 40), "bytes when unpacked"),
        refused("negative size", Tar::new().huge(b'0', u64::MAX), "bytes when unpacked"),
        refused("wrong header checksum", Tar::new().file("f", b"x").spoil(3), "wrong checksum"),
        Case("no end mark", Format::Tar, Tar::new().file("f", b"x").0, Refused("ends in the middle")),
        Case("cut in a file", Format::Tar, Tar::new().file("f", b"x").0[..512].to_vec(), Refused("ends in the middle")),
        Case("empty file", Format::Tar, Vec::new(), Refused("ends in the middle")),
        Case(
            "behind the end",
            Format::Tar,
            [Tar::new().end(), Tar::new().file("f", b"x").end()].concat(),
            Refused("after the end"),
        ),
        Case("a web page", Format::Tar, b"<html>".repeat(200), Refused("wrong checksum")),
    ]);
}

#[cfg(unix)]
#[test]
fn names_with_a_letter_and_a_colon_are_names_where_there_are_no_drives() {
    let unpacked = |name, tar: Tar, tree| Case(name, Format::Tar, tar.end(), Unpacked(tree));
    check(vec![
        unpacked(
            "manual page of Perl",
            Tar::new().file("man3/B::Deparse.3", b"x"),
            &["man3/", "man3/B::Deparse.3 644 1"],
        ),
        unpacked("a link to it", Tar::new().file("B::x", b"x").link("l", "B::x"), &["B::x 644 1", "l -> B::x"]),
    ]);
}

#[test]
fn awkward_tar_archives_are_unpacked_as_documented() {
    let long = format!("{}/{}", "d".repeat(200), "n".repeat(255));
    let unpacked = |name, tar: Tar, tree| Case(name, Format::Tar, tar.end(), Unpacked(tree));
    check(vec![
        unpacked("nothing in it", Tar::new(), &[]),
        unpacked("the root itself", Tar::new().folder("./").file("./a", b"x"), &["a 644 1"]),
        unpacked("folders in between are made", Tar::new().file("a/b/c", b"x"), &["a/", "a/b/", "a/b/c 644 1"]),
        unpacked("folder twice", Tar::new().folder("a").file("a/f", b"").folder("a/"), &["a/", "a/f 644 0"]),
        unpacked("folder after its contents", Tar::new().file("a/f", b"x").folder("a"), &["a/", "a/f 644 1"]),
        unpacked(
            "read-only folder with children",
            Tar::new().mode(0o555).folder("a").mode(0o444).file("a/f", b"x"),
            &["a/", "a/f 644 1"],
        ),
        unpacked("setuid, and writable for all", Tar::new().mode(0o7777).file("f", b"x"), &["f 755 1"]),
        unpacked("no permission at all", Tar::new().mode(0).file("f", b"x"), &["f 600 1"]),
        unpacked(
            "link to nothing yet",
            Tar::new().link("l", "a/b").file("a/b", b"x"),
            &["a/", "a/b 644 1", "l -> a/b"],
        ),
        unpacked("dangling link", Tar::new().link("a/l", "../nowhere"), &["a/", "a/l -> ../nowhere"]),
        unpacked("links in a circle", Tar::new().link("a", "b").link("b", "a"), &["a -> b", "b -> a"]),
        unpacked("hard link", Tar::new().file("f", b"x").hard_link("d/h", "./f"), &["d/", "d/h 644 1", "f 644 1"]),
        unpacked("PAX size that agrees", Tar::new().pax("size", b"1").file("f", b"x"), &["f 644 1"]),
        unpacked("PAX name", Tar::new().pax("path", "ü/é".as_bytes()).file("x", b"x"), &["ü/", "ü/é 644 1"]),
        unpacked("comment for all", Tar::new().global("comment", b"0123abcd").file("f", b"x"), &["f 644 1"]),
        unpacked("contiguous file", Tar::new().entry(b'7', "f", "", b"x"), &["f 644 1"]),
        unpacked("file of old", Tar::new().entry(0, "f", "", b"x"), &["f 644 1"]),
        unpacked("old name with two dots", Tar::new().file("..a/b..", b"x"), &["..a/", "..a/b.. 644 1"]),
        Case(
            "padding",
            Format::Tar,
            [Tar::new().file("f", b"x").end(), vec![0; 9000]].concat(),
            Unpacked(&["f 644 1"]),
        ),
        Case(
            "one zero block",
            Format::Tar,
            [Tar::new().file("f", b"x").0, vec![0; 512]].concat(),
            Unpacked(&["f 644 1"]),
        ),
    ]);
    let tree =
        unpack(Format::Tar, &Tar::new().long_name(&long).file("short", b"x").end(), &Options::new(0, 1)).unwrap();
    assert_eq!(tree.last().unwrap(), &format!("{long} 644 1"));
}

#[test]
fn compression_is_read_to_its_end_and_not_beyond() {
    let tar = Tar::new().file("f", b"contents").end();
    let (first, second) = tar.split_at(700);
    let tree: &[&str] = &["f 644 8"];
    let spoiled = |at: usize| {
        let mut bytes = gzip(&tar);
        let at = bytes.len() - at;
        bytes[at] ^= 1;
        bytes
    };
    let cut = |mut bytes: Vec<u8>, by: usize| {
        bytes.truncate(bytes.len() - by);
        bytes
    };
    check(vec![
        Case("gzip", Format::TarGz, gzip(&tar), Unpacked(tree)),
        Case("gzip members", Format::TarGz, [gzip(first), gzip(b""), gzip(second)].concat(), Unpacked(tree)),
        Case("gzip padded", Format::TarGz, [gzip(&tar), vec![0; 1000]].concat(), Unpacked(tree)),
        Case(
            "gzip and garbage",
            Format::TarGz,
            [&gzip(&tar)[..], b"garbage"].concat(),
            Refused("follows the last gzip"),
        ),
        Case(
            "gzip, padding, gzip",
            Format::TarGz,
            [gzip(&tar), vec![0; 9], gzip(b"")].concat(),
            Refused("follows the padding"),
        ),
        Case("gzip with a wrong CRC", Format::TarGz, spoiled(8), Refused("damaged")),
        Case("gzip with a wrong length", Format::TarGz, spoiled(1), Refused("damaged")),
        Case("gzip cut in its trailer", Format::TarGz, cut(gzip(&tar), 1), Refused("damaged")),
        Case("gzip cut", Format::TarGz, cut(gzip(&tar), 20), Refused("damaged")),
        Case("gzip that is none", Format::TarGz, tar.clone(), Refused("not gzip")),
        Case("empty gzip file", Format::TarGz, Vec::new(), Refused("empty")),
        Case("xz", Format::TarXz, xz(&tar, 16), Unpacked(tree)),
        Case("xz streams", Format::TarXz, [xz(first, 16), xz(second, 16)].concat(), Unpacked(tree)),
        Case("xz cut", Format::TarXz, cut(xz(&tar, 16), 5), Refused("damaged")),
        Case("xz and garbage", Format::TarXz, [&xz(&tar, 16)[..], b"garbage!"].concat(), Refused("damaged")),
        Case("xz that wants 4 GiB", Format::TarXz, xz(&tar, 40), Refused("memory")),
        Case("zstd", Format::TarZst, zstd(&tar), Unpacked(tree)),
        Case("zstd frames", Format::TarZst, [zstd(first), zstd(second)].concat(), Unpacked(tree)),
        Case("zstd cut", Format::TarZst, cut(zstd(&tar), 3), Refused("damaged")),
        Case("zstd and garbage", Format::TarZst, [&zstd(&tar)[..], b"garbage"].concat(), Refused("damaged")),
        // A frame header that asks for a window of 2^31 bytes (RFC 8878 §3.1.1.1.2).
        Case("zstd window", Format::TarZst, b"\x28\xb5\x2f\xfd\x00\xa8\x01\x00\x00".to_vec(), Refused("damaged")),
    ]);
}

#[test]
fn zip_archives_are_checked_as_a_whole() {
    let good = || Zip::new().file("bin/tool", 0o755, b"#!").file("doc", 0o644, b"text").end();
    let refused = |name, bytes, why| Case(name, Format::Zip, bytes, Refused(why));
    let unpacked = |name, bytes, tree| Case(name, Format::Zip, bytes, Unpacked(tree));
    let replaced = |from: &[u8], to: &[u8], which| made::replace(&good(), from, to, which);
    check(vec![
        unpacked("modes", good(), &["bin/", "bin/tool 755 2", "doc 644 4"]),
        unpacked("folders", Zip::new().folder("a/").file("a/b", 0o444, b"").end(), &["a/", "a/b 644 0"]),
        unpacked("links", Zip::new().link("l", "a/b").end(), &["l -> a/b"]),
        unpacked("a comment", Zip::new().file("a", 0o644, b"").comment("0123abcd").end(), &["a 644 0"]),
        refused("absolute path", Zip::new().file("/etc/passwd", 0o644, b"x").end(), "its path is absolute"),
        refused("parent", Zip::new().file("a/../../b", 0o644, b"x").end(), "its path has `..`"),
        refused("backslash", replaced(b"bin/tool", b"bin\\tool", None), "backslash"),
        refused("link out", Zip::new().link("l", "../outside").end(), "links to `../outside`"),
        refused("absolute link", Zip::new().link("l", "/etc/passwd").end(), "links to `/etc/passwd`"),
        refused("through a link", Zip::new().link("l", "a").file("l/x", 0o644, b"").end(), "is a symbolic link"),
        refused("endless link", Zip::new().link("l", &"a/".repeat(3000)).end(), "4096 bytes"),
        refused(
            "duplicate",
            made::replace(&Zip::new().file("a", 0o644, b"x").file("b", 0o644, b"y").end(), b"b", b"a", None),
            "duplicate",
        ),
        refused(
            "duplicate by another spelling",
            Zip::new().file("a", 0o644, b"x").file("./a", 0o644, b"y").end(),
            "occurs twice",
        ),
        refused("two names", replaced(b"doc", b"dot", Some(0)), "inconsisten"),
        refused("encrypted", made::flag(&good(), 1), "encrypted"),
        refused("a prefix", [b"#!/bin/sh\n".to_vec(), good()].concat(), "precedes"),
        refused("cut", good()[..good().len() - 30].to_vec(), "malformed"),
        refused("cut to nothing", Vec::new(), "malformed"),
        refused("wrong CRC", replaced(b"text", b"tent", None), "damaged"),
        refused("a web page", b"<html>".to_vec(), "malformed"),
        refused("not UTF-8", replaced(b"doc", b"d\xffc", None), "not UTF-8"),
        refused("a device", made::mode(&good(), 0o100_644, 0o060_644), "block device"),
        refused("trailing bytes", [good(), b"garbage".to_vec()].concat(), "malformed"),
        refused("two archives in one", [good(), good()].concat(), "malformed"),
    ]);
}

#[test]
fn leading_parts_are_stripped() {
    let tar = Tar::new().folder("go").file("go/bin/go", b"x").file("README", b"x").hard_link("go/h", "go/bin/go").end();
    for (strip, expected) in [
        (0, Some(&["README 644 1", "go/", "go/bin/", "go/bin/go 644 1", "go/h 644 1"][..])),
        (1, Some(&["bin/", "bin/go 644 1", "h 644 1"])),
        (2, Some(&["go 644 1"])),
        (3, Some(&[])),
    ] {
        let tree = unpack(Format::Tar, &tar, &Options::new(strip, 2)).ok();
        assert_eq!(tree, expected.map(|tree| tree.iter().map(|line| (*line).to_owned()).collect()), "{strip}");
    }
    let hostile = Tar::new().file("../x", b"x").end();
    assert!(unpack(Format::Tar, &hostile, &Options::new(5, 1)).is_err(), "a dropped entry is checked too");
    let dangling = Tar::new().file("f", b"x").hard_link("a/h", "f").end();
    assert!(unpack(Format::Tar, &dangling, &Options::new(1, 1)).is_err(), "a hard link to a dropped file");
}

#[test]
fn limits_hold() {
    let zeros = gzip(&Tar::new().file("zeros", &vec![0; 100 << 20]).end());
    let many = Tar::new().file("a/b", b"").file("a/c", b"").file("d", b"").end();
    let zip = Zip::new().file("zeros", 0o644, &vec![0; 100 << 20]).end();
    let usual = Limits::default();
    for (name, format, bytes, limits, why) in [
        ("bytes", Format::TarGz, &zeros, Limits { bytes: 1 << 20, ..usual }, "more than 1048576 bytes"),
        ("ratio", Format::TarGz, &zeros, usual, "more than 200 times"),
        ("entries", Format::Tar, &many, Limits { entries: 3, ..usual }, "more than 3 entries"),
        ("names", Format::Tar, &many, Limits { names: 4, ..usual }, "more than 4 bytes of names"),
        ("bytes of a zip", Format::Zip, &zip, Limits { bytes: 1 << 20, ..usual }, "more than 1048576 bytes"),
        ("ratio of a zip", Format::Zip, &zip, usual, "more than 200 times"),
    ] {
        for processors in [1, 2] {
            let options = Options { limits, ..Options::new(0, processors) };
            let (world, outcome) = unpack_in_world(format, bytes, &options);
            let error = outcome.unwrap_err();
            assert!(texts(&error).contains(why), "{name}: {}", texts(&error));
            assert_eq!(error.kind(), Kind::Integrity, "{name}");
            let written: u64 = listing(&world.path().join("target")).iter().filter_map(|line| size(line)).sum();
            assert!(written <= Limits::RATIO_FROM + (1 << 20), "{name}: {written} bytes written");
            assert!(limits.bytes > 1 << 20 || written <= 1 << 20, "{name}: {written} bytes written");
        }
    }
    assert!(
        unpack(Format::TarGz, &zeros, &Options { limits: Limits { ratio: 2000, ..usual }, ..Options::new(0, 2) })
            .is_ok()
    );
}

#[test]
fn names_that_differ_only_in_case_are_refused_where_that_matters() {
    let tar = Tar::new().file("Include/a.h", b"x").file("include/b.h", b"x").end();
    let options = |fold_case| Options { fold_case, ..Options::new(0, 1) };
    let error = unpack(Format::Tar, &tar, &options(true)).unwrap_err();
    assert!(texts(&error).contains("differs from `Include` only in case"), "{}", texts(&error));
    if cfg!(target_os = "linux") {
        assert_eq!(unpack(Format::Tar, &tar, &options(false)).unwrap().len(), 4);
    }
}

#[test]
fn what_was_in_the_target_is_not_replaced() {
    let world = TempDir::new().unwrap();
    fs::write(world.path().join("f"), "mine").unwrap();
    let bytes = Tar::new().file("f", b"theirs").end();
    let outcome = archive::unpack_tar(&bytes[..], archive::Compression::None, world.path(), &Options::new(0, 1));
    assert!(outcome.is_err());
    assert_eq!(fs::read(world.path().join("f")).unwrap(), b"mine");
}

#[cfg(unix)]
#[test]
fn a_link_that_somebody_else_put_there_is_not_followed() {
    let world = TempDir::new().unwrap();
    let (target, outside) = (world.path().join("target"), world.path().join("outside"));
    fs::create_dir(&target).unwrap();
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, target.join("a")).unwrap();
    for tar in [Tar::new().file("a/f", b"x"), Tar::new().folder("a").file("a/f", b"x")] {
        let outcome = archive::unpack_tar(&tar.end()[..], archive::Compression::None, &target, &Options::new(0, 1));
        assert!(outcome.is_err());
    }
    assert_eq!(listing(&outside), Vec::<String>::new());
}

#[test]
fn a_target_that_is_missing_is_this_machines_fault() {
    let bytes = Tar::new().end();
    let missing = Path::new("/nowhere/at/all");
    let error = archive::unpack_tar(&bytes[..], archive::Compression::None, missing, &Options::new(0, 1)).unwrap_err();
    assert_eq!(error.kind(), Kind::Machine);
    assert!(texts(&error).contains("/nowhere/at/all"));
}

/// Unpacks each case with one and with two threads, and looks at the tree and at everything around it.
fn check(cases: Vec<Case>) {
    for Case(name, format, bytes, expected) in cases {
        for processors in [1, 2] {
            let (world, outcome) = unpack_in_world(format, &bytes, &Options::new(0, processors));
            match (&expected, outcome) {
                (Refused(why), Err(error)) => {
                    assert!(texts(&error).contains(why), "{name}: {}", texts(&error));
                    assert_eq!(error.kind(), Kind::Integrity, "{name}");
                    assert!(!error.hints().is_empty(), "{name}: no hint");
                }
                (Refused(_), Ok(nodes)) => panic!("{name} was unpacked: {:?}", described(&nodes)),
                (Unpacked(_), Err(error)) => panic!("{name} was refused: {}", texts(&error)),
                (Unpacked(tree), Ok(nodes)) => {
                    assert_eq!(described(&nodes), *tree, "{name}: what is told");
                    assert_eq!(listing(&world.path().join("target")), *tree, "{name}: what is there");
                }
            }
            assert_eq!(fs::read(world.path().join("outside")).unwrap(), b"untouched", "{name}");
            assert_eq!(fs::read_dir(world.path()).unwrap().count(), 2, "{name}: something was made outside");
        }
    }
}

fn unpack(format: Format, bytes: &[u8], options: &Options) -> Result<Vec<String>, Error> {
    unpack_in_world(format, bytes, options).1.map(|nodes| described(&nodes))
}

/// Makes a folder with `outside`, a file to attack, and `target`, and unpacks there.
fn unpack_in_world(format: Format, bytes: &[u8], options: &Options) -> (TempDir, Result<Vec<Node>, Error>) {
    let world = TempDir::new().unwrap();
    let target = world.path().join("target");
    fs::create_dir(&target).unwrap();
    fs::write(world.path().join("outside"), b"untouched").unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let outcome = archive::unpack_file(&file, format, &target, options);
    (world, outcome)
}

/// Prints the nodes, one line each.
fn described(nodes: &[Node]) -> Vec<String> {
    let line = |node: &Node| match &node.kind {
        NodeKind::Folder => format!("{}/", node.path),
        NodeKind::File { mode, size, .. } => format!("{} {mode:o} {size}", node.path),
        NodeKind::Link { target } => format!("{} -> {target}", node.path),
    };
    nodes.iter().map(line).collect()
}

/// Prints what is on disk in the same manner, sorted by path.
fn listing(folder: &Path) -> Vec<String> {
    fn visit(folder: &Path, prefix: &str, lines: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            let metadata = entry.path().symlink_metadata().unwrap();
            if metadata.is_dir() {
                assert_eq!(mode(&metadata) & 0o7777, 0o755, "{path}");
                lines.push((path.clone(), format!("{path}/")));
                visit(&entry.path(), &format!("{path}/"), lines);
            } else if metadata.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                lines.push((path.clone(), format!("{path} -> {}", target.display())));
            } else {
                lines.push((path.clone(), format!("{path} {:o} {}", mode(&metadata) & 0o7777, metadata.len())));
            }
        }
    }
    let mut lines = Vec::new();
    visit(folder, "", &mut lines);
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

#[cfg(unix)]
fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::MetadataExt::mode(metadata)
}

fn size(line: &str) -> Option<u64> {
    line.rsplit_once(' ')?.1.parse().ok()
}

fn texts(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[test]
fn the_digest_of_each_file_is_the_one_on_disk() {
    let large: Vec<u8> = (0..1_000_000u32).map(|n| (n % 251) as u8).collect();
    let bytes = gzip(&Tar::new().file("large", &large).file("small", b"x").file("empty", b"").end());
    for processors in [1, 2] {
        let (world, nodes) = unpack_in_world(Format::TarGz, &bytes, &Options::new(0, processors));
        for node in nodes.unwrap() {
            let contents = fs::read(world.path().join("target").join(&node.path)).unwrap();
            let NodeKind::File { size, digest, .. } = node.kind else { panic!("{} is no file", node.path) };
            assert_eq!((size, digest), (contents.len() as u64, *blake3::hash(&contents).as_bytes()), "{}", node.path);
        }
    }
}

#[test]
fn a_go_module_becomes_the_tree_that_go_makes_of_it() {
    let prefix = "golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64";
    let at = |path: &str| format!("{prefix}/{path}");
    let zip = Zip::new()
        .file(&at("bin/go"), 0o644, b"go")
        .file(&at("pkg/tool/linux_amd64/compile"), 0o644, b"c")
        .file(&at("src/_go.mod"), 0o644, b"module std")
        .file(&at("VERSION"), 0o644, b"go1.27.0")
        .end();
    let tree = unpack(Format::GoModuleZip, &zip, &Options::new(2, 1)).unwrap();
    let expected = ["VERSION 644 8", "bin/", "bin/go 755 2", "pkg/", "pkg/tool/", "pkg/tool/linux_amd64/"];
    assert_eq!(tree[..6], expected);
    assert_eq!(tree[6..], ["pkg/tool/linux_amd64/compile 755 1", "src/", "src/go.mod 644 10"]);

    // Computed by hand from the definition: sha256sum of the sorted lines of sha256sum.
    let small = Zip::new().file("m@v1/b", 0o644, b"b\n").file("m@v1/a", 0o644, b"a\n").end();
    let hash = archive::module_hash(Cursor::new(&small), &Limits::default()).unwrap();
    assert_eq!(hash.to_string(), "h1:MWSSXcbrBPE25cl41I8+R7Y9hAxuY9Be76nDJvg0pks=");
    let outside = Zip::new().file(&at("bin/go"), 0o644, b"go").file("golang.org/x", 0o644, b"x").end();
    let error = unpack(Format::GoModuleZip, &outside, &Options::new(0, 1)).unwrap_err();
    assert!(texts(&error).contains("not below `golang.org/toolchain@"), "{}", texts(&error));
}

#[test]
fn a_full_disk_is_this_machines_fault() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        eprintln!("skipped: no /dev/full here");
        return;
    };
    let error = (&full).write_all(b"x").unwrap_err();
    let error = Error::from(FileError::new("write", "/opt/x", error));
    assert_eq!(error.kind(), Kind::Machine);
    assert_eq!(
        error.hints(),
        ["free some space (see `df -h` and `df -i`), or choose another folder (`TOOLKIT_HOME` for the store)"]
    );
}
