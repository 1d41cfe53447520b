//! Buildspec files: TK100 to TK399. The shape of the file (TK100), its commands (TK120), runtimes (TK140), variables
//! (TK150), reports, artifacts and caches (TK170), batches (TK190).

pub(super) mod batch;
pub(super) mod commands;
pub(super) mod end_of_life;
pub(super) mod env;
pub(super) mod output;
pub(super) mod push;
pub(super) mod runtimes;
pub(super) mod shape;
mod shell;

use super::{File, Findings, Level, Rule, Setting, Target};
use crate::format::buildspec::{Buildspec, Text};

/// Checks a file.
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

/// What the rules look at.
struct Context<'a> {
    file: &'a File<'a>,
    buildspec: &'a Buildspec,
    setting: &'a Setting,
    /// Whether the commands are for PowerShell or cmd, which treat exit codes and variables differently.
    windows: bool,
}

impl Context<'_> {
    /// Lists the images that run the phases of this file: those of the builds without a buildspec of their own.
    fn images(&self) -> Vec<&Text> {
        let Some(batch) = &self.buildspec.batch else { return Vec::new() };
        let tasks = batch.tasks().filter(|task| task.buildspec.is_none()).filter_map(|task| task.env.image.as_ref());
        let matrix = batch.matrix().filter(|matrix| matrix.buildspecs.is_empty()).into_iter();
        tasks.chain(matrix.flat_map(|matrix| matrix.images.iter().chain(&matrix.shared.image))).collect()
    }
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
