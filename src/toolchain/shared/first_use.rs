//! Files without a published checksum, which are trusted on first use where the policy allows that.

use url::Url;

use super::error::Error;
use crate::model::{Digest, Level, Proof};
use crate::net::Metadata;

/// The source of such a digest, as proofs name it.
pub(in crate::toolchain) const SOURCE: &str = "the first download";

/// Returns the digest of what is at `url` today; `why` says where a published checksum was looked for.
///
/// # Errors
/// [`Error::NoChecksum`] when the policy asks for a published checksum.
pub(in crate::toolchain) async fn digest(
    url: &Url,
    why: &str,
    metadata: &dyn Metadata,
) -> Result<(Digest, Proof), Error> {
    let seen = metadata.first_seen(url).await;
    match seen.map_err(|source| Error::Metadata { tool: url.to_string(), source })? {
        Some(digest) => Ok((digest, Proof { level: Level::FirstSeen, source: SOURCE.to_owned() })),
        None => Err(Error::NoChecksum { url: url.to_string(), reason: why.to_owned() }),
    }
}
