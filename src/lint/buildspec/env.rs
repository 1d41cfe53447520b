//! Variables: their names, values, sources and exports.

use std::collections::BTreeSet;

use super::shell::is_name;
use super::{Context, Findings, Level, Rule, Target};
use crate::format::buildspec::{Batch, Pair, Text};
use crate::lint::rule::rules;
use crate::model::did_you_mean;

rules! {
    NAME = Rule {
        id: "TK150",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a variable name that shells cannot use",
        reason: "Names consist of letters, digits and `_`, and do not begin with a digit \
                 (https://pubs.opengroup.org/onlinepubs/9799919799/basedefs/V1_chap08.html).",
        bad: "version: 0.2\nenv:\n  variables:\n    app-name: shop\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  variables:\n    APP_NAME: shop\nphases:\n  build:\n    commands: [make]\n",
    };

    RESERVED = Rule {
        id: "TK151",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a variable with a reserved name",
        reason: "Names that begin with CODEBUILD_ are reserved \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nenv:\n  variables:\n    CODEBUILD_STAGE: test\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  variables:\n    STAGE: test\nphases:\n  build:\n    commands: [make]\n",
    };

    LITERAL = Rule {
        id: "TK152",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a variable contains a `$` that is not expanded",
        reason: "Values under `variables` are literal: `$PATH:/x` stays that text \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html); use `export` in a \
                 command.",
        bad: "version: 0.2\nenv:\n  variables:\n    PATH: $PATH:/opt/bin\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nphases:\n  build:\n    commands:\n      - export PATH=\"$PATH:/opt/bin\"\n      - make\n",
    };

    SECRET = Rule {
        id: "TK153",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a secret in the file",
        reason: "Anybody who can read the repository, or view the build in the console, can read it \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html); use `parameter-store` \
                 or `secrets-manager`.",
        bad: "version: 0.2\nenv:\n  variables:\n    DB_PASSWORD: correct-horse-battery\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  secrets-manager:\n    DB_PASSWORD: shop/db:password\nphases:\n  build:\n    commands: [make]\n",
    };

    SECRETS_MANAGER = Rule {
        id: "TK154",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a malformed reference to Secrets Manager",
        reason: "The format is secret-id:json-key:version-stage:version-id, with a version stage or a version id, not \
                 both \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager).",
        bad: "version: 0.2\nenv:\n  secrets-manager:\n    TOKEN: shop:token:AWSCURRENT:6a1b:extra\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  secrets-manager:\n    TOKEN: shop:token:AWSCURRENT\nphases:\n  build:\n    commands: [make]\n",
    };

    PARAMETER = Rule {
        id: "TK155",
        level: Level::Error,
        target: Target::Buildspec,
        blocks: false,
        summary: "a parameter name that Parameter Store does not accept",
        reason: "Names consist of letters, digits, `.`, `-`, `_` and `/`, and a name that contains `/` begins with it \
                 (https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html).",
        bad: "version: 0.2\nenv:\n  parameter-store:\n    TOKEN: shop/token\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  parameter-store:\n    TOKEN: /shop/token\nphases:\n  build:\n    commands: [make]\n",
    };

    TWICE = Rule {
        id: "TK156",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a variable is set from two sources",
        reason: "The guide does not say which one wins (observed).",
        bad: "version: 0.2\nenv:\n  variables:\n    TOKEN: none\n  parameter-store:\n    TOKEN: /shop/token\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  parameter-store:\n    TOKEN: /shop/token\nphases:\n  build:\n    commands: [make]\n",
    };

    EXPORTED = Rule {
        id: "TK157",
        level: Level::Note,
        target: Target::Buildspec,
        blocks: false,
        summary: "an exported variable that the file never sets",
        reason: "Unless the project sets it, later stages receive nothing \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nenv:\n  exported-variables: [IMAGE_TAG]\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  exported-variables: [IMAGE_TAG]\nphases:\n  build:\n    commands:\n      - export IMAGE_TAG=\"$(git rev-parse HEAD)\"\n      - make\n",
    };

    EXPORTED_AWS = Rule {
        id: "TK158",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a variable that cannot be exported",
        reason: "Names that begin with AWS_ are not exported \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html).",
        bad: "version: 0.2\nenv:\n  exported-variables: [AWS_ACCOUNT]\nphases:\n  build:\n    commands: [export AWS_ACCOUNT=1]\n",
        good: "version: 0.2\nenv:\n  exported-variables: [ACCOUNT]\nphases:\n  build:\n    commands: [export ACCOUNT=1]\n",
    };

    SHELL = Rule {
        id: "TK159",
        level: Level::Warning,
        target: Target::Buildspec,
        blocks: false,
        summary: "a shell that CodeBuild does not support",
        reason: "The guide lists bash and /bin/sh for Linux, powershell.exe and cmd.exe for Windows \
                 (https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell).",
        bad: "version: 0.2\nenv:\n  shell: zsh\nphases:\n  build:\n    commands: [make]\n",
        good: "version: 0.2\nenv:\n  shell: bash\nphases:\n  build:\n    commands: [make]\n",
    };
}

