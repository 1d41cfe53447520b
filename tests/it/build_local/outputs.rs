//! What a build leaves behind: artifacts, reports, caches, and nothing in its source.

use std::fs;
use std::path::Path;

use super::{Place, trace};

/// Makes files, and collects artifacts as `artifacts` says.
fn collected(artifacts: &str) -> (i32, Vec<String>, String) {
    let make = "mkdir -p lib/deep out-1 && for f in a.txt b.md lib/c.txt lib/deep/d.txt out-1/e.txt; do echo $f > $f; done; ln -s a.txt link";
    let place = Place::new(&format!("phases: {{build: {{commands: ['{make}']}}}}\nartifacts: {artifacts}\n"));
    let run = place.run(&["--artifacts", "../out"]);
    place.is_clean();
    (run.code.unwrap(), listing(&place.world.project().join("../out")), run.stdout)
}

fn listing(folder: &Path) -> Vec<String> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

#[test]
fn artifacts_are_what_the_patterns_name() {
    for (artifacts, code, files) in [
        ("{files: [a.txt]}", 0, &["a.txt"][..]),
        ("{files: a.txt}", 0, &["a.txt"]),
        ("{files: ['*.txt', b.md]}", 0, &["a.txt", "b.md"]),
        ("{files: ['lib/*']}", 0, &["lib/c.txt"]),
        ("{files: ['lib/**/*']}", 0, &["lib/c.txt", "lib/deep/d.txt"]),
        ("{files: ['**/*.txt']}", 0, &["a.txt", "lib/c.txt", "lib/deep/d.txt", "out-1/e.txt"]),
        ("{files: ['**/*'], exclude-paths: ['**/*.txt', buildspec.yml, link]}", 0, &["b.md"]),
        ("{files: ['lib/**/*'], exclude-paths: ['lib/*']}", 0, &["lib/deep/d.txt"]),
        ("{files: ['lib/**/*'], exclude-paths: ['lib/deep/**/*']}", 0, &["lib/c.txt"]),
        ("{files: ['**/*'], base-directory: lib}", 0, &["c.txt", "deep/d.txt"]),
        ("{files: ['**/*'], base-directory: 'out-*'}", 0, &["e.txt"]),
        ("{files: ['lib/**/*'], discard-paths: yes}", 0, &["c.txt", "d.txt"]),
        ("{files: ['**/*'], base-directory: lib, discard-paths: yes}", 0, &["c.txt", "d.txt"]),
        ("{files: [link]}", 0, &["link"]),
        ("{files: [absent, a.txt]}", 0, &["a.txt"]),
        ("{files: [absent]}", 1, &[]),
        ("{files: [lib]}", 1, &[]),
        ("{files: ['*'], base-directory: absent}", 1, &[]),
        (
            "{files: [a.txt], secondary-artifacts: {docs: {files: ['*.md']}, deep: {files: ['*'], base-directory: lib/deep}}}",
            0,
            &["a.txt", "deep/d.txt", "docs/b.md"],
        ),
        ("{secondary-artifacts: {docs: {files: ['*.md']}}}", 0, &["docs/b.md"]),
        ("{files: [a.txt], secondary-artifacts: {docs: {files: [absent]}}}", 1, &["a.txt"]),
    ] {
        let (found, listed, log) = collected(artifacts);
        assert_eq!(
            (found, listed.iter().map(String::as_str).collect::<Vec<_>>().as_slice()),
            (code, files),
            "{artifacts}: {log}"
        );
        assert_eq!(trace(&log), if code == 0 { "BUILD UPLOAD" } else { "BUILD UPLOAD!" }, "{artifacts}");
        assert_eq!(log.contains("CLIENT_ERROR Message: no matching"), code == 1, "{artifacts}: {log}");
    }
}

#[test]
fn artifacts_of_a_failed_build_are_collected_and_their_name_expanded() {
    let place = Place::new(
        "phases: {build: {commands: ['VERSION=1.2; echo x > app; chmod +x app; false']}}\nartifacts: {files: [app], name: 'shop-$VERSION-$(echo arm)'}",
    );
    let run = place.run(&["--json", "--artifacts", "../out"]);
    assert_eq!(run.code, Some(1));
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(
        result["artifacts"],
        serde_json::json!([{ "identifier": null, "name": "shop-1.2-arm", "files": ["app"] }])
    );
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(place.world.project().join("../out/app")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o111, 0o111, "modes are kept");
}

