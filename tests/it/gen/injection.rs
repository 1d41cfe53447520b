//! Hostile values in every place of the model that takes text, for every target: each comes out as exactly the same text
//! when a second reader parses the file, or is refused by its key; the shape of a file never changes; nothing is run.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

use serde_yaml::Value;
use toolkit::generate::{self, Generator, Output, Project};
use toolkit::project::Lock;
use toolkit::project::pipeline::{
    Architecture, Artifacts, Aws, Cache, Container, Pipeline, Report, ReportFormat, Secret,
};
use toolkit::text::shell;
use toolkit::toolchain;

/// What stands in a place when nothing hostile does; files made with it show where the place is.
const MARK: &str = "mark0xmark";

fn hostile() -> Vec<String> {
    let mut values: Vec<String> = [
        "\"",
        "'",
        "a: b",
        ": ",
        "#",
        "a #b",
        "a\nb",
        "a\r\nb",
        "a\tb",
        "${{ x }}",
        "{{ .Values.x }}",
        "$(touch pwned)",
        "`touch pwned`",
        ";rm -rf pwned",
        "'; touch pwned; '",
        "\"; touch pwned; \"",
        "a && touch pwned",
        "| touch pwned",
        "-n",
        "--push",
        "- a",
        "!!python/object/apply:os.system [\"touch pwned\"]",
        "*a",
        "&a",
        "@a",
        "%a",
        "|",
        ">",
        "a\u{2028}b",
        "a\u{2029}b",
        "a\u{85}b",
        "a\u{1}b",
        "a\u{1b}[31mb",
        "a\u{202e}b",
        "\u{feff}a",
        "yes",
        "1.20",
        "~",
        "null",
        "]]",
        "--",
        "\\",
        "a\\",
        "$",
        "a b",
        "<<EOF",
        "[a, b]",
        "{a: b}",
        "0x1f",
        "2026-11-24",
        "",
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    values.push("long ".repeat(2000) + "end");
    values
}

type Place = (&'static str, fn(&mut Pipeline, String));

fn container(pipeline: &mut Pipeline) -> &mut Container {
    pipeline.container.as_mut().unwrap()
}

/// The places: a key and how a value comes there.
const PLACES: &[Place] = &[
    ("directory", |pipeline, text| pipeline.directory = Some(text)),
    ("environment", |pipeline, text| {
        pipeline.environment.insert("PLACE".to_owned(), text);
    }),
    ("secrets", |pipeline, text| {
        pipeline.secrets.insert("PLACE".to_owned(), Secret::ParameterStore(text));
    }),
    ("secrets", |pipeline, text| {
        pipeline.secrets.insert("PLACE".to_owned(), Secret::SecretsManager(text));
    }),
    ("steps.restore", |pipeline, text| pipeline.steps.restore = vec![text]),
    ("steps.build", |pipeline, text| pipeline.steps.build = vec![text]),
    ("steps.test", |pipeline, text| pipeline.steps.test = vec![text]),
    ("steps.publish", |pipeline, text| pipeline.steps.publish = vec![text]),
    ("container.repository", |pipeline, text| container(pipeline).repository = Some(text)),
    ("container.dockerfile", |pipeline, text| container(pipeline).dockerfile = Some(text)),
    ("container.context", |pipeline, text| container(pipeline).context = Some(text)),
    ("container.target", |pipeline, text| container(pipeline).target = Some(text)),
    ("container.arguments", |pipeline, text| {
        container(pipeline).arguments.insert("PLACE".to_owned(), text);
    }),
    ("container.labels", |pipeline, text| {
        container(pipeline).labels.insert("place".to_owned(), text);
    }),
    ("container.tags", |pipeline, text| container(pipeline).tags = vec![text]),
    ("container.test", |pipeline, text| container(pipeline).test = vec![text]),
    ("reports", |pipeline, text| {
        pipeline.reports = vec![Report { name: None, format: ReportFormat::Junit, files: vec![text], directory: None }];
    }),
    ("artifacts.files", |pipeline, text| {
        pipeline.artifacts = Some(Artifacts { files: vec![text], ..Artifacts::default() });
    }),
    ("artifacts.exclude", |pipeline, text| {
        pipeline.artifacts =
            Some(Artifacts { files: vec!["out/**".to_owned()], exclude: vec![text], ..Artifacts::default() });
    }),
    ("artifacts.expire", |pipeline, text| {
        pipeline.artifacts =
            Some(Artifacts { files: vec!["out/**".to_owned()], expire: Some(text), ..Artifacts::default() });
    }),
    ("cache.paths", |pipeline, text| pipeline.cache = Some(Cache { paths: vec![text], files: vec![] })),
    ("cache.files", |pipeline, text| {
        pipeline.cache = Some(Cache { paths: vec![".cache".to_owned()], files: vec![text] });
    }),
    ("push.branches", |pipeline, text| pipeline.push.branches = Some(vec![text])),
    ("aws.role", |pipeline, text| pipeline.aws.as_mut().unwrap().role = Some(text)),
    ("aws.region", |pipeline, text| pipeline.aws.as_mut().unwrap().region = Some(text)),
    ("aws.audience", |pipeline, text| pipeline.aws.as_mut().unwrap().audience = Some(text)),
    ("images", |pipeline, text| {
        pipeline.images.insert("kaniko".to_owned(), text);
    }),
    ("codebuild.image", |pipeline, text| {
        pipeline.codebuild.image.insert(Architecture::Arm64, text);
    }),
    ("codebuild.runtimes", |pipeline, text| {
        pipeline.codebuild.runtimes.insert("python".to_owned(), text);
    }),
    ("codebuild.compute", |pipeline, text| pipeline.codebuild.compute = Some(text)),
    ("gitlab.tags", |pipeline, text| {
        pipeline.gitlab.tags.insert(Architecture::Amd64, vec![text]);
    }),
    ("gitlab.image", |pipeline, text| pipeline.gitlab.image = Some(text)),
    ("dockerfile.base", |pipeline, text| pipeline.dockerfile.base = Some(text)),
    ("dockerfile.packages", |pipeline, text| pipeline.dockerfile.packages = vec![text]),
    ("dockerfile.user", |pipeline, text| pipeline.dockerfile.user = Some(text)),
    ("runner.url", |pipeline, text| pipeline.runner.url = Some(text)),
    ("runner.namespace", |pipeline, text| pipeline.runner.namespace = Some(text)),
    ("runner.cluster", |pipeline, text| pipeline.runner.cluster = Some(text)),
    ("runner.node-role", |pipeline, text| pipeline.runner.node_role = Some(text)),
    ("runner.chart", |pipeline, text| pipeline.runner.chart = Some(text)),
    ("runner.image", |pipeline, text| pipeline.runner.image = Some(text)),
    ("runner.requests", |pipeline, text| {
        pipeline.runner.requests.insert("memory".to_owned(), text);
    }),
    ("runner.cache-bucket", |pipeline, text| pipeline.runner.cache_bucket = Some(text)),
    ("runner.ami", |pipeline, text| pipeline.runner.ami = Some(text)),
];

const LOCK: &str = "version = 1\n[[tool]]\nname = \"go\"\nrequest = \"1.27\"\nversion = \"1.27.3\"\n\
    [[tool.artifact]]\nplatform = \"linux/amd64\"\nurl = \"https://go.dev/dl/a.tar.gz\"\n\
    digest = \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\nproof = \"checksum\"\nproven-by = \"go.dev\"\nformat = \"tar-gz\"\nstrip = 1\n\
    [[tool.artifact]]\nplatform = \"linux/arm64\"\nurl = \"https://go.dev/dl/b.tar.gz\"\n\
    digest = \"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"\nproof = \"checksum\"\nproven-by = \"go.dev\"\nformat = \"tar-gz\"\nstrip = 1\n";

/// Makes a target's files with `text` in a place.
fn made(target: &dyn Generator, place: Option<&Place>, text: &str) -> Result<Vec<Output>, String> {
    let mut pipeline = Pipeline {
        container: Some(Container { repository: Some("registry.example.com/app".to_owned()), ..Container::default() }),
        aws: Some(Aws { region: Some("eu-central-1".to_owned()), ..Aws::default() }),
        ..Pipeline::default()
    };
    pipeline.steps.build = vec!["go build ./...".to_owned()];
    pipeline.runner.cluster = Some("builds".to_owned());
    pipeline.runner.node_role = Some("Nodes".to_owned());
    if let Some((_, put)) = place {
        put(&mut pipeline, text.to_owned());
    }
    let lock = Lock::parse("toolkit.lock".as_ref(), LOCK).unwrap();
    let project = Project {
        pipeline: &pipeline,
        name: "hello".to_owned(),
        architectures: vec![Architecture::Amd64, Architecture::Arm64],
        tools: vec![generate::Tool {
            toolchain: toolchain::find("go").unwrap(),
            locked: &lock.tools[0],
            settings: vec![],
        }],
        images: Vec::new(),
        lock_digest: Some("0123456789ab".to_owned()),
        mirror: None,
        has_global_json: false,
    };
    let made = catch_unwind(AssertUnwindSafe(|| target.generate(&project)));
    made.unwrap_or_else(|_| panic!("{} panics at {text:?}", target.name())).map_err(|error| error.to_string())
}

/// The keys below which a service's shell reads.
const COMMANDS: &[&str] = &["script", "before_script", "after_script", "commands", "finally"];
/// What a path has when a shell reads what lies there.
const SHELL: &str = "$";

/// Lists the scalars of a document by their path; keys are scalars too.
fn leaves(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Mapping(map) => {
            for (index, (key, value)) in map.iter().enumerate() {
                found.push((format!("{path}/key{index}"), key.as_str().unwrap_or_default().to_owned()));
                let shell = key.as_str().is_some_and(|key| COMMANDS.contains(&key));
                leaves(value, &format!("{path}/{index}{}", if shell { SHELL } else { "" }), found);
            }
        }
        Value::Sequence(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(item, &format!("{path}/{index}"), found));
        }
        Value::String(text) => found.push((path.to_owned(), text.clone())),
        other => found.push((format!("{path}!"), format!("{other:?}"))),
    }
}

