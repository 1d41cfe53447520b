//! `toolkit lint`: finds mistakes in buildspec and GitLab files, and fixes those with one clear answer.

mod files;
mod fix;
mod formats;
mod rules;
mod schema;
mod text;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::Global;
use super::render::{self, Failure, done};
use super::styled::Styled;
use crate::format::Source;
use crate::host::Host;
use crate::lint::{self, Finding, Level, Rule, Setting, Target};

/// Find mistakes in buildspec.yml and .gitlab-ci.yml, with line and column
///
/// Without FILE: every `buildspec*.yml` and `.gitlab-ci.yml` of the project. A comment allows a finding:
/// `# toolkit: allow TK011 because the mode is a number`, on its line or alone above it; `allow-file` for a whole file.
/// Exits with 1 if there is an error.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files, folders to search, or `-` for standard input
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Output format; `gitlab` is a Code Quality report [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Fix, in the files, what has one clear answer
    #[arg(long)]
    fix: bool,
    /// Also exit with 1 on this level; may be repeated
    #[arg(long, value_enum, value_name = "LEVEL")]
    deny: Vec<Deny>,
    /// Ignore this rule; may be repeated
    #[arg(long, value_name = "RULE")]
    allow: Vec<String>,
    /// Check GitLab files against this JSON schema instead of the one that GitLab publishes
    #[arg(long, value_name = "FILE|URL")]
    schema: Option<String>,
    /// Check GitLab files against no JSON schema, and make no connection
    #[arg(long, conflicts_with = "schema")]
    no_schema: bool,
    /// Treat the files as this kind, whatever their names
    #[arg(long = "as", value_enum, value_name = "KIND")]
    kind: Option<Kind>,
    /// Explain a rule: what it finds, why, and how to write it better
    #[arg(long, value_name = "RULE", conflicts_with_all = ["files", "fix", "list"])]
    explain: Option<String>,
    /// List the rules
    #[arg(long, conflicts_with_all = ["files", "fix"])]
    list: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit lint
  toolkit lint --fix --deny warnings
  toolkit lint ci/buildspec-arm64.yml --format sarif
  toolkit lint - --as gitlab < .gitlab-ci.yml
  toolkit lint --explain TK003";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The source line with a caret, for people
    Text,
    /// An array of findings
    Json,
    /// GitLab's Code Quality report
    Gitlab,
    /// SARIF 2.1.0, as code hosts read it
    Sarif,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Warnings
    #[value(alias = "warning")]
    Warnings,
    /// Warnings and notes
    #[value(alias = "note")]
    Notes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// CodeBuild
    Buildspec,
    /// GitLab CI/CD
    Gitlab,
    /// Any YAML
    Yaml,
}

/// A file that was checked.
#[derive(Debug)]
pub(in crate::cli) struct Checked {
    /// Its path as it was typed.
    path: String,
    /// The kind of file that it was read as.
    target: Target,
    /// Its text; none if it is not text.
    source: Option<Source>,
    /// What was found, by position.
    findings: Vec<Finding>,
}

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let format = self.format.unwrap_or(if global.json { Format::Json } else { Format::Text });
        if let Some(id) = &self.explain {
            return rules::explain(rules::named(id)?, format == Format::Json);
        }
        if self.list {
            return rules::list(format == Format::Json);
        }
        let allowed = self.allow.iter().map(|id| rules::named(id)).collect::<Result<Vec<_>, _>>()?;
        let schemas = schema::Reader::new(self.schema_choice(), host, global);
        let checker = Checker { arguments: &self, allowed, schemas, host, global };
        let files = files::find(&self.files, host)?;
        let checked = files.iter().map(|file| checker.check(file)).collect::<Result<Vec<_>, _>>()?;
        print(&checked, format)?;
        done(global, summary(&checked));
        let code = u8::from(checked.iter().flat_map(|one| &one.findings).any(|finding| self.denies(finding.level)));
        Ok(ExitCode::from(code))
    }

    fn schema_choice(&self) -> schema::SchemaChoice {
        match &self.schema {
            Some(location) => schema::SchemaChoice::Named(location.clone()),
            None if self.no_schema => schema::SchemaChoice::Nothing,
            None => schema::SchemaChoice::Published,
        }
    }

    fn target(&self) -> Option<Target> {
        self.kind.map(|kind| match kind {
            Kind::Buildspec => Target::Buildspec,
            Kind::Gitlab => Target::GitLab,
            Kind::Yaml => Target::Yaml,
        })
    }

    fn denies(&self, level: Level) -> bool {
        match level {
            Level::Error => true,
            Level::Warning => !self.deny.is_empty(),
            Level::Note => self.deny.contains(&Deny::Notes),
        }
    }
}

