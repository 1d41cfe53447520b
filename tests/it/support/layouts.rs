//! Images made by the test itself: OCI layouts with a layer or two, for any platform.

#![allow(dead_code, reason = "each test uses the part that it needs")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What an image is made of.
#[derive(Debug, Clone)]
pub struct Image {
    pub os: String,
    pub architecture: String,
    pub variant: Option<String>,
    pub labels: Vec<(String, String)>,
    /// Each layer is one file `layerN` with these bytes.
    pub layers: Vec<Vec<u8>>,
}

impl Image {
    /// An image for `linux/arm64/v8` or the like, with a layer of its own.
    pub fn of(platform: &str) -> Self {
        let mut parts = platform.split('/').map(str::to_owned);
        let (os, architecture, variant) = (parts.next().unwrap(), parts.next().unwrap(), parts.next());
        let layers = vec![format!("a program for {platform}\n").into_bytes()];
        Self { os, architecture, variant, labels: Vec::new(), layers }
    }

    pub fn layer(mut self, bytes: Vec<u8>) -> Self {
        self.layers.push(bytes);
        self
    }

    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Writes it as a layout of its own.
    pub fn layout(&self, folder: &Path) -> PathBuf {
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        let mut layers = Vec::new();
        let mut diffs = Vec::new();
        for (number, bytes) in self.layers.iter().enumerate() {
            let tar = tar(&format!("layer{number}"), bytes);
            diffs.push(format!("sha256:{}", hex(&tar)));
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(&tar).unwrap();
            layers.push(blob(folder, "application/vnd.oci.image.layer.v1.tar+gzip", &encoder.finish().unwrap()));
        }
        let labels: serde_json::Map<String, Value> =
            self.labels.iter().map(|(key, value)| (key.clone(), json!(value))).collect();
        let mut config = json!({
            "os": self.os, "architecture": self.architecture, "created": "2026-11-23T10:00:00Z",
            "config": { "Entrypoint": ["/layer0"], "Env": ["PATH=/bin"], "Labels": labels },
            "rootfs": { "type": "layers", "diff_ids": diffs },
        });
        if let Some(variant) = &self.variant {
            config["variant"] = json!(variant);
        }
        let config = blob(folder, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers });
        let row = blob(folder, MANIFEST, manifest.to_string().as_bytes());
        write_index(folder, &[row]);
        folder.to_owned()
    }
}

pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Writes the entry files of a layout.
pub fn write_index(folder: &Path, rows: &[Value]) {
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let index = json!({ "schemaVersion": 2, "manifests": rows });
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

/// Writes a blob and gives its descriptor.
pub fn blob(folder: &Path, kind: &str, bytes: &[u8]) -> Value {
    let digest = hex(bytes);
    fs::write(folder.join("blobs/sha256").join(&digest), bytes).unwrap();
    json!({ "mediaType": kind, "digest": format!("sha256:{digest}"), "size": bytes.len() })
}

pub fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_ustar();
    header.set_size(bytes.len() as u64);
    header.set_mode(0o755);
    builder.append_data(&mut header, name, bytes).unwrap();
    builder.into_inner().unwrap()
}
