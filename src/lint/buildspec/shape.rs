//! The structure of the file: keys, types, phases, versions.

use super::{File, Findings, Level, Rule, Target};
use crate::format::buildspec::{Buildspec, Problem, ProblemKind};
use crate::format::yaml;
use crate::lint::rule::rules;

rules! {
    ROOT = Rule {
        id: "TK100",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "the file is not a map",
        reason: "CodeBuild finds no phases in it and stops in DOWNLOAD_SOURCE with YAML_FILE_ERROR.",
        bad: "- npm ci\n- npm test\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - npm ci\n",
    };

    VERSION_MISSING = Rule {
        id: "TK101",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "`version` is missing",
        reason: "CodeBuild requires it (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "phases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\n",
    };

    VERSION = Rule {
        id: "TK102",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "`version` is not a version of the format",
        reason: "The versions are 0.1 and 0.2 \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 2\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\n",
    };

    MISSING = Rule {
        id: "TK103",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "a required key is missing",
        reason: "The guide requires it (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nphases:\n  build:\n    finally: [make clean]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\n    finally: [make clean]\n",
    };

    UNKNOWN_KEY = Rule {
        id: "TK104",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "an unknown key",
        reason: "CodeBuild silently ignores keys that it does not know (observed).",
        bad: "version: 0.2\ntimeout: 10\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\n",
    };

    MISSPELT_KEY = Rule {
        id: "TK105",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a misspelled key",
        reason: "CodeBuild silently ignores keys that it does not know (observed).",
        bad: "version: 0.2\nphases:\n  build:\n    on-fail: CONTINUE\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    on-failure: CONTINUE\n    commands: [make]\n",
    };

    MISPLACED_KEY = Rule {
        id: "TK106",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a key in the wrong place",
        reason: "CodeBuild reads this key elsewhere, and silently ignores it here (observed).",
        bad: "version: 0.2\nvariables:\n  CI: \"1\"\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  variables:\n    CI: \"1\"\nphases:\n  build:\n    commands: [make]\n",
    };

    TYPE = Rule {
        id: "TK107",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "a value of the wrong type",
        reason: "CodeBuild stops in DOWNLOAD_SOURCE with YAML_FILE_ERROR \
                 (https://github.com/aws-samples/aws-container-devsecops-workshop/pull/7).",
        bad: "version: 0.2\nphases:\n  - build\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\n",
    };

    EMPTY = Rule {
        id: "TK108",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "an empty section that needs at least one entry",
        reason: "The guide requires at least one entry \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html); lost indentation is \
                 the usual cause.",
        bad: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 24\n  build:\n    commands: [make]\n",
    };

    TRUTH = Rule {
        id: "TK109",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a switch that is neither yes nor no",
        reason: "The guide allows yes, no, true and false \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\nartifacts:\n  files: [out]\n  discard-paths: always\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\nartifacts:\n  files: [out]\n  discard-paths: yes\n",
    };

    PHASE = Rule {
        id: "TK110",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "a phase that does not exist",
        reason: "The phases are install, pre_build, build and post_build \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html); the commands of any \
                 other phase never run.",
        bad: "version: 0.2\nphases:\n  pre-build:\n    commands: [make deps]\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  pre_build:\n    commands: [make deps]\n  build:\n    commands: [make]\n",
    };

    OLD = Rule {
        id: "TK111",
        level: Level::Note,
        target: Target::Buildspec,
        blocks: false,
        summary: "the file uses version 0.1",
        reason: "In version 0.1 every command runs in its own shell \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.1\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\n",
    };

    OTHER_VERSION = Rule {
        id: "TK112",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a key from the other version of the format",
        reason: "0.2 renamed `environment_variables` to `env` and `plaintext` to `variables` \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nenvironment_variables:\n  plaintext:\n    CI: \"1\"\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  variables:\n    CI: \"1\"\nphases:\n  build:\n    commands: [make]\n",
    };

    ON_FAILURE = Rule {
        id: "TK113",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "an `on-failure` value that CodeBuild does not know",
        reason: "It takes ABORT, CONTINUE, RETRY, RETRY-<n>, RETRY-<expression> and RETRY-<n>-<expression> \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nphases:\n  build:\n    on-failure: IGNORE\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    on-failure: RETRY-2\n    commands: [make]\n",
    };

    COMMANDS_TEXT = Rule {
        id: "TK114",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "`commands` is a string instead of a list",
        reason: "The guide allows only a list \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nphases:\n  build:\n    commands: make\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n",
    };

    COMMAND_MAP = Rule {
        id: "TK120",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "a command that YAML reads as a key and a value",
        reason: "`: ` in an unquoted string makes a map, and CodeBuild rejects the file \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nphases:\n  build:\n    commands:\n      - echo \"Step: build\"\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - 'echo \"Step: build\"'\n",
    };

    COMMAND_BRACES = Rule {
        id: "TK121",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "a command that begins with a brace",
        reason: "`{` at the beginning of an unquoted string opens a map, and CodeBuild rejects the file (observed).",
        bad: "version: 0.2\nphases:\n  build:\n    commands:\n      - { make; make test; }\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - '{ make; make test; }'\n",
    };

    COMMAND_LIST = Rule {
        id: "TK122",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: true,
        summary: "a command that is a list",
        reason: "CodeBuild does not join lists, not even those of aliases: every command must be one string (observed).",
        bad: "version: 0.2\nphases:\n  build:\n    commands:\n      - [make, test]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - make test\n",
    };

    ONLY_SECONDARY = Rule {
        id: "TK172",
        level: Level::Note,
        target: Target::Buildspec,
        blocks: false,
        summary: "artifacts that are all secondary",
        reason: "The guide requires `files` as well \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html), although builds \
                 without it are seen to work.",
        bad: "version: 0.2\nphases:\n  build:\n    commands: [make]\nartifacts:\n  secondary-artifacts:\n    app:\n      files: [app]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands: [make]\nartifacts:\n  files: [app]\n  secondary-artifacts:\n    app:\n      files: [app]\n",
    };
}

