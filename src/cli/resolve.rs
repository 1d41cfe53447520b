//! `toolkit resolve`: a channel to a version, its files and their digests, and why.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::installs::report_unread;
use super::quality::{self, Quality};
use super::render::{self, Failure};
use super::settings::Settings;
use super::styled::{Styled, dim, green};
use super::{Global, platforms, toolchain_help};
use crate::host::Host;
use crate::model::{Choice, Date, Digest, Phase, Platform, Policy, Prefer, Release, Verdict};
use crate::provision::{self, Origin, Resolved, ToolRequest};

/// Show which release a channel means, its files and digests, and why
///
/// Without arguments: the project's tools, on all platforms of its toolkit.toml. Only the upstreams' release documents are
/// downloaded.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = toolchain_help(EXAMPLES))]
pub(super) struct Arguments {
    /// What to resolve: TOOL or TOOL@CHANNEL
    #[arg(value_name = "SPEC", conflicts_with = "file")]
    specs: Vec<String>,
    /// For .NET: `preview` takes previews of the line as well, `ga` stable releases only
    #[arg(long, value_name = "QUALITY", requires = "specs", value_parser = quality::parse)]
    quality: Option<Quality>,
    /// Resolve what this project file requests: global.json, go.mod (or *.mod), go.work, .go-version, .tool-versions, mise.toml
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// Print the requests and where each comes from; resolve nothing
    #[arg(long)]
    requests: bool,
    /// Print the rule, the pick, and every rejected candidate with its reason
    #[arg(long)]
    explain: bool,
    /// Resolve as of this day (YYYY-MM-DD): only releases up to that day, end of life as on that day
    ///
    /// Upstreams sometimes change dates later, so the result for a day is not reproducible; the lock is.
    #[arg(long, value_name = "DATE")]
    as_of: Option<Date>,
    /// Take the newest version that a global.json allows, not the one that it names
    #[arg(long)]
    upgrade: bool,
    /// A platform to list files for, such as linux/arm64 or linux/amd64/musl; may be repeated, or a list with commas
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<String>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit resolve dotnet@lts go@1.27
  toolkit resolve --explain dotnet@8.0.1xx
  toolkit resolve --file global.json --json
  toolkit resolve dotnet@sts --as-of 2025-12-01 --platform linux/arm64";

/// One request in JSON.
#[derive(Serialize)]
struct Answer<'a> {
    request: String,
    tool: &'a str,
    channel: String,
    version: &'a str,
    released: Option<Date>,
    support: Support,
    security: bool,
    rule: &'a str,
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<Image<'a>>,
    artifacts: Vec<File<'a>>,
    explain: &'a [Verdict],
}

/// The image that a release is: by the digest of its index, and of the manifest of each platform.
#[derive(Serialize)]
struct Image<'a> {
    reference: String,
    digest: Option<String>,
    manifests: BTreeMap<String, &'a Digest>,
}

#[derive(Serialize)]
struct Support {
    phase: Phase,
    eol: Option<Date>,
}

#[derive(Serialize)]
struct File<'a> {
    platform: String,
    url: &'a str,
    digest: String,
    size: Option<u64>,
    format: crate::model::Format,
    proof: &'a crate::model::Proof,
}