/// Who reads a text of a document.
#[derive(Clone, Copy, PartialEq)]
enum Reader {
    /// The service alone.
    Yaml,
    /// A shell, for which the value is a command itself.
    Commands,
    /// A shell, for which the value must be nothing but text.
    Shell,
}

/// Returns true if `found` is `usual` with the value in place of the mark: as it is, or for a shell as one word, or as
/// whatever a real shell reads as the same arguments.
fn is_meant(usual: &str, found: &str, value: &str, reader: Reader, folder: &std::path::Path) -> bool {
    if value.is_empty() {
        return true; // As good as left out: it adds nothing to the text around it.
    }
    // A tag that is a variable may be empty, and a line of the loop's body says what to do then.
    let head = |text: &str| {
        if text.starts_with("for ") { text.split("; do\n").next().unwrap().to_owned() } else { text.to_owned() }
    };
    let (usual, found) = (&head(usual), &head(found));
    match reader {
        Reader::Shell => {
            let word = |text: &str| replaced_whole_words(usual, text).is_some_and(|text| text == *found);
            word(&shell::word(value))
                || word(&shell::expanding(value))
                || is_branch(found, value, folder)
                || are_same_arguments(usual, found, value, folder)
        }
        Reader::Commands => {
            usual.replace(MARK, value) == *found
                // A command of several lines stands in a subshell that stops at its first failure.
                || *found == usual.replace("\n  ", "\n").replace(MARK, &format!("(\nset -e\n{value}\n)"))
                // Or it is handed to the shell of an image.
                || are_same_arguments(usual, found, value, folder)
        }
        Reader::Yaml => {
            usual.replace(MARK, value) == *found
                || *found == format!("docker.io/{value}")
                // A rule of GitLab takes either quote around a text.
                || usual.replace(&format!("\"{MARK}\""), &format!("'{value}'")) == *found
        }
    }
}

