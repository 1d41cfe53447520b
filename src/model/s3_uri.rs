//! Addresses of objects in Amazon S3, in every form that AWS documents
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
//! <https://docs.aws.amazon.com/general/latest/gr/s3.html>), read as `S3Utilities.parseUri` of AWS's SDK for Java reads them.
//!
//! Unlike the SDK, this reader does not take parts of an endpoint for a region (`s3.dualstack.eu-west-1…`).

use std::fmt;
use std::str::FromStr;

use super::{Explain, Kind};

/// The domains of AWS's partitions.
const SUFFIXES: &[&str] = &[
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
];

/// The most bytes of a key (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>).
const LONGEST_KEY: usize = 1024;

/// A bucket, and usually a key in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Uri {
    /// The bucket; none in the address of an endpoint alone.
    pub bucket: Option<String>,
    /// The key, percent-decoded; none if the address ends with the bucket.
    pub key: Option<String>,
    /// The region; none if the address does not contain it.
    pub region: Option<String>,
    /// How the bucket is written.
    pub style: S3Style,
    /// The endpoint's features.
    pub endpoint: S3Endpoint,
    /// The query, in order, percent-decoded.
    pub query: Vec<(String, String)>,
}

/// Where an address has the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Style {
    /// `s3://bucket/key`.
    Cli,
    /// `https://s3.eu-west-1.amazonaws.com/bucket/key`.
    Path,
    /// `https://bucket.s3.eu-west-1.amazonaws.com/key`.
    VirtualHosted,
}

/// What an endpoint's name says in addition to the region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct S3Endpoint {
    /// IPv6 as well.
    pub dualstack: bool,
    /// Validated cryptography.
    pub fips: bool,
    /// Transfer acceleration.
    pub accelerate: bool,
}

/// A text that is not an address in S3.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the address of an object or bucket in S3: {reason}")]
pub struct BadS3Uri {
    /// The text, without its query, which may contain secrets.
    pub text: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl Explain for BadS3Uri {
    fn kind(&self) -> Kind {
        Kind::Usage
    }

    fn hints(&self) -> Vec<String> {
        vec!["`toolkit mirror parse --help` shows the accepted forms".to_owned()]
    }
}

impl S3Style {
    /// Returns its name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "s3",
            Self::Path => "path",
            Self::VirtualHosted => "virtual-hosted",
        }
    }
}

impl S3Uri {
    /// Returns the first value of a query parameter.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the version of the object; none for the newest.
    #[must_use]
    pub fn version_id(&self) -> Option<&str> {
        self.parameter("versionId")
    }
}

impl fmt::Display for S3Uri {
    /// Writes `s3://bucket/key`, with the key percent-encoded.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket.as_deref().unwrap_or_default())?;
        let Some(key) = &self.key else { return Ok(()) };
        f.write_str("/")?;
        for byte in key.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                    write!(f, "{}", char::from(byte))?;
                }
                _ => write!(f, "%{byte:02X}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for S3Uri {
    type Err = BadS3Uri;

    fn from_str(text: &str) -> Result<Self, BadS3Uri> {
        read(text).map_err(|reason| {
            let shown = text.split(['?', '#']).next().unwrap_or_default();
            // A user name and a password end with an `@`.
            let shown = match shown.split_once("://") {
                Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, rest)| rest)),
                None => shown.to_owned(),
            };
            BadS3Uri { text: shown.chars().take(200).collect(), reason }
        })
    }
}

fn read(text: &str) -> Result<S3Uri, String> {
    if text.starts_with("arn:") {
        return Err(unsupported("ARNs, and the access points that they name,"));
    }
    let (scheme, rest) = text.split_once("://").ok_or("it has no scheme; write s3://bucket/key")?;
    unescaped(text)?;
    if let Some((_, _)) = rest.split_once('#') {
        return Err("`#` begins a fragment, which S3 does not have; in a key, write %23".to_owned());
    }
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, path) = address.find('/').map_or((address, ""), |at| address.split_at(at));
    if authority.contains('@') {
        return Err("it contains a user name or a password".to_owned());
    }
    let query = parameters(query)?;
    match scheme.to_ascii_lowercase().as_str() {
        "s3" => cli(authority, path, query),
        "https" | "http" => hosted(authority, path, query),
        other => Err(format!("unknown scheme `{other}`; expected s3:// or https://")),
    }
}

