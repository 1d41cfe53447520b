//! `toolkit build permissions`: what must be allowed, and whether it is.

mod check;
mod rows;

use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::start::{named, project};
use crate::aws::{self, Identity, Need, policy};
use crate::cli::render::{self, Failure, done};
use crate::cli::settings::Settings;
use crate::cli::{Global, network};
use crate::host::Host;
use crate::oci::credentials::ecr_place;
use check::{Answer, Checked, check};
use rows::{Asker, Row, Scope, rows};

/// List the AWS permissions that commands need, print the policy, and check it
///
/// Without commands: those about builds, the mirror when it is in S3, and `image` when `--image` names images in Amazon ECR.
/// The list needs no credentials; unknown parts of resources are `*`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = LONG)]
pub(super) struct Arguments {
    /// Commands
    #[arg(value_name = "COMMAND", value_enum)]
    commands: Vec<Asker>,
    /// Only for this project: a name or an ARN [default: that of toolkit.toml, else all]
    #[arg(long, value_name = "NAME", value_parser = project)]
    project: Option<String>,
    /// Include batches
    #[arg(long)]
    batch: bool,
    /// The log group of the project, if it is not /aws/codebuild/NAME
    #[arg(long, value_name = "GROUP")]
    log_group: Option<String>,
    /// An image or repository that `image` reads or writes; may be repeated
    #[arg(long = "image", value_name = "REFERENCE")]
    images: Vec<String>,
    /// Print the policy that allows this and no more
    #[arg(long, conflicts_with = "check")]
    policy: bool,
    /// Ask AWS which permissions are granted; exit with 1 if one is missing
    #[arg(long)]
    check: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit build permissions
  toolkit build permissions start follow --project web --policy > policy.json
  toolkit build permissions sync --mirror s3://builds/toolchains --check
  toolkit build permissions image --image 111122223333.dkr.ecr.eu-west-1.amazonaws.com/app";

const LONG: &str = "\
Examples:
  toolkit build permissions
  toolkit build permissions start follow --project web --policy > policy.json
  toolkit build permissions sync --mirror s3://builds/toolchains --check
  toolkit build permissions image --image 111122223333.dkr.ecr.eu-west-1.amazonaws.com/app

How `--check` works:
  - sts:GetCallerIdentity says who asks, and iam:SimulatePrincipalPolicy what IAM would decide for
    them. Nothing is done. Policies of buckets, keys and repositories do not count there, and
    without `--project` the question is whether all projects are allowed.
  - Where that is denied, harmless questions answer for themselves: a project, lists, a build, a
    log and an object that do not exist. What it can only be found out by doing it is `unknown`, and never
    guessed.
  - Exit code 1 when a permission is missing; unknown ones alone do not count.

`--policy` narrows the resources to the account of the credentials, where there are any. What
`follow --stop-on-interrupt` does is `stop`: name both.";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::new(host, global)?;
        let askers = self.askers(&settings, global)?;
        tell_others(&self.images, &settings);
        settings.runtime.block_on(async {
            let (scope, identity) = self.scope(&settings, global).await?;
            let rows = rows(&askers, &scope);
            let needs: Vec<Need> = rows.iter().map(|row| row.need.clone()).collect();
            if self.policy {
                return document(&needs);
            }
            let checked = match identity {
                Some(identity) if self.check => {
                    let wanted = once(&needs);
                    Some((check(&settings, &scope, &identity, &wanted).await?, identity))
                }
                _ => None,
            };
            show(&rows, &scope, checked.as_ref(), global)
        })
    }

    /// Returns the commands that were typed, or those that this project uses.
    fn askers(&self, settings: &Settings, global: &Global) -> Result<Vec<Asker>, Failure> {
        let stored = network::location(&settings.host, global, settings.manifest.as_ref())?.is_some();
        if let Some(asker) = self.commands.iter().find(|asker| matches!(asker, Asker::Mirror | Asker::Sync))
            && !stored
        {
            let hint = "name it: `--mirror s3://bucket/prefix`";
            return Err(Failure::usage_with_hint(
                format!("`{}` needs AWS only for a mirror in S3", asker.as_str()),
                hint,
            ));
        }
        if !self.commands.is_empty() {
            let mut askers = self.commands.clone();
            askers.sort();
            askers.dedup();
            return Ok(askers);
        }
        let mut askers = vec![Asker::Start, Asker::Follow, Asker::Stop, Asker::List, Asker::Compare];
        if stored {
            askers.extend([Asker::Mirror, Asker::Sync]);
        }
        if !self.images.is_empty() {
            askers.push(Asker::Image);
        }
        Ok(askers)
    }

    /// Finds out who asks. A policy is printed without it, too.
    async fn identity(&self, settings: &Settings, region: &str) -> Result<Option<Identity>, Failure> {
        // Every region knows who asks.
        let region = if region == "*" { "us-east-1" } else { region };
        match settings.session.identity(region).await {
            Ok(identity) => Ok(Some(identity)),
            Err(error) if self.check => Err(error.into()),
            Err(error) => {
                settings.report.warned(&format!("the account is unknown, so the policy has `*`: {error}"));
                Ok(None)
            }
        }
    }

    /// Finds what the resources are narrowed to, and who asks where that matters.
    async fn scope(&self, settings: &Settings, global: &Global) -> Result<(Scope, Option<Identity>), Failure> {
        let region = settings.session.region(aws::Service::CODEBUILD).await;
        let region = if self.check { region? } else { region.unwrap_or_else(|_| "*".to_owned()) };
        let identity = if self.check || self.policy { self.identity(settings, &region).await? } else { None };
        let account = identity.as_ref().map_or_else(|| "*".to_owned(), |identity| identity.account.clone());
        let scope = Scope {
            region,
            account,
            project: self.project.clone().map_or_else(|| named(&settings.host), |name| Ok(Some(name)))?,
            log_group: self.log_group.clone(),
            batch: self.batch,
            store: network::location(&settings.host, global, settings.manifest.as_ref())?,
            images: self.images.clone(),
        };
        Ok((scope, identity))
    }
}

