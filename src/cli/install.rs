//! `toolkit install`: from arguments, the lock or the project's files to toolchains on disk.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use url::Url;

use super::global_json;
use super::installs::{report_notes, report_unread};
use super::quality::{self, Quality};
use super::render::{self, Failure};
use super::settings::Settings;
use super::styled::Styled;
use super::{Global, platform, toolchain_help};
use crate::host::Host;
use crate::model::{Digest, Proof};
use crate::project::{LOCK, Lock};
use crate::provision::{self, Installed, Plan, Sourcing, Visible};
use crate::store::Origin;

/// Install toolchains and verify every byte
///
/// Without arguments: what the project's toolkit.lock says; when that is missing or out of date, it is resolved and written
/// first (never with --locked). In a CI job (CI is set, or the build is one of CodeBuild) a lock that is out of date is an error
/// and is not rewritten. Without a toolkit.toml the project's own files decide.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = toolchain_help(EXAMPLES))]
pub(super) struct Arguments {
    /// What to install instead of the project's tools: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC", conflicts_with = "locked")]
    specs: Vec<String>,
    /// For .NET: `preview` takes previews of the line as well, `ga` stable releases only
    #[arg(long, value_name = "QUALITY", requires = "specs", value_parser = quality::parse)]
    quality: Option<Quality>,
    /// Install exactly what toolkit.lock pins: resolve nothing, write no lock [env: TOOLKIT_LOCKED=1]
    #[arg(long)]
    locked: bool,
    /// Print what would be installed; change nothing
    #[arg(long)]
    dry_run: bool,
    /// Put links to the executables into this folder, such as /usr/local/bin in a CI image
    #[arg(long, value_name = "DIR")]
    link: Option<PathBuf>,
    /// Install for this platform instead of this machine's
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// How many downloads run in parallel [default: one for each processor, at most 4]
    #[arg(long, short, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: Option<u8>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit install
  toolkit install --locked --offline
  toolkit install go@1.27 dotnet@lts
  toolkit install --locked --link /usr/local/bin
  toolkit install --dry-run --json";

#[derive(Serialize)]
struct Row<'a> {
    tool: &'a str,
    version: &'a str,
    platform: String,
    state: &'static str,
    root: Option<&'a Path>,
    artifacts: Vec<Piece<'a>>,
    bytes: Option<u64>,
    seconds: Option<f64>,
}

#[derive(Serialize)]
struct Piece<'a> {
    url: &'a str,
    digest: String,
    size: Option<u64>,
    proof: &'a Proof,
}

impl Arguments {
    pub(super) fn run(mut self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        self.specs = quality::apply(self.quality, self.specs)?;
        let mut settings = Settings::new(host, global)?.on_path()?;
        if let Some(jobs) = self.jobs {
            settings.jobs = Some(usize::from(jobs));
        }
        let platform = platform(self.platform.as_deref(), host)?;
        let sourcing = match (self.locked, self.dry_run) {
            (true, _) => Sourcing::Locked,
            (false, true) => Sourcing::DryRun,
            (false, false) => Sourcing::Relock,
        };
        let context = settings.context();
        let requests = provision::requests(&self.specs, &context)?;
        report_unread(&requests.notes, &requests.broken, &settings);
        if self.dry_run {
            let plan = provision::plan(&requests, platform, sourcing, &context);
            return print_plan(&settings.runtime.block_on_if_waiting(plan)?, global);
        }
        let provisioned = provision::provision(&requests, platform, sourcing, &context);
        let installs = settings.runtime.block_on_if_waiting(provisioned)?;
        // A build must not change the files that it builds from.
        if sourcing == Sourcing::Relock && settings.host.var("CI").is_none() {
            pin(&installs, &settings);
        }
        self.finish(&installs, &settings, global)
    }

