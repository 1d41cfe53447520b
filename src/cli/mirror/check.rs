//! `toolkit mirror check`: every file of a mirror, read and hashed again.

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::super::Global;
use super::super::render::{self, Failure, done};
use super::super::settings::Settings;
use super::super::styled::{Styled, green, red};
use super::{address, store};
use crate::host::Host;
use crate::mirror::{self, Archive, Check, Checked, Error, Finding, Problem};
use crate::project::Lock;
use crate::text::escape_line;

/// Read every file of a mirror, and compare it with toolkit-mirror.json and toolkit.lock
///
/// Exits with 1 when a file is missing, has another size or other contents; when the mirror lacks a file of this project's
/// toolkit.lock; when no sync has been completed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The mirror: a folder, file://… or s3://bucket/prefix [default: the project's]
    #[arg(value_name = "MIRROR")]
    which: Option<String>,
    /// Check all files of the mirror's index, not this project's toolkit.lock
    #[arg(long)]
    all: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit mirror check
  toolkit mirror check s3://builds/toolchains --all --json";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let place = Settings::new(host, global)?;
        let address = address(self.which.as_deref(), &place, global)?;
        let mirror = store(&address, &place)?;
        let lock = if self.all { None } else { Lock::read(&place.root)? };
        let archives: Vec<Archive> = lock.as_ref().map(mirror::archives).transpose()?.unwrap_or_default();
        let (report, store) = (place.report.as_ref(), &place.store);
        let check = Check { archives: &archives, jobs: place.context().jobs(), report, store };
        let checked = place.runtime.block_on(async { Ok(mirror::check(mirror.as_ref(), &check).await?) });
        let checked = match checked {
            Ok(checked) => checked,
            Err(failure) => {
                if global.json && matches!(failure.cause(), Some(Error::Unfinished { .. })) {
                    render::json(&json!({ "mirror": address.to_string(), "finished": false, "findings": [] }))?;
                }
                return Err(failure);
            }
        };
        if global.json {
            render::json(&value(&checked, &address.to_string()))?;
        } else {
            tell(&checked, &address.to_string())?;
        }
        let (strange, bytes) = checked.unnamed;
        if strange > 0 {
            let (size, files) = (render::size(bytes), if strange == 1 { "file" } else { "files" });
            done(
                global,
                format!("{strange} more {files} ({size}), left from an interrupted sync or from another program"),
            );
        }
        if checked.findings.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        done(global, "hint: `toolkit mirror sync` restores the files of the lock");
        Ok(ExitCode::from(1))
    }
}

fn tell(checked: &Checked, mirror: &str) -> Result<(), Failure> {
    if checked.findings.is_empty() {
        let (count, size) = (checked.sound, render::size(checked.bytes));
        return render::data(green("ok") + format!(" {mirror}, {count} files, {size}\n"));
    }
    let mut text = Styled::default();
    for finding in &checked.findings {
        text.push(red(word(&finding.problem)) + " " + escape_line(&finding.path).as_ref() + "\n");
        for line in details(&finding.problem) {
            text.push(format!("  {line}\n"));
        }
    }
    let (bad, good) = (checked.findings.len(), checked.sound);
    text.push(format!("{bad} of {} files are wrong or missing\n", bad + good));
    render::data(text)
}

fn word(problem: &Problem) -> &'static str {
    match problem {
        Problem::Missing => "missing",
        Problem::NotSynced => "not synced",
        Problem::Size { .. } => "wrong size",
        Problem::Different { .. } => "different",
        Problem::OtherLock { .. } => "of another lock",
    }
}

fn details(problem: &Problem) -> Vec<String> {
    match problem {
        Problem::Missing => Vec::new(),
        Problem::NotSynced => vec!["toolkit.lock lists it, but the mirror's index does not".to_owned()],
        Problem::Size { expected, found } => {
            vec![format!("expected {expected} bytes"), format!("found    {found} bytes")]
        }
        Problem::Different { expected, found } => {
            let found = found.as_ref().map_or_else(|| "not a Go module zip".to_owned(), ToString::to_string);
            vec![format!("expected {expected}"), format!("found    {found}")]
        }
        Problem::OtherLock { expected, found } => {
            vec![format!("expected {expected} by toolkit.lock"), format!("found    {found} in the mirror's index")]
        }
    }
}

fn value(checked: &Checked, mirror: &str) -> Value {
    let (count, bytes) = checked.unnamed;
    json!({
        "mirror": mirror, "finished": true, "sound": checked.sound, "bytes": checked.bytes,
        "findings": checked.findings.iter().map(finding).collect::<Vec<_>>(),
        "unnamed": { "files": count, "bytes": bytes },
    })
}

fn finding(Finding { path, problem }: &Finding) -> Value {
    let (expected, found) = match problem {
        Problem::Missing | Problem::NotSynced => (Value::Null, Value::Null),
        Problem::Size { expected, found } => (json!(expected), json!(found)),
        Problem::Different { expected, found } => (json!(expected), json!(found)),
        Problem::OtherLock { expected, found } => (json!(expected), json!(found)),
    };
    json!({ "path": path, "problem": word(problem), "expected": expected, "found": found })
}