/// Reports images that are not in Amazon ECR.
fn tell_others(images: &[String], settings: &Settings) {
    for image in images.iter().filter(|image| ecr_place(image.split('/').next().unwrap_or_default()).is_none()) {
        settings.report.warned(&format!("{image} is not in Amazon ECR and needs no AWS permission"));
    }
}

/// Returns each need once, in order.
fn once(needs: &[Need]) -> Vec<Need> {
    let mut wanted = needs.to_vec();
    wanted.sort();
    wanted.dedup();
    wanted
}

/// Prints the policy.
fn document(needs: &[Need]) -> Result<ExitCode, Failure> {
    let statements: Value = serde_json::from_str(&policy(needs)).unwrap_or_default();
    let statements = if statements.is_array() { statements } else { json!([statements]) };
    render::json(&json!({ "Version": "2012-10-17", "Statement": statements }))?;
    Ok(ExitCode::SUCCESS)
}

fn show(
    rows: &[Row],
    scope: &Scope,
    checked: Option<&(Checked, Identity)>,
    global: &Global,
) -> Result<ExitCode, Failure> {
    let answer = |row: &Row| checked.and_then(|(checked, _)| checked.answers.get(&row.need));
    if global.json {
        let permissions: Vec<Value> = rows.iter().map(|row| value(row, answer(row))).collect();
        render::json(&json!({
            "region": scope.region,
            "account": scope.account,
            "caller": checked.map(|(_, identity)| &identity.arn),
            "checked_by": checked.map(|(checked, _)| &checked.how),
            "permissions": permissions,
        }))?;
    } else {
        let mut header = vec!["command", "action", "resource", "for"];
        let mut cells: Vec<Vec<String>> = rows.iter().map(cells_of).collect();
        if checked.is_some() {
            header.insert(1, "allowed");
            for (cells, row) in cells.iter_mut().zip(rows) {
                cells.insert(1, answer(row).map_or_else(String::new, |answer| word(answer).to_owned()));
            }
        }
        render::data(render::table(&header, &cells))?;
    }
    let Some((checked, _)) = checked else {
        return Ok(ExitCode::SUCCESS);
    };
    Ok(report(checked, global))
}

/// Prints how it was checked, what is unknown, and what is missing.
fn report(checked: &Checked, global: &Global) -> ExitCode {
    done(global, &checked.how);
    for (need, answer) in &checked.answers {
        if let Answer::Unknown(why) = answer {
            done(global, format!("unknown: {} on {}: {why}", need.action, need.resource));
        }
    }
    let missing = |wanted: bool| -> Vec<Need> {
        let fits = |answer: &Answer| matches!(answer, Answer::No { explicit } if *explicit == wanted);
        checked.answers.iter().filter(|(_, answer)| fits(answer)).map(|(need, _)| need.clone()).collect()
    };
    let (missing, explicit) = (missing(false), missing(true));
    if !missing.is_empty() {
        let statements = policy(&missing);
        render::say(format!("missing; add to the policy of the role or user that makes the request:\n{statements}\n"));
    }
    for need in &explicit {
        let text = format!("a policy denies {} on {} explicitly: no Allow overrides it\n", need.action, need.resource);
        render::say(text);
    }
    ExitCode::from(u8::from(!missing.is_empty() || !explicit.is_empty()))
}

fn cells_of(row: &Row) -> Vec<String> {
    let Row { command, need, purpose } = row;
    vec![command.as_str().to_owned(), need.action.clone(), need.resource.clone(), (*purpose).to_owned()]
}

fn value(row: &Row, answer: Option<&Answer>) -> Value {
    let mut value = json!({
        "command": row.command.as_str(), "action": row.need.action, "resource": row.need.resource, "for": row.purpose,
    });
    if let Some(answer) = answer {
        value["allowed"] = json!(word(answer));
        if let Answer::Unknown(why) = answer {
            value["reason"] = json!(why);
        }
    }
    value
}

fn word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Yes => "yes",
        Answer::No { explicit: false } => "no",
        Answer::No { explicit: true } => "no, explicitly",
        Answer::Unknown(_) => "unknown",
    }
}
