//! Buildspec files: TK100 to TK399. The shape of the file (TK100), its commands (TK120), runtimes (TK140), variables
//! (TK150), reports, artifacts and caches (TK170), batches (TK190).

mod batch;
mod commands;
mod end_of_life;
mod env;
mod output;
mod push;
mod runtimes;
mod shape;
mod shell;

use super::{File, Findings, Level, Rule, Setting, Target};
use crate::format::buildspec::{Buildspec, Text};

/// Every rule of this subject, by id.
pub const RULES: &[Rule] = &[
    shape::ROOT,
    shape::VERSION_MISSING,
    shape::VERSION,
    shape::MISSING,
    shape::UNKNOWN_KEY,
    shape::MISSPELT_KEY,
    shape::MISPLACED_KEY,
    shape::TYPE,
    shape::EMPTY,
    shape::TRUTH,
    shape::PHASE,
    shape::OLD,
    shape::OTHER_VERSION,
    shape::ON_FAILURE,
    shape::COMMANDS_TEXT,
    shape::COMMAND_MAP,
    shape::COMMAND_BRACES,
    shape::COMMAND_LIST,
    commands::LOST_STATUS,
    commands::LOST_SHELL,
    commands::PIPED_SHELL,
    commands::FLOATING_CHANNEL,
    push::UNGUARDED,
    commands::PIPED_STATUS,
    end_of_life::COMMAND,
    commands::GET_LOGIN,
    runtimes::NAME,
    runtimes::VERSION,
    runtimes::NOT_IN_IMAGE,
    runtimes::LOST_ZERO,
    runtimes::NUMBER,
    end_of_life::RUNTIME,
    runtimes::DEFAULT,
    runtimes::GLOBAL_JSON,
    runtimes::LAMBDA,
    env::NAME,
    env::RESERVED,
    env::LITERAL,
    env::SECRET,
    env::SECRETS_MANAGER,
    env::PARAMETER,
    env::TWICE,
    env::EXPORTED,
    env::EXPORTED_AWS,
    env::SHELL,
    output::FORMAT,
    output::GROUPS,
    shape::ONLY_SECONDARY,
    output::FALLBACK_KEYS,
    output::FALLBACK_WITHOUT_KEY,
    output::ACTION,
    batch::DUPLICATE,
    batch::UNKNOWN_DEPENDENCY,
    batch::CYCLE,
    batch::MATRIX_ARCHITECTURES,
    batch::COMPUTE_AND_FLEET,
    batch::IMAGE_ARCHITECTURE,
    batch::COMPUTE_TYPE,
    batch::COMPUTE_FOR_TYPE,
    batch::ENVIRONMENT_TYPE,
    batch::KINDS,
    batch::LAMBDA_PRIVILEGED,
    batch::RETIRED_IMAGE,
    batch::NO_RETRY,
];

/// Judges a file.
pub(super) fn check(file: &File<'_>, setting: &Setting, findings: &mut Findings) {
    let (buildspec, problems) = Buildspec::read(file.tree);
    shape::check(file, &buildspec, &problems, findings);
    let context = Context { file, setting, windows: is_windows(&buildspec), buildspec: &buildspec };
    commands::check(&context, findings);
    push::check(&context, findings);
    end_of_life::check(&context, findings);
    runtimes::check(&context, findings);
    env::check(&context, findings);
    output::check(&context, findings);
    batch::check(&context, findings);
}

/// What rules look at.
struct Context<'a> {
    file: &'a File<'a>,
    buildspec: &'a Buildspec,
    setting: &'a Setting,
    /// Whether the commands are PowerShell or cmd, whose rules for exit codes and variables are others.
    windows: bool,
}

impl Context<'_> {
    /// Lists the images that run the phases of this very file: those of the builds that name no buildspec of their own.
    fn images(&self) -> Vec<&Text> {
        let Some(batch) = &self.buildspec.batch else { return Vec::new() };
        let tasks = batch.tasks().filter(|task| task.buildspec.is_none()).filter_map(|task| task.env.image.as_ref());
        let matrix = batch.matrix().filter(|matrix| matrix.buildspecs.is_empty()).into_iter();
        tasks.chain(matrix.flat_map(|matrix| matrix.images.iter().chain(&matrix.shared.image))).collect()
    }
}

const fn rule(
    id: &'static str,
    level: Level,
    summary: &'static str,
    reason: &'static str,
    bad: &'static str,
    good: &'static str,
) -> Rule {
    Rule { id, level, summary, reason, bad, good, target: Target::Buildspec }
}

fn is_windows(buildspec: &Buildspec) -> bool {
    let shell = buildspec.env.shell.as_ref().map(|shell| shell.text.to_lowercase());
    if shell.is_some_and(|shell| shell.contains("powershell") || shell.contains("pwsh") || shell.contains("cmd")) {
        return true;
    }
    let marks =
        ["$env:", "write-host", "invoke-", "$erroractionpreference", "$lastexitcode", "choco ", ".ps1", ".exe "];
    buildspec.commands().any(|(_, command)| {
        let text = command.text.to_lowercase();
        marks.iter().any(|mark| text.contains(mark))
    })
}
