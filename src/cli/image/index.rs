//! `toolkit image index`: one name for the images of all platforms.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::super::Global;
use super::super::render::{self, Failure, done};
use super::super::settings::Settings;
use super::{platform, registries};
use crate::cli::styled::green;
use crate::fs::{At, FileError, Links, replace};
use crate::host::Host;
use crate::image::index::{self, Assembled, Context, Format, IndexSpec, PushSpec, Pushing};
use crate::project::Root;

/// Join images of single platforms under one name and push it
///
/// Each image is looked up once and pinned by its digest. Its configuration must say what its name says (…-arm64), what
/// --child says, what the name of its digest file says; no platform may come twice, and none of --platform may be missing.
/// Images of other repositories and registries are mounted or copied. The index is pushed by digest first, its tags last,
/// and read back. Nothing is pushed before all checks passed, and the command can safely be run again.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// An image or index: REGISTRY/NAME:TAG, NAME@sha256:…, sha256:… (in the repository of --tag), oci:DIR or oci:DIR:NAME
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    /// The name of the index; may be repeated, for one repository
    #[arg(long = "tag", short = 't', value_name = "NAME:TAG", required = true)]
    tags: Vec<String>,
    /// An image that must be for this platform, or an index that contains one
    #[arg(long = "child", value_name = "PLATFORM=IMAGE")]
    children: Vec<String>,
    /// A file with the digest of an image, as kaniko, podman and skopeo write it
    #[arg(long = "digest-file", value_name = "FILE")]
    digest_files: Vec<PathBuf>,
    /// The platforms that must be in the index; others are allowed
    #[arg(long = "platform", value_name = "PLATFORM", value_delimiter = ',')]
    platforms: Vec<String>,
    /// An annotation of the index, such as org.opencontainers.image.revision=…
    #[arg(long = "annotation", value_name = "KEY=VALUE")]
    annotations: Vec<String>,
    /// Also add the org.opencontainers.image.… labels that all images have in common
    #[arg(long)]
    labels: bool,
    /// The format [default: docker if all images are in it and there are no annotations, else oci]
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Read and check everything, but push nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the digest of the index to this file
    #[arg(long, value_name = "FILE")]
    output_digest: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FormatName {
    /// An OCI image index
    Oci,
    /// A Docker manifest list
    Docker,
}

const EXAMPLES: &str = "\
Examples:
  toolkit image index --tag ghcr.io/me/app:1.2 --tag ghcr.io/me/app:latest \\
    ghcr.io/me/app:1.2-amd64 ghcr.io/me/app:1.2-arm64
  toolkit image index --tag ghcr.io/me/app:1.2 --platform linux/amd64,linux/arm64 \\
    --digest-file digests/amd64.digest --digest-file digests/arm64.digest
  toolkit image index --tag ghcr.io/me/app:1.2 --child linux/arm64=oci:build/arm64 \\
    ghcr.io/me/app:1.2-amd64 --dry-run --json";

/// Writes a digest to the file that was named. What is there and is not a file, such as `/dev/stdout`, takes it as it is.
fn save(path: &Path, digest: &str, links: Links<'_>) -> Result<(), FileError> {
    match path.metadata() {
        Ok(metadata) if !metadata.is_file() => std::fs::write(path, digest).at("write", path),
        _ => replace(path, digest, links),
    }
}

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::without_project(host, global)?;
        let spec = self.spec(host)?;
        let registries = registries(&settings);
        let context = Context { registries: &registries, store: &settings.store, report: settings.report.as_ref() };
        let pushing = if self.dry_run { Pushing::Rehearse } else { Pushing::Push };
        let assembled = settings.runtime.block_on(async { Ok(index::assemble(&spec, pushing, &context).await?) })?;
        if let Some(file) = &self.output_digest {
            let path = host.cwd.join(file);
            save(&path, &assembled.index.digest.to_string(), Root::find(host).links(file, &host.cwd)).map_err(
                |error| {
                    let what = format!("could not write {}", path.display());
                    Failure::machine(what, "the index was pushed nevertheless", error.into())
                },
            )?;
        }
        if global.json {
            render::json(&value(&spec, &assembled, pushing, settings.client.requests()))?;
        } else {
            tell(&spec, &assembled)?;
            let verb = if self.dry_run { "would be pushed as" } else { "pushed as" };
            done(global, format!("{verb} {}", names(&spec).join(", ")));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn spec(&self, host: &Host) -> Result<PushSpec, Failure> {
        let (repository, tags) = index::tags(&self.tags)?;
        let root = Root::find(host);
        let files: Vec<_> =
            self.digest_files.iter().map(|file| (file.as_path(), root.within(file, &host.cwd))).collect();
        let images = index::images(&self.images, &self.children, &files, &repository, &host.cwd)?;
        let platforms = self.platforms.iter().map(|text| platform(text)).collect::<Result<_, _>>()?;
        let format = self.format.map(|format| match format {
            FormatName::Oci => Format::Oci,
            FormatName::Docker => Format::Docker,
        });
        let index = IndexSpec { format, annotations: annotations(&self.annotations)?, labels: self.labels };
        Ok(PushSpec { repository, tags, images, platforms, index })
    }
}

fn annotations(texts: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(Failure::usage_with_hint(
            format!("`--annotation {text}` is not valid: expected KEY=VALUE"),
            "for example `--annotation org.opencontainers.image.revision=0f3a…`",
        )),
    };
    texts.iter().map(pair).collect()
}

fn names(spec: &PushSpec) -> Vec<String> {
    spec.tags.iter().map(|tag| spec.repository.tagged(tag).to_string()).collect()
}

fn tell(spec: &PushSpec, assembled: &Assembled) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = assembled
        .children
        .iter()
        .map(|child| {
            let digest = child.manifest.digest.to_string();
            vec![child.platform.to_string(), digest, render::size(child.size()), child.name.clone()]
        })
        .collect();
    let table = render::table(&["platform", "digest", "size", "image"], &rows);
    render::data(green(spec.repository.pinned(&assembled.index.digest).to_string()) + "\n" + table)
}

fn value(spec: &PushSpec, assembled: &Assembled, pushing: Pushing, requests: u64) -> serde_json::Value {
    let children = assembled.children.iter().map(|child| {
        json!({
            "platform": child.platform.to_string(), "name": child.name, "source": child.place(),
            "digest": child.manifest.digest, "media_type": child.manifest.media_type,
            "manifest_size": child.manifest.bytes.len(), "size": child.size(),
        })
    });
    let index: serde_json::Value =
        serde_json::from_slice(&assembled.index.bytes).expect("the index was read back from these bytes");
    json!({
        "repository": spec.repository.to_string(), "reference": spec.repository.pinned(&assembled.index.digest).to_string(),
        "digest": assembled.index.digest, "media_type": assembled.index.media_type,
        "size": assembled.index.bytes.len(), "tags": names(spec), "pushed": pushing == Pushing::Push,
        "children": children.collect::<Vec<_>>(), "index": index, "requests": requests,
    })
}