/// Returns true if a rule of a buildspec lets exactly this branch push.
fn is_branch(script: &str, branch: &str, folder: &std::path::Path) -> bool {
    let pushes = |trigger: &str| {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &format!("{script}\n[ \"$push\" = yes ]")]).current_dir(folder).env_clear();
        command.env("CODEBUILD_WEBHOOK_TRIGGER", trigger).stdin(Stdio::null()).stderr(Stdio::null()).status().unwrap()
    };
    script.starts_with("case \"${CODEBUILD_WEBHOOK_TRIGGER")
        && pushes(&format!("branch/{branch}")).success()
        && !pushes(&format!("branch/x{branch}")).success()
}

/// Puts a text in place of the mark where that is a whole word; none where it is part of one.
fn replaced_whole_words(usual: &str, text: &str) -> Option<String> {
    let parts: Vec<&str> = usual.split(MARK).collect();
    let ends = |c: char| c.is_ascii_whitespace();
    let before = parts[..parts.len() - 1].iter().all(|part| part.is_empty() || part.ends_with(ends));
    let after = parts[1..].iter().all(|part| part.is_empty() || part.starts_with(ends) || part.starts_with([';', ')']));
    (before && after).then(|| parts.join(text))
}

/// Lets a shell read both texts and compares the arguments that commands are given. `./` in front of a folder's name is no
/// change.
fn are_same_arguments(usual: &str, found: &str, value: &str, folder: &std::path::Path) -> bool {
    [given_to_one, given_to_all].iter().any(|given| {
        let (Some(usual), Some(found)) = (given(usual, folder), given(found, folder)) else { return false };
        usual.contains(MARK)
            && [value.to_owned(), format!("./{value}")].iter().any(|value| usual.replace(MARK, value) == found)
    })
}