/// Refuses characters that a URI must percent-encode.
fn unescaped(text: &str) -> Result<(), String> {
    let bad = |c: &char| c.is_whitespace() || c.is_control() || "\"<>\\^`{|}[]".contains(*c);
    match text.chars().find(bad) {
        Some(' ') => Err("a space is written %20".to_owned()),
        Some(c) => {
            let mut bytes = [0; 4];
            let written: String = c.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect();
            Err(format!("`{}` is written {written}", c.escape_debug()))
        }
        None => Ok(()),
    }
}

fn unsupported(what: &str) -> String {
    format!("{what} are not supported; name the bucket: s3://bucket/key")
}

/// Reads `s3://bucket/key`.
fn cli(authority: &str, path: &str, query: Vec<(String, String)>) -> Result<S3Uri, String> {
    if authority.is_empty() {
        return Err("it does not name a bucket; write s3://bucket/key".to_owned());
    }
    if authority.starts_with("arn:") {
        return Err(unsupported("access points"));
    }
    let bucket = Some(bucket(authority)?);
    let key = key(path.strip_prefix('/').unwrap_or_default())?;
    Ok(S3Uri { bucket, key, region: None, style: S3Style::Cli, endpoint: S3Endpoint::default(), query })
}

/// Reads the address of a server.
fn hosted(authority: &str, path: &str, query: Vec<(String, String)>) -> Result<S3Uri, String> {
    let host = authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80")).unwrap_or(authority);
    if host.is_empty() {
        return Err("it has no host name".to_owned());
    }
    if host.contains('%') {
        return Err("the host name cannot have percent signs; the dots of a bucket are written as they are".to_owned());
    }
    let lower = host.to_ascii_lowercase();
    let foreign = || {
        "the host is not an S3 endpoint; for another store, write s3://bucket/key and put its address in \
         AWS_ENDPOINT_URL_S3"
            .to_owned()
    };
    let service = SUFFIXES.iter().find_map(|suffix| lower.strip_suffix(suffix)).ok_or_else(foreign)?;
    let (prefix, endpoint, region) = endpoint(service)?.ok_or_else(foreign)?;
    let path = path.strip_prefix('/').unwrap_or_default();
    if prefix > 0 {
        // The bucket as it was written: DNS ignores case, but S3 does not.
        let bucket = Some(bucket(&host[..prefix])?);
        return Ok(S3Uri { bucket, key: key(path)?, region, style: S3Style::VirtualHosted, endpoint, query });
    }
    if endpoint.accelerate {
        return Err(
            "an accelerated endpoint needs the bucket in front of it: bucket.s3-accelerate.amazonaws.com".to_owned()
        );
    }
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let bucket = if first.is_empty() && rest.is_empty() { None } else { Some(bucket(&decoded(first)?)?) };
    Ok(S3Uri { bucket, key: key(rest)?, region, style: S3Style::Path, endpoint, query })
}

