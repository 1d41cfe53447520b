//! Finds the files of report groups. What is in them is for CodeBuild to read; here it is seen whether they are there.

use std::path::Path;

use super::artifacts::{copy, named};
use super::error::Error;
use super::files::Pattern;
use super::log::Log;
use super::outcome::ReportFiles;
use super::session::ShellConfig;
use super::values::expand;
use crate::format::buildspec::Report;

/// Finds the files of every group and copies them to `to`, below the names of their groups. A group without files leaves the
/// build as it is [unverified].
///
/// # Errors
/// When this machine does not give or take a file, or a pattern is none.
pub(super) fn find(
    reports: &[Report],
    shell_config: &ShellConfig,
    to: Option<&Path>,
    log: &mut Log,
) -> Result<Vec<ReportFiles>, Error> {
    let mut found = Vec::new();
    for report in reports {
        let base = report.base_directory.as_ref().map_or(".", |base| base.text.as_str());
        let mut texts = vec![report.name.text.as_str(), base];
        texts.extend(report.files.iter().map(|file| file.text.as_str()));
        let mut texts = expand(&texts, shell_config)?;
        let files = texts.split_off(2);
        let (base, group) = (texts.remove(1), texts.remove(0));
        let format = report.format.as_ref().map_or("JUNITXML", |format| format.text.as_str()).to_ascii_uppercase();
        let mut names = Vec::new();
        for folder in Pattern::new(&base)?.folders(shell_config.source())? {
            for pattern in Pattern::all(&files)? {
                for path in pattern.find(&folder)? {
                    let name = named(&path, report.discard_paths);
                    if let Some(to) = to {
                        copy(&folder.join(&path), &to.join(group.replace(['/', ':'], "-")).join(&name), false)?;
                    }
                    names.push(name);
                }
            }
        }
        names.sort();
        names.dedup();
        match names.len() {
            0 => log.say(&format!("No matching report paths found for report group {group}: {}", files.join(", "))),
            count => log.say(&format!("Report group {group} ({format}): found {count} file(s): {}", names.join(", "))),
        }
        found.push(ReportFiles { group, format, files: names });
    }
    Ok(found)
}