const SHELLS: &[&str] = &["bash", "/bin/sh", "powershell.exe", "cmd.exe"];

/// Other spellings of the known shells that are seen to work.
const ALSO_SHELLS: &[&str] =
    &["sh", "/bin/bash", "/usr/bin/bash", "/usr/bin/env bash", "powershell", "pwsh", "pwsh.exe", "cmd"];

/// The ends of names whose values are secret.
const SECRET_ENDS: &[&str] =
    &["PASSWORD", "PASSWD", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY", "SECRET_KEY", "SECRET_ACCESS_KEY"];

/// Checks `env`, and looks for secrets in commands.
pub(super) fn check(context: &Context<'_>, findings: &mut Findings) {
    let env = &context.buildspec.env;
    let batch = context.buildspec.batch.iter().flat_map(Batch::tasks).flat_map(|task| &task.env.variables);
    for pair in env.variables.iter().chain(batch) {
        name(pair, findings);
        literal(pair, findings);
        secret(pair, findings);
    }
    for pair in &env.parameter_store {
        name(pair, findings);
        parameter(pair, findings);
    }
    for pair in &env.secrets_manager {
        name(pair, findings);
        secrets_manager(pair, findings);
    }
    twice(context, findings);
    exported(context, findings);
    if let Some(shell) = &env.shell {
        let known = SHELLS.iter().chain(ALSO_SHELLS).any(|known| shell.text.eq_ignore_ascii_case(known));
        if !known {
            let near = did_you_mean(&shell.text, SHELLS.iter().copied()).unwrap_or("bash");
            let message = format!("CodeBuild does not support the shell `{}`; did you mean `{near}`?", shell.text);
            findings.report(&SHELL, shell.span.clone(), message);
        }
    }
    for (_, command) in context.buildspec.commands() {
        if let Some(token) = token(&command.text) {
            let span = super::shell::place(context.file.source, command, token);
            findings.report(&SECRET, span, "this looks like a credential; everybody who can read the file can read it");
        }
    }
}

fn name(pair: &Pair, findings: &mut Findings) {
    let name = &pair.key.text;
    if !is_name(name) {
        let message = format!("`{name}` is not a valid variable name in a shell");
        findings.report(&NAME, pair.key.span.clone(), message);
    } else if name.starts_with("CODEBUILD_") {
        findings.report(
            &RESERVED,
            pair.key.span.clone(),
            format!("`{name}` begins with CODEBUILD_, which is reserved"),
        );
    }
}

fn literal(pair: &Pair, findings: &mut Findings) {
    if let Some(reference) = reference(&pair.value.text) {
        let message =
            format!("`{}` contains the literal text `{reference}`: CodeBuild expands nothing here", pair.key.text);
        findings.report(&LITERAL, pair.value.span.clone(), message);
    }
}

/// Finds `$NAME`, `${NAME}` or `$(command)` in a value. Lower-case letters after `$` are usually part of an expression.
fn reference(value: &str) -> Option<String> {
    for (at, _) in value.match_indices('$') {
        let rest = &value[at + 1..];
        let escaped = value[..at].ends_with(['\\', '$']);
        let upper: String =
            rest.chars().take_while(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == '_').collect();
        if escaped {
            continue;
        }
        if let Some(inner) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(inner, _)| inner) {
            if is_name(inner.split([':', '-', '#', '%']).next().unwrap_or(inner)) {
                return Some(format!("${{{inner}}}"));
            }
        } else if rest.starts_with('(') && rest.contains(')') {
            return Some("$(…)".to_owned());
        } else if upper.len() > 1 && upper.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') {
            return Some(format!("${upper}"));
        }
    }
    None
}

