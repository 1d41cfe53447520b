//! One file of credentials: docker's `config.json`, podman's `auth.json`. Its errors name a line or an entry, never the
//! contents.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;

use super::keys::closest;
use super::{Credential, Error, Secret};
use crate::model::Repository;

/// Base64 with or without padding: tools differ.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The contents of a file
/// (<https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties>); other keys
/// are docker's settings.
#[derive(Default, Deserialize)]
pub(super) struct Config {
    auths: Option<BTreeMap<String, Option<Entry>>>,
    #[serde(rename = "credHelpers")]
    helpers: Option<BTreeMap<String, String>>,
    #[serde(rename = "credsStore")]
    store: Option<String>,
}

/// One entry of `auths`.
#[derive(Default, Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(rename = "identitytoken")]
    identity: Option<String>,
    #[serde(rename = "registrytoken")]
    registry: Option<String>,
}

/// The next step to find a credential.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Take(Credential),
    /// Run the helper with this name.
    Ask {
        /// The name after `docker-credential-`.
        helper: String,
        /// The key that names it.
        setting: &'static str,
    },
}

impl Config {
    /// Parses a file; an empty one is allowed, as for docker.
    pub(super) fn parse(text: &[u8], file: &str) -> Result<Self, Error> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        // The message of serde may contain a secret value.
        serde_json::from_slice(text).map_err(|error| Error::FileBroken {
            file: file.to_owned(),
            line: error.line(),
            column: error.column(),
        })
    }

    /// Removes the credential helpers.
    pub(super) fn without_helpers(self) -> Self {
        Self { auths: self.auths, ..Self::default() }
    }

    /// Lists the steps that may lead to a credential for the repository, best first.
    pub(super) fn steps(&self, repository: &Repository, file: &str) -> Result<Vec<Step>, Error> {
        let mut steps = Vec::new();
        let own = self.helpers.as_ref().and_then(|helpers| closest(helpers, repository, |_| true));
        // docker: an empty name in `credHelpers` means none, even if `credsStore` is set.
        let helper = own.map(|(_, helper)| helper.clone()).filter(|helper| !helper.is_empty());
        steps.extend(helper.map(|helper| Step::Ask { helper, setting: "credHelpers" }));
        let says = |entry: &Option<Entry>| entry.as_ref().is_some_and(Entry::says);
        if let Some((key, Some(entry))) = self.auths.as_ref().and_then(|auths| closest(auths, repository, says)) {
            let credential = entry.credential();
            let broken = |reason| Error::EntryBroken { file: file.to_owned(), key: key.to_owned(), reason };
            steps.push(Step::Take(credential.map_err(broken)?));
        }
        let store = self.store.clone().filter(|store| own.is_none() && !store.is_empty());
        steps.extend(store.map(|helper| Step::Ask { helper, setting: "credsStore" }));
        Ok(steps)
    }
}

impl Entry {
    /// Returns true if the entry is not empty; docker leaves empty entries for credentials in helpers.
    fn says(&self) -> bool {
        let fields = [&self.auth, &self.password, &self.identity, &self.registry];
        fields.iter().any(|field| field.as_ref().is_some_and(|text| !text.is_empty()))
    }

    /// Parses the entry. Tokens take precedence over passwords, and `auth` over `username`, as in docker.
    fn credential(&self) -> Result<Credential, &'static str> {
        let text = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = text(&self.registry) {
            return Ok(Credential::Bearer { token: Secret::new(token) });
        }
        if let Some(token) = text(&self.identity) {
            return Ok(Credential::Refresh { token: Secret::new(token) });
        }
        let (user, password) = match text(&self.auth) {
            Some(auth) => decoded(&auth)?,
            None => (text(&self.username).unwrap_or_default(), text(&self.password).unwrap_or_default()),
        };
        if user.is_empty() {
            return Err("has a password but no user");
        }
        Ok(Credential::Basic { user, password: Secret::new(password) })
    }
}

