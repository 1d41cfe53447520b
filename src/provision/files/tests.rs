use std::fs;

use super::*;
use crate::model::Explain;

struct World(tempfile::TempDir);

impl World {
    /// Makes a repository with these files.
    fn new(files: &[(&str, &str)]) -> Self {
        let world = tempfile::tempdir().unwrap();
        fs::create_dir(world.path().join(".git")).unwrap();
        for (name, text) in files {
            let path = world.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(world)
    }

    fn discover(&self, folder: &str) -> Result<Discovery, Error> {
        let folder = self.0.path().join(folder);
        fs::create_dir_all(&folder).unwrap();
        discover(&Root::at(&folder))
    }

    fn requests(&self, folder: &str) -> Vec<String> {
        texts(&self.discover(folder).unwrap())
    }
}

/// Lists requests with the files that they come from.
fn texts(found: &Discovery) -> Vec<String> {
    found.requests.iter().map(|request| format!("{} by {}", request.text(), request.file().unwrap())).collect()
}

#[test]
fn a_file_of_a_version_manager_requests_every_tool_that_is_known() {
    let world = World::new(&[
        (".tool-versions", "golang 1.26.1\ndotnet-core 8.0.415 9.0.308\nnodejs 22.21.1\nruby 3\n"),
        ("sub/.tool-versions", "golang 1.27.1\n"),
        ("mise/mise.toml", "[tools]\ngo = \"1.25\"\nnode = \"22\"\n"),
    ]);
    let found = world.discover("").unwrap();
    assert_eq!(
        texts(&found),
        ["dotnet@8.0.415 by .tool-versions", "dotnet@9.0.308 by .tool-versions", "go@1.26.1 by .tool-versions"]
    );
    assert_eq!(found.notes, ["not read from .tool-versions: nodejs, ruby, which toolkit does not provide"]);
    // What the nearest file lacks is in the parents'.
    assert_eq!(
        world.requests("sub"),
        ["dotnet@8.0.415 by ../.tool-versions", "dotnet@9.0.308 by ../.tool-versions", "go@1.27.1 by .tool-versions"]
    );
    assert_eq!(world.requests("mise")[2], "go@1.25 by mise.toml");
}

#[test]
fn a_line_that_cannot_be_used_stops_no_other_tool() {
    for (line, said) in [
        ("golang v1.26", "without the `v`"),
        ("golang", "missing"),
        ("golang ref:master", "would have to be built"),
        ("golang latest:nonsense", "expected"),
    ] {
        let world = World::new(&[(".tool-versions", &format!("{line}\ndotnet 8.0.415\n"))]);
        let found = world.discover("").unwrap();
        assert_eq!(texts(&found), ["dotnet@8.0.415 by .tool-versions"], "{line}");
        let [Broken { tool, error }] = found.broken.as_slice() else { panic!("{line}: {:?}", found.broken) };
        assert_eq!(tool.name(), "go");
        assert!(chain(error).contains(said), "{line}: {error}");
    }
    let world = World::new(&[(".tool-versions", "golang system\ndotnet 8.0.415\n")]);
    let found = world.discover("").unwrap();
    assert!(found.broken.is_empty() && found.requests.len() == 1, "{found:?}");
    assert_eq!(found.notes, [".tool-versions, line 1: `golang system` is left to the machine"]);
    let world = World::new(&[("mise.toml", "[tools\n"), ("go.mod", "go 1.26.1\n")]);
    let found = world.discover("").unwrap();
    assert_eq!(texts(&found), ["go@1.26.1 by go.mod"]);
    assert!(found.notes[0].starts_with("mise.toml is not read: line 1"), "{found:?}");
}

#[test]
fn a_pin_goes_before_a_minimum_and_must_not_be_below() {
    for (file, pin, expected) in [
        (".tool-versions", "golang 1.27.3", Some("go@1.27.3")),
        (".go-version", "1.27", Some("go@1.27")),
        ("mise.toml", "[tools]\ngo = \"1.26\"", Some("go@1.26")),
        (".tool-versions", "golang latest", Some("go@latest")),
        (".tool-versions", "golang system", Some("go@1.26.2")),
        (".tool-versions", "golang 1.26.1", None),
        (".go-version", "1.25", None),
        ("mise.toml", "[tools]\ngo = \"1.26.1\"", None),
    ] {
        let world = World::new(&[(file, pin), ("go.mod", "module x\n\ngo 1.26.2\n")]);
        let found = world.discover("").map(|found| found.requests[0].text());
        match (expected, found) {
            (Some(expected), Ok(found)) => assert_eq!(found, expected, "{file}: {pin}"),
            (None, Err(error)) => {
                let text = format!("{error} {:?}", error.hints());
                for part in [file, "go.mod", "1.26.2"] {
                    assert!(text.contains(part), "{file}: {pin}: {text}");
                }
            }
            (expected, found) => panic!("{file}: {pin}: {found:?} instead of {expected:?}"),
        }
    }
    // The nearer of two pins counts, and the other is said; so does global.json before any pin.
    let world = World::new(&[
        (".go-version", "1.27\n"),
        ("api/.tool-versions", "golang 1.26.1\ndotnet 8.0.415\n"),
        ("api/global.json", "{\"sdk\": {\"version\": \"10.0.300\"}}"),
    ]);
    let found = world.discover("api").unwrap();
    assert_eq!(texts(&found), ["dotnet@10.0.300 rollForward=patch by global.json", "go@1.26.1 by .tool-versions"]);
    let notes = found.notes.join("\n");
    assert!(notes.contains("dotnet@8.0.415 of .tool-versions does not count: global.json decides"), "{notes}");
    assert!(notes.contains("go@1.27 of ../.go-version does not count: .tool-versions decides"), "{notes}");
}

#[test]
fn a_workspace_is_read_with_its_modules() {
    let world = World::new(&[
        ("go.work", "use (\n\t./a\n\t./b\n\t./absent\n\t../outside\n)\n"),
        ("a/go.mod", "module a\n\ngo 1.26.1\n"),
        ("b/go.mod", "module b\n\ngo 1.27.0\n"),
    ]);
    for folder in ["", "a"] {
        let found = world.discover(folder).unwrap();
        assert_eq!(found.requests[0].text(), "go@1.27.0", "{folder}");
        assert!(found.requests[0].warnings[0].contains("b/go.mod needs 1.27.0"), "{found:?}");
    }
    let world = World::new(&[("go.work", "use ./a\n"), ("a/go.mod", "go nonsense\n")]);
    let error = world.discover("").unwrap_err().to_string();
    assert!(error.contains("a/go.mod"), "{error}");
}

#[test]
fn each_file_that_requests_nothing_says_why() {
    let world = World::new(&[
        ("go.mod", "module x\n"),
        ("global.json", "{\"test\": {\"runner\": \"x\"}}"),
        (".tool-versions", "nodejs 22\n"),
    ]);
    let found = world.discover("").unwrap();
    assert!(found.requests.is_empty());
    let silent = found.silent.join("\n");
    for part in ["go.mod has no `go` line", "global.json has no `sdk`", ".tool-versions names no tool"] {
        assert!(silent.contains(part), "{silent}");
    }
    assert!(World::new(&[]).discover("").unwrap().silent.is_empty());
}

#[test]
fn a_named_file_is_read_by_its_name_or_its_ending() {
    let world = World::new(&[
        ("tools/go.tool.mod", "module x\n\ngo 1.26.1\n"),
        ("ci.work", "go 1.26.2\nuse ./tools\n"),
        ("asdf/.tool-versions", "golang 1.25.1\ndotnet 8.0.415\nruby 3\n"),
        ("none/.tool-versions", "ruby 3\n"),
        ("broken/.tool-versions", "golang v1\n"),
        ("x.toml", ""),
    ]);
    let read = |name: &str| file(&world.0.path().join(name), Within::Folder(world.0.path()));
    let requests = |name: &str| -> Vec<String> { read(name).unwrap().requests.iter().map(ToolRequest::text).collect() };
    assert_eq!(requests("tools/go.tool.mod"), ["go@1.26.1"]);
    assert_eq!(requests("ci.work"), ["go@1.26.2"]);
    assert_eq!(requests("asdf/.tool-versions"), ["go@1.25.1", "dotnet@8.0.415"]);
    for (name, said) in [
        ("none/.tool-versions", "names no version of a tool that toolkit provides"),
        ("broken/.tool-versions", "is not understood"),
        ("x.toml", "is not a project file that toolkit reads"),
    ] {
        let error = read(name).unwrap_err().to_string();
        assert!(error.contains(said), "{name}: {error}");
    }
    let go = toolchain::find("go").unwrap();
    let of_go = |name: &str| of_tool(&go, &Root::at(world.0.path()), Path::new(name));
    assert_eq!(of_go("asdf/.tool-versions").unwrap()[0].text(), "go@1.25.1");
    assert_eq!(of_go("tools/go.tool.mod").unwrap()[0].file(), Some("tools/go.tool.mod"));
    assert!(of_go("none/.tool-versions").unwrap_err().to_string().contains("names no version of go"));
}

#[test]
fn a_channel_that_can_be_new_enough_is_not_below() {
    let least = toolchain::find("go").unwrap().version("1.26.2").unwrap();
    for (channel, expected) in [
        ("1.26.2", true),
        ("1.26.1", false),
        ("1.27rc1", true),
        ("1.26", true),
        ("1.25", false),
        ("1", true),
        ("latest", true),
        ("^1.20", true),
    ] {
        let channel = toolchain::channel("go", channel).unwrap();
        assert_eq!(reaches(&channel, &least), expected, "{channel}");
    }
}
