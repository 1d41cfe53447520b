//! Mirrors made for one test: go.dev's shape around an archive of any size.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// A version that no upstream has, so that nothing else answers to it.
pub const VERSION: &str = "1.99.1";

/// Writes a mirror with one Go release whose tree has `files` files of `bytes` bytes each, for both Linux platforms.
pub fn go(folder: &Path, files: usize, bytes: usize) -> PathBuf {
    let archive = archive(files, bytes);
    let downloads = folder.join("go.dev/dl");
    fs::create_dir_all(&downloads).unwrap();
    let digest: String = Sha256::digest(&archive).iter().map(|byte| format!("{byte:02x}")).collect();
    let rows: Vec<_> = ["amd64", "arm64"]
        .iter()
        .map(|arch| {
            let name = format!("go{VERSION}.linux-{arch}.tar.gz");
            fs::write(downloads.join(&name), &archive).unwrap();
            serde_json::json!({
                "filename": name, "os": "linux", "arch": arch, "version": format!("go{VERSION}"),
                "sha256": digest, "size": archive.len(), "kind": "archive",
            })
        })
        .collect();
    let index = serde_json::json!([{ "version": format!("go{VERSION}"), "stable": true, "files": rows }]);
    for name in ["index.json", "index-all.json"] {
        fs::write(downloads.join(name), index.to_string()).unwrap();
    }
    folder.to_owned()
}

fn archive(files: usize, bytes: usize) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    let mut add = |name: &str, mode: u32, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(mode);
        builder.append_data(&mut header, name, content).unwrap();
    };
    add("go/VERSION", 0o644, format!("go{VERSION}\n").as_bytes());
    add("go/bin/go", 0o755, b"#!/bin/sh\necho go version go1.99.1 fixture\n");
    add("go/bin/gofmt", 0o755, b"#!/bin/sh\n");
    // A linear congruential generator: bytes that do not compress, the same in every run.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for number in 0..files {
        let content: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .take(bytes)
        .collect();
        add(&format!("go/src/p{}/f{number}.go", number % 50), 0o644, &content);
    }
    let mut bytes = builder.into_inner().unwrap().finish().unwrap();
    bytes.flush().unwrap();
    bytes
}
