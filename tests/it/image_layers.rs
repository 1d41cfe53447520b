//! Layers of images: applied as umoci applies them, refused where they are hostile, and nothing outside the target.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use toolkit::archive::{self, Compression, Error, Layers, Limits, Options};
use toolkit::model::{Explain, Kind, Node, NodeKind};

use crate::archives::made::{Tar, gzip};
use crate::support::image::{self, Layer};

struct Case {
    name: &'static str,
    layers: Vec<Tar>,
    tree: &'static [&'static str],
}

/// Every case is unpacked by umoci too, where that is installed, and must give the same tree.
#[rustfmt::skip]
fn cases() -> Vec<Case> {
    let case = |name, layers, tree| Case { name, layers, tree };
    let base = || Tar::new().file("a", b"lower").file("d/f", b"lower").file("d/g", b"lower").file("d/s/x", b"lower");
    vec![
        case("one layer", vec![base()], &["a 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("an empty layer", vec![base(), Tar::new()], &["a 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("whiteout of a file", vec![base(), Tar::new().file("d/.wh.f", b"")], &["a 644 5", "d/", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("whiteout of a folder", vec![base(), Tar::new().file(".wh.d", b"")], &["a 644 5"]),
        case("whiteout of nothing", vec![base(), Tar::new().file(".wh.zz", b"")], &["a 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("whiteout before its namesake", vec![base(), Tar::new().file(".wh.a", b"").file("a", b"up")], &["a 644 2", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("whiteout after its namesake", vec![base(), Tar::new().file("a", b"up").file(".wh.a", b"")], &["a 644 2", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("folder anew, whiteout before", vec![base(), Tar::new().file(".wh.d", b"").folder("d").file("d/new", b"up")], &["a 644 5", "d/", "d/new 644 2"]),
        case("folder anew, whiteout after", vec![base(), Tar::new().folder("d").file("d/new", b"up").file(".wh.d", b"")], &["a 644 5", "d/", "d/new 644 2"]),
        case("opaque before", vec![base(), Tar::new().folder("d").file("d/.wh..wh..opq", b"").file("d/new", b"up")], &["a 644 5", "d/", "d/new 644 2"]),
        case("opaque after", vec![base(), Tar::new().folder("d").file("d/new", b"up").file("d/.wh..wh..opq", b"")], &["a 644 5", "d/", "d/new 644 2"]),
        case("opaque between", vec![base(), Tar::new().folder("d").file("d/1", b"").file("d/.wh..wh..opq", b"").file("d/s/2", b"")], &["a 644 5", "d/", "d/1 644 0", "d/s/", "d/s/2 644 0"]),
        case("opaque of the root", vec![base(), Tar::new().file("new", b"up").file(".wh..wh..opq", b"")], &["new 644 2"]),
        case("opaque keeps what comes again", vec![base(), Tar::new().folder("d").file("d/f", b"up").file("d/.wh..wh..opq", b"")], &["a 644 5", "d/", "d/f 644 2"]),
        case("file over folder", vec![base(), Tar::new().file("d", b"up")], &["a 644 5", "d 644 2"]),
        case("folder over file", vec![base(), Tar::new().folder("a").file("a/b", b"up")], &["a/", "a/b 644 2", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("link over folder", vec![base(), Tar::new().link("d", "a")], &["a 644 5", "d -> a"]),
        case("folder over link", vec![Tar::new().file("u/x", b"1").link("l", "u"), Tar::new().folder("l").file("l/y", b"2")], &["l/", "l/y 644 1", "u/", "u/x 644 1"]),
        case("file over link", vec![Tar::new().file("a", b"lower").link("l", "a"), Tar::new().file("l", b"up")], &["a 644 5", "l 644 2"]),
        case("mode changed", vec![base(), Tar::new().mode(0o755).file("a", b"lower")], &["a 755 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("setuid", vec![Tar::new().mode(0o4755).file("su", b"x")], &["su 755 1"]),
        case("hard link to a lower file", vec![base(), Tar::new().hard_link("b", "a")], &["a 644 5", "b 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("hard link, then its target anew", vec![base(), Tar::new().hard_link("b", "a").file("a", b"up")], &["a 644 2", "b 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("target anew, then a hard link", vec![base(), Tar::new().file("a", b"up").hard_link("b", "a")], &["a 644 2", "b 644 2", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("hard link, then its target gone", vec![base(), Tar::new().hard_link("b", "a"), Tar::new().file(".wh.a", b"")], &["b 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/s/", "d/s/x 644 5"]),
        case("one name of two anew", vec![Tar::new().file("a", b"lower").hard_link("b", "a"), Tar::new().file("b", b"up")], &["a 644 5", "b 644 2"]),
        case("hard link as kaniko writes it", vec![base(), Tar::new().hard_link("d/h", "/a")], &["a 644 5", "d/", "d/f 644 5", "d/g 644 5", "d/h 644 5", "d/s/", "d/s/x 644 5"]),
        case("hard link to a symbolic link", vec![Tar::new().file("a", b"x").link("l", "a"), Tar::new().hard_link("h", "l")], &["a 644 1", "h -> a", "l -> a"]),
        case("hard link over a folder", vec![base(), Tar::new().hard_link("d", "a")], &["a 644 5", "d 644 5"]),
        case("links out of the tree", vec![Tar::new().link("l", "/etc/passwd").link("d/m", "../../../outside").link("n", "nowhere")], &["d/", "d/m -> ../../../outside", "l -> /etc/passwd", "n -> nowhere"]),
        case("below a link", vec![Tar::new().file("usr/lib/a", b"").link("lib", "usr/lib"), Tar::new().file("lib/b", b"up")], &["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/a 644 0", "usr/lib/b 644 2"]),
        case("below an absolute link", vec![Tar::new().file("usr/lib/a", b"").link("lib", "/usr/lib"), Tar::new().file("lib/b", b"up")], &["lib -> /usr/lib", "usr/", "usr/lib/", "usr/lib/a 644 0", "usr/lib/b 644 2"]),
        case("below a link out of the tree", vec![Tar::new().folder("d").link("d/l", "../../../outside"), Tar::new().file("d/l/b", b"up")], &["d/", "d/l -> ../../../outside", "outside/", "outside/b 644 2"]),
        case("below links in a row", vec![Tar::new().folder("e").link("l", "m").link("m", "/n/../e"), Tar::new().file("l/b", b"up")], &["e/", "e/b 644 2", "l -> m", "m -> /n/../e"]),
        case("below a link of the same layer", vec![Tar::new().folder("e").link("l", "e").file("l/b", b"x")], &["e/", "e/b 644 1", "l -> e"]),
        case("whiteout below a link", vec![Tar::new().file("usr/lib/a", b"").file("usr/lib/b", b"").link("lib", "usr/lib"), Tar::new().file("lib/.wh.a", b"")], &["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/b 644 0"]),
        case("whiteout of a link", vec![Tar::new().file("a", b"x").link("l", "a"), Tar::new().file(".wh.l", b"")], &["a 644 1"]),
        case("opaque below a link", vec![Tar::new().file("usr/lib/a", b"").link("lib", "usr/lib"), Tar::new().file("lib/.wh..wh..opq", b"").file("lib/b", b"")], &["lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/b 644 0"]),
        case("hard link below a link", vec![Tar::new().file("usr/lib/a", b"x").link("lib", "usr/lib"), Tar::new().hard_link("b", "lib/a")], &["b 644 1", "lib -> usr/lib", "usr/", "usr/lib/", "usr/lib/a 644 1"]),
        case("a name with two dots", vec![Tar::new().file("..a/b..", b"x"), Tar::new().file("..a/.wh.b..", b"")], &["..a/"]),
        case("siblings that sort between", vec![Tar::new().file("d/f", b"").file("d.x", b"").file("d-y", b"").file("d0", b""), Tar::new().file(".wh.d", b"")], &["d-y 644 0", "d.x 644 0", "d0 644 0"]),
        case("removed and made again over three layers", vec![base(), Tar::new().file(".wh.d", b""), Tar::new().file("d/f", b"third")], &["a 644 5", "d/", "d/f 644 5"]),
    ]
}

#[test]
fn layers_give_the_tree_that_the_specification_says() {
    for Case { name, layers, tree } in cases() {
        for processors in [1, 2] {
            let world = world();
            let nodes = apply(&world, &tars(&layers), &Options::new(0, processors));
            let nodes = nodes.unwrap_or_else(|error| panic!("{name}: {}", texts(&error)));
            assert_eq!(described(&nodes), tree, "{name}: what is told");
            assert_eq!(listing(&world.path().join("target"), |_| String::new()), tree, "{name}: what is there");
            untouched(&world, name);
        }
    }
}

#[test]
fn layers_give_the_tree_that_umoci_gives() {
    if Command::new("umoci").arg("--version").output().is_err() {
        eprintln!("skipped: umoci is not installed (Debian: umoci), so that no other program says what layers give");
        return;
    }
    for Case { name, layers, .. } in cases() {
        let world = world();
        apply(&world, &tars(&layers), &Options::new(0, 2)).unwrap();
        let tars: Vec<Layer> = tars(&layers).into_iter().map(Layer::gzip).collect();
        let theirs = umoci(world.path(), &tars);
        let contents = |path: &Path| format!(" {}", String::from_utf8_lossy(&fs::read(path).unwrap()));
        assert_eq!(listing(&world.path().join("target"), contents), listing(&theirs, contents), "{name}");
    }
}

/// Unpacks an image by umoci and gives the tree.
pub fn umoci(world: &Path, layers: &[Layer]) -> std::path::PathBuf {
    image::layout(&world.join("layout"), layers);
    let target = world.join("theirs");
    let mut command = Command::new("umoci");
    command.args(["raw", "unpack", "--image"]).arg(format!("{}:image", world.join("layout").display()));
    // Without root the owners of the files cannot be theirs.
    if fs::metadata("/proc/self").is_ok_and(|data| std::os::unix::fs::MetadataExt::uid(&data) != 0) {
        command.arg("--rootless");
    }
    let output = command.arg(&target).output().unwrap();
    assert!(output.status.success(), "umoci: {}", String::from_utf8_lossy(&output.stderr));
    target
}

#[test]
fn hostile_layers_are_refused() {
    let base = || Tar::new().file("a", b"lower").file("d/f", b"lower").link("l", "d");
    for (name, layer, why) in [
        ("whiteout of the parent", Tar::new().file("d/.wh...", b""), "names a folder by dots"),
        ("whiteout of the folder itself", Tar::new().file("d/.wh..", b""), "names a folder by dots"),
        ("whiteout of nothing", Tar::new().file(".wh.", b""), "names nothing"),
        ("whiteout behind dots", Tar::new().file("d/../../.wh.outside", b""), "its path has `..`"),
        ("whiteout of an absolute path", Tar::new().file("/.wh.outside", b""), "its path is absolute"),
        ("whiteout with contents", Tar::new().file(".wh.a", b"x"), "an empty file"),
        ("whiteout that is a folder", Tar::new().folder(".wh.a"), "an empty file"),
        ("whiteout that is a link", Tar::new().link(".wh.a", "a"), "an empty file"),
        ("whiteout that is a hard link", Tar::new().hard_link(".wh.a", "a"), "an empty file"),
        ("below a whiteout", Tar::new().file(".wh.a/b", b""), "below a name that stands for a removed one"),
        ("another file system's name", Tar::new().file(".wh..wh.plnk", b""), "belong to a file system"),
        ("absolute path", Tar::new().file("/etc/passwd", b"x"), "its path is absolute"),
        ("parent", Tar::new().file("d/../../outside", b"x"), "its path has `..`"),
        ("hard link out", Tar::new().hard_link("h", "../outside"), "its path has `..`"),
        ("hard link to what is only on the machine", Tar::new().hard_link("h", "/etc/passwd"), "not a file unpacked"),
        ("hard link to a folder", Tar::new().hard_link("h", "d"), "not a file unpacked"),
        ("hard link to itself", Tar::new().hard_link("a", "a"), "not a file unpacked"),
        ("hard link over its target's folder", Tar::new().hard_link("d", "d/f"), "not a file unpacked"),
        ("hard link to what is removed", Tar::new().file(".wh.a", b"").hard_link("h", "a"), "not a file unpacked"),
        ("hard link over a link out", Tar::new().link("x", "/etc").hard_link("h", "x/passwd"), "not a file unpacked"),
        ("a file twice", Tar::new().file("n", b"1").file("n", b"2"), "occurs twice"),
        ("a file twice, by a link", Tar::new().file("d/n", b"1").file("l/n", b"2"), "occurs twice"),
        (
            "file over a folder of its own",
            Tar::new().file("n/x", b"1").file("n", b"2"),
            "a folder already has this path",
        ),
        (
            "folder over a file of its own",
            Tar::new().file("n", b"1").folder("n"),
            "other than a folder already has this path",
        ),
        ("below a file", Tar::new().file("a/x", b"1"), "is not a folder"),
        ("links in a circle", Tar::new().link("x", "y").link("y", "x").file("x/f", b""), "too entangled"),
        ("link to nothing", Tar::new().link("x", ""), "no name"),
        ("link to a control character", Tar::new().link("x", "a\x1b[2J"), "control character"),
        (
            "a long name behind a link",
            Tar::new().pax("linkpath", "y/".repeat(130).as_bytes()).link("x", "y").file("x/f", b""),
            "128 parts",
        ),
        ("character device", Tar::new().entry(b'3', "null", "", b""), "character device"),
        ("whiteout of overlayfs", Tar::new().entry(b'3', "a", "", b""), "character device"),
        ("block device", Tar::new().entry(b'4', "sda", "", b""), "block device"),
        ("named pipe", Tar::new().entry(b'6', "pipe", "", b""), "named pipe"),
        ("sparse file", Tar::new().entry(b'S', "holes", "", b""), "sparse"),
    ] {
        let world = world();
        let error = apply(&world, &tars(&[base(), layer]), &Options::new(0, 2)).expect_err(name);
        assert!(texts(&error).contains(why), "{name}: {}", texts(&error));
        assert_eq!(error.kind(), Kind::Integrity, "{name}");
        assert!(!error.hints().is_empty(), "{name}");
        untouched(&world, name);
    }
}

#[test]
fn a_replaced_file_is_a_new_one_and_its_other_names_keep_theirs() {
    let world = world();
    let lower = Tar::new().file("a", b"lower").hard_link("b", "a");
    apply(&world, &tars(&[lower, Tar::new().file("a", b"upper")]), &Options::new(0, 1)).unwrap();
    let inode = |name: &str| {
        std::os::unix::fs::MetadataExt::ino(&fs::metadata(world.path().join("target").join(name)).unwrap())
    };
    assert_ne!(inode("a"), inode("b"));
    assert_eq!(fs::read(world.path().join("target/b")).unwrap(), b"lower");
}

#[test]
fn the_limits_hold_for_all_layers_together() {
    let part = |name: &str, size: usize| Tar::new().file(name, &vec![0; size]).end();
    let usual = Limits::default();
    let many: Vec<Vec<u8>> = (0..6).map(|n| part(&format!("f{n}"), 10)).collect();
    let again: Vec<Vec<u8>> = (0..6).map(|_| part("f", 40_000)).collect();
    let zeros: Vec<Vec<u8>> = (0..5).map(|_| part("f", 20 << 20)).collect();
    for (name, layers, limits, why) in [
        ("entries", &many, Limits { entries: 5, ..usual }, "more than 5 entries"),
        ("names", &many, Limits { names: 10, ..usual }, "more than 10 bytes of names"),
        ("the same file again and again", &again, Limits { bytes: 200_000, ..usual }, "more than 200000 bytes"),
        ("ratio", &zeros, usual, "more than 200 times"),
    ] {
        let world = world();
        let options = Options { limits, ..Options::new(0, 2) };
        let error = apply(&world, layers, &options).expect_err(name);
        assert!(texts(&error).contains(why), "{name}: {}", texts(&error));
    }
}

#[test]
fn a_layer_that_removes_again_and_again_ends() {
    let mut tar = Tar::new();
    for n in 0..3000 {
        tar = tar.file(&format!("d/f{n}"), b"");
    }
    for _ in 0..1700 {
        tar = tar.file("d/.wh..wh..opq", b"");
    }
    let error = apply(&world(), &[tar.end()], &Options::new(0, 2)).unwrap_err();
    assert!(texts(&error).contains("steps"), "{}", texts(&error));
}

fn tars(layers: &[Tar]) -> Vec<Vec<u8>> {
    layers.iter().map(|layer| [&layer.0[..], &[0; 1024]].concat()).collect()
}

fn world() -> TempDir {
    let world = TempDir::new().unwrap();
    fs::create_dir(world.path().join("target")).unwrap();
    fs::write(world.path().join("outside"), b"untouched").unwrap();
    world
}

fn untouched(world: &TempDir, name: &str) {
    assert_eq!(fs::read(world.path().join("outside")).unwrap(), b"untouched", "{name}");
    assert_eq!(fs::read_dir(world.path()).unwrap().count(), 2, "{name}: something was made outside");
}

fn apply(world: &TempDir, layers: &[Vec<u8>], options: &Options) -> Result<Vec<Node>, Error> {
    let target = world.path().join("target");
    let mut tree = Layers::default();
    for layer in layers {
        tree = archive::unpack_layer(&gzip(layer)[..], Compression::Gzip, &target, options, tree)?;
    }
    Ok(tree.nodes)
}

fn described(nodes: &[Node]) -> Vec<String> {
    let line = |node: &Node| match &node.kind {
        NodeKind::Folder => format!("{}/", node.path),
        NodeKind::File { mode, size, .. } => format!("{} {mode:o} {size}", node.path),
        NodeKind::Link { target } => format!("{} -> {target}", node.path),
    };
    nodes.iter().map(line).collect()
}

/// Prints what is on disk, sorted by path, under this program's rule for modes: those of umoci are the layer's own.
pub fn listing(folder: &Path, contents: impl Fn(&Path) -> String + Copy) -> Vec<String> {
    fn visit(
        folder: &Path,
        prefix: &str,
        contents: impl Fn(&Path) -> String + Copy,
        lines: &mut Vec<(String, String)>,
    ) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().to_str().unwrap());
            let data = entry.path().symlink_metadata().unwrap();
            if data.is_dir() {
                lines.push((path.clone(), format!("{path}/")));
                visit(&entry.path(), &format!("{path}/"), contents, lines);
            } else if data.is_symlink() {
                let target = fs::read_link(entry.path()).unwrap();
                lines.push((path.clone(), format!("{path} -> {}", target.display())));
            } else {
                let mode = std::os::unix::fs::PermissionsExt::mode(&data.permissions()) & 0o755 | 0o600;
                let line = format!("{path} {mode:o} {}{}", data.len(), contents(&entry.path()));
                lines.push((path, line));
            }
        }
    }
    let mut lines = Vec::new();
    visit(folder, "", contents, &mut lines);
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

fn texts(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
