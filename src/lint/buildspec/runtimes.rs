//! `runtime-versions`: names and versions, for the image if it is known.

use super::{Context, Findings, Level, Rule, Target};
use crate::format::buildspec::images::{CURATED, Image, RUNTIME_NAMES, Runtime, curated, is_lambda_image};
use crate::format::buildspec::{Pair, PhaseName};
use crate::lint::rule::rules;
use crate::lint::suggestion;
use crate::model::did_you_mean;

rules! {
    NAME = Rule {
        id: "TK140",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a runtime that does not exist",
        reason: "No image has it, and CodeBuild rejects the file \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html).",
        bad: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      node: 24\n",
        good: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      nodejs: 24\n",
    };

    VERSION = Rule {
        id: "TK141",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a runtime version that no AWS-maintained image provides",
        reason: "The images provide the versions in their runtimes.yml, and download others only by full version \
                 number (https://github.com/aws/aws-codebuild-docker-images).",
        bad: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      java: openjdk8\n",
        good: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      java: corretto8\n",
    };

    NOT_IN_IMAGE = Rule {
        id: "TK142",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a runtime version that the build's image does not provide",
        reason: "The image provides the versions in its runtimes.yml, and downloads others only by full version number \
                 (https://github.com/aws/aws-codebuild-docker-images).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        image: aws/codebuild/standard:8.0\nphases:\n  install:\n    runtime-versions:\n      ruby: \"3.2\"\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        image: aws/codebuild/standard:8.0\nphases:\n  install:\n    runtime-versions:\n      ruby: \"3.4\"\n",
    };

    LOST_ZERO = Rule {
        id: "TK143",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "an unquoted version is read as a different number",
        reason: "1.20 is the number 1.2 in YAML, and 3.10 is 3.1 (https://yaml.org/spec/1.2.2/#1032-tag-resolution).",
        bad: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      golang: 1.30\n",
        good: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      golang: \"1.26\"\n",
    };

    NUMBER = Rule {
        id: "TK144",
        level: Level::Note,
        target: Target::Buildspec,
        blocks: false,
        summary: "an unquoted version that may lose its trailing zero",
        reason: "10.0 is the number 10 in YAML (https://yaml.org/spec/1.2.2/#1032-tag-resolution); quotes keep it as \
                 written.",
        bad: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      dotnet: 10.0\n",
        good: "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      dotnet: \"10.0\"\n",
    };

    DEFAULT = Rule {
        id: "TK146",
        level: Level::Note,
        target: Target::Buildspec,
        blocks: false,
        summary: "the image's default version is outdated",
        reason: "Without `runtime-versions` the older images use Go 1.20 and .NET 6 \
                 (https://github.com/aws/aws-codebuild-docker-images).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        image: aws/codebuild/standard:7.0\nphases:\n  build:\n    commands:\n      - go build ./...\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        image: aws/codebuild/standard:7.0\nphases:\n  install:\n    runtime-versions:\n      golang: \"1.26\"\n  build:\n    commands:\n      - go build ./...\n",
    };

    GLOBAL_JSON = Rule {
        id: "TK147",
        level: Level::Note,
        target: Target::Buildspec,
        blocks: false,
        summary: "selecting .NET writes a global.json into the source directory",
        reason: "The image runs `dotnet new globaljson` there, which conflicts with the project's own file \
                 (https://github.com/aws/aws-codebuild-docker-images).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        image: aws/codebuild/standard:7.0\nphases:\n  install:\n    runtime-versions:\n      dotnet: \"10.0\"\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        image: aws/codebuild/standard:8.0\nphases:\n  install:\n    runtime-versions:\n      dotnet: \"10.0\"\n",
    };

    LAMBDA = Rule {
        id: "TK148",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "an image for Lambda compute has no runtimes to choose from",
        reason: "Its tag is its runtime; it has no runtimes.yml \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html).",
        bad: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        type: ARM_LAMBDA_CONTAINER\n        image: aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24\nphases:\n  install:\n    runtime-versions:\n      golang: \"1.26\"\n",
        good: "version: 0.2\nbatch:\n  build-list:\n    - identifier: a\n      env:\n        type: ARM_LAMBDA_CONTAINER\n        image: aws/codebuild/amazonlinux-aarch64-lambda-standard:go1.24\nphases:\n  build:\n    commands: [go build]\n",
    };
}