fn secret(pair: &Pair, findings: &mut Findings) {
    let (name, value) = (pair.key.text.to_uppercase(), pair.value.text.trim());
    let named = SECRET_ENDS.iter().any(|end| name.ends_with(end));
    let lower = value.to_lowercase();
    let stand_ins = ["dummy", "changeme", "change-me", "example", "placeholder", "xxxx", "****", "your-", "your_"];
    let plain = value.len() >= 6
        && !value.contains(['$', '<', '{', ' '])
        && !value.starts_with(['/', '.'])
        && !value.starts_with("arn:")
        && !value.contains("://")
        && !is_word(value)
        && !stand_ins.iter().any(|word| lower.contains(word))
        && value.chars().any(|c| !c.is_ascii_digit());
    if (named && plain) || token(value).is_some() {
        let message = format!(
            "`{}` contains what looks like a secret; everybody who can read the file can read it",
            pair.key.text
        );
        findings.report(&SECRET, pair.value.span.clone(), message);
    }
}

/// Returns true for what stands for a secret, such as `postgres`, `fbAppSecret` or `my-redis-password`: one word of letters, or
/// several with the name of a secret among them. A random key is longer.
fn is_word(value: &str) -> bool {
    const LONGEST: usize = 23;
    let lower = value.to_lowercase();
    let one = value.chars().all(char::is_alphabetic);
    let words = value.chars().all(|c| c.is_alphabetic() || matches!(c, '-' | '_' | '.'));
    let named = ["password", "secret", "token", "key"].iter().any(|word| lower.contains(word));
    value.len() <= LONGEST && (one || (words && named))
}

/// Finds a credential by its shape.
fn token(text: &str) -> Option<&str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')));
    let shaped = |word: &&str| {
        let long = |prefix: &str, rest: usize| {
            word.strip_prefix(prefix).is_some_and(|tail| tail.len() >= rest && tail.chars().any(|c| c.is_ascii_digit()))
        };
        let aws = |prefix: &str| {
            word.len() == 20
                && word.starts_with(prefix)
                && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        };
        // Amazon's own examples end in EXAMPLE.
        ((aws("AKIA") || aws("ASIA")) && !word.ends_with("EXAMPLE"))
            || ["ghp_", "gho_", "ghs_", "github_pat_", "npm_"].iter().any(|prefix| long(prefix, 30))
            || ["glpat-", "xoxb-", "xoxp-", "sk_live_"].iter().any(|prefix| long(prefix, 16))
    };
    text.contains("-----BEGIN ").then_some("-----BEGIN").or_else(|| words.into_iter().find(shaped))
}

fn secrets_manager(pair: &Pair, findings: &mut Findings) {
    let value = &pair.value.text;
    // An ARN has six colons of its own: arn:aws:secretsmanager:region:account:secret:name.
    let rest = if value.starts_with("arn:") { value.splitn(7, ':').nth(6) } else { Some(value.as_str()) };
    let wrong = match rest.map(|rest| rest.split(':').collect::<Vec<_>>()) {
        None => Some("is not a complete ARN".to_owned()),
        Some(parts) if parts.len() > 4 => Some(format!("has {} parts, of at most four", parts.len())),
        Some(parts) if parts[0].is_empty() => Some("names no secret".to_owned()),
        Some(parts) if parts.len() == 4 && !parts[2].is_empty() && !parts[3].is_empty() => {
            Some("names both a version stage and a version id".to_owned())
        }
        Some(_) => None,
    };
    if let Some(wrong) = wrong.filter(|_| !value.contains('$')) {
        let message = format!("`{value}` {wrong}; expected secret-id:json-key:version-stage:version-id");
        findings.report(&SECRETS_MANAGER, pair.value.span.clone(), message);
    }
}

