use std::path::Path;

use super::*;
use crate::project::{Manifest, Requirement};

fn parse(text: &str) -> Result<Manifest, Error> {
    Manifest::parse(Path::new("toolkit.toml"), text)
}

fn definition(text: &str) -> Definition {
    parse(text).unwrap().tools.remove(0).definition.unwrap()
}

#[test]
fn a_tool_on_github_is_defined_by_its_files() {
    let manifest = parse(
        "[tools.jq]\nversion = \"1.7\"\ngithub = \"jqlang/jq\"\ntag = \"jq-{version}\"\nsums = \"sha256sum.txt\"\nstrip = 1\n\
         asset = { \"linux/amd64\" = \"jq-linux-amd64\", \"linux/aarch64\" = \"jq-linux-arm64\" }\nbin = [\"jq\"]\n",
    )
    .unwrap();
    let entry = &manifest.tools[0];
    assert_eq!(
        (entry.tool.as_str(), entry.line, &entry.requirement),
        ("jq", 1, &Requirement::Channel("1.7".to_owned()))
    );
    let jq = entry.definition.as_ref().unwrap();
    let file = |platform: &str| jq.file("1.7", platform.parse().unwrap());
    assert_eq!(file("linux/arm64").as_deref(), Some("jq-linux-arm64"));
    assert_eq!(file("darwin/arm64"), None);
    assert_eq!((jq.strip, jq.executables[0].0.as_str()), (1, "jq"));
}

#[test]
fn upstreams_names_of_platforms_are_filled_in() {
    let protoc = definition(
        "[tools.protoc]\nversion = \"25.1\"\nurl = \"https://example.com/{version}/protoc-{os}-{arch}.zip\"\n\
         os = { darwin = \"osx\" }\narch = { amd64 = \"x86_64\", aarch64 = \"aarch_64\" }\nbin = [\"bin/protoc\"]\n\
         sums = \"https://example.com/{version}/{asset}.sha256\"\n",
    );
    let file = |platform: &str| protoc.file("25.1", platform.parse().unwrap()).unwrap();
    assert_eq!(file("linux/amd64"), "https://example.com/25.1/protoc-linux-x86_64.zip");
    assert_eq!(file("darwin/arm64"), "https://example.com/25.1/protoc-osx-aarch_64.zip");
    let sums = protoc.fill(protoc.sums.as_ref().unwrap(), "25.1", "linux/amd64".parse().unwrap(), "p.zip");
    assert_eq!(sums, "https://example.com/25.1/p.zip.sha256");
}