/// The names of runtimes elsewhere.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("node", "nodejs"),
    ("go", "golang"),
    ("python3", "python"),
    ("jdk", "java"),
    ("openjdk", "java"),
    ("corretto", "java"),
    (".net", "dotnet"),
    ("dotnetcore", "dotnet"),
    ("dotnet-sdk", "dotnet"),
];

/// Returns the runtimes that the file requests.
pub(super) fn runtimes<'a>(context: &'a Context<'_>) -> &'a [Pair] {
    context.buildspec.phase(PhaseName::Install).map_or(&[], |install| &install.runtimes)
}

/// Checks `runtime-versions`, and images whose defaults are used.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let images = context.images();
    for pair in runtimes(context) {
        let name = pair.key.text.as_str();
        if RUNTIME_NAMES.contains(&name) {
            version(context, pair, findings);
        } else {
            unknown(pair, findings);
        }
        number(pair, findings);
        let writes_here = |image: &&&Image| image.dotnet_writes == ".";
        let known: Vec<&Image> = images.iter().filter_map(|image| curated(&image.text)).collect();
        if let Some(image) = known.iter().find(writes_here).filter(|_| name == "dotnet") {
            let message = format!("`{}` writes a global.json into the source directory for this", image.id);
            findings.report(&GLOBAL_JSON, pair.key.span.clone(), message);
        }
        if let Some(image) = images.iter().find(|image| is_lambda_image(&image.text)) {
            let message = format!("`{}` has no runtimes to choose from", image.text);
            findings.report(&LAMBDA, pair.key.span.clone(), message);
        }
    }
    defaults(context, findings);
}

fn unknown(pair: &Pair, findings: &mut Findings) {
    let name = pair.key.text.as_str();
    let other = OTHER_NAMES.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)).map(|(_, right)| *right);
    let same = RUNTIME_NAMES.iter().copied().find(|known| known.eq_ignore_ascii_case(name));
    let near = other.or(same).or_else(|| did_you_mean(name, RUNTIME_NAMES.iter().copied()));
    let hint = suggestion(near);
    let names: Vec<&str> =
        CURATED.last().map_or(&[][..], |image| image.runtimes).iter().map(|found| found.name).collect();
    let finding = findings.report(&NAME, pair.key.span.clone(), format!("no image has a runtime `{name}`{hint}"));
    finding.says(format!(
        "YAML_FILE_ERROR Message: Unknown runtime named '{name}'. This build image has the following runtimes: {}",
        names.join(", ")
    ));
    if let Some(near) = near {
        finding.fix(pair.key.span.clone(), near);
    }
}

fn version(context: &Context<'_>, pair: &Pair, findings: &mut Findings) {
    let (name, requested) = (pair.key.text.as_str(), pair.value.text.as_str());
    // Windows and macOS images are not in this table.
    if requested.contains('$') || context.windows || requested.is_empty() {
        return;
    }
    let images = context.images();
    let lacking: Vec<&Image> =
        images.iter().filter_map(|id| curated(&id.text)).filter(|image| !provides(image, name, requested)).collect();
    if let Some(image) = lacking.first() {
        let runtime = image.runtime(name);
        let message = match runtime {
            Some(runtime) => format!("`{}` has {name} {}, not {requested}", image.id, runtime.versions.join(", ")),
            None => format!("`{}` has no {name}", image.id),
        };
        let finding = findings.report(&NOT_IN_IMAGE, pair.value.span.clone(), message);
        finding.says(refusal(image, name, requested, runtime));
    } else if images.is_empty() && !CURATED.iter().any(|image| provides(image, name, requested)) {
        let mut known: Vec<&str> = CURATED
            .iter()
            .filter_map(|image| image.runtime(name))
            .flat_map(|found| found.versions.iter().copied())
            .collect();
        known.dedup();
        known.sort_unstable_by_key(|version| std::cmp::Reverse(by_number(version)));
        known.dedup();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        let message = format!("no image that AWS maintains provides {name} {requested}; they provide {known}");
        findings.report(&VERSION, pair.value.span.clone(), message);
    }
}