/// Decodes base64 of `user:password`; the password may contain colons.
pub(super) fn decoded(auth: &str) -> Result<(String, String), &'static str> {
    let bytes = BASE64.decode(auth.trim()).map_err(|_| "has an `auth` that is not base64")?;
    let text = String::from_utf8(bytes).map_err(|_| "has an `auth` that is not UTF-8 inside")?;
    let (user, password) = text.split_once(':').ok_or("has an `auth` without a colon inside")?;
    // Old versions of docker padded the text with zeros.
    Ok((user.to_owned(), password.trim_end_matches('\0').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "/root/.docker/config.json";

    fn steps(text: &str, name: &str) -> Result<Vec<Step>, Error> {
        Config::parse(text.as_bytes(), FILE)?.steps(&name.parse().unwrap(), FILE)
    }

    fn basic(user: &str, password: &str) -> Step {
        Step::Take(Credential::Basic { user: user.to_owned(), password: Secret::new(password) })
    }

    fn ask(helper: &str, setting: &'static str) -> Step {
        Step::Ask { helper: helper.to_owned(), setting }
    }

    #[test]
    fn every_way_to_write_a_credential_is_read() {
        let token = |text: &str| Secret::new(text);
        for (entry, expected) in [
            (r#"{"auth": "YWxpY2U6czNjcmV0"}"#, Some(basic("alice", "s3cret"))),
            (r#"{"auth": "YWxpY2U6YTpiOmM="}"#, Some(basic("alice", "a:b:c"))),
            (r#"{"auth": "YWxpY2U6YTpiOmM"}"#, Some(basic("alice", "a:b:c"))),
            (r#"{"auth": "YWxpY2U6czNjcmV0AAA="}"#, Some(basic("alice", "s3cret"))),
            (r#"{"auth": "YWxpY2U6"}"#, Some(basic("alice", ""))),
            (r#"{"username": "alice", "password": "p"}"#, Some(basic("alice", "p"))),
            (r#"{"auth": "YWxpY2U6czNjcmV0", "username": "bob", "password": "p"}"#, Some(basic("alice", "s3cret"))),
            (r#"{"auth": "MDA6", "identitytoken": "I"}"#, Some(Step::Take(Credential::Refresh { token: token("I") }))),
            (r#"{"registrytoken": "R", "email": 1}"#, Some(Step::Take(Credential::Bearer { token: token("R") }))),
            (r#"{"auth": "", "email": "a@b"}"#, None),
            ("{}", None),
            ("null", None),
        ] {
            let text = format!(r#"{{"auths": {{"quay.io": {entry}}}, "HttpHeaders": {{}}}}"#);
            assert_eq!(steps(&text, "quay.io/a").unwrap(), Vec::from_iter(expected), "{entry}");
        }
        for text in ["", " \n", "{}", r#"{"auths": null, "credHelpers": null, "credsStore": ""}"#] {
            assert_eq!(steps(text, "quay.io/a").unwrap(), [], "{text}");
        }
    }

    #[test]
    fn helpers_and_entries_come_in_their_order() {
        let text = r#"{
            "auths": {"quay.io": {"auth": "YWxpY2U6cA=="}, "docker.io": {}},
            "credHelpers": {"quay.io": "quay", "ghcr.io": "", "index.docker.io": "hub"},
            "credsStore": "desktop"
        }"#;
        for (name, expected) in [
            ("quay.io/a", vec![ask("quay", "credHelpers"), basic("alice", "p")]),
            ("ghcr.io/a", vec![]),
            ("debian", vec![ask("hub", "credHelpers")]),
            ("gcr.io/a", vec![ask("desktop", "credsStore")]),
        ] {
            assert_eq!(steps(text, name).unwrap(), expected, "{name}");
        }
        let plain = Config::parse(text.as_bytes(), FILE).unwrap().without_helpers();
        assert_eq!(plain.steps(&"quay.io/a".parse().unwrap(), FILE).unwrap(), [basic("alice", "p")]);
    }

    #[test]
    fn what_is_broken_is_named_without_its_contents() {
        for (text, said) in [
            ("{\n\"auths\": {\"quay.io\": {\"auth\": \"SECRET\",}}}", "line 2, column 40"),
            ("{\n\"auths\": \"SECRET\"}", "line 2"),
            ("{\n\n\"auths\": {\"quay.io\": {\"auth\": [\"SECRET\"]}}}", "line 3"),
            ("{\"auths\": {\"quay.io\": {\"auth\": \"SECRET!\"}}}", "not base64"),
            ("{\"auths\": {\"quay.io\": {\"auth\": \"U0VDUkVU\"}}}", "without a colon"),
            ("{\"auths\": {\"quay.io\": {\"auth\": \"//86Yg==\"}}}", "not UTF-8"),
            ("{\"auths\": {\"quay.io\": {\"auth\": \"OlNFQ1JFVA==\"}}}", "no user"),
            ("{\"auths\": {\"quay.io\": {\"password\": \"SECRET\"}}}", "no user"),
        ] {
            let error = steps(text, "quay.io/a").expect_err(text);
            let printed = format!("{error} {error:?}");
            assert!(printed.contains(said) && printed.contains(FILE), "{printed} lacks {said}");
            assert!(!printed.contains("SECRET") && !printed.contains("U0VDUkVU"), "{printed}");
        }
    }
}
