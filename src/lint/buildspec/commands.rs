//! Commands: exit statuses that get lost, scripts that run unchecked, tools that no longer exist.

use super::shell::{self, Line, lines, parts, place};
use super::{Context, Findings, Level, Rule, Target};
use crate::format::buildspec::Text;
use crate::lint::rule::rules;

rules! {
    LOST_STATUS = Rule {
        id: "TK123",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a failure inside a multi-line command is lost",
        reason: "CodeBuild sees only the exit status of the last line \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html); begin the block with \
                 `set -e`, or join its lines with `&&`.",
        bad: "version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        npm test\n        echo done\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        set -e\n        npm test\n        echo done\n",
    };

    LOST_SHELL = Rule {
        id: "TK124",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a change of directory or variable is lost",
        reason: "In version 0.1 every command runs in its own shell \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.1\nphases:\n  build:\n    commands:\n      - cd app\n      - make\n",
        good: "version: 0.1\nphases:\n  build:\n    commands:\n      - cd app && make\n",
    };

    PIPED_SHELL = Rule {
        id: "TK125",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a script from the network runs unchecked",
        reason: "Whoever controls that address runs commands with the build's credentials, and a truncated download \
                 runs halfway; check a digest first, for example with `toolkit fetch URL --digest sha256:…`.",
        bad: "version: 0.2\nphases:\n  install:\n    commands:\n      - curl -sSL https://example.com/install.sh | bash\n",
        good: "version: 0.2\nphases:\n  install:\n    commands:\n      - curl -sSLo install.sh https://example.com/install.sh\n      - echo \"$DIGEST  install.sh\" | sha256sum -c\n      - bash install.sh\n",
    };

    FLOATING_CHANNEL = Rule {
        id: "TK126",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a .NET channel that moves to another SDK",
        reason: "LTS and STS silently move to another major version \
                 (https://learn.microsoft.com/dotnet/core/tools/dotnet-install-script); name a version, or pass a \
                 `global.json` with `--jsonfile`.",
        bad: "version: 0.2\nphases:\n  install:\n    commands:\n      - ./dotnet-install.sh --channel STS\n",
        good: "version: 0.2\nphases:\n  install:\n    commands:\n      - ./dotnet-install.sh --version 10.0.302\n",
    };

    PIPED_STATUS = Rule {
        id: "TK128",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a failure before a pipe is lost",
        reason: "The status of a pipeline is that of its last program, and `tee` succeeds; `set -o pipefail` in bash \
                 keeps the failure (https://www.gnu.org/software/bash/manual/html_node/Pipelines.html).",
        bad: "version: 0.2\nphases:\n  build:\n    commands:\n      - npm test | tee test.log\n",
        good: "version: 0.2\nenv:\n  shell: bash\nphases:\n  build:\n    commands:\n      - set -o pipefail\n      - npm test | tee test.log\n",
    };

    GET_LOGIN = Rule {
        id: "TK130",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "`aws ecr get-login` no longer exists",
        reason: "Version 2 of the AWS CLI, which every curated image has, removed it \
                 (https://docs.aws.amazon.com/cli/latest/userguide/cliv2-migration-changes.html).",
        bad: "version: 0.2\nphases:\n  pre_build:\n    commands:\n      - $(aws ecr get-login --no-include-email)\n",
        good: "version: 0.2\nphases:\n  pre_build:\n    commands:\n      - aws ecr get-login-password | docker login --username AWS --password-stdin \"$REGISTRY\"\n",
    };
}

const SHELLS: &[&str] =
    &["bash", "sh", "zsh", "dash", "ash", "/bin/bash", "/bin/sh", "python", "python3", "node", "iex"];

/// Checks every command.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let mut strict = false;
    let pipefail = context.buildspec.commands().any(|(_, command)| command.text.contains("pipefail"));
    for (_, command) in context.buildspec.commands() {
        strict = strict || sets_errexit(&command.text);
        let lines = lines(&command.text);
        if !strict && !context.windows {
            lost_status(context, command, &lines, findings);
        }
        for line in &lines {
            piped_shell(context, command, line, findings);
            floating_channel(context, command, line, findings);
            if !pipefail && !context.windows {
                piped_status(context, command, line, findings);
            }
            if line.text.contains("aws ecr get-login ") || line.text.contains("aws ecr get-login)") {
                let span = place(context.file.source, command, "get-login");
                let message = "version 2 of the AWS CLI has no `aws ecr get-login`; use `aws ecr get-login-password`";
                findings.report(&GET_LOGIN, span, message);
            }
        }
    }
    for command in &context.buildspec.loose {
        for line in lines(&command.text) {
            piped_shell(context, command, &line, findings);
            floating_channel(context, command, &line, findings);
        }
    }
    if context.buildspec.is_old() {
        lost_shell(context, findings);
    }
}

/// Reports the first line of a block that does the work of the build and whose failure goes unnoticed.
fn lost_status(context: &Context<'_>, command: &Text, lines: &[Line], findings: &mut Findings) {
    let is_checked =
        command.text.contains("$?") || command.text.contains("trap ") || command.text.contains("PIPESTATUS");
    let Some((last, before)) = lines.split_last().filter(|_| !is_checked) else { return };
    // A block that ends with an explicit status is deliberate.
    if ["exit", "return", "true", ":"].iter().any(|word| last.text.split_whitespace().next() == Some(*word)) {
        return;
    }
    let lost = before.iter().find(|line| line.outer && shell::is_work(&line.text) && !line.text.contains("||"));
    if let Some(line) = lost {
        let span = place(context.file.source, command, &line.text);
        let message =
            format!("when `{}` fails, the lines below it decide whether the command failed", short(&line.text));
        findings.report(&LOST_STATUS, span, message);
    }
}