#[test]
fn executables_have_names_of_their_own_or_those_of_their_files() {
    let names = |bin: &str| {
        let text = format!("[tools.t]\nversion = \"1\"\ngithub = \"o/t\"\nasset = \"t-{{os}}.tar.gz\"\nbin = {bin}\n");
        let found = definition(&text).executables;
        found.iter().map(|(name, path)| format!("{name}={path}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("[\"bin/t\", \"bin/a.exe\"]"), "a=bin/a.exe t=bin/t");
    assert_eq!(names("{ t = \"t-{os}-{arch}\" }"), "t=t-{os}-{arch}");
    let bare = definition("[tools.t]\nversion = \"1\"\ngithub = \"o/t\"\nasset = \"t-{os}-{arch}\"\n");
    assert!(bare.executables.is_empty());
}

/// A table of `[tools.t]` that is right but for what a case puts in.
fn table(changed: &str) -> String {
    let key = changed.split(['=', '.']).next().unwrap().trim();
    let rest = [("version", "\"1.2\""), ("github", "\"o/t\""), ("asset", "\"t-{os}.tar.gz\""), ("bin", "[\"t\"]")];
    let rest: String =
        rest.iter().filter(|(known, _)| *known != key).map(|(key, value)| format!("{key} = {value}\n")).collect();
    format!("[tools.t]\n{changed}\n{rest}")
}

#[test]
fn what_is_not_understood_or_not_harmless_has_its_line_and_a_reason() {
    for (changed, said) in [
        ("ur = \"x\"", "unknown key `ur`; did you mean `url`?"),
        ("binn = [\"t\"]", "did you mean `bin`?"),
        ("run = \"curl x | sh\"", "unknown key `run`; expected one of: version, github, url"),
        ("install = \"make\"", "unknown key `install`"),
        ("source = \"x\"", "unknown key `source`"),
        ("file = \"x\"", "unknown key `file`"),
        ("version = 1.2", "found float"),
        ("github = 1", "found integer"),
        ("url = \"https://example.com/x\"", "`url` does not go with `github`"),
        ("tag = \"latest\"", "must contain {version} once"),
        ("tag = \"v{version}-{os}\"", "unknown placeholder `{os}`; expected one of: {version}"),
        ("tag = \"../{version}\"", "contains `..`"),
        ("asset = \"../t.tar.gz\"", "not allowed"),
        ("asset = \"t/../../x.zip\"", "not allowed"),
        ("asset = \"https://evil.example/t.zip\"", "not allowed"),
        ("asset = \"t-{libc}.zip\"", "unknown placeholder `{libc}`; expected one of: {version}, {os}, {arch}"),
        ("asset = \"t.gz\"", ".gz files cannot be unpacked here"),
        ("asset = \"t-{os}.deb\"", ".deb files cannot be unpacked here"),
        ("asset = [\"t.zip\"]", "found array"),
        ("asset = {}", "no platform has a file"),
        ("asset = { \"linux/mips\" = \"t.zip\" }", "is not a platform"),
        ("asset = { \"linux/amd64\" = \"t.zip\", \"linux/x86_64\" = \"u.zip\" }", "twice"),
        ("asset = { \"linux/amd64\" = 1 }", "found integer"),
        ("arch = { amd64 = \"../x\" }", "characters that the name of a platform cannot have"),
        ("arch = { amd64 = \"\" }", "characters that the name of a platform cannot have"),
        ("arch = { mips = \"x\" }", "`mips` is not a known `arch`"),
        ("os = { plan9 = \"x\" }", "`plan9` is not a known `os`"),
        ("os = \"linux\"", "expected a table"),
        ("sums = \"sub/sums.txt\"", "not allowed"),
        ("sums = \"https://example.com/sums\"", "not allowed"),
        ("strip = -1", "0 to 9"),
        ("strip = 10", "0 to 9"),
        ("strip = \"1\"", "0 to 9"),
        ("strip = 1.5", "0 to 9"),
        ("bin = []", "nothing would be on PATH"),
        ("bin = {}", "nothing would be on PATH"),
        ("bin = \"t\"", "expected a list"),
        ("bin = [1]", "found integer"),
        ("bin = [\"/usr/bin/t\"]", "empty segment"),
        ("bin = [\"../../t\"]", "contains `..`"),
        ("bin = [\"bin/\"]", "cannot be the name of an executable"),
        ("bin = [\"a/t\", \"b/t\"]", "two executables are called `t`"),
        ("bin = [\"{arch}\"]", "name it as in"),
        ("bin = { \"a/b\" = \"t\" }", "cannot be the name of an executable"),
        ("bin = { \"..\" = \"t\" }", "cannot be the name of an executable"),
        ("bin = { t = \"t-{asset}\" }", "unknown placeholder"),
    ] {
        let text = table(changed);
        let error = parse(&text).unwrap_err();
        let Error::Content { line, reason, .. } = &error else { panic!("{error:?}") };
        assert!(reason.contains(said), "{changed}: {reason}");
        assert!((1..=3).contains(line), "{changed}: line {line}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (text, said) in [
        ("github = \"o/t\"\nasset = \"t\"", "`t` needs a `version`"),
        ("version = \"1\"\ngithub = \"o/t\"", "`t` needs an `asset`"),
        ("version = \"1\"\ngithub = \"o/t\"\nasset = \"t.zip\"", "`t` needs a `bin`"),
        ("version = \"1\"\nurl = \"https://example.com/t.zip\"", "`t` needs a `bin`"),
    ] {
        let error = parse(&format!("[tools.t]\n{text}\n")).unwrap_err().to_string();
        assert!(error.contains(said) && error.contains("line 1"), "{text}: {error}");
    }
    for (url, said) in [
        ("http://example.com/t", "only https"),
        ("https://u:p@example.com/t", "user name or a password"),
        ("https://{os}/t", "the host must be written out"),
        ("https://example.com/t?sig=1", "query"),
    ] {
        for key in ["url", "sums"] {
            let other = if key == "sums" { "url = \"https://example.com/t\"\n" } else { "" };
            let text = format!("[tools.t]\nversion = \"1\"\n{other}{key} = \"{url}\"\n");
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
    for key in ["tag = \"v{version}\"", "asset = \"t\"", "github = \"o/t\""] {
        let text = format!("[tools.t]\nversion = \"1\"\nurl = \"https://example.com/t\"\n{key}\n");
        let error = parse(&text).unwrap_err().to_string();
        assert!(error.contains("does not go with"), "{error}");
    }
}
