//! What ECR's API answers: a token, or why there is none.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::super::config::decoded;
use super::super::said::said;
use super::super::{Credential, Error, Found, Secret};
use crate::net::Answer;

/// What messages call the source.
const SOURCE: &str = "Amazon ECR (GetAuthorizationToken)";

/// A token is asked for anew this long before its end, so that it lasts for what begins now.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

/// A password for the registries of a region.
#[derive(Debug, Clone)]
pub(super) struct Token {
    user: String,
    password: Secret,
    expires: Timestamp,
}

impl Token {
    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        now.duration_until(self.expires) > SPARE
    }

    pub(super) fn found(&self) -> Found {
        let credential = Credential::Basic { user: self.user.clone(), password: self.password.clone() };
        Found { credential, source: SOURCE.to_owned() }
    }
}

/// The answer; the public service has one object where the private one has a list.
#[derive(Deserialize)]
struct Body {
    #[serde(rename = "authorizationData")]
    data: OneOrMore,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(Data),
    More(Vec<Data>),
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "authorizationToken")]
    token: String,
    /// Seconds since 1970, with fractions.
    #[serde(rename = "expiresAt", default)]
    expires: f64,
}

/// The answer that refuses.
#[derive(Default, Deserialize)]
struct Refusal {
    #[serde(rename = "__type", default)]
    code: String,
    #[serde(alias = "Message", default)]
    message: String,
}

/// Reads the answer. Of a refusal, only the text about permissions is shown: the one about signatures holds the request.
pub(super) fn read(answer: &Answer, action: &'static str) -> Result<Token, Error> {
    if answer.status == 200 {
        let unfit = |reason: &str| Error::EcrAnswer { reason: reason.to_owned() };
        let body: Body = serde_json::from_slice(&answer.body).map_err(|_| unfit("it holds no token"))?;
        let data = match body.data {
            OneOrMore::One(data) => Some(data),
            OneOrMore::More(list) => list.into_iter().next(),
        };
        let data = data.ok_or_else(|| unfit("it holds no token"))?;
        let (user, password) = decoded(&data.token).map_err(|_| unfit("its token is not `user:password` in base64"))?;
        // A time that cannot be means that the token serves once.
        let expires = Timestamp::from_second(data.expires as i64).unwrap_or(Timestamp::UNIX_EPOCH);
        return Ok(Token { user, password: Secret::new(password), expires });
    }
    let refusal: Refusal = serde_json::from_slice(&answer.body).unwrap_or_default();
    let code = refusal.code.rsplit('#').next().unwrap_or_default();
    let code: String = code.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
    Err(match code.as_str() {
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => {
            Error::EcrDenied { action, said: said(refusal.message.as_bytes()) }
        }
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => Error::AwsExpired,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException" => Error::AwsRefused { code },
        "" => Error::EcrAnswer { reason: format!("the status is {}", answer.status) },
        _ => Error::EcrAnswer { reason: format!("{code} with status {}", answer.status) },
    })
}
