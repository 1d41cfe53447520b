//! Buildspec files, version 0.2 (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>), and what
//! CodeBuild offers them: images, runtimes, machines. Reading never fails: what is wrong is a [`Problem`] with its place,
//! and what is right is there.

mod batch;
pub mod images;
mod on_failure;
mod output;
mod problem;
mod read;
mod reader;

use std::ops::Range;

pub use batch::{Batch, BatchEnv, BatchKind, Matrix, Task};
pub use on_failure::OnFailure;
pub use problem::{Problem, ProblemKind};

use crate::format::yaml::{Node, Style};

/// What a buildspec says.
#[derive(Debug, Default)]
pub struct Buildspec {
    /// `version`.
    pub version: Option<Text>,
    /// The user that all commands run as.
    pub run_as: Option<Text>,
    /// Variables and the shell.
    pub env: Env,
    /// `proxy`.
    pub proxy: Proxy,
    /// The builds of a batch.
    pub batch: Option<Batch>,
    /// The phases that are there, in the order in which they run.
    pub phases: Vec<Phase>,
    /// Commands outside of any phase, as lost indentation leaves them. They never run.
    pub loose: Vec<Text>,
    /// The test and coverage reports.
    pub reports: Vec<Report>,
    /// What is uploaded.
    pub artifacts: Option<Artifacts>,
    /// What is kept between builds.
    pub cache: Option<Cache>,
}

/// A scalar at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// What it says, without quotes.
    pub text: String,
    /// The bytes where it stands; those of the alias where one is used.
    pub span: Range<usize>,
    /// How it is written.
    pub style: Style,
    /// Whether the text stands elsewhere, and `*name` here.
    pub alias: bool,
}

/// A name and what it is given.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The name.
    pub key: Text,
    /// What it is given.
    pub value: Text,
}

/// `env`.
#[derive(Debug, Default)]
pub struct Env {
    /// The shell that runs the commands.
    pub shell: Option<Text>,
    /// Variables with their values.
    pub variables: Vec<Pair>,
    /// Variables from the Parameter Store of Systems Manager.
    pub parameter_store: Vec<Pair>,
    /// Variables from Secrets Manager.
    pub secrets_manager: Vec<Pair>,
    /// The names of the variables that later stages of a pipeline see.
    pub exported: Vec<Text>,
    /// Whether Git asks CodeBuild for credentials.
    pub git_credential_helper: bool,
}

/// `proxy`: what goes through the proxy server that the project names.
#[derive(Debug, Default)]
pub struct Proxy {
    /// Whether artifacts do.
    pub upload_artifacts: bool,
    /// Whether logs do.
    pub logs: bool,
}

/// The phases, in the order in which they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhaseName {
    /// `install`.
    Install,
    /// `pre_build`.
    PreBuild,
    /// `build`.
    Build,
    /// `post_build`: runs whenever `build` ran, even when it failed.
    PostBuild,
}

/// A phase.
#[derive(Debug)]
pub struct Phase {
    /// Which one.
    pub name: PhaseName,
    /// Where its name stands.
    pub key: Range<usize>,
    /// The user that its commands run as.
    pub run_as: Option<Text>,
    /// What happens when a command fails. Where nothing is said, a failure of `install` or `pre_build` ends the build, and one
    /// of `build` still runs `post_build`.
    pub on_failure: Option<OnFailure>,
    /// What is written under `on-failure`.
    pub on_failure_text: Option<Text>,
    /// The runtimes that the image makes ready; in `install` only.
    pub runtimes: Vec<Pair>,
    /// The commands. The first that fails ends the list.
    pub commands: Vec<Text>,
    /// The commands that run afterwards, also when one of `commands` failed.
    pub finally: Vec<Text>,
    /// Where `steps` stands: actions instead of commands.
    pub steps: Option<Range<usize>>,
}

/// A report group.
#[derive(Debug)]
pub struct Report {
    /// Its name or ARN.
    pub name: Text,
    /// The files that hold the results.
    pub files: Vec<Text>,
    /// The format of the files; JUnit's XML where nothing is said.
    pub format: Option<Text>,
    /// The folder in which `files` are looked for.
    pub base_directory: Option<Text>,
    /// Whether folders are dropped from names.
    pub discard_paths: bool,
}