    /// Composes views, links executables, prints what was done.
    fn finish(&self, installs: &[Installed], settings: &Settings, global: &Global) -> Result<ExitCode, Failure> {
        report_notes(installs, settings);
        if self.specs.is_empty() {
            let sdks = global_json::sdks(installs);
            global_json::warn_in(settings.root.folder(), &sdks, settings);
            // Every folder is looked into: only where something has changed.
            if installs.iter().any(|installed| installed.work.is_some()) {
                global_json::warn_below(&sdks, settings);
            }
        }
        let visible = provision::visible_roots(installs, &settings.store, settings.report.as_ref())?;
        // A restored cache may have lost what it takes to run them.
        visible.iter().try_for_each(Visible::check)?;
        let linked = match &self.link {
            Some(folder) => provision::link(&visible, &settings.host.cwd.join(folder), &settings.store)?,
            None => Vec::new(),
        };
        if global.json {
            let rows: Vec<_> = installs.iter().map(row).collect();
            return render::json(&rows).map(|()| ExitCode::SUCCESS);
        }
        if !global.quiet {
            render::say(summary(installs));
            for link in linked {
                render::say(format!("linked {}\n", link.link.display()));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Pins in the lock what was just unpacked from verified archives.
fn pin(installs: &[Installed], settings: &Settings) {
    if installs.iter().all(|installed| installed.work.is_none() || installed.pins.is_none()) {
        return;
    }
    let pinned = match Lock::read(&settings.root) {
        Ok(Some(mut lock)) => {
            let changed = provision::pin_installed(&mut lock, installs);
            if changed { lock.write(&settings.root).map(|()| true) } else { Ok(false) }
        }
        other => other.map(|_| false),
    };
    match pinned {
        Ok(true) => settings.report.noted("pinned the installed files in toolkit.lock"),
        Ok(false) => {}
        Err(cause) => settings.report.warned(&format!("the installed files are not pinned: {cause}")),
    }
}

fn print_plan(plan: &Plan, global: &Global) -> Result<ExitCode, Failure> {
    if global.json {
        let missing = plan.missing.iter().map(|missing| Row {
            tool: missing.request.tool.name(),
            version: missing.release.version.as_str(),
            platform: missing.release.platform.to_string(),
            state: "missing",
            root: None,
            artifacts: missing
                .release
                .artifacts
                .iter()
                .map(|artifact| piece(&artifact.url, &artifact.digest, artifact.size, &artifact.proof))
                .collect(),
            bytes: None,
            seconds: None,
        });
        let rows: Vec<_> = plan.present.iter().map(row).chain(missing).collect();
        return render::json(&rows).map(|()| ExitCode::SUCCESS);
    }
    for present in &plan.present {
        let id = &present.install.id;
        render::data(format!("present  {} {} {}\n", id.tool, id.version, id.platform))?;
    }
    for missing in &plan.missing {
        let release = &missing.release;
        render::data(format!("missing  {} {} {}\n", release.tool, release.version, release.platform))?;
        for artifact in &release.artifacts {
            let size = artifact.size.map_or(String::new(), |size| format!(", {}", render::size(size)));
            render::data(format!("         would fetch {}{size}\n", artifact.url))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn row(installed: &Installed) -> Row<'_> {
    let id = &installed.install.id;
    Row {
        tool: installed.request.tool.name(),
        version: id.version.as_str(),
        platform: id.platform.to_string(),
        state: if installed.work.is_some() { "installed" } else { "present" },
        root: Some(&installed.install.root),
        artifacts: installed
            .install
            .receipt
            .artifacts
            .iter()
            .map(|origin| piece(&origin.url, &origin.digest, Some(origin.size), &origin.proof))
            .collect(),
        bytes: installed.work.map(|work| work.bytes),
        seconds: installed.work.map(|work| (work.seconds * 1000.0).round() / 1000.0),
    }
}

fn piece<'a>(url: &'a Url, digest: &Digest, size: Option<u64>, proof: &'a Proof) -> Piece<'a> {
    Piece { url: url.as_str(), digest: digest.to_string(), size, proof }
}

/// Says what this run compared, and with what; never what the lock or a receipt claims about others.
fn verified_by(installed: &Installed) -> String {
    let artifacts = &installed.install.receipt.artifacts;
    let digests: Vec<String> = artifacts.iter().map(|artifact| artifact.digest.short()).collect();
    let digests = digests.join(" + ");
    let pins = installed.pins.map(|pins| pins.tree.is_some());
    match (installed.work, pins) {
        (Some(_), Some(_)) => format!("{digests}, pinned in {LOCK}"),
        (Some(_), None) => {
            let one = |artifact: &Origin| {
                format!("{} ({}, {})", artifact.digest.short(), artifact.proof.level, artifact.proof.source)
            };
            artifacts.iter().map(one).collect::<Vec<_>>().join(" + ")
        }
        (None, Some(true)) => format!("the receipt: {digests} and files as pinned in {LOCK}"),
        (None, Some(false)) => format!("the receipt: {digests} as pinned in {LOCK}"),
        (None, None) => format!("the receipt: {digests}"),
    }
}

/// The table at the end: tool, version, platform, size, seconds, how it was verified.
fn summary(installs: &[Installed]) -> Styled {
    let rows: Vec<Vec<String>> = installs
        .iter()
        .map(|installed| {
            let id = &installed.install.id;
            let (size, seconds) = match installed.work {
                Some(work) => (render::size(work.bytes), format!("{:.1}", work.seconds)),
                None => ("present".to_owned(), "-".to_owned()),
            };
            vec![
                id.tool.to_string(),
                id.version.to_string(),
                id.platform.to_string(),
                size,
                seconds,
                verified_by(installed),
            ]
        })
        .collect();
    render::table(&["tool", "version", "platform", "download", "seconds", "verified by"], &rows)
}