#[test]
fn report_files_are_found_and_copied() {
    let place = Place::new(
        "phases: {build: {commands: ['mkdir -p r/x; touch r/x/TEST-a.xml r/TEST-b.xml']}}\nreports:\n  unit: {files: ['**/TEST-*.xml'], base-directory: r, discard-paths: yes}\n  none: {files: [absent.xml], file-format: CucumberJson}\n",
    );
    let run = place.run(&["--json", "--reports", "../reports"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    let result: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let expected = serde_json::json!([
        { "group": "unit", "format": "JUNITXML", "files": ["TEST-a.xml", "TEST-b.xml"] },
        { "group": "none", "format": "CUCUMBERJSON", "files": [] },
    ]);
    assert_eq!(result["reports"], expected);
    assert_eq!(listing(&place.world.project().join("../reports")), ["unit/TEST-a.xml", "unit/TEST-b.xml"]);
}

#[test]
fn a_cache_comes_back_under_its_key_and_under_its_fallback_keys() {
    let spec = |key: &str| {
        format!(
            "phases: {{build: {{commands: ['if [ -f dep/x ]; then echo \":$(cat dep/x)\"; else echo :cold; fi', 'mkdir -p dep; date +%N > /dev/null; echo {key} > dep/x; test ! -e fail']}}}}\ncache: {{key: '{key}-$(codebuild-hash-files lock)', fallback-keys: ['{key}-', 'go-'], paths: ['dep/**/*']}}\n"
        )
    };
    let place = Place::new(&spec("go-1"));
    let run = |expected: &str| {
        let run = place.run(&["--cache", "../cache"]);
        assert_eq!(trace(&run.stdout), expected, "{}", run.stdout);
    };
    place.world.write("lock", "1");
    place.world.write("fail", "");
    run("BUILD :cold BUILD! UPLOAD");
    run("BUILD :cold BUILD! UPLOAD"); // a failed build keeps nothing
    fs::remove_file(place.world.project().join("fail")).unwrap();
    run("BUILD :cold UPLOAD");
    run("BUILD :go-1 UPLOAD");
    place.world.write("lock", "2");
    run("BUILD :go-1 UPLOAD");
    place.world.write("buildspec.yml", &format!("version: 0.2\n{}", spec("go-2")));
    run("BUILD :go-1 UPLOAD");
    run("BUILD :go-2 UPLOAD");
    place.world.write("buildspec.yml", &format!("version: 0.2\n{}", spec("py-1")));
    let other = place.run(&["--cache", "../cache"]);
    assert_eq!(trace(&other.stdout), "BUILD :go-2 UPLOAD");
    place.world.write("dep/x", "mine");
    run("BUILD :mine UPLOAD"); // restoring replaces nothing
}

#[test]
fn the_source_stays_as_it_is_unless_it_is_asked_for() {
    let place = Place::new(
        "phases: {build: {commands: ['echo changed > file; mkdir new; chmod 555 new', 'ls -l link run.sh | grep -c -e \"->\" -e rwx | sed s/^/:/']}}",
    );
    place.world.write("file", "mine");
    place.world.write("run.sh", "#!/bin/sh\n");
    let project = place.world.project();
    fs::set_permissions(project.join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("/nowhere", project.join("link")).unwrap();
    assert_eq!(trace(&place.run(&[]).stdout), "BUILD :2 UPLOAD");
    assert_eq!(place.world.read("file"), "mine");
    assert!(!project.join("new").exists());
    place.is_clean();
    assert_eq!(trace(&place.run(&["--in-place"]).stdout), "BUILD :2 UPLOAD");
    assert_eq!(place.world.read("file"), "changed\n");
    place.is_clean();
}

#[test]
fn folders_for_results_inside_the_source_are_not_copied_with_it() {
    let place = Place::new("phases: {build: {commands: ['ls | sed s/^/:/']}}\nartifacts: {files: ['**/*']}");
    for _ in 0..2 {
        let run = place.run(&["--artifacts", "out"]);
        assert_eq!(trace(&run.stdout), "BUILD :buildspec.yml UPLOAD", "{}", run.stdout);
    }
}
