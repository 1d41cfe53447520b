//! `toolkit build compare`: builds on amd64 next to builds on arm64.

mod shown;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::service;
use super::start::named;
use crate::cli::Global;
use crate::cli::render::{self, Failure, done};
use crate::cli::settings::Settings;
use crate::codebuild::compare::{CompareRequest, Prices, Subject, compare, gather, svg, warnings};
use crate::codebuild::start::compute_type;
use crate::fs::replace;
use crate::host::Host;
use crate::project::{MANIFEST, Root};

/// Compare builds on amd64 and arm64: time of each phase, price of a build, and the ratio
///
/// With one project, its last successful builds on amd64 are compared with those on arm64. With two projects, the last builds
/// of the first with those of the second; with two ids of builds, these two. Medians are compared; the first side, or amd64,
/// is the baseline.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = LONG)]
pub(super) struct Arguments {
    /// A project, or two projects, or the ids or ARNs of two builds; the project of toolkit.toml without any
    #[arg(value_name = "PROJECT|ID", num_args = 0..=2)]
    subjects: Vec<String>,
    /// The number of successful builds per side
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    last: u16,
    /// The most builds of a project to look at, successful or not
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    within: u16,
    /// Only builds of this branch, tag or commit
    #[arg(long, visible_alias = "branch", value_name = "VERSION")]
    source_version: Option<String>,
    /// Only builds of this compute type: small, 2gb, or the API's name
    #[arg(long, value_name = "TYPE")]
    compute: Option<String>,
    /// Use the prices in this file first; --help shows the form
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Draw the phases to this SVG file
    #[arg(long, value_name = "FILE.svg")]
    chart: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build compare web
  toolkit build compare web --last 20 --branch main --chart graviton.svg
  toolkit build compare web-amd64 web-arm64 --prices prices.toml --json
  toolkit build compare web:11111111-… web:66666666-…";

const LONG: &str = "\
Examples:
  toolkit build compare web
  toolkit build compare web --last 20 --branch main --chart graviton.svg
  toolkit build compare web-amd64 web-arm64 --prices prices.toml --json
  toolkit build compare web:11111111-… web:66666666-…

What is compared:
  - The architecture comes from the environment type: ARM_CONTAINER, ARM_EC2 and
    ARM_LAMBDA_CONTAINER are arm64; LINUX_CONTAINER, LINUX_EC2 and LINUX_LAMBDA_CONTAINER are
    amd64. GPU, Windows and macOS are left out, and so are builds that run, failed or were
    stopped. Their number is shown.
  - SUBMITTED and QUEUED are shown and not compared: they say how busy AWS was. `total` is the
    build without them. The times of a phase that ran again (RETRY) are added up.
  - Of two projects, the builds on the architecture of the newest build of each.

What a build costs:
  - The time from PROVISIONING to the end, rounded up to minutes, on Lambda to seconds. Nobody has
    verified this on a bill: AWS's page of prices says `from the time you submit your build`, and
    customers report that its support says that the queue is free. The words of the page would add
    SUBMITTED and QUEUED.
  - List prices on demand, without free tier, tax, storage and transfer. A reserved fleet costs
    what it costs, whether it builds or not; such builds have no price here. Prices that nobody
    could look up are not in the program, and then none is printed.
  - `--prices FILE`, which goes before the program's own table:
      [[price]]
      region = \"eu-west-1\"
      environment = \"ARM_CONTAINER\"
      unit = \"minute\"                  # or \"second\"
      source = \"https://aws.amazon.com/codebuild/pricing/\"
      date = \"2026-11\"
      usd = { BUILD_GENERAL1_SMALL = 0.0034, BUILD_GENERAL1_LARGE = 0.015 }

The chart is an SVG, which every browser shows; PNG is not supported.
AWS must allow codebuild:ListBuildsForProject and codebuild:BatchGetBuilds on the projects
(`toolkit build permissions compare`).";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let request = self.request(host)?;
        let chart = self.chart.as_ref().map(|path| vector(path, host)).transpose()?;
        let root = Root::find(host);
        let prices = Prices::own();
        let prices = match &self.prices {
            Some(path) => prices.with_file(&host.cwd.join(path), root.within(path, &host.cwd))?,
            None => prices,
        };
        let settings = Settings::without_project(host, global)?;
        let gathered = settings.runtime.block_on(async {
            let service = service(&settings).await?;
            Ok(gather(&*service, &request).await?)
        })?;
        let comparison = compare(gathered, &prices);
        for tally in &comparison.gathered.tallies {
            done(global, tally.to_string());
        }
        for warning in warnings(&comparison) {
            settings.report.warned(&warning);
        }
        let title = shown::title(&request.subject, &comparison);
        if let Some(path) = chart {
            replace(&path, svg(&comparison, &title), root.links(&path, &host.cwd))?;
            done(global, format!("drew {}", path.display()));
        }
        if global.json {
            render::json(&shown::value(&comparison))?;
        } else {
            render::data(shown::text(&title, &comparison))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn request(&self, host: &Host) -> Result<CompareRequest, Failure> {
        let subject = match self.subjects.as_slice() {
            [] => Subject::Architectures(named(host)?.ok_or_else(unnamed)?),
            typed => subject(typed)?,
        };
        if matches!(subject, Subject::Builds(_)) && (self.source_version.is_some() || self.compute.is_some()) {
            return Err(Failure::usage(
                "two builds are compared as they are: `--branch` and `--compute` select builds of a project",
            ));
        }
        Ok(CompareRequest {
            subject,
            last: self.last.into(),
            within: self.within.into(),
            source_version: self.source_version.clone(),
            compute: self.compute.as_deref().map(compute_type).transpose()?.map(str::to_owned),
        })
    }
}

fn unnamed() -> Failure {
    let hint = format!("toolkit build compare PROJECT, or `project` under [pipeline.codebuild] in {MANIFEST}");
    Failure::usage_with_hint("no CodeBuild project was given", hint)
}

/// Reads what is to be compared. Only ids have colons, and ARNs say what they are of.
fn subject(texts: &[String]) -> Result<Subject, Failure> {
    let is_id = |text: &str| if text.starts_with("arn:") { text.contains(":build/") } else { text.contains(':') };
    if let Some(batch) = texts.iter().find(|text| text.contains(":build-batch/")) {
        let hint = "compare projects, or two builds of the batch: `toolkit build follow` shows their ids";
        return Err(Failure::usage_with_hint(format!("{batch} is a batch, not a build"), hint));
    }
    match texts {
        [project] if !is_id(project) => Ok(Subject::Architectures(project.clone())),
        [id] => Err(Failure::usage_with_hint(
            format!("{id} is only one build, with nothing to compare it with"),
            "name two builds, or a project",
        )),
        [first, second] if first == second => Err(Failure::usage("both sides are the same")),
        [first, second] => match (is_id(first), is_id(second)) {
            (true, true) => Ok(Subject::Builds([first.clone(), second.clone()])),
            (false, false) => Ok(Subject::Projects([first.clone(), second.clone()])),
            _ => Err(Failure::usage("a build cannot be compared with a project: name two builds or two projects")),
        },
        _ => Err(Failure::usage("name a project, two projects or two builds")),
    }
}

/// Checks that a chart is to be an SVG.
fn vector(path: &Path, host: &Host) -> Result<PathBuf, Failure> {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    if ending.eq_ignore_ascii_case("svg") {
        return Ok(host.cwd.join(path));
    }
    let hint = format!("name it {}; `rsvg-convert` makes a PNG of it", path.with_extension("svg").display());
    Err(Failure::usage_with_hint(format!("{}: charts are .svg files only", path.display()), hint))
}