fn refusal(image: &Image, name: &str, requested: &str, runtime: Option<&Runtime>) -> String {
    let names: Vec<&str> = image.runtimes.iter().map(|found| found.name).collect();
    match runtime {
        None => format!(
            "YAML_FILE_ERROR Message: Unknown runtime named '{name}'. This build image has the following runtimes: {}",
            names.join(", ")
        ),
        Some(runtime) if !runtime.any => format!(
            "YAML_FILE_ERROR Message: Unknown runtime version named '{requested}' of {name}. This build image has the following \
             versions: {}",
            runtime.versions.join(", ")
        ),
        Some(_) => {
            format!(
                "COMMAND_EXECUTION_ERROR Message: Error while executing command: the installer of {name} {requested}"
            )
        }
    }
}

/// Returns true if an image provides a version: it has it, or its installer finds it by that name.
fn provides(image: &Image, name: &str, requested: &str) -> bool {
    let Some(runtime) = image.runtime(name) else { return false };
    let line = requested.strip_suffix(".x");
    let same = |version: &str| {
        version == requested
            || line.is_some_and(|line| version == line || version.strip_prefix(line).is_some_and(|rest| rest.starts_with('.')))
            // An unquoted 10.0 may arrive as 10.
            || version.strip_suffix(".0") == Some(requested)
    };
    requested == "latest"
        || runtime.versions.iter().any(|version| same(version))
        || (runtime.any && is_downloaded(name, requested))
}

/// Returns true if the installers in the images (dotnet-install.sh, goenv, pyenv, phpenv, rbenv, n, rustup, yum and
/// apt) accept this version.
fn is_downloaded(name: &str, requested: &str) -> bool {
    let numbers = requested.split('.').collect::<Vec<_>>();
    let digits = numbers.iter().all(|number| !number.is_empty() && number.chars().all(|c| c.is_ascii_digit()));
    match name {
        // A prerelease has letters.
        "dotnet" | "ruby" | "php" => requested.matches('.').count() >= 2,
        // The first release of a line was 1.20 until Go 1.21.0.
        "golang" => {
            numbers.len() >= 3 || (numbers.len() == 2 && numbers[1].parse::<u32>().is_ok_and(|minor| minor <= 20))
        }
        "java" => digits && numbers.len() == 1,
        "nodejs" | "python" => true,
        "rust" => digits || ["stable", "beta", "nightly"].iter().any(|train| requested.starts_with(train)),
        _ => false,
    }
}

fn number(pair: &Pair, findings: &mut Findings) {
    let value = &pair.value;
    let Some((whole, part)) = value.text.split_once('.').filter(|_| value.is_plain()) else { return };
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(part) || !part.ends_with('0') {
        return;
    }
    let kept = part.trim_end_matches('0');
    let quoted = format!("\"{}\"", value.text);
    if kept.is_empty() {
        let message = format!("{} is the number {whole} in YAML; write \"{}\"", value.text, value.text);
        findings.report(&NUMBER, value.span.clone(), message).fix(value.span.clone(), quoted);
    } else {
        let message = format!("{} is the number {whole}.{kept} in YAML; write \"{}\"", value.text, value.text);
        findings.report(&LOST_ZERO, value.span.clone(), message).fix(value.span.clone(), quoted);
    }
}

fn defaults(context: &Context<'_>, findings: &mut Findings) {
    for image in context.images() {
        let Some(found) = curated(&image.text) else { continue };
        for (name, program, old) in [("golang", "go", "1.20"), ("dotnet", "dotnet", "6.0")] {
            let is_named = runtimes(context).iter().any(|pair| pair.key.text == name);
            let is_old = found.runtime(name).is_some_and(|runtime| runtime.default == old);
            let used = context
                .buildspec
                .commands()
                .find(|(_, command)| command.text.lines().any(|line| line.split_whitespace().next() == Some(program)));
            let installed = context.buildspec.commands().any(|(_, command)| {
                ["dotnet-install", "toolkit", "goenv", "go.dev/dl", "GOTOOLCHAIN"]
                    .iter()
                    .any(|mark| command.text.contains(mark))
            });
            if is_old && used.is_some() && !is_named && !installed {
                let message =
                    format!("`{}` uses {name} {old} unless `runtime-versions` names another version", found.id);
                findings.report(&DEFAULT, image.span.clone(), message);
            }
        }
    }
}

/// Returns the numbers of a version, so that 10.0 sorts after 8.0.
fn by_number(version: &str) -> Vec<u32> {
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}
