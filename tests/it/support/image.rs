//! Images made for one test: layers with what describes them, as a layout for umoci or as the files of a registry.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// One layer: the tar archive, and the bytes and media type under which it is served.
#[derive(Debug, Clone)]
pub struct Layer {
    pub tar: Vec<u8>,
    pub packed: Vec<u8>,
    pub media_type: &'static str,
}

impl Layer {
    pub fn plain(tar: Vec<u8>) -> Self {
        Self { packed: tar.clone(), tar, media_type: "application/vnd.oci.image.layer.v1.tar" }
    }

    pub fn gzip(tar: Vec<u8>) -> Self {
        let packed = crate::archives::made::gzip(&tar);
        Self { tar, packed, media_type: "application/vnd.oci.image.layer.v1.tar+gzip" }
    }

    pub fn zstd(tar: Vec<u8>) -> Self {
        let packed = crate::archives::made::zstd(&tar);
        Self { tar, packed, media_type: "application/vnd.oci.image.layer.v1.tar+zstd" }
    }

    /// As Docker names the same thing.
    pub fn docker(tar: Vec<u8>) -> Self {
        Self { media_type: "application/vnd.docker.image.rootfs.diff.tar.gzip", ..Self::gzip(tar) }
    }
}

/// A set of named bytes: what a registry has under `blobs/` and `manifests/`.
#[derive(Debug, Default, Clone)]
pub struct Blobs(pub Vec<(String, Vec<u8>)>);

impl Blobs {
    /// Adds bytes and gives what describes them.
    pub fn add(&mut self, media_type: &str, bytes: Vec<u8>) -> Value {
        let digest = sha256(&bytes);
        let size = bytes.len();
        if !self.0.iter().any(|(known, _)| *known == digest) {
            self.0.push((digest.clone(), bytes));
        }
        json!({ "mediaType": media_type, "digest": digest, "size": size })
    }

    /// Adds an image of one platform, `os/architecture`, and returns what describes its manifest in an index.
    pub fn image(&mut self, layers: &[Layer], platform: &str) -> Value {
        let (os, architecture) = platform.split_once('/').unwrap();
        let diff_ids: Vec<String> = layers.iter().map(|layer| sha256(&layer.tar)).collect();
        let config = json!({
            "created": "2026-08-13T10:00:00Z", "architecture": architecture, "os": os, "config": {},
            "rootfs": { "type": "layers", "diff_ids": diff_ids },
        });
        let config = self.add("application/vnd.oci.image.config.v1+json", config.to_string().into_bytes());
        let layers: Vec<Value> = layers.iter().map(|layer| self.add(layer.media_type, layer.packed.clone())).collect();
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        let mut row = self.add(MANIFEST, manifest.to_string().into_bytes());
        row["platform"] = json!({ "os": os, "architecture": architecture });
        row
    }
}

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";

pub fn sha256(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Writes an image of one platform as an OCI layout under the tag `image`.
pub fn layout(folder: &Path, layers: &[Layer]) {
    let mut blobs = Blobs::default();
    let mut row = blobs.image(layers, "linux/amd64");
    row["annotations"] = json!({ "org.opencontainers.image.ref.name": "image" });
    fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
    for (digest, bytes) in &blobs.0 {
        fs::write(folder.join("blobs/sha256").join(digest.strip_prefix("sha256:").unwrap()), bytes).unwrap();
    }
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    fs::write(folder.join("index.json"), json!({ "schemaVersion": 2, "manifests": [row] }).to_string()).unwrap();
}

/// The layers of each platform, `os/architecture`.
pub type Platforms<'a> = Vec<(&'a str, Vec<Layer>)>;

/// Writes images as a mirror has those of a registry: `<mirror>/<registry>/v2/<name>/…`. Each tag names one index.
pub fn mirrored(mirror: &Path, repository: &str, tags: &[(&str, Platforms<'_>)]) {
    let (registry, name) = repository.split_once('/').unwrap();
    let folder = mirror.join(registry).join("v2").join(name);
    for part in ["tags", "manifests", "blobs"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    let names: Vec<&str> = tags.iter().map(|(tag, _)| *tag).collect();
    fs::write(folder.join("tags/list"), json!({ "name": name, "tags": names }).to_string()).unwrap();
    for (tag, platforms) in tags {
        let mut blobs = Blobs::default();
        let rows: Vec<Value> = platforms.iter().map(|(platform, layers)| blobs.image(layers, platform)).collect();
        let attestation = json!({ "mediaType": MANIFEST, "digest": sha256(b"-"), "size": 1,
            "platform": { "os": "unknown", "architecture": "unknown" } });
        let rows: Vec<Value> = rows.into_iter().chain([attestation]).collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": rows }).to_string();
        fs::write(folder.join("manifests").join(tag), &index).unwrap();
        blobs.add(INDEX, index.into_bytes());
        for (digest, bytes) in &blobs.0 {
            fs::write(folder.join("manifests").join(digest), bytes).unwrap();
            fs::write(folder.join("blobs").join(digest), bytes).unwrap();
        }
    }
}
