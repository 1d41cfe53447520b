//! Access to AWS without stored keys: AWS libraries exchange the job's GitLab token for the credentials of a role.

use super::{Context, TARGET};
use crate::format::yaml::{Element, Map, Out};
use crate::generate::Error;
use crate::project::pipeline::{Runners, Secret};
use crate::text::shell;

/// What a job needs to assume a role on AWS.
#[derive(Debug, Default)]
pub(super) struct Identity {
    pub(super) id_tokens: Option<Map>,
    pub(super) variables: Vec<(&'static str, Out)>,
    pub(super) commands: Vec<Element>,
}

/// Lets a job assume the role, with its token in `file`. Every AWS library and command reads these variables
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/access-assume-role-web.html>); without a role, the machine's role is used.
pub(super) fn identity(context: &Context<'_>, file: &'static str) -> Identity {
    let Some(aws) = context.pipeline.aws.as_ref().filter(|aws| aws.role.is_some()) else { return Identity::default() };
    let mut audience = Map::new();
    audience.set("aud", aws.audience.as_deref().unwrap_or("$CI_SERVER_URL"));
    let mut id_tokens = Map::new();
    id_tokens.set("AWS_ID_TOKEN", audience);
    Identity {
        id_tokens: Some(id_tokens),
        variables: vec![("AWS_WEB_IDENTITY_TOKEN_FILE", file.into())],
        commands: vec![
            Element::from("printf '%s' \"$AWS_ID_TOKEN\" > \"$AWS_WEB_IDENTITY_TOKEN_FILE\"")
                .comment("AWS tools exchange this token for the credentials of $AWS_ROLE_ARN."),
        ],
    }
}

/// Returns the variables that all jobs share.
pub(super) fn variables(context: &Context<'_>) -> Vec<(&'static str, Out)> {
    let aws = context.pipeline.aws.as_ref();
    let region = aws.and_then(|aws| aws.region.as_deref()).or_else(|| context.ecr_region());
    let role = aws.and_then(|aws| aws.role.as_deref());
    let mut found: Vec<(&'static str, Out)> = Vec::new();
    if let Some(region) = region {
        found.push(("AWS_REGION", region.into()));
    }
    if let Some(role) = role {
        found.push(("AWS_ROLE_ARN", role.into()));
        found.push(("AWS_ROLE_SESSION_NAME", "gitlab-$CI_PROJECT_ID-$CI_JOB_ID".into()));
    }
    found
}

/// The secrets of a job: GitLab's keyword, or commands where the machine itself is on AWS.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    pub(super) keyword: Option<Map>,
    pub(super) commands: Vec<Out>,
}

/// Decides how a job gets its secrets.
///
/// # Errors
/// When GitLab cannot read one.
pub(super) fn secrets(context: &Context<'_>) -> Result<Secrets, Error> {
    let mut found = Secrets::default();
    let mut keyword = Map::new();
    for (name, secret) in &context.pipeline.secrets {
        match secret {
            _ if context.fleet.family == Runners::Codebuild => found.commands.push(command(name, secret)?),
            Secret::SecretsManager(text) => {
                keyword.set(name, secrets_manager(context, text));
            }
            Secret::ParameterStore(parameter) => {
                return Err(Error::Unsupported {
                    key: "pipeline.secrets",
                    value: parameter.clone(),
                    target: TARGET,
                    reason: format!(
                        "GitLab cannot read Parameter Store; keep `{name}` in Secrets Manager, or remove it and \
                         set it as a masked variable of the GitLab project"
                    ),
                });
            }
        }
    }
    found.keyword = (!keyword.is_empty()).then_some(keyword);
    Ok(found)
}

fn secrets_manager(context: &Context<'_>, text: &str) -> Map {
    let reference = Reference::parse(text);
    let mut manager = Map::new();
    manager.set("secret_id", reference.id);
    manager.set_if("field", reference.field);
    manager.set_if("version_stage", reference.stage);
    manager.set_if("version_id", reference.version);
    let mut secret = Map::new();
    secret.set("aws_secrets_manager", manager);
    if context.pipeline.aws.as_ref().is_some_and(|aws| aws.role.is_some()) {
        secret.set("token", "$AWS_ID_TOKEN");
    }
    secret.set("file", false).beside("the value itself, not a file");
    secret
}

/// Reads a secret on a CodeBuild machine, whose service role allows it. The assignment is a command of its own, so that a
/// failure is seen.
fn command(name: &str, secret: &Secret) -> Result<Out, Error> {
    let fetch = match secret {
        Secret::ParameterStore(parameter) => format!(
            "aws ssm get-parameter --with-decryption --name={} --query Parameter.Value --output text",
            shell::word(parameter)
        ),
        Secret::SecretsManager(text) => {
            let reference = Reference::parse(text);
            let mut command = format!("aws secretsmanager get-secret-value --secret-id={}", shell::word(&reference.id));
            for (option, value) in [("--version-stage", &reference.stage), ("--version-id", &reference.version)] {
                if let Some(value) = value {
                    command.push_str(&format!(" {option}={}", shell::word(value)));
                }
            }
            command.push_str(" --query SecretString --output text");
            if let Some(field) = &reference.field {
                command.push_str(&format!(
                    " | jq --exit-status --raw-output --arg field {} '.[$field]'",
                    shell::word(field)
                ));
            }
            command
        }
    };
    Ok(format!("{name}=$({fetch})\nexport {name}").into())
}

/// `secret-id:json-key:version-stage:version-id`, as buildspec files write it.
struct Reference {
    id: String,
    field: Option<String>,
    stage: Option<String>,
    version: Option<String>,
}

impl Reference {
    fn parse(text: &str) -> Self {
        // An ARN has six colons of its own: arn:aws:secretsmanager:region:account:secret:name.
        let own = if text.starts_with("arn:") { 6 } else { 0 };
        let mut parts = text.split(':');
        let id = parts.by_ref().take(own + 1).collect::<Vec<_>>().join(":");
        let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
        Self { id, field: next(), stage: next(), version: next() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_a_secret_is_read_as_codebuild_reads_it() {
        for (text, id, field, stage, version) in [
            ("app/db", "app/db", None, None, None),
            ("app/db:password", "app/db", Some("password"), None, None),
            ("app/db::AWSPREVIOUS", "app/db", None, Some("AWSPREVIOUS"), None),
            ("app/db:k::v1", "app/db", Some("k"), None, Some("v1")),
            (
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-Xy:k",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a-Xy",
                Some("k"),
                None,
                None,
            ),
        ] {
            let reference = Reference::parse(text);
            assert_eq!(reference.id, id, "{text}");
            assert_eq!(reference.field.as_deref(), field, "{text}");
            assert_eq!(reference.stage.as_deref(), stage, "{text}");
            assert_eq!(reference.version.as_deref(), version, "{text}");
        }
    }
}
