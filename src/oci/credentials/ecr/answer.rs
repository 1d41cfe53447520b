//! The token in the response of ECR's API.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::super::config::decoded;
use super::super::{Credential, Found, Secret};

/// The name of the source in messages.
const SOURCE: &str = "Amazon ECR (GetAuthorizationToken)";

/// A token is renewed this long before it expires, so that it lasts for a request that starts now.
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

/// The response; the public service has one object, the private one a list.
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

/// Parses the response.
///
/// # Errors
/// The problem.
pub(super) fn read(answer: &[u8]) -> Result<Token, String> {
    let body: Body = serde_json::from_slice(answer).map_err(|_| "it holds no token")?;
    let data = match body.data {
        OneOrMore::One(data) => Some(data),
        OneOrMore::More(list) => list.into_iter().next(),
    };
    let data = data.ok_or("it holds no token")?;
    let (user, password) = decoded(&data.token).map_err(|_| "its token is not `user:password` in base64")?;
    // With an invalid time, the token is used only once.
    let expires = Timestamp::from_second(data.expires as i64).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(Token { user, password: Secret::new(password), expires })
}