fn sets_errexit(text: &str) -> bool {
    text.lines().flat_map(parts).any(|(_, part)| {
        let mut words = part.split_whitespace();
        words.next() == Some("set")
            && words.any(|word| {
                word == "errexit" || (word.starts_with('-') && !word.starts_with("--") && word.contains('e'))
            })
    }) || text.lines().next().is_some_and(|first| first.starts_with("#!") && first.contains(" -e"))
}

fn lost_shell(context: &Context<'_>, findings: &mut Findings) {
    for phase in &context.buildspec.phases {
        for (index, command) in phase.commands.iter().enumerate() {
            let parts = parts(command.text.trim());
            let lost = parts.len() == 1 && (command.text.starts_with("cd ") || command.text.starts_with("export "));
            let followed =
                phase.commands.get(index + 1).is_some() || phase.name < crate::format::buildspec::PhaseName::PostBuild;
            if lost && followed && !command.text.trim().contains('\n') {
                let message = format!("`{}` has no effect on the next command", short(&command.text));
                findings.report(&LOST_SHELL, command.span.clone(), message);
            }
        }
    }
}

/// Reports `curl … | bash`, `bash <(curl …)` and `sh -c "$(curl …)"`.
fn piped_shell(context: &Context<'_>, command: &Text, line: &Line, findings: &mut Findings) {
    let text = &line.text;
    if !fetches(text) || ["sha256sum", "shasum", "gpg --verify", "cosign"].iter().any(|proof| text.contains(proof)) {
        return;
    }
    let mut fetched = false;
    let mut piped = false;
    for (before, part) in parts(text) {
        piped = piped || (fetched && before == "|" && is_shell(part));
        fetched = (before == "|" && fetched) || fetches(part);
    }
    let inline = ["<(curl", "<(wget", "\"$(curl", "\"$(wget", "\"`curl"].iter().any(|mark| text.contains(mark));
    let first = text.split_whitespace().next().unwrap_or_default();
    let run = inline && (SHELLS.contains(&first) || matches!(first, "source" | "." | "eval" | "sudo"));
    if piped || run {
        let fragment = if text.contains("curl") { "curl" } else { "wget" };
        let span = place(context.file.source, command, text);
        let span = if span.len() == text.len() { span } else { place(context.file.source, command, fragment) };
        findings.report(&PIPED_SHELL, span, "a script from the network runs before its digest is checked");
    }
}

fn fetches(text: &str) -> bool {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
        .any(|word| word == "curl" || word == "wget")
}

fn is_shell(part: &str) -> bool {
    let mut words = part
        .split_whitespace()
        .skip_while(|word| *word == "sudo" || *word == "env" || word.starts_with('-') || shell::is_assignment(word));
    let Some(first) = words.next().filter(|word| SHELLS.contains(word)) else { return false };
    // `python3 -c …` and `python3 -m json.tool` read data, not a program, from the pipe.
    !(first.starts_with("python") || first == "node")
        || !words.any(|word| matches!(word, "-c" | "-m" | "-e" | "-p") || word.ends_with(".py"))
}

fn floating_channel(context: &Context<'_>, command: &Text, line: &Line, findings: &mut Findings) {
    if !line.text.contains("dotnet-install") {
        return;
    }
    let words: Vec<&str> = line.text.split_whitespace().collect();
    let option = |word: &str, names: &[&str]| {
        let plain = word.trim_start_matches(['-', '–', '—']).to_lowercase();
        plain.len() < word.len() && names.contains(&plain.as_str())
    };
    let channel = words.windows(2).find(|pair| option(pair[0], &["channel", "c"]));
    let named = channel.map(|pair| pair[1].trim_matches(['"', '\'']));
    if let Some(name) = named.filter(|name| ["lts", "sts", "current"].contains(&name.to_lowercase().as_str())) {
        let pair = channel.map(|pair| pair.join(" ")).unwrap_or_default();
        let span = place(context.file.source, command, &pair);
        findings.report(
            &FLOATING_CHANNEL,
            span,
            format!("channel `{name}` moves to another SDK every year; name a version"),
        );
    }
}

fn piped_status(context: &Context<'_>, command: &Text, line: &Line, findings: &mut Findings) {
    let parts = parts(&line.text);
    let lost = parts.windows(2).find(|pair| {
        let ((_, left), (operator, right)) = (pair[0], pair[1]);
        let checks =
            ["test", "build", "verify", "install", "package", "publish", "check", "lint", "pytest", "deploy", "synth"];
        *operator == *"|"
            && right.split_whitespace().next() == Some("tee")
            && shell::is_work(left)
            && checks.iter().any(|check| left.contains(check))
    });
    let read = command.text.contains("PIPESTATUS") || command.text.contains("$?");
    if let Some(pair) = lost.filter(|_| !read) {
        let span = place(context.file.source, command, pair[0].1);
        let message = format!("`tee` succeeds when `{}` fails, and so does the command", short(pair[0].1));
        findings.report(&PIPED_STATUS, span, message);
    }
}

/// Returns the first 40 characters of a command's first line, for messages.
pub(super) fn short(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= 40 {
        return line.to_owned();
    }
    line.chars().take(39).chain(['…']).collect()
}
