//! The values of `parameter-store` and `secrets-manager`, from AWS, for a local build that may read them
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>, `env`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws::needs::{self, Place};
use crate::aws::{Error, JsonRequest, Need, Service, Session};
use crate::format::buildspec::{Env, Pair};

/// The most parameters per request
/// (<https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html>).
const MOST: usize = 10;

/// The largest response in bytes. A parameter has at most 8 KiB, a secret 64 KiB.
const LARGEST: u64 = 2 << 20;

/// A variable and where its value is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SecretRequest<'a> {
    variable: &'a str,
    reference: &'a str,
}

/// Reads the values of the variables for which `is_known` returns false.
///
/// # Errors
/// The first value that cannot be read.
pub async fn from_aws(
    session: &Session,
    env: &Env,
    is_known: impl Fn(&str) -> bool,
) -> Result<BTreeMap<String, String>, Error> {
    let unknown = |pair: &SecretRequest<'_>| !is_known(pair.variable);
    let parameters: Vec<_> = env.parameter_store.iter().map(request).filter(unknown).collect();
    let secrets = env.secrets_manager.iter().map(request).filter(unknown);
    let mut found = BTreeMap::new();
    for group in parameters.chunks(MOST) {
        let values = parameters_named(session, group).await?;
        found.extend(group.iter().map(|pair| pair.variable.to_owned()).zip(values));
    }
    for pair in secrets {
        found.insert(pair.variable.to_owned(), secret(session, &SecretName::parse(pair.reference)).await?);
    }
    Ok(found)
}

fn request(pair: &Pair) -> SecretRequest<'_> {
    SecretRequest { variable: &pair.key.text, reference: &pair.value.text }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    #[serde(rename = "Name", default)]
    name: String,
    #[serde(rename = "ARN", default)]
    arn: String,
    #[serde(rename = "Value")]
    value: String,
}

/// Returns the values of parameters, in the order in which they were asked for.
async fn parameters_named(session: &Session, group: &[SecretRequest<'_>]) -> Result<Vec<String>, Error> {
    let region = session.region(Service::SSM).await?;
    let names: Vec<&str> = group.iter().map(|pair| pair.reference).collect();
    // The service rejects a name that is listed twice.
    let distinct: BTreeSet<&str> = names.iter().copied().collect();
    let body = json!({ "Names": distinct, "WithDecryption": true });
    let what = format!("the parameter `{}`", names.join("`, `"));
    let need = needs::get_parameters(Place::in_region(&region), names.first().copied().unwrap_or("*"));
    let answer: Parameters =
        ask(session, &region, Service::SSM, "AmazonSSM.GetParameters", &need, &what, &body).await?;
    let value = |name: &&str| {
        // A name may end with a colon and a version or label, which the response does not repeat.
        let bare = if name.starts_with("arn:") { name } else { name.split(':').next().unwrap_or(name) };
        let parameter = answer.parameters.iter().find(|parameter| parameter.name == bare || parameter.arn == **name);
        let missing = || Error::Missing { what: format!("the parameter `{name}`"), source: None };
        parameter.map(|parameter| parameter.value.clone()).ok_or_else(missing)
    };
    names.iter().map(value).collect()
}

/// What `secret-id:json-key:version-stage:version-id` names; only the id is required.
#[derive(Debug, Clone, PartialEq, Eq)]
struct SecretName<'a> {
    id: &'a str,
    key: Option<&'a str>,
    stage: Option<&'a str>,
    version: Option<&'a str>,
}

impl<'a> SecretName<'a> {
    fn parse(text: &'a str) -> Self {
        // An ARN contains six colons itself.
        let own = if text.starts_with("arn:") { 6 } else { 0 };
        let end = text.match_indices(':').nth(own).map_or(text.len(), |(at, _)| at);
        let (id, rest) = text.split_at(end);
        let mut parts = rest.split(':').skip(1).map(|part| Some(part).filter(|part| !part.is_empty()));
        let mut next = || parts.next().flatten();
        Self { id, key: next(), stage: next(), version: next() }
    }
}

#[derive(Deserialize)]
struct Secret {
    #[serde(rename = "SecretString")]
    text: Option<String>,
}

async fn secret(session: &Session, name: &SecretName<'_>) -> Result<String, Error> {
    let region = session.region(Service::SECRETS_MANAGER).await?;
    let mut body = json!({ "SecretId": name.id });
    for (field, value) in [("VersionStage", name.stage), ("VersionId", name.version)] {
        if let Some(value) = value {
            body[field] = value.into();
        }
    }
    let what = format!("the secret `{}`", name.id);
    let need = needs::get_secret_value(Place::in_region(&region), name.id);
    let target = "secretsmanager.GetSecretValue";
    let answer: Secret = ask(session, &region, Service::SECRETS_MANAGER, target, &need, &what, &body).await?;
    let unfit = |reason: String| Error::Answer { service: Service::SECRETS_MANAGER.name, reason };
    let text = answer.text.ok_or_else(|| unfit(format!("{what} is binary, not text")))?;
    let Some(key) = name.key else { return Ok(text) };
    let missing = || Error::Missing { what: format!("the key `{key}` in {what}"), source: None };
    // The value must not appear in any message.
    let value: Value =
        serde_json::from_str(&text).map_err(|_| unfit(format!("{what} is not JSON, so it has no keys")))?;
    match value.get(key).ok_or_else(missing)? {
        Value::String(text) => Ok(text.clone()),
        other => Ok(other.to_string()),
    }
}

async fn ask<T: for<'de> Deserialize<'de>>(
    session: &Session,
    region: &str,
    service: Service,
    target: &'static str,
    need: &Need,
    what: &str,
    body: &Value,
) -> Result<T, Error> {
    let url = session.url(service, region)?;
    let body = body.to_string();
    let request = JsonRequest { service, url, region, target, need, what, body, limit: LARGEST, retried: true };
    let answer = session.ask(request).await?;
    let unfit = |_| Error::Answer { service: service.name, reason: format!("it does not contain {what}") };
    serde_json::from_slice(&answer).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_named_with_key_stage_and_version() {
        let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/db-AbCdEf";
        for (text, id, key, stage, version) in [
            ("shop/db", "shop/db", None, None, None),
            ("shop/db:password", "shop/db", Some("password"), None, None),
            ("shop/db:password:AWSPREVIOUS", "shop/db", Some("password"), Some("AWSPREVIOUS"), None),
            ("shop/db:::v1", "shop/db", None, None, Some("v1")),
            (arn, arn, None, None, None),
            (&format!("{arn}:password::"), arn, Some("password"), None, None),
        ] {
            assert_eq!(SecretName::parse(text), SecretName { id, key, stage, version }, "{text}");
        }
    }
}
