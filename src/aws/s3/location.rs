//! The location of a mirror in S3, and the addresses of its objects
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-endpoints.html>).

use std::fmt;
use std::str::FromStr;

use url::Url;

use super::Error;
use crate::aws::partition;
use crate::model::{BadS3Uri, S3Style, S3Uri};

/// The options in the query of a location.
const OPTIONS: [&str; 3] = ["region", "anonymous", "requester-pays"];

/// A bucket, a prefix in it, and how it is read: `s3://bucket/prefix?region=eu-west-1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    pub bucket: String,
    /// The prefix of all keys: empty, or ending with a slash.
    pub prefix: String,
    /// The bucket's region; none for the session's.
    pub region: Option<String>,
    /// True for anonymous requests.
    pub anonymous: bool,
    /// True if the requester pays, as such buckets require
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/RequesterPaysBuckets.html>).
    pub requester_pays: bool,
}

impl FromStr for Location {
    type Err = BadS3Uri;

    fn from_str(text: &str) -> Result<Self, BadS3Uri> {
        Self::from_uri(&text.parse()?)
    }
}

impl Location {
    /// Takes an `s3://` URI with the options in its query.
    ///
    /// # Errors
    /// When it has another form, or unknown options.
    pub fn from_uri(uri: &S3Uri) -> Result<Self, BadS3Uri> {
        let bad = |reason: String| BadS3Uri { text: uri.to_string(), reason };
        let (Some(bucket), S3Style::Cli) = (&uri.bucket, uri.style) else {
            return Err(bad("a mirror in S3 is written s3://bucket/prefix".to_owned()));
        };
        let prefix = uri.key.as_deref().unwrap_or_default().trim_matches('/');
        if prefix.split('/').any(|part| matches!(part, "." | "..")) || prefix.contains('\0') {
            return Err(bad("a part of its prefix is not a file name".to_owned()));
        }
        let mut location = Self {
            bucket: bucket.clone(),
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            region: None,
            anonymous: false,
            requester_pays: false,
        };
        for (name, value) in &uri.query {
            match name.as_str() {
                "region" if is_region(value) => location.region = Some(value.clone()),
                "region" => return Err(bad("its `region` is not valid; an example is eu-west-1".to_owned())),
                "anonymous" => location.anonymous = switch(name, value).map_err(bad)?,
                "requester-pays" => location.requester_pays = switch(name, value).map_err(bad)?,
                _ => {
                    let name: String = name.chars().filter(char::is_ascii_graphic).take(40).collect();
                    return Err(bad(format!(
                        "`{name}` in its query is unknown; expected one of: {}",
                        OPTIONS.join(", ")
                    )));
                }
            }
        }
        Ok(location)
    }

    /// Returns true if `other` lies in this bucket and below this prefix.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.bucket == other.bucket && other.prefix.starts_with(&self.prefix)
    }
}

impl fmt::Display for Location {
    /// Writes `s3://bucket/prefix`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        match self.prefix.trim_end_matches('/') {
            "" => Ok(()),
            prefix => write!(f, "/{}", encoded(prefix)),
        }
    }
}

fn switch(name: &str, value: &str) -> Result<bool, String> {
    match value {
        "true" | "" => Ok(true),
        "false" => Ok(false),
        _ => Err(format!("its `{name}` is neither true nor false")),
    }
}