/// Checks one file after the other.
struct Checker<'a> {
    arguments: &'a Arguments,
    allowed: Vec<&'static Rule>,
    schemas: schema::Reader<'a>,
    host: &'a Host,
    global: &'a Global,
}

impl Checker<'_> {
    fn check(&self, file: &files::Named) -> Result<Checked, Failure> {
        let path = file.shown.clone();
        let bytes = files::read(file)?;
        let marked = bytes.as_ref().is_ok_and(|bytes| bytes.starts_with("\u{feff}".as_bytes()));
        let typed = self.arguments.target();
        let source = match bytes.and_then(|bytes| Source::decode(path.clone(), bytes)) {
            Ok(source) => source,
            Err(cause) => {
                let target = typed.or_else(|| lint::target(&path, None)).unwrap_or(Target::Yaml);
                let findings = self.reported(vec![lint::unreadable(&cause)]);
                return Ok(Checked { path, target, source: None, findings });
            }
        };
        let target = typed.map_or_else(|| files::kind(&source), Ok)?;
        let schema = if target == Target::GitLab { self.schemas.schema()? } else { None };
        let setting = Setting { today: self.host.today(), schema };
        if !self.arguments.fix {
            let findings = self.reported(lint::check(&source, target, &setting));
            return Ok(Checked { path, target, source: Some(source), findings });
        }
        let fixed = fix::fix(source, target, &setting, &self.allowed);
        if fixed.changes > 0 {
            fix::write(file, &fixed.source, marked)?;
            done(self.global, format!("{path}: {}", fixed.summary()));
        }
        Ok(Checked { path, target, source: Some(fixed.source), findings: self.reported(fixed.findings) })
    }

    /// Removes the findings that the command line allows.
    fn reported(&self, mut findings: Vec<Finding>) -> Vec<Finding> {
        findings.retain(|finding| !self.allowed.contains(&finding.rule));
        findings
    }
}

/// Renders the findings for which no build is started; none if there are none.
pub(super) fn broken(source: &Source, host: &Host) -> Option<Styled> {
    let setting = Setting { today: host.today(), schema: None };
    let mut findings = lint::check(source, Target::Buildspec, &setting);
    findings.retain(|finding| finding.rule.blocks);
    if findings.is_empty() {
        return None;
    }
    let source = Some(source.clone());
    let path = source.as_ref().map_or(String::new(), |source| source.path.clone());
    Some(text::report(&[Checked { path, target: Target::Buildspec, source, findings }]))
}

fn print(checked: &[Checked], format: Format) -> Result<(), Failure> {
    match format {
        Format::Text => render::data(text::report(checked)),
        Format::Json => render::json(&formats::json(checked)),
        Format::Gitlab => render::json(&formats::code_quality(checked)),
        Format::Sarif => render::json(&formats::sarif(checked)),
    }
}

/// Counts for people: "3 files, 2 errors, 1 warning (1 can be fixed with --fix)".
fn summary(checked: &[Checked]) -> String {
    let all = || checked.iter().flat_map(|one| &one.findings);
    let mut text = counted(checked.len(), "file");
    for level in [Level::Error, Level::Warning, Level::Note] {
        let count = all().filter(|finding| finding.level == level).count();
        if count > 0 {
            text.push_str(&format!(", {}", counted(count, level.as_str())));
        }
    }
    if all().next().is_none() {
        text.push_str(", nothing found");
    }
    let fixable = all().filter(|finding| !finding.fix.is_empty()).count();
    if fixable > 0 {
        text.push_str(&format!(" ({fixable} can be fixed with --fix)"));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Returns the name of the service or library that reads this kind of file.
fn service(target: Target) -> &'static str {
    match target {
        Target::Yaml => "libyaml",
        Target::Buildspec => "CodeBuild",
        Target::GitLab => "GitLab",
    }
}
