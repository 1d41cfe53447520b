//! Why a request to AWS failed.

use crate::model::{Explain, Kind};
use crate::net;
use crate::text::excerpt;

use super::Need;
use super::permission::policy;

/// A message from AWS, on one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct AwsMessage(String);

impl AwsMessage {
    /// Takes the text of a response; none when it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = excerpt(text.as_bytes());
        (!text.is_empty()).then_some(Self(text))
    }
}

/// Why a request to AWS failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program was built without AWS support.
    #[error("{what} needs AWS, and this toolkit was built without AWS support")]
    NotBuilt { what: String },
    /// A project names the mirror, and its user has not allowed it.
    #[error("toolkit.toml names the mirror {mirror}, which would be read with your AWS credentials")]
    NotAllowed { mirror: String },
    /// No credentials are there.
    #[error("no AWS credentials were found, and {service} needs them")]
    NoCredentials { service: &'static str },
    /// Credentials are configured but cannot be loaded.
    #[error("could not get AWS credentials: {reason}")]
    BrokenCredentials {
        /// What the SDK says.
        reason: String,
    },
    /// The credentials have expired.
    #[error("the AWS credentials have expired")]
    ExpiredCredentials,
    /// The credentials are wrong.
    #[error("{service} rejects the AWS credentials ({code})")]
    RefusedCredentials {
        service: &'static str,
        /// The name of the error.
        code: String,
    },
    /// This machine's clock is wrong, so that signatures are not valid.
    #[error("{service} rejects the time of the request ({code})")]
    Clock {
        service: &'static str,
        /// The name of the error.
        code: String,
    },
    /// A permission is missing.
    #[error("AWS denies {} on {}", need.action, need.resource)]
    Denied {
        need: Need,
        /// The message from AWS, if any.
        source: Option<AwsMessage>,
        /// The kind of policy that denies it explicitly, if AWS names it: `service control policy`.
        explicit: Option<String>,
    },
    /// An anonymous request was denied.
    #[error("AWS denies {} on {} to anonymous requests; {}", need.action, need.resource, reason_anonymous(*configured))]
    Anonymous {
        need: Need,
        /// True if anonymous requests were configured; false if no credentials were found.
        configured: bool,
        /// The message from AWS, if any.
        source: Option<AwsMessage>,
    },
    /// Another writer was first.
    #[error("{what} was changed by another writer in the meantime")]
    Condition {
        /// The object to write.
        what: String,
    },
    /// The KMS key that encrypts the requested resource may not be used.
    #[error("AWS denies {} on the key {}, which encrypts {what}", need.action, need.resource)]
    KeyDenied {
        need: Need,
        /// What the key encrypts.
        what: String,
        /// The message from AWS, if any.
        source: Option<AwsMessage>,
    },
    #[error("no AWS region is set, and {service} needs one")]
    NoRegion { service: &'static str },
    /// The region is not valid.
    #[error("`{text}` is not an AWS region")]
    BadRegion { text: String },
    /// The resource is in another region.
    #[error("{what} is not in {region}{}", other_region(right.as_deref()))]
    OtherRegion {
        what: String,
        /// The region of the request.
        region: String,
        /// The actual region, if AWS names it.
        right: Option<String>,
    },
    #[error("{service} is throttling requests ({code}); {attempts} attempts were made")]
    Throttled {
        service: &'static str,
        /// The name of the error.
        code: String,
        /// The number of attempts.
        attempts: u32,
    },
    /// A quota of the account is used up.
    #[error("{service} refuses {action}: a quota of the account is used up ({code})")]
    Quota {
        service: &'static str,
        /// The requested action: `codebuild:StartBuild`.
        action: String,
        /// The name of the error.
        code: String,
        /// The message from AWS, if any.
        source: Option<AwsMessage>,
    },
    /// The resource does not exist.
    #[error("{what} does not exist")]
    Missing {
        what: String,
        /// The message from AWS, if any.
        source: Option<AwsMessage>,
    },
    /// The service rejects the request as invalid.
    #[error("{service} refuses {action} ({code})")]
    Invalid {
        service: &'static str,
        /// The requested action: `codebuild:StartBuild`.
        action: String,
        /// The name of the error.
        code: String,
        /// The message from AWS, if any.
        source: Option<AwsMessage>,
    },
    /// The environment variable with the address of a service has no valid URL.
    #[error("{variable} is not the URL of a server")]
    Address { variable: String },
    /// The service could not be reached.
    #[error("could not reach {service}")]
    Unreachable { service: &'static str, source: Box<net::Error> },
    /// The service sent an undocumented response, or failed.
    #[error("{service} sent an unexpected response: {reason}")]
    Answer { service: &'static str, reason: String },
}

impl Error {
    /// Converts an error of [`net`] about S3: unwraps the error of an authorizer; anything else means that S3 could not
    /// be reached.
    #[cfg(feature = "aws")]
    pub(super) fn from_net(error: net::Error) -> Self {
        use super::Service;

        let (net::Error::Authorization { source, .. } | net::Error::Explained { source, .. }) = error else {
            return Self::Unreachable { service: Service::S3.name, source: Box::new(error) };
        };
        match source.downcast::<Self>() {
            Ok(own) => *own,
            Err(other) => Self::Answer { service: Service::S3.name, reason: other.to_string() },
        }
    }

    /// Returns true if the same request may succeed later: throttling, a broken connection, a fault of the service.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Answer { .. } => true,
            Self::Unreachable { source, .. } => matches!(**source, net::Error::GaveUp { .. }),
            _ => false,
        }
    }

    /// Returns true if new credentials, which may be available now, would help.
    #[must_use]
    pub fn needs_new_credentials(&self) -> bool {
        matches!(self, Self::ExpiredCredentials)
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotBuilt { .. } | Self::NotAllowed { .. } => Kind::Usage,
            Self::NoRegion { .. } | Self::BadRegion { .. } => Kind::Usage,
            Self::Address { .. } | Self::Invalid { .. } => Kind::Usage,
            Self::NoCredentials { .. } | Self::BrokenCredentials { .. } | Self::ExpiredCredentials => Kind::Machine,
            Self::Unreachable { source, .. } => source.kind(),
            _ => Kind::Upstream,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotBuilt { .. } => "use a toolkit with AWS support: the default build has it (Cargo feature `aws`)",
            Self::NotAllowed { mirror } => {
                return vec![
                    format!("allow it once for all projects: TOOLKIT_S3_MIRRORS={mirror}"),
                    "or name it with --mirror or TOOLKIT_MIRROR; a public bucket needs `?anonymous=true` and no permission"
                        .to_owned(),
                ];
            }
            Self::NoCredentials { .. } => {
                "set AWS_PROFILE or AWS_ACCESS_KEY_ID, log in with `aws sso login`, or give the build or instance a role"
            }
            Self::BrokenCredentials { .. } => {
                "check with `aws sts get-caller-identity`; for an SSO profile, log in with `aws sso login`"
            }
            Self::ExpiredCredentials => "get new ones: `aws sso login`, or start the job again",
            Self::RefusedCredentials { .. } => "check them with `aws sts get-caller-identity`",
            Self::Clock { .. } => "set this machine's clock: a signature is valid for a few minutes only",
            Self::Denied { need, explicit: Some(policy_kind), .. } => {
                let article = if policy_kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
                return vec![format!(
                    "{article} {policy_kind} denies {} explicitly: change it there, because no Allow overrides it",
                    need.action
                )];
            }
            Self::Denied { need, .. } => {
                let mut hints = vec![statement_hint("policy of the role or user that makes the request", need)];
                if need.action == "s3:GetObject" {
                    hints.push(UNLISTED.to_owned());
                }
                return hints;
            }
            Self::Anonymous { configured: true, .. } => "remove `anonymous=true` to use the AWS credentials",
            Self::Anonymous { configured: false, .. } => {
                "set AWS_PROFILE or AWS_ACCESS_KEY_ID, log in with `aws sso login`, or give the build or instance a role"
            }
            Self::Condition { .. } => {
                "nothing was overwritten; run the command again when the other writer has finished"
            }
            Self::KeyDenied { need, .. } => {
                return vec![
                    statement_hint("policy of the role or user that makes the request", need),
                    "a key of another account must allow it in its key policy as well".to_owned(),
                ];
            }
            Self::NoRegion { .. } => "set AWS_REGION, or `region` in the profile",
            Self::BadRegion { .. } => "set AWS_REGION, or `region` in the profile, to a name such as eu-west-1",
            Self::OtherRegion { right: Some(region), .. } => {
                return vec![format!("set AWS_REGION={region}")];
            }
            Self::OtherRegion { .. } => "set AWS_REGION to the region it is in",
            Self::Throttled { .. } => "try again in a minute; running fewer jobs at the same time also helps",
            Self::Quota { .. } => {
                "nothing was started; wait for other builds to finish, or request a higher quota in Service Quotas"
            }
            Self::Missing { .. } => "check the name, AWS_REGION and the account",
            Self::Invalid { .. } => "nothing was changed; correct the request as the message says",
            Self::Address { .. } => "unset it, or set it to https://HOST; plain http is for this machine only",
            Self::Unreachable { source, .. } => return source.hints(),
            Self::Answer { .. } => "try again later; the usual cause is a proxy in between",
        };
        vec![hint.to_owned()]
    }
}

/// See <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>.
const UNLISTED: &str =
    "without s3:ListBucket on the bucket, S3 gives the same answer for an object that does not exist";

fn statement_hint(target: &str, need: &Need) -> String {
    format!("add this statement to the {target}:\n{}", policy(std::slice::from_ref(need)))
}

fn reason_anonymous(configured: bool) -> &'static str {
    if configured { "`anonymous=true` is set" } else { "no AWS credentials were found" }
}

fn other_region(region: Option<&str>) -> String {
    region.map_or_else(String::new, |region| format!(", but in {region}"))
}
