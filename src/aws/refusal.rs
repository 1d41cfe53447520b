//! Converts errors of AWS services, whatever their protocol.

use super::{AwsMessage, Error, Need, Service};

#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The HTTP status; 0 where it is not known.
    pub status: u16,
    /// The error code: `AccessDeniedException`; empty if there is none.
    pub code: &'a str,
    pub message: &'a str,
    /// The number of attempts.
    pub attempts: u32,
}

/// Converts an error response. `what` names the requested resource for users: "the project `web`".
#[must_use]
pub fn classify(service: Service, need: &Need, what: &str, refusal: Refusal<'_>) -> Error {
    let name = service.name;
    // `com.amazonaws.codebuild#ThrottlingException:http://…` in some protocols.
    let code = refusal.code.rsplit('#').next().unwrap_or_default().split(':').next().unwrap_or_default();
    let code: String = code.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '.').take(64).collect();
    let message = refusal.message;
    match code.as_str() {
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "AllAccessDisabled" | "Forbidden" => {
            denied(need, what, message)
        }
        "KMSAccessDeniedException" | "KMS.AccessDeniedException" => denied_key(need, what, message),
        // Messages about signatures repeat the request, and are never shown.
        "ExpiredTokenException" | "ExpiredToken" | "TokenRefreshRequired" | "ExpiredTokenError" => {
            Error::ExpiredCredentials
        }
        "RequestExpired" | "RequestTimeTooSkewed" | "RequestInTheFuture" => Error::Clock { service: name, code },
        "InvalidSignatureException" if refusal.message.starts_with("Signature expired") => {
            Error::Clock { service: name, code }
        }
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidAccessKeyId"
        | "InvalidToken"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken"
        | "AuthFailure"
        | "OptInRequired" => Error::RefusedCredentials { service: name, code },
        "ThrottlingException"
        | "Throttling"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "BandwidthLimitExceeded"
        | "LimitExceededException"
        | "PriorRequestNotComplete"
        | "TransactionInProgressException"
        | "SlowDown" => Error::Throttled { service: name, code, attempts: refusal.attempts },
        "ResourceNotFoundException" | "NoSuchBucket" | "NoSuchKey" | "NoSuchUpload" | "NotFound" | "NoSuchEntity" => {
            Error::Missing { what: what.to_owned(), source: AwsMessage::new(message) }
        }
        // The limit of concurrent builds: fewer requests do not help, but the end of other builds does.
        "AccountLimitExceededException" => {
            Error::Quota { service: name, action: need.action.clone(), code, source: AwsMessage::new(message) }
        }
        "" => by_status(service, need, what, refusal),
        _ if (400..500).contains(&refusal.status) || refusal.status == 0 => {
            Error::Invalid { service: name, action: need.action.clone(), code, source: AwsMessage::new(message) }
        }
        _ => Error::Answer { service: name, reason: format!("{code} with status {}", refusal.status) },
    }
}

/// A response without an error code: to HEAD, or from a proxy.
fn by_status(service: Service, need: &Need, what: &str, refusal: Refusal<'_>) -> Error {
    match refusal.status {
        401 | 403 => denied(need, what, ""),
        // Elsewhere it means that the response is not from AWS.
        404 if service == Service::S3 => Error::Missing { what: what.to_owned(), source: None },
        429 => Error::Throttled {
            service: service.name,
            code: "429 Too Many Requests".to_owned(),
            attempts: refusal.attempts,
        },
        status => Error::Answer { service: service.name, reason: format!("status {status}") },
    }
}

/// Parses the message of a denial: it often names the action and the resource, and sometimes a KMS key that the request
/// did not mention (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>).
fn denied(need: &Need, what: &str, message: &str) -> Error {
    let action = message.split_once("is not authorized to perform: ").map(|(_, rest)| word(rest));
    if action.is_some_and(|action| action.starts_with("kms:")) {
        return denied_key(need, what, message);
    }
    let resource =
        message.split_once(" on resource: ").map(|(_, rest)| word(rest)).filter(|text| text.starts_with("arn:"));
    let resource = resource.map_or_else(|| need.resource.clone(), |resource| narrowed(&need.resource, resource));
    let need = Need::new(action.unwrap_or(&need.action), resource);
    let explicit = message.split_once("with an explicit deny in a").map(|(_, rest)| {
        let rest = rest.strip_prefix('n').unwrap_or(rest).trim_start();
        rest.split([':', ',', '.']).next().unwrap_or(rest).trim().to_owned()
    });
    Error::Denied { need, source: AwsMessage::new(message), explicit: explicit.filter(|kind| !kind.is_empty()) }
}

/// Returns the resource to allow: the one that AWS names, unless that is one of many of which the next would be denied, too.
/// Then it is all of them, in the account that AWS names.
fn narrowed(needed: &str, named: &str) -> String {
    let parts = |arn: &str| arn.splitn(6, ':').map(str::to_owned).collect::<Vec<_>>();
    let (mut needed, named_parts) = (parts(needed), parts(named));
    let all = needed.get(5).and_then(|rest| rest.strip_suffix('*'));
    let is_one_of = all.zip(named_parts.get(5)).is_some_and(|(all, one)| one.starts_with(all));
    if !is_one_of {
        return named.to_owned();
    }
    needed[..5].clone_from_slice(&named_parts[..5]);
    needed.join(":")
}

