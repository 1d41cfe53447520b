//! `toolkit fetch`: the download, verification and unpacking of `install`, for any file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{ArgGroup, Args};
use url::Url;

use super::Global;
use super::render::{self, Failure, done};
use super::settings::Settings;
use crate::archive::Limits;
use crate::host::Host;
use crate::ingest::{self, Download, Packing, Progress};
use crate::model::Digest;
use crate::net::{self, Net};
use crate::store::AtomicDir;

/// Download a file whose digest is known, verify it, and keep or unpack it
///
/// Afterwards the file or folder is complete or absent. Archives (tar, tar.gz, tar.xz, tar.zst, zip) are recognised by their
/// first bytes, then by their name; entries that leave the folder, links out of it and devices are refused.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, group = ArgGroup::new("target").required(true))]
pub(super) struct Arguments {
    /// Its URL: https://…, file://…, s3://bucket/key, or http:// on this machine
    #[arg(value_name = "URL")]
    url: String,
    /// The digest of its bytes: sha256:… or sha512:…
    #[arg(long, value_name = "DIGEST")]
    digest: String,
    /// Save it as this file, replacing an existing one
    #[arg(long, value_name = "FILE", group = "target")]
    output: Option<PathBuf>,
    /// Unpack it into this folder, which must be absent or empty
    #[arg(long, value_name = "DIR", group = "target")]
    unpack: Option<PathBuf>,
    /// Remove this many leading components from each path in the archive
    #[arg(long, value_name = "N", default_value_t = 0, requires = "unpack")]
    strip: usize,
}

const EXAMPLES: &str = "\
Examples:
  toolkit fetch https://example.com/tool.tar.gz --digest sha256:0df0…c1e7 \\
    --unpack /opt/tool --strip 1
  toolkit fetch https://example.com/data.bin --digest sha512:77aa…01bd \\
    --output data.bin
  toolkit fetch 's3://builds/data.bin?region=eu-west-1' --digest sha256:0df0…c1e7 \\
    --output data.bin";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let digest: Digest =
            self.digest.parse().map_err(|cause: crate::model::BadDigest| Failure::usage(cause.to_string()))?;
        let url = location(&self.url)?;
        let settings = Settings::without_project(host, global)?;
        let net = reader(&self.url, &url, &settings)?;
        let download = Download { url: &url, digest: &digest, size: None, publisher: "--digest" };
        let last = url.path_segments().and_then(|mut parts| parts.next_back()).filter(|name| !name.is_empty());
        let name = last.or(url.host_str()).unwrap_or_default();
        let task = settings.report.began(name, None);
        let progress = Progress { report: settings.report.as_ref(), task };
        let outcome = match (&self.output, &self.unpack) {
            (Some(file), _) => keep(&*net, download, &host.cwd.join(file), progress, &settings),
            (None, folder) => {
                let folder = host.cwd.join(folder.as_deref().unwrap_or(Path::new(".")));
                unpack((&*net, download), &folder, self.strip, progress, &settings)
            }
        };
        settings.report.ended(task, if outcome.is_ok() { "verified" } else { "failed" });
        let (target, bytes) = outcome?;
        if global.json {
            let value =
                serde_json::json!({ "url": net::shown(&url), "digest": digest, "bytes": bytes, "path": target });
            render::json(&value)?;
        } else {
            done(global, format!("{} ({}, {})", target.display(), render::size(bytes), digest.short()));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Reads the URL. The error does not repeat what was given: it may hold a password.
fn location(text: &str) -> Result<Url, Failure> {
    let bad = |reason: String| {
        let hint = "nothing was changed; write it like https://example.com/x.tar.gz";
        Failure::usage_with_hint(format!("the argument is not a URL: {reason}"), hint)
    };
    let url = Url::parse(text).map_err(|cause| bad(cause.to_string()))?;
    if url.cannot_be_a_base() {
        return Err(bad("nothing follows its scheme by `//`".to_owned()));
    }
    Ok(url)
}

/// Returns what opens the URL: the network, or for an object of S3 its bucket.
fn reader(text: &str, url: &Url, settings: &Settings) -> Result<Box<dyn Net>, Failure> {
    if url.scheme() != "s3" {
        return Ok(Box::new(settings.client.clone()));
    }
    bucket(text, settings)
}

/// Returns the bucket of an object, read as the query of its URI says.
#[cfg(feature = "aws")]
fn bucket(text: &str, settings: &Settings) -> Result<Box<dyn Net>, Failure> {
    use crate::aws::s3::{Bucket, Location};

    let uri: crate::model::S3Uri = text.parse()?;
    if uri.key.is_none() {
        return Err(Failure::usage_with_hint(
            format!("{uri} names no object"),
            "nothing was changed; write it like s3://bucket/key",
        ));
    }
    let location = Location { prefix: String::new(), ..Location::from_uri(&uri)? };
    Ok(Box::new(Bucket::new(settings.session.clone(), location)?))
}

/// Refuses an object of S3.
#[cfg(not(feature = "aws"))]
fn bucket(_: &str, _: &Settings) -> Result<Box<dyn Net>, Failure> {
    Err(crate::aws::Error::NotBuilt { what: "an object in S3".to_owned() }.into())
}

fn keep(
    net: &dyn Net,
    download: Download<'_>,
    file: &Path,
    progress: Progress<'_>,
    settings: &Settings,
) -> Result<(PathBuf, u64), Failure> {
    if file.is_dir() {
        return Err(Failure::usage(format!("{} is a folder; name the file to write", file.display())));
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.exists()) {
        return Err(Failure::usage_with_hint(
            format!("there is no folder {} to write {} into", folder.display(), file.display()),
            "nothing was downloaded; create the folder first",
        ));
    }
    settings.runtime.block_on(async { Ok(ingest::save(net, download, file, progress).await?) })?;
    let bytes = file.metadata().map_or(0, |data| data.len());
    Ok((file.to_owned(), bytes))
}

fn unpack(
    (net, download): (&dyn Net, Download<'_>),
    folder: &Path,
    strip: usize,
    progress: Progress<'_>,
    settings: &Settings,
) -> Result<(PathBuf, u64), Failure> {
    let target = AtomicDir::new(folder)?;
    let tree = target.tree();
    let processors = settings.host.processors.count();
    let options =
        ingest::Options { staging: target.folder(), limits: Limits::default(), processors, writes: true, progress };
    let packing = Packing { format: None, strip };
    let ingested =
        settings.runtime.block_on(async { Ok(ingest::unpack(net, download, packing, &tree, &options).await?) })?;
    if strip > 0 && std::fs::read_dir(&tree).is_ok_and(|mut entries| entries.next().is_none()) {
        return Err(Failure::usage_with_hint(
            format!("--strip {strip} leaves nothing of the archive: no path in it has more than {strip} parts"),
            "nothing was written; name a smaller number",
        ));
    }
    target.promote()?;
    Ok((folder.to_owned(), ingested.bytes))
}