/// Returns the arguments of a text that is one command.
fn given_to_one(command: &str, folder: &std::path::Path) -> Option<String> {
    let (_, rest) = command.split_once(' ')?;
    let script = format!("show() {{ for one; do printf '%s|' \"$one\"; done; }}; show {rest}");
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a whole text with nothing on its path but commands that write down what they are given, `touch` and `rm` too.
fn given_to_all(script: &str, folder: &std::path::Path) -> Option<String> {
    const KNOWN: &[&str] = &["docker", "buildah", "podman", "buildctl-daemonless.sh", "toolkit", "touch", "rm"];
    let place = tempfile::tempdir().unwrap();
    // A process of its own writes them: what this one has open for writing, a child that another test starts in that moment
    // holds too, and then the system does not run it ("text file busy").
    let shims = "for name; do printf '#!/bin/sh\\nfor one in %s \"$@\"; do printf \"%%s|\" \"$one\"; done >>\"$WRITTEN\"\\n' \
                 \"$name\" >\"$name\"; chmod 755 \"$name\"; done";
    let made = Command::new("/bin/sh").args(["-c", shims, "sh"]).args(KNOWN).current_dir(place.path()).status();
    assert!(made.unwrap().success());
    let written = place.path().join("written");
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("push=yes\n{script}")])
        .current_dir(folder)
        .env_clear()
        .env("PATH", place.path())
        .env("WRITTEN", &written)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    status.success().then(|| std::fs::read_to_string(&written).unwrap_or_default())
}