fn denied_key(need: &Need, what: &str, message: &str) -> Error {
    let action = message.split_once("is not authorized to perform: ").map(|(_, rest)| word(rest));
    let key = message.split_once(" on resource: ").map(|(_, rest)| word(rest)).filter(|text| text.starts_with("arn:"));
    // Writing encrypts by a data key, reading decrypts one.
    let usual = if need.action.contains("Put") || need.action.contains("Upload") {
        "kms:GenerateDataKey"
    } else {
        "kms:Decrypt"
    };
    let need = Need::new(action.unwrap_or(usual), key.unwrap_or("arn:aws:kms:*:*:key/*"));
    Error::KeyDenied { need, what: what.to_owned(), source: AwsMessage::new(message) }
}

/// Returns the first word, without what ends a sentence.
fn word(text: &str) -> &str {
    text.split([' ', ',', '"']).next().unwrap_or(text).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    use crate::model::{Explain, Kind};

    fn judge(code: &str, message: &str, status: u16) -> Error {
        let need = Need::new("codebuild:StartBuild", "arn:aws:codebuild:eu-west-1:*:project/web");
        classify(Service::CODEBUILD, &need, "the project `web`", Refusal { status, code, message, attempts: 4 })
    }

    #[test]
    fn a_denial_names_action_and_resource_and_what_to_paste() {
        let message = "User: arn:aws:sts::111122223333:assumed-role/ci/x is not authorized to perform: \
                    codebuild:StartBuild on resource: arn:aws:codebuild:eu-west-1:111122223333:project/web because no \
                    identity-based policy allows the codebuild:StartBuild action";
        let error = judge("AccessDeniedException", message, 400);
        assert_eq!(
            error.to_string(),
            "AWS denies codebuild:StartBuild on arn:aws:codebuild:eu-west-1:111122223333:project/web"
        );
        assert!(error.source().unwrap().to_string().starts_with("User: arn:aws:sts::111122223333:assumed-role/ci/x"));
        assert_eq!(error.kind(), Kind::Upstream);
        assert!(error.hints()[0].contains("\"Resource\": \"arn:aws:codebuild:eu-west-1:111122223333:project/web\""));
        let error = judge("AccessDenied", "Access Denied", 403);
        assert!(error.hints()[0].contains("\"Resource\": \"arn:aws:codebuild:eu-west-1:*:project/web\""));
    }

    #[test]
    fn one_of_many_is_not_all_that_must_be_allowed() {
        let log = "arn:aws:logs:eu-west-1:*:log-group:/aws/codebuild/web:log-stream:*";
        for (needed, named, expected) in [
            ("arn:aws:s3:::b/k/*", "arn:aws:s3:::b/k/go.dev/x", "arn:aws:s3:::b/k/*"),
            ("arn:aws:s3:::b/k/*", "arn:aws:s3:::other/k/x", "arn:aws:s3:::other/k/x"),
            (log, &log.replace('*', "1"), "arn:aws:logs:eu-west-1:1:log-group:/aws/codebuild/web:log-stream:*"),
            (
                "arn:aws:codebuild:r:*:project/web",
                "arn:aws:codebuild:r:1:project/web",
                "arn:aws:codebuild:r:1:project/web",
            ),
            ("*", "arn:aws:codebuild:r:1:project/web", "arn:aws:codebuild:r:1:project/web"),
        ] {
            assert_eq!(narrowed(needed, named), expected);
        }
    }

    #[test]
    fn an_explicit_deny_is_not_mended_by_an_allow() {
        for (end, expected) in [
            ("with an explicit deny in a service control policy", "a service control policy denies"),
            (
                "with an explicit deny in an identity-based policy: arn:aws:iam::1:policy/x",
                "an identity-based policy denies",
            ),
        ] {
            let message =
                format!("User: arn:aws:iam::1:user/u is not authorized to perform: codebuild:StartBuild {end}");
            let hints = judge("AccessDeniedException", &message, 400).hints();
            assert!(hints[0].starts_with(expected), "{hints:?}");
            assert!(!hints[0].contains("Allow\""), "{hints:?}");
        }
    }

    #[test]
    fn a_key_that_is_denied_has_a_message_of_its_own() {
        let message = "User: arn:aws:iam::1:user/u is not authorized to perform: kms:GenerateDataKey on resource: \
                    arn:aws:kms:eu-west-1:1:key/k because no resource-based policy allows it";
        let error = judge("AccessDenied", message, 403);
        assert!(
            error.to_string().starts_with("AWS denies kms:GenerateDataKey on the key arn:aws:kms:eu-west-1:1:key/k,")
        );
    }

    #[test]
    fn each_refusal_has_a_meaning() {
        for (code, message, status, expected) in [
            ("com.amazonaws.codebuild#ThrottlingException", "Rate exceeded", 400, "is throttling requests"),
            ("SlowDown", "", 503, "is throttling requests"),
            ("ExpiredTokenException", "", 400, "have expired"),
            ("RequestTimeTooSkewed", "", 403, "rejects the time"),
            ("InvalidSignatureException", "Signature expired: 1 is now earlier than 2", 400, "rejects the time"),
            ("InvalidSignatureException", "The Canonical String was SECRET", 400, "rejects the AWS credentials"),
            ("ResourceNotFoundException", "Project cannot be found", 400, "the project `web` does not exist"),
            ("InvalidInputException", "Invalid type", 400, "refuses codebuild:StartBuild (InvalidInputException)"),
            ("InternalFailure", "", 500, "InternalFailure with status 500"),
            ("", "", 403, "AWS denies codebuild:StartBuild on arn:"),
            ("", "", 404, "status 404"),
            ("", "", 502, "status 502"),
        ] {
            let text = judge(code, message, status).to_string();
            assert!(text.contains(expected), "{code}: {text}");
            assert!(!text.contains("SECRET"));
        }
    }
}