impl Arguments {
    pub(super) fn run(mut self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        self.specs = quality::apply(self.quality, self.specs)?;
        let mut settings = Settings::without_store(host, global)?;
        self.adjust(&mut settings.policy);
        let context = settings.context();
        let (requests, notes, broken) = match &self.file {
            Some(path) => {
                let found = provision::file(&host.cwd.join(path), settings.root.within(path, &host.cwd))?;
                (found.requests, found.notes, found.broken)
            }
            None => {
                let found = provision::requests(&self.specs, &context)?;
                (found.list, found.notes, found.broken)
            }
        };
        report_unread(&notes, &broken, &settings);
        if self.requests {
            requests.iter().flat_map(|request| &request.warnings).for_each(|warning| settings.report.warned(warning));
            return print_requests(&requests, global);
        }
        let platforms = self.platforms(&settings)?;
        let resolved = provision::resolve(&requests, &platforms, &context);
        let answers = match settings.runtime.block_on(async { Ok(resolved.await?) }) {
            Err(failure) if self.explain => return Err(explain_failure(failure, global)?),
            outcome => outcome?,
        };
        if global.json {
            let list: Vec<_> = answers.iter().map(answer).collect();
            render::json(&list)?;
        } else {
            for resolved in &answers {
                render::data(self.text(resolved, &settings.policy))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Applies the flags to the project's policy.
    fn adjust(&self, policy: &mut Policy) {
        if let Some(day) = self.as_of {
            policy.day = day;
            policy.as_of = true;
        }
        if self.upgrade {
            policy.prefer = Prefer::Newest;
        }
    }

    /// Returns the named platforms; else those of the project when the project is resolved; else this machine's.
    fn platforms(&self, settings: &Settings) -> Result<Vec<Platform>, Failure> {
        if !self.platforms.is_empty() {
            return platforms(&self.platforms);
        }
        match &settings.manifest {
            Some(manifest) if self.specs.is_empty() && self.file.is_none() => Ok(manifest.platforms.clone()),
            _ => Ok(vec![settings.host.platform]),
        }
    }

    fn text(&self, resolved: &Resolved, policy: &Policy) -> Styled {
        let pick = &resolved.pick;
        let mut facts = Vec::new();
        if let Some(released) = pick.released {
            facts.push(format!("released {released}"));
        }
        facts.push(match (policy.has_ended(&pick.support), pick.support.eol) {
            (true, Some(eol)) => format!("ended {eol}"),
            (true, None) => "ended".to_owned(),
            (false, Some(eol)) => format!("supported until {eol}"),
            (false, None) => phase(pick.support.phase).to_owned(),
        });
        if pick.security {
            facts.push("security fixes".to_owned());
        }
        let request = resolved.request.text();
        let mut text =
            Styled::from(request) + " → " + green(pick.version.as_str()) + format!(" ({})\n", facts.join(", "));
        if self.explain {
            text.push(explanation(resolved));
        }
        if let Some(image) = image(&resolved.releases) {
            text.push(format!("  {:<18} {}\n", "image", image.reference));
        }
        for release in &resolved.releases {
            for artifact in &release.artifacts {
                let size = artifact.size.map_or(String::new(), |size| format!("  {}", render::size(size)));
                text.push(format!("  {:<18} {}{size}\n", release.platform, artifact.url));
                text.push(Styled::from(" ".repeat(21)) + dim(artifact.digest.to_string()) + "\n");
            }
        }
        text
    }
}

/// Prints the candidates of a request that no release matches, before its error.
fn explain_failure(failure: Failure, global: &Global) -> Result<Failure, Failure> {
    if let Some(provision::Error::NothingChosen { request, choice, .. }) = failure.cause() {
        if global.json {
            render::json(&serde_json::json!([
                { "request": request, "version": null, "rule": choice.rule, "explain": choice.verdicts }
            ]))?;
        } else {
            render::data(format!("{request} → nothing\n{}", candidates(choice)))?;
        }
    }
    Ok(failure)
}

fn print_requests(requests: &[ToolRequest], global: &Global) -> Result<ExitCode, Failure> {
    if global.json {
        let list: Vec<_> = requests
            .iter()
            .map(|request| {
                serde_json::json!({
                    "request": request.text(), "tool": request.tool.name(), "channel": request.channel.to_string(),
                    "by": origin(request), "rule": request.rule, "source": request.source,
                })
            })
            .collect();
        render::json(&list)?;
    } else {
        for request in requests {
            let rule = request.rule.as_ref().map_or(String::new(), |rule| format!(": {rule}"));
            render::data(format!("{}  ({}{rule})\n", request.text(), origin(request)))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn origin(request: &ToolRequest) -> String {
    match &request.origin {
        Origin::Argument(_) => "argument".to_owned(),
        Origin::Manifest { line } => format!("toolkit.toml, line {line}"),
        Origin::File { path, .. } => path.display().to_string(),
    }
}

fn explanation(resolved: &Resolved) -> String {
    let mut text = format!("  source    {}\n", origin(&resolved.request));
    if let Some(rule) = &resolved.request.rule {
        text.push_str(&format!("  meaning   {rule}\n"));
    }
    text + &candidates(&resolved.choice)
}

fn candidates(choice: &Choice) -> String {
    let mut text = format!("  rule      {}\n", choice.rule);
    for verdict in &choice.verdicts {
        let mark = if verdict.picked { "✓" } else { "·" };
        text.push_str(&format!("  {mark} {:<26} {}\n", verdict.version, verdict.reason));
    }
    text
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Preview => "preview",
        Phase::GoLive => "go-live",
        Phase::Active => "active",
        Phase::Maintenance => "maintenance",
        Phase::Eol => "ended",
    }
}

fn answer(resolved: &Resolved) -> Answer<'_> {
    let pick = &resolved.pick;
    Answer {
        request: resolved.request.text(),
        tool: resolved.request.tool.name(),
        channel: resolved.request.channel.to_string(),
        version: pick.version.as_str(),
        released: pick.released,
        support: Support { phase: pick.support.phase, eol: pick.support.eol },
        security: pick.security,
        rule: &resolved.choice.rule,
        file: resolved.request.file(),
        image: image(&resolved.releases),
        artifacts: resolved.releases.iter().flat_map(files).collect(),
        explain: &resolved.choice.verdicts,
    }
}

fn image(releases: &[Release]) -> Option<Image<'_>> {
    let reference = &releases.iter().find_map(|release| release.image.as_ref())?.reference;
    let manifests = releases.iter().filter_map(|release| {
        let manifest = release.image.as_ref()?.manifest.as_ref()?;
        Some((release.platform.to_string(), manifest))
    });
    Some(Image {
        reference: reference.to_string(),
        digest: reference.digest.as_ref().map(ToString::to_string),
        manifests: manifests.collect(),
    })
}

fn files(release: &Release) -> Vec<File<'_>> {
    release
        .artifacts
        .iter()
        .map(|artifact| File {
            platform: release.platform.to_string(),
            url: artifact.url.as_str(),
            digest: artifact.digest.to_string(),
            size: artifact.size,
            format: artifact.format,
            proof: &artifact.proof,
        })
        .collect()
}