/// Reads what precedes the partition's domain: the length of the bucket in front, the features, the region. None if it is
/// not an S3 endpoint.
fn endpoint(service: &str) -> Result<Option<(usize, S3Endpoint, Option<String>)>, String> {
    let labels: Vec<&str> = service.split('.').collect();
    for (word, what) in [
        ("s3-accesspoint", "access points"),
        ("s3-accesspoint-fips", "access points"),
        ("s3-global", "multi-region access points"),
        ("s3-outposts", "Outposts"),
        ("s3-outposts-fips", "Outposts"),
        ("s3-object-lambda", "Object Lambda access points"),
        ("s3-object-lambda-fips", "Object Lambda access points"),
        ("s3-control", "addresses of the control API"),
        ("s3-control-fips", "addresses of the control API"),
    ] {
        if labels.contains(&word) {
            return Err(unsupported(what));
        }
    }
    if labels.iter().any(|label| label.starts_with("s3express")) {
        return Err(unsupported("directory buckets"));
    }
    if labels.iter().any(|label| label.starts_with("s3-website")) {
        return Err("it is the address of a website, which has no API; name the bucket: s3://bucket/key".to_owned());
    }
    // From the right: region, `dualstack`, then the name of the service. The rest is the bucket.
    let mut at = labels.len();
    let mut found = S3Endpoint::default();
    let mut region = None;
    let own = |label: &str| label == "s3" || label == "s3-fips" || label == "s3-accelerate" || legacy(label).is_some();
    let last = |at: &mut usize| {
        *at = at.checked_sub(1)?;
        labels.get(*at).copied()
    };
    let Some(mut label) = last(&mut at) else { return Ok(None) };
    if is_region(label) && !own(label) {
        region = Some(label.to_owned());
        let Some(next) = last(&mut at) else { return Ok(None) };
        label = next;
    }
    if label == "dualstack" {
        found.dualstack = true;
        let Some(next) = last(&mut at) else { return Ok(None) };
        label = next;
    }
    match label {
        "s3" => {}
        "s3-fips" => found.fips = true,
        "s3-accelerate" if region.is_none() => found.accelerate = true,
        other => match legacy(other) {
            Some((own_region, fips)) if region.is_none() => {
                (region, found.fips) = (Some(own_region.to_owned()), fips);
            }
            _ => return Ok(None),
        },
    }
    if found.dualstack && region.is_none() && !found.accelerate {
        return Ok(None);
    }
    let bucket = labels[..at].join(".");
    Ok(Some((bucket.len(), found, region)))
}

/// Reads legacy endpoints: `s3-eu-west-1`, `s3-external-1`, `s3-fips-us-gov-west-1`.
fn legacy(label: &str) -> Option<(&str, bool)> {
    let rest = label.strip_prefix("s3-")?;
    if rest == "external-1" {
        return Some(("us-east-1", false));
    }
    match rest.strip_prefix("fips-") {
        Some(region) => is_region(region).then_some((region, true)),
        None => is_region(rest).then_some((rest, false)),
    }
}

/// Returns true if a word has the form of a region: `eu-west-1`, `us-gov-east-1`, `eusc-de-east-1`.
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let letters = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    match parts.split_last() {
        Some((number, words)) => {
            (2..=3).contains(&words.len())
                && words.iter().all(letters)
                && !number.is_empty()
                && number.len() <= 2
                && number.chars().all(|c| c.is_ascii_digit())
        }
        None => false,
    }
}

/// Checks a bucket's name by the legacy rules, under which some buckets were created
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>).
fn bucket(name: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if name.ends_with("--x-s3") {
        return Err(unsupported("directory buckets"));
    }
    if name.ends_with("-s3alias") || name.ends_with("--ol-s3") {
        return Err(unsupported("aliases of access points"));
    }
    if !(3..=255).contains(&name.len()) {
        return Err(format!("a bucket's name has 3 to 63 characters (formerly 255), but `{name}` has {}", name.len()));
    }
    if !name.chars().all(known) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err(format!(
            "`{}` is not a bucket's name, which has letters, digits, `.`, `-` and `_`",
            name.escape_debug()
        ));
    }
    if name.contains("..") || name.parse::<std::net::Ipv4Addr>().is_ok() {
        return Err(format!(
            "`{name}` is not a bucket's name, which has no two dots in a row and is not an IP address"
        ));
    }
    Ok(name.to_owned())
}

fn key(path: &str) -> Result<Option<String>, String> {
    let key = decoded(path)?;
    if key.len() > LONGEST_KEY {
        return Err(format!("a key has at most {LONGEST_KEY} bytes, but this one has {}", key.len()));
    }
    Ok((!key.is_empty()).then_some(key))
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(name)?, decoded(value)?))
        })
        .collect()
}

/// Percent-decodes a text. A `+` is literal in a key.
fn decoded(text: &str) -> Result<String, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let pair = tail.get(..2).filter(|pair| pair.iter().all(u8::is_ascii_hexdigit));
        let byte = pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        bytes.push(byte.ok_or("a percent sign is followed by two hexadecimal digits; the sign itself is written %25")?);
        rest = &tail[2..];
    }
    String::from_utf8(bytes).map_err(|_| "what it encodes is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests;
