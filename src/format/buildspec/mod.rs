//! Buildspec files, version 0.2 (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>), and
//! what CodeBuild offers them: images, runtimes, machines. Reading never fails: what is wrong is a [`Problem`] with its
//! position, and the rest is read.

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

/// The content of a buildspec.
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
    /// The phases of the file, in the order in which they run.
    pub phases: Vec<Phase>,
    /// Commands outside of any phase, usually because of lost indentation. They never run.
    pub loose: Vec<Text>,
    /// The test and coverage reports.
    pub reports: Vec<Report>,
    /// What is uploaded.
    pub artifacts: Option<Artifacts>,
    /// What is kept between builds.
    pub cache: Option<Cache>,
}

/// A scalar and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its value, without quotes.
    pub text: String,
    /// Its bytes, or those of the alias if one is used.
    pub span: Range<usize>,
    /// How it is written.
    pub style: Style,
    /// Whether this is an alias, `*name`, of a text elsewhere.
    pub alias: bool,
}

/// A name and its value.
#[derive(Debug, Clone)]
pub struct Pair {
    /// The name.
    pub key: Text,
    /// The value.
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
    /// The names of the variables that are exported to later stages of a pipeline.
    pub exported: Vec<Text>,
    /// Whether Git gets its credentials from CodeBuild.
    pub git_credential_helper: bool,
}

/// `proxy`: what uses the project's proxy server.
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
    /// What happens if a command fails. By default a failure of `install` or `pre_build` ends the build, and after one
    /// of `build` `post_build` still runs.
    pub on_failure: Option<OnFailure>,
    /// What is written under `on-failure`.
    pub on_failure_text: Option<Text>,
    /// The runtimes that the image sets up; only in `install`.
    pub runtimes: Vec<Pair>,
    /// The commands. The first failure ends the list.
    pub commands: Vec<Text>,
    /// The commands that run afterwards, even if one of `commands` failed.
    pub finally: Vec<Text>,
    /// The location of `steps`: actions instead of commands.
    pub steps: Option<Range<usize>>,
}

/// A report group.
#[derive(Debug)]
pub struct Report {
    /// Its name or ARN.
    pub name: Text,
    /// The files that hold the results.
    pub files: Vec<Text>,
    /// The format of the files; by default JUnit's XML.
    pub format: Option<Text>,
    /// The directory that `files` are relative to.
    pub base_directory: Option<Text>,
    /// Whether folders are dropped from names.
    pub discard_paths: bool,
}

/// What is uploaded when the build ends, even if it failed.
#[derive(Debug, Default)]
pub struct Artifacts {
    /// The files.
    pub files: Vec<Text>,
    /// The name, which the shell expands.
    pub name: Option<Text>,
    /// Whether folders are dropped from names.
    pub discard_paths: bool,
    /// The directory that `files` are relative to.
    pub base_directory: Option<Text>,
    /// What is excluded.
    pub exclude_paths: Vec<Text>,
    /// Whether links stay links in a ZIP.
    pub enable_symlinks: bool,
    /// A prefix in the bucket.
    pub s3_prefix: Option<Text>,
    /// Secondary artifacts, by their identifiers in the project.
    pub secondary: Vec<(Text, Artifacts)>,
}

/// What is kept between builds.
#[derive(Debug, Default)]
pub struct Cache {
    /// The key that must match exactly; the shell expands it.
    pub key: Option<Text>,
    /// Prefixes of keys to try if `key` does not exist.
    pub fallback_keys: Vec<Text>,
    /// `restore` or `save`; by default both.
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

    /// Returns true if it is version 0.1, in which every command runs in its own shell.
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
    /// Reads a scalar; `None` for a list or map.
    #[must_use]
    pub fn of(node: &Node) -> Option<Self> {
        let text = node.text()?.to_owned();
        Some(Self { text, span: node.span.clone(), style: node.style(), alias: node.alias })
    }

    /// Returns true if it is written here, without quotes.
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
    fn everything_in_a_file_is_read() {
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
    fn version_0_1_has_its_own_names_for_variables() {
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
    fn keywords_of_other_services_are_replaced_with_codebuilds() {
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
