//! Why AWS did not do what it was asked to.

use crate::model::{Explain, Kind, said};
use crate::net;

use super::Need;
use super::permission::policy;

/// What AWS says itself, on one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Said(String);

impl Said {
    /// Takes the text of an answer; none when it is empty.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = said(text.as_bytes());
        (!text.is_empty()).then_some(Self(text))
    }
}

/// Why AWS did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot speak to AWS.
    #[error("{what} needs AWS, and this toolkit was built without AWS support")]
    NotBuilt {
        /// What was asked for.
        what: String,
    },
    /// No credentials are there.
    #[error("no AWS credentials were found, and {service} needs them")]
    NoCredentials {
        /// The service.
        service: &'static str,
    },
    /// Credentials should be there, and cannot be had.
    #[error("could not get AWS credentials: {reason}")]
    BrokenCredentials {
        /// What the SDK says.
        reason: String,
    },
    /// The credentials are too old.
    #[error("the AWS credentials have expired")]
    ExpiredCredentials,
    /// The credentials are wrong.
    #[error("{service} rejects the AWS credentials ({code})")]
    RefusedCredentials {
        /// The service.
        service: &'static str,
        /// The name of the error.
        code: String,
    },
    /// The clock of this machine is wrong, by which signatures are made.
    #[error("{service} rejects the time of the request ({code})")]
    Clock {
        /// The service.
        service: &'static str,
        /// The name of the error.
        code: String,
    },
    /// A permission is missing.
    #[error("AWS denies {} on {}", need.action, need.resource)]
    Denied {
        /// What was to be allowed.
        need: Need,
        /// What AWS says, where it says something.
        source: Option<Said>,
        /// The kind of policy that denies it in so many words, where AWS says so: `service control policy`.
        explicit: Option<String>,
    },
    /// A permission is missing, and nobody was named who might have it.
    #[error("AWS denies {} on {} to anonymous requests; {}", need.action, need.resource, nobody(*asked))]
    Anonymous {
        /// What was to be allowed.
        need: Need,
        /// Whether somebody wanted it to be asked like that; else no credentials were found.
        asked: bool,
        /// What AWS says, where it says something.
        source: Option<Said>,
    },
    /// Somebody else wrote first.
    #[error("{what} was changed by another writer in the meantime")]
    Condition {
        /// What was to be written.
        what: String,
    },
    /// A key of KMS may not be used, with which what was asked for is encrypted.
    #[error("AWS denies {} on the key {}, which encrypts {what}", need.action, need.resource)]
    KeyDenied {
        /// What was to be allowed.
        need: Need,
        /// What the key encrypts.
        what: String,
        /// What AWS says, where it says something.
        source: Option<Said>,
    },
    /// Nobody said where.
    #[error("no AWS region is set, and {service} needs one")]
    NoRegion {
        /// The service.
        service: &'static str,
    },
    /// A region that is none.
    #[error("`{text}` is not an AWS region")]
    BadRegion {
        /// What was given.
        text: String,
    },
    /// The thing lies in another region.
    #[error("{what} is not in {asked}{}", elsewhere(right.as_deref()))]
    OtherRegion {
        /// What was asked for.
        what: String,
        /// The region that was asked.
        asked: String,
        /// The region that it is in, where AWS says so.
        right: Option<String>,
    },
    /// Too many requests.
    #[error("{service} is throttling requests ({code}); {attempts} attempts were made")]
    Throttled {
        /// The service.
        service: &'static str,
        /// The name of the error.
        code: String,
        /// How many times it was asked.
        attempts: u32,
    },
    /// A quota of the account is used up.
    #[error("{service} refuses {action}: a quota of the account is used up ({code})")]
    Quota {
        /// The service.
        service: &'static str,
        /// What was asked of it: `codebuild:StartBuild`.
        action: String,
        /// The name of the error.
        code: String,
        /// What AWS says, where it says something.
        source: Option<Said>,
    },
    /// There is no such thing.
    #[error("{what} does not exist")]
    Missing {
        /// What was asked for.
        what: String,
        /// What AWS says, where it says something.
        source: Option<Said>,
    },
    /// The request is not as the service wants it.
    #[error("{service} refuses {action} ({code})")]
    Invalid {
        /// The service.
        service: &'static str,
        /// What was asked of it: `codebuild:StartBuild`.
        action: String,
        /// The name of the error.
        code: String,
        /// What AWS says, where it says something.
        source: Option<Said>,
    },
    /// The variable with the address of a service holds none.
    #[error("{variable} is not the URL of a server")]
    Address {
        /// The variable.
        variable: String,
    },
    /// The service was not reached.
    #[error("could not reach {service}")]
    Unreachable {
        /// The service.
        service: &'static str,
        /// Why.
        source: Box<net::Error>,
    },
    /// The service answered in another way than documented, or had a fault of its own.
    #[error("{service} sent an unexpected response: {reason}")]
    Answer {
        /// The service.
        service: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// Takes what [`net`] says of a request to S3: the error that an authorizer found in it, or that S3 was not reached.
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

    /// Returns true if the same request may well be answered later: too many requests, a connection that broke, a fault of
    /// the service.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Throttled { .. } | Self::Answer { .. } => true,
            Self::Unreachable { source, .. } => matches!(**source, net::Error::GaveUp { .. }),
            _ => false,
        }
    }

    /// Returns true if other credentials, which may be there by now, would help.
    #[must_use]
    pub fn wants_credentials(&self) -> bool {
        matches!(self, Self::ExpiredCredentials)
    }
}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotBuilt { .. } | Self::NoRegion { .. } | Self::BadRegion { .. } => Kind::Usage,
            Self::Address { .. } | Self::Invalid { .. } => Kind::Usage,
            Self::NoCredentials { .. } | Self::BrokenCredentials { .. } | Self::ExpiredCredentials => Kind::Machine,
            Self::Unreachable { source, .. } => source.kind(),
            _ => Kind::Upstream,
        }
    }

    fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::NotBuilt { .. } => "use a toolkit with AWS support: the default build has it (Cargo feature `aws`)",
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
                let mut hints = vec![pasted("policy of the role or user that makes the request", need)];
                if need.action == "s3:GetObject" {
                    hints.push(UNLISTED.to_owned());
                }
                return hints;
            }
            Self::Anonymous { asked: true, .. } => "remove `anonymous=true` to use the AWS credentials",
            Self::Anonymous { asked: false, .. } => {
                "set AWS_PROFILE or AWS_ACCESS_KEY_ID, log in with `aws sso login`, or give the build or instance a role"
            }
            Self::Condition { .. } => {
                "nothing was overwritten; run the command again when the other writer has finished"
            }
            Self::KeyDenied { need, .. } => {
                return vec![
                    pasted("policy of the role or user that makes the request", need),
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

fn pasted(place: &str, need: &Need) -> String {
    format!("add this statement to the {place}:\n{}", policy(std::slice::from_ref(need)))
}

fn nobody(asked: bool) -> &'static str {
    if asked { "`anonymous=true` is set" } else { "no AWS credentials were found" }
}

fn elsewhere(region: Option<&str>) -> String {
    region.map_or_else(String::new, |region| format!(", but in {region}"))
}
