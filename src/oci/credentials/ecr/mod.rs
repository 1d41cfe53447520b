//! Amazon ECR: recognizes its registries, and gets their tokens from its API, with the credentials that the AWS SDK
//! finds. Credentials are looked up only for registries of ECR.

use async_trait::async_trait;

use super::{Error, Found, Keychain};
#[cfg(not(feature = "aws"))]
use crate::aws;
use crate::host::Host;
use crate::model::Repository;
use crate::net;

#[cfg(feature = "aws")]
mod answer;
#[cfg(feature = "aws")]
mod api;

/// Gets passwords of registries from ECR's API.
#[derive(Debug)]
pub(super) struct Ecr {
    #[cfg(feature = "aws")]
    api: api::Api,
}

/// A registry of ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Registry {
    /// True for the public registry.
    public: bool,
    /// Its region; for the public registry, the region of the API.
    region: String,
    /// The host of the API.
    api: String,
}

impl Registry {
    /// Parses the name of a registry, as `docker-credential-ecr-login` does; none for other registries. The endpoints
    /// are those of <https://docs.aws.amazon.com/general/latest/gr/ecr.html>.
    fn parse(name: &str) -> Option<Self> {
        if matches!(name, "public.ecr.aws" | "ecr-public.aws.com") {
            // The public registry has its login API only in this region.
            let (region, api) = ("us-east-1".to_owned(), "api.ecr-public.us-east-1.amazonaws.com".to_owned());
            return Some(Self { public: true, region, api });
        }
        let (account, rest) = name.split_once('.')?;
        let (service, rest) = ["dkr.ecr-fips.", "dkr-ecr-fips.", "dkr.ecr.", "dkr-ecr."]
            .iter()
            .find_map(|service| Some((service, rest.strip_prefix(service)?)))?;
        let (region, suffix) = rest.split_once('.')?;
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if account.len() != 12 || !account.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        if region.is_empty() || !region.chars().all(letters) {
            return None;
        }
        let fips = service.contains("fips");
        let api = match (suffix, fips) {
            ("amazonaws.com" | "amazonaws.com.cn", false) => format!("api.ecr.{region}.{suffix}"),
            ("amazonaws.com", true) => format!("ecr-fips.{region}.amazonaws.com"),
            ("on.aws", false) => format!("ecr.{region}.api.aws"),
            ("on.aws", true) => format!("ecr-fips.{region}.api.aws"),
            ("on.amazonwebservices.com.cn", false) => format!("ecr.{region}.api.amazonwebservices.com.cn"),
            _ => return None,
        };
        Some(Self { public: false, region: region.to_owned(), api })
    }
}

#[cfg(feature = "aws")]
impl Ecr {
    pub(super) fn new(host: &Host, client: &net::Client) -> Self {
        Self { api: api::Api::new(host, client) }
    }
}

/// Recognizes a registry of Amazon ECR by its host: returns whether it is the public one, and the region of its API.
#[must_use]
pub fn place_of(host: &str) -> Option<(bool, String)> {
    Registry::parse(host).map(|registry| (registry.public, registry.region))
}

#[cfg(feature = "aws")]
#[async_trait]
impl Keychain for Ecr {
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error> {
        match Registry::parse(&repository.registry) {
            Some(registry) => self.api.find(&registry).await,
            None => Ok(None),
        }
    }

    fn reason_anonymous(&self, repository: &Repository) -> Option<String> {
        self.api.reason_anonymous(&Registry::parse(&repository.registry)?)
    }
}

#[cfg(not(feature = "aws"))]
impl Ecr {
    pub(super) fn new(_: &Host, _: &net::Client) -> Self {
        Self {}
    }
}

/// A private registry always requires a password, so this error is clearer than a 401 without a reason; the public one
/// can be read without.
#[cfg(not(feature = "aws"))]
#[async_trait]
impl Keychain for Ecr {
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error> {
        match Registry::parse(&repository.registry) {
            Some(Registry { public: false, .. }) => {
                Err(aws::Error::NotBuilt { what: "a registry of Amazon ECR".to_owned() }.into())
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_and_the_api_come_from_the_name() {
        for (name, expected) in [
            ("111122223333.dkr.ecr.eu-central-1.amazonaws.com", "eu-central-1 api.ecr.eu-central-1.amazonaws.com"),
            ("111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1 api.ecr.cn-north-1.amazonaws.com.cn"),
            ("111122223333.dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1 ecr-fips.us-east-1.amazonaws.com"),
            ("111122223333.dkr-ecr.us-west-2.on.aws", "us-west-2 ecr.us-west-2.api.aws"),
            ("111122223333.dkr-ecr-fips.us-west-2.on.aws", "us-west-2 ecr-fips.us-west-2.api.aws"),
            (
                "111122223333.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn",
                "cn-north-1 ecr.cn-north-1.api.amazonwebservices.com.cn",
            ),
            ("public.ecr.aws", "us-east-1 api.ecr-public.us-east-1.amazonaws.com"),
        ] {
            let registry = Registry::parse(name).unwrap_or_else(|| panic!("{name} is of ECR"));
            assert_eq!(format!("{} {}", registry.region, registry.api), expected);
            assert_eq!(registry.public, name.starts_with("public"));
        }
    }

    #[test]
    fn names_that_only_look_like_ecr_are_not_told_anything() {
        for name in [
            "ghcr.io",
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com.evil.example",
            "111122223333.dkr.ecr.eu-central-1.amazonaws.com:8443",
            "11112222333.dkr.ecr.eu-central-1.amazonaws.com",
            "11112222333a.dkr.ecr.eu-central-1.amazonaws.com",
            "111122223333.dkr.ecr..amazonaws.com",
            "111122223333.dkr.ecr.eu_central.amazonaws.com",
            "111122223333.dkr.ecr.eu-central-1.evil.example",
            "evil.111122223333.dkr.ecr.eu-central-1.amazonaws.com",
            "public.ecr.aws.evil.example",
        ] {
            assert_eq!(Registry::parse(name), None, "{name}");
        }
    }
}
