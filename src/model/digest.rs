//! Digests, and the only way in which received bytes become verified bytes.

use std::fmt;
use std::str::FromStr;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde::{Deserialize, Serialize};

/// A hash that upstreams publish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// SHA-256 of the file.
    Sha256,
    /// SHA-512 of the file.
    Sha512,
    /// Go's `h1:` hash of a module: SHA-256 over the sorted list of the SHA-256 of its files
    /// (<https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash>).
    GoModule,
}

/// A digest of a known algorithm and of exactly its length.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    algorithm: Algorithm,
    bytes: Vec<u8>,
}

/// A text that is not a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a digest: {reason}")]
pub struct BadDigest {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

/// How well a digest is proven, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// No checksum is published; it is the digest of what was received when the lock was written.
    FirstSeen,
    /// The upstream publishes it over TLS.
    Checksum,
    /// It is in a document whose signature was verified with a pinned key.
    Signature,
}

/// Where a digest comes from, and how much that proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// How much it proves.
    pub level: Level,
    /// Who states it: a host, `sum.golang.org`, `--digest`.
    pub source: String,
}

/// The digest of received bytes, which are not trusted yet.
#[derive(Debug)]
pub struct Received(Digest);

/// The digest of bytes that match the published one. Only [`Received::verify`] makes one.
#[derive(Debug)]
pub struct Verified(Digest);

impl Received {
    /// Wraps the digest of received bytes.
    #[must_use]
    pub fn new(digest: Digest) -> Self {
        Self(digest)
    }

    /// Compares the digest with the expected one.
    ///
    /// # Errors
    /// The digest of the received bytes, when the two differ.
    pub fn verify(self, expected: &Digest) -> Result<Verified, Digest> {
        if self.0 == *expected { Ok(Verified(self.0)) } else { Err(self.0) }
    }
}

impl Verified {
    /// Returns the digest that was checked.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.0
    }
}

impl Algorithm {
    /// Returns the prefix in the text form.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::GoModule => "h1",
        }
    }

    const fn length(self) -> usize {
        match self {
            Self::Sha256 | Self::GoModule => 32,
            Self::Sha512 => 64,
        }
    }
}

impl Digest {
    /// Joins an algorithm and raw bytes.
    ///
    /// # Errors
    /// When the number of bytes is not that of the algorithm.
    pub fn new(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, BadDigest> {
        if bytes.len() != algorithm.length() {
            let reason = format!("{} has {} bytes, not {}", algorithm.prefix(), algorithm.length(), bytes.len());
            return Err(BadDigest { text: hex(bytes), reason });
        }
        Ok(Self { algorithm, bytes: bytes.to_vec() })
    }

    /// Reads bare hexadecimal digits, upper or lower case, of exactly the algorithm's length.
    ///
    /// # Errors
    /// On any other character (an HTML page instead of a checksum, say) and on any other length.
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Result<Self, BadDigest> {
        let bad = |reason: String| BadDigest { text: text.chars().take(160).collect(), reason };
        if text.len() != algorithm.length() * 2 {
            return Err(bad(format!(
                "{} has {} hexadecimal digits, not {}",
                algorithm.prefix(),
                algorithm.length() * 2,
                text.chars().count()
            )));
        }
        let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        let digits = digits.ok_or_else(|| bad("it has characters that are not hexadecimal digits".to_owned()))?;
        Ok(Self { algorithm, bytes: digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect() })
    }

    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the raw bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the bytes as lower-case hexadecimal digits, whatever the algorithm.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.bytes)
    }

    /// Returns a short form for people: `sha256:0df0…c1e7`.
    #[must_use]
    pub fn short(&self) -> String {
        let hex = self.hex();
        format!("{}:{}…{}", self.algorithm.prefix(), &hex[..4], &hex[hex.len() - 4..])
    }
}

/// Writes bytes as hexadecimal digits, in lower case.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.algorithm {
            Algorithm::GoModule => write!(f, "h1:{}", BASE64_STANDARD.encode(&self.bytes)),
            Algorithm::Sha256 | Algorithm::Sha512 => write!(f, "{}:{}", self.algorithm.prefix(), self.hex()),
        }
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Digest {
    type Err = BadDigest;

    /// Reads `sha256:<64 hex>`, `sha512:<128 hex>` or `h1:<base64>`.
    fn from_str(text: &str) -> Result<Self, BadDigest> {
        let bad = |reason: &str| BadDigest { text: text.chars().take(160).collect(), reason: reason.to_owned() };
        match text.split_once(':') {
            Some(("sha256", hex)) => Self::from_hex(Algorithm::Sha256, hex),
            Some(("sha512", hex)) => Self::from_hex(Algorithm::Sha512, hex),
            Some(("h1", encoded)) => {
                let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| bad("it is not base64"))?;
                Self::new(Algorithm::GoModule, &bytes)
            }
            Some(_) => Err(bad("expected one of: sha256, sha512, h1")),
            None => Err(bad("the algorithm is missing, as in sha256:…")),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::FirstSeen => "first-seen",
            Self::Checksum => "checksum",
            Self::Signature => "signature",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_reads_back_what_it_prints() {
        for text in [
            format!("sha256:{SHA256}"),
            format!("sha512:{SHA256}{SHA256}"),
            "h1:5sLAuQZmMoBsRxMGKyVkjq5sGWLyXVUNKzFNkuYdjjY=".to_owned(),
        ] {
            assert_eq!(text.parse::<Digest>().unwrap().to_string(), text);
        }
        let upper = Digest::from_hex(Algorithm::Sha256, &SHA256.to_uppercase()).unwrap();
        assert_eq!(upper.hex(), SHA256);
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        for text in ["", "sha256:", "sha256:abc", "md5:d41d8cd98f00b204e9800998ecf8427e", SHA256, "h1:AAAA", "h1:????"]
        {
            assert!(text.parse::<Digest>().is_err(), "{text:?} passed");
        }
        assert!(Digest::from_hex(Algorithm::Sha256, &format!("<html>{}", &SHA256[6..])).is_err());
        assert!(format!("sha512:{SHA256}").parse::<Digest>().is_err());
        assert!("h1:5sLAuQZmMoBsRxMGKyVkjq5sGWLyXVUNKzFNkuYdjjZ=".parse::<Digest>().is_err(), "stray bits passed");
    }

    #[test]
    fn only_equal_digests_verify() {
        let announced: Digest = format!("sha256:{SHA256}").parse().unwrap();
        let other: Digest = format!("sha256:{}", SHA256.replace("e3", "e4")).parse().unwrap();
        assert!(Received::new(announced.clone()).verify(&announced).is_ok());
        assert_eq!(Received::new(other.clone()).verify(&announced).unwrap_err(), other);
    }
}