/// Reports the problems that were found while reading the file.
pub(super) fn check(file: &File<'_>, buildspec: &Buildspec, problems: &[Problem], findings: &mut Findings) {
    // Empty files are reported for any YAML.
    for problem in problems.iter().filter(|problem| problem.kind != ProblemKind::Nothing) {
        if problem.kind == ProblemKind::UnknownKey && holds_an_anchor(file, problem) {
            continue;
        }
        let rule = rule_of(&problem.kind);
        let finding = findings.report(rule, problem.span.clone(), problem.message.clone());
        if let Some(instead) = &problem.instead {
            finding.fix(problem.span.clone(), instead);
        }
        match &problem.kind {
            ProblemKind::CommandMap { index, list, braces } => {
                let line = |offset: usize| file.source.position(offset).line;
                finding.says(format!(
                    "YAML_FILE_ERROR Message: Expected Commands[{index}] to be of string type: found subkeys instead at line {}, \
                     value of the key tag on line {} might be empty",
                    line(problem.span.start),
                    line(list.start)
                ));
                if let Some((span, text)) = quoted(file, problem, *braces) {
                    finding.fix(span, text);
                }
            }
            ProblemKind::Type => {
                finding.says("YAML_FILE_ERROR Message: wrong number of container tags, expected 1");
            }
            _ => {}
        }
    }
    if let Some(version) = buildspec.version.as_ref().filter(|_| buildspec.is_old()) {
        findings.report(
            &OLD,
            version.span.clone(),
            "version 0.1 runs every command in its own shell; the current version is 0.2",
        );
    }
}

fn rule_of(kind: &ProblemKind) -> &'static Rule {
    match kind {
        ProblemKind::Root | ProblemKind::Nothing => &ROOT,
        ProblemKind::VersionMissing => &VERSION_MISSING,
        ProblemKind::Version => &VERSION,
        ProblemKind::Missing => &MISSING,
        ProblemKind::OnlySecondary => &ONLY_SECONDARY,
        ProblemKind::UnknownKey => &UNKNOWN_KEY,
        ProblemKind::MisspeltKey => &MISSPELT_KEY,
        ProblemKind::MisplacedKey => &MISPLACED_KEY,
        ProblemKind::Phase => &PHASE,
        ProblemKind::Type => &TYPE,
        ProblemKind::Empty => &EMPTY,
        ProblemKind::Truth => &TRUTH,
        ProblemKind::CommandsText => &COMMANDS_TEXT,
        ProblemKind::CommandMap { braces: false, .. } => &COMMAND_MAP,
        ProblemKind::CommandMap { braces: true, .. } => &COMMAND_BRACES,
        ProblemKind::CommandList => &COMMAND_LIST,
        ProblemKind::OnFailure => &ON_FAILURE,
        ProblemKind::OtherVersion => &OTHER_VERSION,
    }
}

/// Returns true if an unknown key has an anchor (`shared: &shared`), so that it is there for use elsewhere.
fn holds_an_anchor(file: &File<'_>, problem: &Problem) -> bool {
    let line = file.source.range_of(file.source.position(problem.span.end).line);
    let rest = file.source.text.get(problem.span.end..line.end).unwrap_or_default();
    rest.trim_start_matches(['"', '\'', ' ']).strip_prefix(':').is_some_and(|value| value.trim_start().starts_with('&'))
}

/// Quotes a command that is one line without a comment: only then is it certain what was meant.
fn quoted(file: &File<'_>, problem: &Problem, braces: bool) -> Option<(std::ops::Range<usize>, String)> {
    let source = file.source;
    let start = source.position(problem.span.start);
    let line = source.range_of(start.line);
    let raw = source.text.get(problem.span.start..line.end)?.trim_end();
    let before = source.text.get(line.start..problem.span.start)?;
    let indent = before.len();
    let next = source.line(start.line + 1);
    let goes_on = next.trim_start().len() + indent <= next.len() && !next.trim().is_empty();
    let alone = before.trim() == "-" && !goes_on && !raw.contains(" #") && !raw.starts_with(['"', '\'']);
    let whole = !braces || raw.ends_with('}');
    (alone && whole).then(|| (problem.span.start..problem.span.start + raw.len(), yaml::scalar(raw)))
}
