//! What must be allowed for each question that this program asks of AWS: the one place that both the messages about
//! refusals and `toolkit build permissions` take it from. Which resources an action knows is AWS's table
//! (<https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html>);
//! an action without any is allowed on `*` or not at all.

use super::permission::{Need, partition};

/// Where something lies, as ARNs say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// The region; `*` where it is not known.
    pub region: &'a str,
    /// The account; `*` where it is not known.
    pub account: &'a str,
}

impl<'a> Place<'a> {
    /// Returns a region of an account that is not known.
    #[must_use]
    pub fn in_region(region: &'a str) -> Self {
        Self { region, account: "*" }
    }

    fn arn(self, service: &str, resource: &str) -> String {
        let Self { region, account } = self;
        format!("arn:{}:{service}:{region}:{account}:{resource}", partition(region))
    }
}

/// Makes the functions for actions of CodeBuild whose resource is a project. It may be given as ARN, or as `*` for all.
macro_rules! on_a_project {
    ($($(#[$meta:meta])* $name:ident $action:literal;)*) => {$(
        $(#[$meta])*
        #[must_use]
        pub fn $name(place: Place<'_>, project: &str) -> Need {
            Need::new(concat!("codebuild:", $action), project_arn(place, project))
        }
    )*};
}

on_a_project! {
    /// For starting a build.
    start_build "StartBuild";
    /// For starting a batch of builds.
    start_build_batch "StartBuildBatch";
    /// For stopping a build of a project.
    stop_build "StopBuild";
    /// For stopping a batch of a project.
    stop_build_batch "StopBuildBatch";
    /// For reading builds of a project.
    batch_get_builds "BatchGetBuilds";
    /// For reading batches of a project.
    batch_get_build_batches "BatchGetBuildBatches";
    /// For reading a project.
    batch_get_projects "BatchGetProjects";
    /// For listing the builds of a project.
    list_builds_for_project "ListBuildsForProject";
    /// For listing the batches of a project.
    list_build_batches_for_project "ListBuildBatchesForProject";
}

/// For listing the builds of all projects, which knows no resource.
#[must_use]
pub fn list_builds() -> Need {
    Need::new("codebuild:ListBuilds", "*")
}

/// For listing the batches of all projects, which knows no resource.
#[must_use]
pub fn list_build_batches() -> Need {
    Need::new("codebuild:ListBuildBatches", "*")
}

/// For reading a log. The stream is `*` for all of the group.
#[must_use]
pub fn get_log_events(place: Place<'_>, group: &str, stream: &str) -> Need {
    Need::new("logs:GetLogEvents", place.arn("logs", &format!("log-group:{group}:log-stream:{stream}")))
}

/// The group that CodeBuild writes the logs of a project to, where nothing else is set
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/change-project.html>, CloudWatch logs).
#[must_use]
pub fn usual_log_group(project: &str) -> String {
    format!("/aws/codebuild/{}", name_of(project))
}

/// For reading an object, also for asking whether it is there.
#[must_use]
pub fn get_object(region: &str, bucket: &str, key: &str) -> Need {
    Need::new("s3:GetObject", object_arn(region, bucket, key))
}

/// For writing an object, in one piece or in parts.
#[must_use]
pub fn put_object(region: &str, bucket: &str, key: &str) -> Need {
    Need::new("s3:PutObject", object_arn(region, bucket, key))
}

/// For removing an object.
#[must_use]
pub fn delete_object(region: &str, bucket: &str, key: &str) -> Need {
    Need::new("s3:DeleteObject", object_arn(region, bucket, key))
}

/// For giving up an upload in parts, so that nothing is paid for the parts.
#[must_use]
pub fn abort_multipart_upload(region: &str, bucket: &str, key: &str) -> Need {
    Need::new("s3:AbortMultipartUpload", object_arn(region, bucket, key))
}

/// For listing a bucket. Without it, S3 says that an object that is not there is forbidden
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>).
#[must_use]
pub fn list_bucket(region: &str, bucket: &str) -> Need {
    Need::new("s3:ListBucket", bucket_arn(region, bucket))
}

/// For reading a parameter, by its name or ARN.
#[must_use]
pub fn get_parameters(place: Place<'_>, name: &str) -> Need {
    let arn = |name: &str| place.arn("ssm", &format!("parameter/{}", name.trim_start_matches('/')));
    Need::new("ssm:GetParameters", if name.starts_with("arn:") { name.to_owned() } else { arn(name) })
}

/// For reading a secret, by its name or ARN. AWS adds six characters of its own to the name
/// (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/auth-and-access_iam-policies.html>).
#[must_use]
pub fn get_secret_value(place: Place<'_>, id: &str) -> Need {
    let arn = || place.arn("secretsmanager", &format!("secret:{id}-??????"));
    Need::new("secretsmanager:GetSecretValue", if id.starts_with("arn:") { id.to_owned() } else { arn() })
}

