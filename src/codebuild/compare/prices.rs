//! The cost of a build, from a built-in table of prices and one from the user. A price that is in neither is never
//! guessed.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::super::build::{Build, Environment};
use super::Error;
use super::billing::{Unit, work};
use crate::fs::{Cause, Within, read};
use crate::text::excerpt;

/// The largest file of prices, in bytes.
const LARGEST: u64 = 1 << 20;

/// A table of prices.
#[derive(Debug, Clone, PartialEq)]
pub struct Prices(Vec<Rates>);

/// The prices of one kind of environment in one region.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rates {
    region: String,
    environment: String,
    unit: UnitName,
    /// The source of these prices.
    source: String,
    /// The date of the prices: `2026-01`.
    date: String,
    /// The site that quoted them, if not the source itself.
    #[serde(default)]
    seen: Option<String>,
    /// US dollars per unit, by compute type.
    usd: BTreeMap<String, f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnitName {
    Minute,
    Second,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    price: Vec<Rates>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Price {
    /// US dollars per unit.
    pub usd: f64,
    pub unit: Unit,
    /// The source of the price.
    pub source: String,
    /// The date of the price: `2026-01`.
    pub date: String,
    /// The site that quoted it, if not the source itself.
    pub seen: Option<String>,
}

impl Price {
    /// Returns the cost of a build in US dollars.
    #[must_use]
    pub fn of(&self, build: &Build) -> f64 {
        self.usd * f64::from(self.unit.count(work(build)))
    }
}

impl Prices {
    /// Returns the built-in table.
    #[must_use]
    pub fn own() -> Self {
        let file: Result<File, _> = toml::from_str(include_str!("prices.toml"));
        Self(file.expect("a test reads this file").price)
    }

    /// Adds a file of the same form, whose prices take precedence.
    ///
    /// # Errors
    /// When the file cannot be read or has another form.
    pub fn with_file(mut self, path: &Path, within: Within<'_>) -> Result<Self, Error> {
        let bad = |reason: String| Error::BadPrices { path: path.to_owned(), reason };
        let bytes = read(path, within, LARGEST).map_err(|error| match error.source {
            Cause::TooLarge { .. } => bad("it is too large for one".to_owned()),
            source => Error::UnreadPrices { path: path.to_owned(), source },
        })?;
        let text = String::from_utf8(bytes).map_err(|_| bad("it is not UTF-8".to_owned()))?;
        let file: File = toml::from_str(&text).map_err(|error| bad(excerpt(error.message().as_bytes())))?;
        for rates in &file.price {
            let wrong = rates.usd.iter().find(|(_, usd)| !usd.is_finite() || **usd < 0.0);
            if let Some((compute, usd)) = wrong {
                return Err(bad(format!("{usd} is not a price for {}", excerpt(compute.as_bytes()))));
            }
        }
        self.0.splice(0..0, file.price);
        Ok(self)
    }

    /// Finds the price of an environment in a region. A build on a reserved fleet has none: the fleet costs the same
    /// whether it builds or not.
    #[must_use]
    pub fn find(&self, region: &str, environment: &Environment) -> Option<Price> {
        if environment.fleet.is_some() {
            return None;
        }
        let rates = self.0.iter().filter(|rates| rates.region == region && rates.environment == environment.kind);
        rates.into_iter().find_map(|rates| {
            let usd = *rates.usd.get(&environment.compute)?;
            let unit = if rates.unit == UnitName::Minute { Unit::Minute } else { Unit::Second };
            let Rates { source, date, seen, .. } = rates.clone();
            Some(Price { usd, unit, source, date, seen })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(kind: &str, compute: &str) -> Environment {
        Environment { kind: kind.to_owned(), compute: compute.to_owned(), ..Environment::default() }
    }

    #[test]
    fn a_price_is_of_a_region_a_kind_and_a_size() {
        let prices = Prices::own();
        for (region, kind, compute, expected) in [
            ("us-east-1", "LINUX_CONTAINER", "BUILD_GENERAL1_SMALL", Some((0.005, Unit::Minute))),
            ("us-east-1", "ARM_CONTAINER", "BUILD_GENERAL1_SMALL", Some((0.0034, Unit::Minute))),
            ("ap-northeast-1", "ARM_CONTAINER", "BUILD_GENERAL1_SMALL", Some((0.00425, Unit::Minute))),
            ("us-east-1", "ARM_LAMBDA_CONTAINER", "BUILD_LAMBDA_1GB", Some((0.00001, Unit::Second))),
            ("us-east-1", "ARM_CONTAINER", "BUILD_GENERAL1_2XLARGE", None),
            ("us-east-1", "ARM_EC2", "BUILD_GENERAL1_SMALL", None),
            ("eu-west-1", "LINUX_CONTAINER", "BUILD_GENERAL1_SMALL", None),
        ] {
            let found = prices.find(region, &environment(kind, compute));
            assert_eq!(found.map(|price| (price.usd, price.unit)), expected, "{region} {kind} {compute}");
        }
    }

    #[test]
    fn every_price_in_the_program_has_a_source_a_date_and_the_unit_that_aws_charges_by() {
        for rates in Prices::own().0 {
            assert!(rates.source.starts_with("https://aws.amazon.com/"), "{rates:?}");
            assert!(!rates.date.is_empty() && rates.seen.is_some(), "{rates:?}");
            let unit = if rates.unit == UnitName::Minute { Unit::Minute } else { Unit::Second };
            assert_eq!(unit, Unit::of(&rates.environment), "{rates:?}");
            assert!(rates.usd.values().all(|usd| *usd > 0.0 && *usd < 1.0), "{rates:?}");
        }
    }

    #[test]
    fn a_file_goes_before_the_table_and_adds_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.toml");
        std::fs::write(
            &path,
            "[[price]]\nregion = \"us-east-1\"\nenvironment = \"ARM_CONTAINER\"\nunit = \"minute\"\n\
             source = \"our contract\"\ndate = \"2026-11\"\nusd = { BUILD_GENERAL1_SMALL = 0.003 }\n",
        )
        .unwrap();
        let prices = Prices::own().with_file(&path, Within::Anywhere).unwrap();
        let small = prices.find("us-east-1", &environment("ARM_CONTAINER", "BUILD_GENERAL1_SMALL")).unwrap();
        assert_eq!((small.usd, small.source.as_str()), (0.003, "our contract"));
        let medium = prices.find("us-east-1", &environment("ARM_CONTAINER", "BUILD_GENERAL1_MEDIUM")).unwrap();
        assert_eq!(medium.usd, 0.007);
    }

    #[test]
    fn a_file_that_is_no_table_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("prices.toml");
        let table = |usd: &str| {
            format!(
                "[[price]]\nregion = \"r\"\nenvironment = \"E\"\nunit = \"minute\"\nsource = \"s\"\ndate = \"d\"\n\
                 usd = {{ S = {usd} }}\n"
            )
        };
        for (text, expected) in [
            ("prize = 1".to_owned(), "unknown field `prize`"),
            (table("-1.0"), "-1 is not a price for S"),
            (table("nan"), "NaN is not a price for S"),
            (table("1.0").replace("minute", "hour"), "unknown variant `hour`"),
            (table("\"a\""), "invalid type"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Prices::own().with_file(&path, Within::Anywhere).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        std::fs::write(&path, b"\xff").unwrap();
        assert!(matches!(Prices::own().with_file(&path, Within::Anywhere), Err(Error::BadPrices { .. })));
        let gone = Prices::own().with_file(&folder.path().join("gone.toml"), Within::Anywhere);
        assert!(matches!(gone, Err(Error::UnreadPrices { .. })));
    }
}