fn parameter(pair: &Pair, findings: &mut Findings) {
    let value = &pair.value.text;
    if value.starts_with("arn:") || value.contains('$') {
        return;
    }
    // `name:3` and `name:label` choose a version.
    let name = value.split(':').next().unwrap_or(value);
    let wrong = if name.is_empty() {
        Some("is empty")
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/')) {
        Some("has characters other than letters, digits, `.`, `-`, `_` and `/`")
    } else if name.contains('/') && !name.starts_with('/') {
        Some("contains `/` but does not begin with it")
    } else {
        None
    };
    if let Some(wrong) = wrong {
        findings.report(&PARAMETER, pair.value.span.clone(), format!("the parameter `{value}` {wrong}"));
    }
}

fn twice(context: &Context<'_>, findings: &mut Findings) {
    let env = &context.buildspec.env;
    let mut seen = BTreeSet::new();
    for source in [&env.variables, &env.parameter_store, &env.secrets_manager] {
        for pair in source.iter().filter(|pair| seen.contains(pair.key.text.as_str())) {
            let message = format!("`{}` has another value from another source", pair.key.text);
            findings.report(&TWICE, pair.key.span.clone(), message);
        }
        seen.extend(source.iter().map(|pair| pair.key.text.as_str()));
    }
}

fn exported(context: &Context<'_>, findings: &mut Findings) {
    let env = &context.buildspec.env;
    let given = || env.variables.iter().chain(&env.parameter_store).chain(&env.secrets_manager);
    for name in &env.exported {
        let text = name.text.as_str();
        if text.starts_with("AWS_") {
            findings.report(&EXPORTED_AWS, name.span.clone(), format!("`{text}` begins with AWS_ and is not exported"));
        } else if !text.starts_with("CODEBUILD_") && given().all(|pair| pair.key.text != text) && !is_set(context, name)
        {
            findings.report(&EXPORTED, name.span.clone(), format!("nothing in the file sets `{text}`"));
        }
    }
}

/// Returns true if a command may set a variable: by its name, or through a script whose content is unknown.
fn is_set(context: &Context<'_>, name: &Text) -> bool {
    let marks = ["source ", "eval ", "set -a"];
    let steps = context.buildspec.phases.iter().any(|phase| phase.steps.is_some());
    steps
        || context.buildspec.commands().any(|(_, command)| {
            let text = command.text.as_str();
            let mentions = text.match_indices(name.text.as_str()).any(|(at, _)| {
                let after = &text[at + name.text.len()..];
                let before = text[..at].trim_end();
                after.trim_start().starts_with('=')
                    || ["export", "read", "read -r", "set", "env:", "declare", "mapfile"]
                        .iter()
                        .any(|word| before.ends_with(word))
            });
            let opaque =
                marks.iter().any(|mark| text.contains(mark)) || text.lines().any(|line| line.trim().starts_with(". "));
            mentions || opaque
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_distinguished_from_expressions() {
        for (value, expected) in [
            ("$PATH:/x", Some("$PATH")),
            ("a-${STAGE:-dev}", Some("${STAGE:-dev}")),
            ("$(date)", Some("$(…)")),
            ("^v[0-9]+$", None),
            ("\\$HOME", None),
            ("price $5", None),
            ("a$b", None),
        ] {
            assert_eq!(reference(value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn credentials_are_recognized_by_their_shape() {
        assert_eq!(token("export X=AKIA2345678901234567"), Some("AKIA2345678901234567"));
        assert_eq!(token("AKIAIOSFODNN7EXAMPLE"), None);
        assert_eq!(token("npm_config_cache=/tmp"), None);
    }
}