/// For a password of the private registries of an account, which knows no resource.
#[must_use]
pub fn ecr_login() -> Need {
    Need::new("ecr:GetAuthorizationToken", "*")
}

/// For a password of the public registry, which knows no resource. It asks for [`bearer_token`] as well.
#[must_use]
pub fn ecr_public_login() -> Need {
    Need::new("ecr-public:GetAuthorizationToken", "*")
}

/// What the public registry's password is made of.
#[must_use]
pub fn bearer_token() -> Need {
    Need::new("sts:GetServiceBearerToken", "*")
}

/// For pulling from a repository of a private registry; `*` for all
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_id-based-policy-examples.html>).
#[must_use]
pub fn ecr_pull(place: Place<'_>, repository: &str) -> Vec<Need> {
    let resource = place.arn("ecr", &format!("repository/{repository}"));
    ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"].map(|action| Need::new(action, &resource)).to_vec()
}

/// For pushing to a repository of a private registry; `*` for all
/// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html>).
#[must_use]
pub fn ecr_push(place: Place<'_>, repository: &str) -> Vec<Need> {
    let resource = place.arn("ecr", &format!("repository/{repository}"));
    let actions =
        ["BatchCheckLayerAvailability", "CompleteLayerUpload", "InitiateLayerUpload", "PutImage", "UploadLayerPart"];
    actions.map(|action| Need::new(format!("ecr:{action}"), &resource)).to_vec()
}

/// For asking who one is. AWS allows it to everybody.
#[must_use]
pub fn get_caller_identity() -> Need {
    Need::new("sts:GetCallerIdentity", "*")
}

/// For asking what somebody may do.
#[must_use]
pub fn simulate(principal: &str) -> Need {
    Need::new("iam:SimulatePrincipalPolicy", principal)
}

/// The project that a build or batch is of, from its id or ARN: `web` of `web:12345678-…`.
#[must_use]
pub fn project_of(id: &str) -> &str {
    name_of(id).split(':').next().unwrap_or_default()
}

fn name_of(text: &str) -> &str {
    text.strip_prefix("arn:").and_then(|rest| rest.rsplit_once('/')).map_or(text, |(_, name)| name)
}

fn project_arn(place: Place<'_>, project: &str) -> String {
    if project.starts_with("arn:") { project.to_owned() } else { place.arn("codebuild", &format!("project/{project}")) }
}

fn bucket_arn(region: &str, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", partition(region))
}

fn object_arn(region: &str, bucket: &str, key: &str) -> String {
    format!("{}/{key}", bucket_arn(region, bucket))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn needs_name_the_resource_that_the_action_knows() {
        let here = Place::in_region("eu-west-1");
        let china = Place { region: "cn-north-1", account: "111122223333" };
        for (need, action, resource) in [
            (start_build(here, "web"), "codebuild:StartBuild", "arn:aws:codebuild:eu-west-1:*:project/web"),
            (
                stop_build(china, "web"),
                "codebuild:StopBuild",
                "arn:aws-cn:codebuild:cn-north-1:111122223333:project/web",
            ),
            (
                batch_get_projects(here, "arn:aws:codebuild:us-east-1:1:project/shared"),
                "codebuild:BatchGetProjects",
                "arn:aws:codebuild:us-east-1:1:project/shared",
            ),
            (list_builds(), "codebuild:ListBuilds", "*"),
            (
                get_log_events(here, &usual_log_group("web"), "*"),
                "logs:GetLogEvents",
                "arn:aws:logs:eu-west-1:*:log-group:/aws/codebuild/web:log-stream:*",
            ),
            (get_object("us-gov-west-1", "b", "m/*"), "s3:GetObject", "arn:aws-us-gov:s3:::b/m/*"),
            (get_parameters(here, "/shop/key"), "ssm:GetParameters", "arn:aws:ssm:eu-west-1:*:parameter/shop/key"),
            (
                get_secret_value(here, "shop/db"),
                "secretsmanager:GetSecretValue",
                "arn:aws:secretsmanager:eu-west-1:*:secret:shop/db-??????",
            ),
            (list_bucket("eu-west-1", "b"), "s3:ListBucket", "arn:aws:s3:::b"),
            (ecr_pull(here, "*").remove(0), "ecr:BatchGetImage", "arn:aws:ecr:eu-west-1:*:repository/*"),
        ] {
            assert_eq!(need, Need::new(action, resource));
        }
    }

    #[test]
    fn an_id_names_the_project() {
        for (id, expected) in [
            ("web:12345678-1234", "web"),
            ("arn:aws:codebuild:eu-west-1:111122223333:build/web:12345678-1234", "web"),
            ("arn:aws:codebuild:eu-west-1:111122223333:build-batch/web:12345678-1234", "web"),
            ("web", "web"),
        ] {
            assert_eq!(project_of(id), expected);
        }
    }
}
