//! A mirror of releases on GitHub, made by the test in the shape of <https://docs.github.com/rest/releases>.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What GitHub says of a file's digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Says {
    /// The right one.
    Right,
    /// `null`: it was uploaded before June 2025.
    Nothing,
    /// That of other bytes.
    Wrong,
}

/// One release to be.
pub struct Release {
    entry: Value,
}

/// The mirror's folder.
pub struct GitHub {
    folder: PathBuf,
}

impl GitHub {
    pub fn at(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Publishes a release of `repository` with these files.
    pub fn release(&self, repository: &str, tag: &str, day: &str, files: &[(&str, Vec<u8>, Says)]) -> Release {
        let folder = self.folder.join(format!("github.com/{repository}/releases/download/{tag}"));
        fs::create_dir_all(&folder).unwrap();
        let asset = |(name, bytes, says): &(&str, Vec<u8>, Says)| {
            fs::write(folder.join(name), bytes).unwrap();
            let digest = match says {
                Says::Right => json!(format!("sha256:{}", sha256(bytes))),
                Says::Nothing => Value::Null,
                Says::Wrong => json!(format!("sha256:{}", sha256(b"other bytes"))),
            };
            json!({
                "url": format!("https://api.github.com/repos/{repository}/releases/assets/1"), "id": 1, "name": name,
                "label": "", "content_type": "application/octet-stream", "state": "uploaded", "size": bytes.len(),
                "digest": digest, "download_count": 0, "created_at": format!("{day}T00:00:00Z"),
                "updated_at": format!("{day}T00:00:00Z"),
                "browser_download_url": format!("https://github.com/{repository}/releases/download/{tag}/{name}"),
            })
        };
        let entry = json!({
            "url": format!("https://api.github.com/repos/{repository}/releases/1"),
            "html_url": format!("https://github.com/{repository}/releases/tag/{tag}"), "id": 1, "tag_name": tag,
            "target_commitish": "main", "name": tag, "draft": false, "prerelease": false, "immutable": false,
            "created_at": format!("{day}T00:00:00Z"), "published_at": format!("{day}T00:00:00Z"),
            "assets": files.iter().map(asset).collect::<Vec<_>>(), "body": "",
        });
        Release { entry }
    }

    /// Lists the releases of `repository`, as one page.
    pub fn list(&self, repository: &str, releases: &[Release]) {
        let folder = self.folder.join(format!("api.github.com/repos/{repository}"));
        fs::create_dir_all(&folder).unwrap();
        let list: Vec<&Value> = releases.iter().map(|release| &release.entry).collect();
        fs::write(folder.join("releases.json"), serde_json::to_vec_pretty(&list).unwrap()).unwrap();
    }
}

impl Release {
    pub fn prerelease(mut self) -> Self {
        self.entry["prerelease"] = json!(true);
        self
    }

    pub fn draft(mut self) -> Self {
        self.entry["draft"] = json!(true);
        self.entry["published_at"] = Value::Null;
        self
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A list of digests as `sha256sum` writes it.
pub fn sums(files: &[(&str, &[u8])]) -> Vec<u8> {
    files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha256(bytes))).collect::<String>().into_bytes()
}

/// An archive of these files: path, mode, contents.
pub fn tar_gz(files: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, mode, contents) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(contents.len() as u64);
        header.set_mode(*mode);
        builder.append_data(&mut header, path, *contents).unwrap();
    }
    let mut bytes = builder.into_inner().unwrap().finish().unwrap();
    bytes.flush().unwrap();
    bytes
}
