//! Checks permissions: IAM simulates its decisions; where that is denied, or IAM does not know the identity, harmless
//! requests are tried. What neither shows stays unknown.

use std::collections::BTreeMap;

use super::rows::Scope;
use crate::aws::needs;
use crate::aws::s3::Bucket;
use crate::aws::{Decision, Error, Identity, Need};
use crate::cli::build::service;
use crate::cli::render::Failure;
use crate::cli::settings::Settings;
use crate::codebuild::{LogLocation, Service};

/// Part of ids and keys that do not exist.
const NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// Whether something is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    /// No, and whether a policy says so in so many words.
    No {
        explicit: bool,
    },
    /// It is unknown, and why.
    Unknown(String),
}

/// What was found out.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) answers: BTreeMap<Need, Answer>,
    /// How, for people.
    pub(super) how: String,
}

/// Finds out which of these needs are allowed to the caller.
pub(super) async fn check(
    settings: &Settings,
    scope: &Scope,
    identity: &Identity,
    wanted: &[Need],
) -> Result<Checked, Failure> {
    let why = match identity.principal() {
        None => format!("IAM has no policies of {}", identity.arn),
        Some(principal) => match settings.session.simulate(identity, &principal, wanted, &scope.region).await {
            Ok(decisions) => return Ok(simulated(&decisions, wanted, &identity.arn)),
            Err(error @ (Error::ExpiredCredentials | Error::RefusedCredentials { .. } | Error::Clock { .. })) => {
                return Err(error.into());
            }
            Err(Error::Denied { need, .. }) => format!("AWS denies {} on {}", need.action, need.resource),
            Err(error) => error.to_string(),
        },
    };
    let mut answers = BTreeMap::new();
    if wanted.iter().any(|need| need.action.starts_with("codebuild:") || need.action.starts_with("logs:")) {
        let service = service(settings).await?;
        for need in wanted {
            if let Some(result) = asked(&*service, scope, need).await {
                answers.insert(need.clone(), classify(result));
            }
        }
    }
    if wanted.iter().any(|need| need.action.starts_with("s3:")) {
        answers.extend(bucket(settings, scope, wanted).await);
    }
    for need in wanted {
        answers.entry(need.clone()).or_insert_with(|| Answer::Unknown(unasked(need, scope).to_owned()));
    }
    Ok(Checked { answers, how: format!("{why}; sent harmless requests instead") })
}

fn simulated(decisions: &BTreeMap<Need, Decision>, wanted: &[Need], who: &str) -> Checked {
    let answer = |need: &Need| match decisions.get(need) {
        Some(Decision::Allowed) => Answer::Yes,
        Some(Decision::Denied) => Answer::No { explicit: false },
        Some(Decision::ExplicitlyDenied) => Answer::No { explicit: true },
        Some(Decision::Depends(keys)) => Answer::Unknown(format!("it depends on {}", keys.join(", "))),
        None => Answer::Unknown("IAM returned no decision".to_owned()),
    };
    let answers = wanted.iter().map(|need| (need.clone(), answer(need))).collect();
    Checked { answers, how: format!("asked IAM about {who}") }
}

/// Asks CodeBuild something harmless for which just this permission is needed; none where nothing is harmless, or the
/// answer would be about one project where all are asked for.
async fn asked(service: &dyn Service, scope: &Scope, need: &Need) -> Option<Result<(), Error>> {
    let nobody = |project: &str| [format!("{}:{NOBODY}", needs::project_of(project))];
    let project = scope.project.as_deref();
    let result = match (need.action.as_str(), project) {
        ("codebuild:ListBuilds", _) => service.list(None, None).await.map(drop),
        ("codebuild:ListBuildBatches", _) => service.list_batches(None, None).await.map(drop),
        ("codebuild:BatchGetProjects", Some(project)) => service.project(project).await.map(drop),
        ("codebuild:ListBuildsForProject", Some(project)) => service.list(Some(project), None).await.map(drop),
        ("codebuild:ListBuildBatchesForProject", Some(project)) => {
            service.list_batches(Some(project), None).await.map(drop)
        }
        ("codebuild:BatchGetBuilds", Some(project)) => service.builds(&nobody(project)).await.map(drop),
        ("codebuild:BatchGetBuildBatches", Some(project)) => service.batches(&nobody(project)).await.map(drop),
        ("logs:GetLogEvents", Some(_)) => {
            let settings = LogLocation { group: scope.group(), stream: NOBODY.to_owned() };
            service.log(&settings, None).await.map(drop)
        }
        _ => return None,
    };
    Some(result)
}

/// Reads an answer: a caller that learns that something does not exist was allowed to ask.
fn classify(result: Result<(), Error>) -> Answer {
    match result {
        Ok(()) | Err(Error::Missing { .. }) => Answer::Yes,
        Err(Error::Denied { explicit, .. }) => Answer::No { explicit: explicit.is_some() },
        Err(error) => Answer::Unknown(error.to_string()),
    }
}

/// Lists and reads the mirror. S3 says `forbidden` of an object that is not there to those who may not list, so that reading
/// is known only where listing is allowed.
async fn bucket(settings: &Settings, scope: &Scope, wanted: &[Need]) -> BTreeMap<Need, Answer> {
    let mut answers = BTreeMap::new();
    let Some(location) = scope.store.clone() else {
        return answers;
    };
    let mut put = |action: &str, answer: &Answer| {
        for need in wanted.iter().filter(|need| need.action == action) {
            answers.insert(need.clone(), answer.clone());
        }
    };
    let unknown = |error: Error| Answer::Unknown(error.to_string());
    let bucket = match Bucket::new(std::sync::Arc::clone(&settings.session), location) {
        Ok(bucket) => bucket,
        Err(error) => {
            put("s3:ListBucket", &unknown(error));
            return answers;
        }
    };
    let listed = bucket.list().await;
    let path = listed.as_ref().ok().and_then(|objects| objects.first()).map(|object| object.path.clone());
    let may_list = listed.is_ok();
    put("s3:ListBucket", &listed.map_or_else(|error| denied_or(error, unknown), |_| Answer::Yes));
    let read = match bucket.head(&path.unwrap_or_else(|| NOBODY.to_owned())).await {
        Ok(_) => Answer::Yes,
        Err(error) if may_list => denied_or(error, unknown),
        Err(_) => Answer::Unknown(
            "without permission to list, S3 does not distinguish a missing object from a forbidden one".to_owned(),
        ),
    };
    put("s3:GetObject", &read);
    answers
}

fn denied_or(error: Error, unknown: impl Fn(Error) -> Answer) -> Answer {
    match error {
        Error::Denied { explicit, .. } => Answer::No { explicit: explicit.is_some() },
        error => unknown(error),
    }
}

/// Returns why a need was not tried.
fn unasked(need: &Need, scope: &Scope) -> &'static str {
    let about_a_project = need.action.starts_with("codebuild:BatchGet") || need.action.ends_with("ForProject");
    if scope.project.is_none() && (about_a_project || need.action.starts_with("logs:")) {
        return "name the project: `--project`";
    }
    "it can only be found out by doing it"
}