/// Runs what a shell would read as the word, and returns what it reads.
fn read_by_a_shell(word: &str, folder: &std::path::Path) -> String {
    let script = format!("printf '%s' {word}");
    let output = Command::new("sh").args(["-c", &script]).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_hostile_value_is_the_same_text_for_a_second_reader_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut same, mut refused, mut changed) = (0_usize, 0_usize, 0_usize);
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    let mut shapes: BTreeMap<String, usize> = BTreeMap::new();
    let mut documents: BTreeSet<(String, String)> = BTreeSet::new();
    for target in generate::ALL {
        for place in PLACES {
            let usual = made(*target, Some(place), MARK).ok();
            // A branch with `*` is a pattern, and becomes a regular expression.
            let values = hostile().into_iter().filter(|value| place.0 != "push.branches" || !value.contains('*'));
            for value in values {
                let outputs = match made(*target, Some(place), &value) {
                    Ok(outputs) => outputs,
                    Err(said) => {
                        refused += 1;
                        let key = place.0.split('.').next().unwrap();
                        if !said.contains(key) {
                            *wrong
                                .entry(format!("{} {}: an error without the key: {said:.200}", target.name(), place.0))
                                .or_default() += 1;
                        }
                        continue;
                    }
                };
                same += 1;
                let Some(usual) = &usual else { continue };
                for (before, after) in usual.iter().zip(&outputs) {
                    let is_yaml = after.path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
                    if !is_yaml {
                        let lines = |text: &str| text.lines().count();
                        if lines(&before.body) != lines(&after.body) && before.body.contains(MARK) {
                            *wrong.entry(format!("{} {}: lines more or less", target.name(), place.0)).or_default() +=
                                1;
                        }
                        continue;
                    }
                    let (first, second) = (parse(&before.body), parse(&after.body));
                    documents.insert((after.body.clone(), serde_json::to_string(&second).unwrap()));
                    let (mut old, mut new) = (Vec::new(), Vec::new());
                    leaves(&first, "", &mut old);
                    leaves(&second, "", &mut new);
                    if old.iter().map(|leaf| &leaf.0).ne(new.iter().map(|leaf| &leaf.0)) {
                        // A generator may have to say it in another way, and then still says the same.
                        changed += 1;
                        *shapes.entry(format!("{} {}", target.name(), place.0)).or_default() += 1;
                        // `secret:field` becomes two keys of GitLab.
                        let says = |part: &str| new.iter().any(|(_, found)| found.contains(part));
                        if !value.split(':').all(says) {
                            *wrong
                                .entry(format!(
                                    "{} {}: {value:.40?} is lost: {:.3000}",
                                    target.name(),
                                    place.0,
                                    after.body
                                ))
                                .or_default() += 1;
                        }
                        continue;
                    }
                    for ((path, usual), (_, found)) in old.iter().zip(&new) {
                        let command = place.0.starts_with("steps.") || place.0 == "container.test";
                        let reader = match path.contains(SHELL) || usual.contains("$(") {
                            true if command => Reader::Commands,
                            true => Reader::Shell,
                            false => Reader::Yaml,
                        };
                        if usual.contains(MARK)
                            && (reader == Reader::Shell || found.trim_end_matches('\n') != value.trim_end_matches('\n'))
                            && !is_meant(usual, found, &value, reader, folder.path())
                        {
                            *wrong
                                .entry(format!(
                                    "{} {} {path}: another text: {value:.40?} is {found:.80?}",
                                    target.name(),
                                    place.0
                                ))
                                .or_default() += 1;
                        }
                    }
                }
            }
        }
    }
    eprintln!(
        "{same} cases came out (value, place, target), {refused} were refused by their key, {changed} have another shape {shapes:?}; {} different documents",
        documents.len()
    );
    assert!(
        wrong.is_empty(),
        "{}",
        wrong.iter().map(|(what, times)| format!("{times} × {what}")).collect::<Vec<_>>().join("\n")
    );
    assert!(same > 500 && refused > 500);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something ran");
    read_by_python(&documents);
}

fn parse(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|cause| panic!("{cause}: {text}"))
}

#[test]
fn a_word_of_a_shell_is_the_value_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for value in hostile() {
        assert_eq!(read_by_a_shell(&shell::word(&value), folder.path()), value);
        // A variable that is not set is nothing, and no other part of the value may vanish.
        let read = read_by_a_shell(&shell::expanding(&value), folder.path());
        assert_eq!(read, value);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something ran");
}

/// Compares what Python's reader finds in each document with what ours finds.
fn read_by_python(documents: &BTreeSet<(String, String)>) {
    const SCRIPT: &str = "import json, sys, yaml\n\
        loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)\n\
        class Texts(loader): pass\n\
        Texts.yaml_implicit_resolvers = {c: [(t, r) for t, r in rs if not t.endswith('timestamp')] for c, rs in loader.yaml_implicit_resolvers.items()}\n\
        bad = 0\n\
        for text, expected in json.load(sys.stdin):\n    \
            if yaml.load(text, Loader=Texts) != json.loads(expected): bad += 1; print(text[:2000])\n\
        sys.exit(1 if bad else 0)\n";
    let there = Command::new("python3").args(["-c", "import yaml"]).stderr(Stdio::null()).status();
    if !there.is_ok_and(|status| status.success()) {
        eprintln!("skipped the second reader: no python3 with yaml here");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("documents.json");
    std::fs::write(&input, serde_json::to_string(documents).unwrap()).unwrap();
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .stdin(std::fs::File::open(&input).unwrap())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "Python reads something else:\n{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "something ran");
}