/// What is uploaded when the build ends, even when it failed.
#[derive(Debug, Default)]
pub struct Artifacts {
    /// The files.
    pub files: Vec<Text>,
    /// The name, which the shell expands.
    pub name: Option<Text>,
    /// Whether folders are dropped from names.
    pub discard_paths: bool,
    /// The folder in which `files` are looked for.
    pub base_directory: Option<Text>,
    /// What is left out.
    pub exclude_paths: Vec<Text>,
    /// Whether links stay links in a ZIP.
    pub enable_symlinks: bool,
    /// A prefix in the bucket.
    pub s3_prefix: Option<Text>,
    /// Further artifacts, by their identifiers in the project.
    pub secondary: Vec<(Text, Artifacts)>,
}

/// What is kept between builds.
#[derive(Debug, Default)]
pub struct Cache {
    /// The key that must match exactly; the shell expands it.
    pub key: Option<Text>,
    /// Prefixes of keys to try when `key` is not there.
    pub fallback_keys: Vec<Text>,
    /// `restore` or `save`; both where nothing is said.
    pub action: Option<Text>,
    /// What is kept.
    pub paths: Vec<Text>,
}

impl PhaseName {
    /// Every phase, in order.
    pub const ALL: [Self; 4] = [Self::Install, Self::PreBuild, Self::Build, Self::PostBuild];

    /// Returns the name as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::PreBuild => "pre_build",
            Self::Build => "build",
            Self::PostBuild => "post_build",
        }
    }
}

impl Buildspec {
    /// Finds a phase.
    #[must_use]
    pub fn phase(&self, name: PhaseName) -> Option<&Phase> {
        self.phases.iter().find(|phase| phase.name == name)
    }

    /// Returns true if it is of version 0.1, in which every command runs in a shell of its own.
    #[must_use]
    pub fn is_old(&self) -> bool {
        self.version.as_ref().is_some_and(|version| version.text == "0.1")
    }

    /// Lists every command of every phase, `finally` included, in the order in which they run.
    pub fn commands(&self) -> impl Iterator<Item = (&Phase, &Text)> {
        self.phases.iter().flat_map(|phase| phase.all_commands().map(move |command| (phase, command)))
    }
}

impl Phase {
    /// Lists its commands, then those of `finally`.
    pub fn all_commands(&self) -> impl Iterator<Item = &Text> {
        self.commands.iter().chain(&self.finally)
    }
}

impl Text {
    /// Takes a scalar; `None` for a list or map.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        let text = node.text()?.to_owned();
        Some(Self { text, span: node.span.clone(), style: node.style(), alias: node.alias })
    }

    /// Returns true if it stands without quotes, here.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.style == Style::Plain && !self.alias
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::yaml::{Tree, parse};

    const WHOLE: &str = "\
version: 0.2
run-as: builder
env:
  shell: bash
  variables: {STAGE: test, COUNT: 3}
  parameter-store: {TOKEN: /shop/token}
  secrets-manager: {PASSWORD: 'shop/db:password'}
  exported-variables: [TAG]
  git-credential-helper: yes
proxy: {upload-artifacts: no, logs: yes}
batch:
  fast-fail: true
  build-graph:
    - identifier: a
      env: {type: ARM_CONTAINER, privileged-mode: true, variables: {X: 1}}
    - identifier: b
      depend-on: [a]
      ignore-failure: true
