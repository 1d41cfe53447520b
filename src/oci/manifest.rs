//! Manifests and indexes as bytes whose digest was checked, with what they say.

use oci_spec::image::{ImageIndex, ImageManifest};
use serde::Deserialize;
use sha2::{Digest as _, Sha256, Sha512};

use crate::model::{Algorithm, Digest};

/// The types that are understood, for `Accept`. All four must be named: registries answer 404 for what is not.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, \
                          application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/// A manifest or an index: its bytes, and what they say.
#[derive(Debug, Clone)]
pub struct Manifest {
    pub media_type: String,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its bytes; another spelling of the same JSON is another image.
    pub bytes: Vec<u8>,
    pub content: Content,
}

/// What a manifest says.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are few, and most are images")]
pub enum Content {
    /// Several images, one for each platform.
    Index(ImageIndex),
    Image(ImageManifest),
}

/// What tells the kinds apart.
#[derive(Deserialize)]
struct Shape {
    #[serde(rename = "schemaVersion")]
    schema: Option<u64>,
    #[serde(rename = "mediaType")]
    media_type: Option<String>,
    manifests: Option<serde::de::IgnoredAny>,
    layers: Option<serde::de::IgnoredAny>,
}

impl Manifest {
    /// Reads the bytes of a manifest. `announced` is the media type that came with them, if any.
    ///
    /// # Errors
    /// In words, when they are none, or of a kind that is not understood.
    pub fn read(announced: Option<&str>, bytes: Vec<u8>) -> Result<Self, String> {
        let shape: Shape = serde_json::from_slice(&bytes).map_err(|error| format!("it is not a manifest: {error}"))?;
        if shape.schema != Some(2) {
            return Err("its schemaVersion is not 2; images from Docker before 1.10 must be pushed again".to_owned());
        }
        // Both lists in one document is how one digest would mean two images (CVE-2021-41190).
        if shape.manifests.is_some() && shape.layers.is_some() {
            return Err("it is both an index and an image".to_owned());
        }
        let index = shape.manifests.is_some();
        let usual = if index {
            "application/vnd.oci.image.index.v1+json"
        } else {
            "application/vnd.oci.image.manifest.v1+json"
        };
        let announced = announced.map(|text| text.split(';').next().unwrap_or_default().trim());
        let announced = announced.filter(|text| ACCEPT.contains(text) && !text.is_empty());
        let media_type = shape.media_type.as_deref().or(announced).unwrap_or(usual).to_owned();
        if (media_type.contains(".index.") || media_type.contains(".list.")) != index {
            return Err(format!("its media type {media_type} is not that of its contents"));
        }
        let unfit = |error: serde_json::Error| format!("it is not a manifest: {error}");
        let content = if index {
            Content::Index(serde_json::from_slice(&bytes).map_err(unfit)?)
        } else {
            Content::Image(serde_json::from_slice(&bytes).map_err(unfit)?)
        };
        Ok(Self { media_type, digest: digest_of(Algorithm::Sha256, &bytes), bytes, content })
    }
}

/// Hashes bytes in memory.
#[must_use]
pub fn digest_of(algorithm: Algorithm, bytes: &[u8]) -> Digest {
    let hash = match algorithm {
        Algorithm::Sha512 => Sha512::digest(bytes).to_vec(),
        Algorithm::Sha256 | Algorithm::GoModule => Sha256::digest(bytes).to_vec(),
    };
    let algorithm = if algorithm == Algorithm::Sha512 { algorithm } else { Algorithm::Sha256 };
    Digest::new(algorithm, &hash).expect("a hash has the length of its algorithm")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_manifest_is_refused_with_a_reason() {
        for (text, said) in [
            ("", "not a manifest"),
            ("[]", "not a manifest"),
            ("{}", "schemaVersion"),
            (r#"{"schemaVersion":1,"fsLayers":[]}"#, "schemaVersion"),
            (r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#, "both"),
            (
                r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","manifests":[]}"#,
                "media type",
            ),
            (r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","layers":[]}"#, "media type"),
            (r#"{"schemaVersion":2,"layers":[]}"#, "not a manifest"),
        ] {
            let error = Manifest::read(None, text.as_bytes().to_vec()).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn an_index_is_read_whoever_wrote_it() {
        let text = r#"{"schemaVersion":2,"manifests":[]}"#;
        let list = "application/vnd.docker.distribution.manifest.list.v2+json";
        for (announced, expected) in [
            (None, "application/vnd.oci.image.index.v1+json"),
            (Some("application/json"), "application/vnd.oci.image.index.v1+json"),
            (Some(list), list),
        ] {
            let manifest = Manifest::read(announced, text.as_bytes().to_vec()).unwrap();
            assert_eq!(manifest.media_type, expected);
            assert!(matches!(manifest.content, Content::Index(_)));
        }
    }
}