/// Returns true if a word can be a region in a host name; stores other than AWS have their own words (`auto`).
fn is_region(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 32
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The settings that select S3's endpoint.
#[derive(Debug, Clone, Default)]
pub(super) struct Endpoint {
    pub(super) custom: Option<Url>,
    /// Reachable by IPv6.
    pub(super) dualstack: bool,
    pub(super) fips: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The bucket itself, as requests about it name it; the path ends with a slash.
    pub(super) root: Url,
    pub(super) region: String,
}

impl Endpoint {
    /// Returns the address of a bucket: in the host name where that is possible, else in the path, as always on custom
    /// endpoints.
    pub(super) fn address(&self, bucket: &str, region: &str) -> Result<Address, Error> {
        let text = match &self.custom {
            Some(custom) => format!("{}/{bucket}/", custom.as_str().trim_end_matches('/')),
            None => {
                let fips = if self.fips { "-fips" } else { "" };
                let dualstack = if self.dualstack { ".dualstack" } else { "" };
                let host = format!("s3{fips}{dualstack}.{region}.{}", suffix(region));
                if is_label(bucket) { format!("https://{bucket}.{host}/") } else { format!("https://{host}/{bucket}/") }
            }
        };
        let variable = || Error::Address { variable: "AWS_ENDPOINT_URL_S3".to_owned() };
        let root = Url::parse(&text).ok().filter(|url| url.query().is_none() && url.fragment().is_none());
        Ok(Address { root: root.ok_or_else(variable)?, region: region.to_owned() })
    }
}

impl Address {
    /// Returns the address of an object. Its key is encoded as signatures require, so that the signed URL is the one
    /// that is sent: S3 decodes percent signs once, and reads a bare `+` as a space.
    pub(super) fn of(&self, key: &str) -> Url {
        let mut url = self.root.clone();
        url.set_path(&format!("{}{}", self.root.path(), encoded(key)));
        url
    }
}

/// Returns true if a bucket's name can be part of the host name: a certificate's `*` matches one label, and a label has
/// no capitals, no `_` and at most 63 characters. Old buckets may have them all.
fn is_label(bucket: &str) -> bool {
    bucket.len() <= 63
        && !bucket.ends_with('-')
        && bucket.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Returns the domain of a region's hosts.
fn suffix(region: &str) -> &'static str {
    match partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// Encodes a key for an address: slashes and RFC 3986's unreserved characters stay, all others are percent-encoded.
pub(super) fn encoded(key: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let mut text = String::with_capacity(key.len());
    for byte in key.bytes() {
        if plain(byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_are_read_with_their_options() {
        let plain = |bucket: &str, prefix: &str| Location {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            region: None,
            anonymous: false,
            requester_pays: false,
        };
        for (text, expected, shown) in [
            ("s3://builds", plain("builds", ""), "s3://builds"),
            ("s3://builds/", plain("builds", ""), "s3://builds"),
            ("s3://builds/a/b/", plain("builds", "a/b/"), "s3://builds/a/b"),
            ("s3://builds/a%20b", plain("builds", "a b/"), "s3://builds/a%20b"),
            (
                "s3://builds/a?region=eu-west-1&anonymous=true",
                Location { region: Some("eu-west-1".to_owned()), anonymous: true, ..plain("builds", "a/") },
                "s3://builds/a",
            ),
            (
                "s3://builds?requester-pays=true&anonymous=false",
                Location { requester_pays: true, ..plain("builds", "") },
                "s3://builds",
            ),
        ] {
            let location: Location = text.parse().unwrap();
            assert_eq!(location, expected, "{text}");
            assert_eq!(location.to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_understood_has_a_way_out() {
        for (text, said) in [
            ("s3://builds?versionId=3", "expected one of: region, anonymous, requester-pays"),
            ("s3://builds?region=eu%20west", "an example is eu-west-1"),
            ("s3://builds?region=evil.example/", "an example is eu-west-1"),
            ("s3://builds?anonymous=yes", "neither true nor false"),
            ("s3://builds/a/../b", "not a file name"),
            ("https://builds.s3.eu-west-1.amazonaws.com/a", "is written s3://bucket/prefix"),
            ("s3://", "does not name a bucket"),
        ] {
            let error = text.parse::<Location>().unwrap_err();
            assert!(error.reason.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn a_location_contains_what_lies_below_it() {
        for (outer, inner, expected) in [
            ("s3://builds", "s3://builds/tools", true),
            ("s3://builds/tools", "s3://builds/tools?region=eu-west-1", true),
            ("s3://builds/tools", "s3://builds/tools/a", true),
            ("s3://builds/tools", "s3://builds/tools-2", false),
            ("s3://builds/tools", "s3://builds", false),
            ("s3://builds", "s3://builds-2", false),
        ] {
            let (outer, inner): (Location, Location) = (outer.parse().unwrap(), inner.parse().unwrap());
            assert_eq!(outer.contains(&inner), expected, "{outer} {inner}");
        }
    }

    #[test]
    fn a_bucket_has_the_address_that_its_region_name_and_settings_give_it() {
        let custom = |url: &str| Endpoint { custom: Some(url.parse().unwrap()), ..Endpoint::default() };
        let (plain, dual) = (Endpoint::default(), Endpoint { dualstack: true, ..Endpoint::default() });
        let (fips, both) = (
            Endpoint { fips: true, ..Endpoint::default() },
            Endpoint { fips: true, dualstack: true, ..Endpoint::default() },
        );
        for (endpoint, bucket, region, expected) in [
            (&plain, "builds", "us-east-1", "https://builds.s3.us-east-1.amazonaws.com/"),
            (&plain, "builds", "eu-west-1", "https://builds.s3.eu-west-1.amazonaws.com/"),
            (&plain, "builds", "cn-north-1", "https://builds.s3.cn-north-1.amazonaws.com.cn/"),
            (&plain, "builds", "us-gov-west-1", "https://builds.s3.us-gov-west-1.amazonaws.com/"),
            (&plain, "builds", "eusc-de-east-1", "https://builds.s3.eusc-de-east-1.amazonaws.eu/"),
            (&plain, "my.builds", "eu-west-1", "https://s3.eu-west-1.amazonaws.com/my.builds/"),
            (&plain, "Old_Builds", "us-east-1", "https://s3.us-east-1.amazonaws.com/Old_Builds/"),
            (&dual, "builds", "eu-west-1", "https://builds.s3.dualstack.eu-west-1.amazonaws.com/"),
            (&dual, "my.builds", "eu-west-1", "https://s3.dualstack.eu-west-1.amazonaws.com/my.builds/"),
            (&fips, "builds", "us-gov-east-1", "https://builds.s3-fips.us-gov-east-1.amazonaws.com/"),
            (&both, "builds", "us-east-1", "https://builds.s3-fips.dualstack.us-east-1.amazonaws.com/"),
            (&custom("http://127.0.0.1:9000"), "builds", "auto", "http://127.0.0.1:9000/builds/"),
            (&custom("https://store.example/s3/"), "my.builds", "auto", "https://store.example/s3/my.builds/"),
        ] {
            let address = endpoint.address(bucket, region).unwrap();
            assert_eq!(address.root.as_str(), expected);
        }
        assert!(custom("https://store.example/?x=1").address("builds", "auto").is_err());
    }

    #[test]
    fn keys_are_written_so_that_s3_reads_the_same() {
        let address = Endpoint::default().address("builds", "eu-west-1").unwrap();
        for (key, expected) in [
            ("go.dev/dl/go1.tar.gz", "go.dev/dl/go1.tar.gz"),
            ("a+b c", "a%2Bb%20c"),
            ("host:8443/50%/é~_-.", "host%3A8443/50%25/%C3%A9~_-."),
            ("a?b#c&d=e'(f)*!@$,;", "a%3Fb%23c%26d%3De%27%28f%29%2A%21%40%24%2C%3B"),
            ("%2e%2e/x", "%252e%252e/x"),
        ] {
            let url = address.of(key);
            assert_eq!(url.as_str(), format!("https://builds.s3.eu-west-1.amazonaws.com/{expected}"));
        }
    }
}