phases:
  post_build:
    commands: [make report]
  build:
    on-failure: RETRY-2-.*timeout.*
    commands:
      - make
      -
      - |
        set -e
        make test
    finally: [make clean]
  install:
    run-as: root
    runtime-versions: {golang: \"1.26\"}
reports:
  unit: {files: out.xml, file-format: JunitXml, discard-paths: yes}
artifacts:
  files: ['**/*']
  name: shop
  secondary-artifacts:
    debug: {files: [app.pdb]}
cache:
  key: go-1
  fallback-keys: [go-]
  paths: [/root/go/**/*]
";

    fn tree(text: &str) -> Tree {
        parse(text).unwrap()
    }

    #[test]
    fn everything_that_a_file_says_is_there() {
        let (found, problems) = Buildspec::read(&tree(WHOLE));
        assert_eq!(problems, []);
        let names: Vec<_> = found.phases.iter().map(|phase| phase.name.as_str()).collect();
        assert_eq!(names, ["install", "build", "post_build"]);
        let build = found.phase(PhaseName::Build).unwrap();
        let commands: Vec<_> = build.all_commands().map(|command| command.text.as_str()).collect();
        assert_eq!(commands, ["make", "set -e\nmake test\n", "make clean"]);
        assert_eq!(&WHOLE[build.commands[0].span.clone()], "make");
        let matching = Some(".*timeout.*".to_owned());
        assert_eq!(build.on_failure, Some(OnFailure::Retry { times: 2, matching }));
        let install = found.phase(PhaseName::Install).unwrap();
        assert_eq!(
            (install.runtimes[0].key.text.as_str(), install.runtimes[0].value.text.as_str()),
            ("golang", "1.26")
        );
        assert_eq!(install.run_as.as_ref().unwrap().text, "root");
        assert_eq!((found.env.variables[1].value.text.as_str(), found.env.git_credential_helper), ("3", true));
        assert_eq!((found.proxy.upload_artifacts, found.proxy.logs), (false, true));
        let tasks: Vec<_> = found.batch.as_ref().unwrap().tasks().collect();
        assert_eq!((tasks[0].env.privileged, tasks[1].ignore_failure), (Some(true), true));
        assert_eq!(tasks[1].depend_on[0].text, "a");
        assert!(found.reports[0].discard_paths);
        assert_eq!(found.artifacts.unwrap().secondary[0].1.files[0].text, "app.pdb");
        assert_eq!(found.cache.unwrap().fallback_keys[0].text, "go-");
    }

    #[test]
    fn the_last_of_two_keys_and_the_own_before_the_merged_win() {
        let text = "version: 0.2\nx-a: &a {run-as: root, commands: [one]}\nphases:\n  build:\n    <<: *a\n    commands: [two]\n    \
                    commands: [three]\n";
        let (found, problems) = Buildspec::read(&tree(text));
        assert_eq!(problems, []);
        let build = found.phase(PhaseName::Build).unwrap();
        assert_eq!((build.commands[0].text.as_str(), build.commands.len()), ("three", 1));
        assert_eq!(build.run_as.as_ref().unwrap().text, "root");
    }

    #[test]
    fn version_0_1_has_its_own_words_for_variables() {
        let text = "version: 0.1\nenvironment_variables:\n  plaintext: {A: 1}\n  parameter-store: {B: /b}\nphases: {build: {commands: [make]}}\n";
        let (found, problems) = Buildspec::read(&tree(text));
        assert_eq!(problems, []);
        assert_eq!((found.env.variables[0].value.text.as_str(), found.env.parameter_store.len()), ("1", 1));
        let (_, problems) = Buildspec::read(&tree(&text.replace("0.1", "0.2")));
        assert_eq!(problems.iter().map(|problem| &problem.kind).collect::<Vec<_>>(), [&ProblemKind::OtherVersion]);
    }

    #[test]
    fn any_value_in_any_place_is_read_without_failing() {
        let mut read = 0;
        for (index, _) in WHOLE.match_indices(':') {
            let end = WHOLE[index..].find('\n').map_or(WHOLE.len(), |at| index + at);
            for value in
                ["", " ~", " 1", " [a, [b], {c: d}]", " {a: b, c: [d]}", " !x y", " &x [1]", " |\n            x"]
            {
                let text = format!("{}:{value}{}", &WHOLE[..index], &WHOLE[end..]);
                if let Ok(tree) = parse(&text) {
                    let (_, problems) = Buildspec::read(&tree);
                    assert!(problems.iter().all(|problem| text.get(problem.span.clone()).is_some()), "{text}");
                    read += 1;
                }
            }
        }
        assert!(read > 100, "{read}");
    }

    #[test]
    fn words_of_other_services_are_answered_with_codebuilds_own() {
        for (text, instead) in [
            ("version: 0.2\nphases: {build: {script: [make]}}", "commands"),
            (
                "version: 0.2\nphases: {build: {commands: [make]}}\nbatch: {build-graph: [{identifier: a, dependsOn: [b]}]}",
                "depend-on",
            ),
            ("version: 0.2\nphases: {build: {commands: [make]}}\nbatch: {build-list: [{name: a}]}", "identifier"),
            ("version: 0.2\nphases: {build: {Commands: [make]}}", "commands"),
            ("version: 0.2\nphases: {PreBuild: {commands: [make]}}", "pre_build"),
        ] {
            let (_, problems) = Buildspec::read(&tree(text));
            let fixes: Vec<_> = problems.iter().map(|problem| problem.instead.as_deref()).collect();
            assert_eq!(fixes, [Some(instead)], "{text}: {problems:?}");
        }
    }
}
