//! `toolkit image inspect`: what is behind the name of an image.

use std::process::ExitCode;

use clap::Args;
use oci_spec::image::{Config, Descriptor, ImageConfiguration};
use serde_json::{Value, json};

use super::super::Global;
use super::super::render::{self, Failure};
use super::super::settings::Settings;
use super::{platform, registries};
use crate::cli::styled::{Styled, dim, green};
use crate::host::Host;
use crate::image::ImageLocation;
use crate::image::index::IndexError;
use crate::image::inspect::{Image, Inspected, inspect};
use crate::oci::Content;
use crate::text::escape_line;

/// Show the platforms, sizes, layers, labels and configuration of an image
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// REGISTRY/NAME:TAG, NAME@sha256:…, oci:DIR or oci:DIR:NAME
    #[arg(value_name = "IMAGE")]
    image: String,
    /// Show only the image for this platform
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Print the bytes of the manifest or index as they are; with --platform those of that image
    #[arg(long, conflicts_with = "json")]
    raw: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit image inspect debian:13
  toolkit image inspect ghcr.io/me/app:1.2 --platform linux/arm64
  toolkit image inspect oci:build/arm64 --json
  toolkit image inspect ghcr.io/me/app:1.2 --raw | sha256sum";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let at = ImageLocation::read(&self.image, &host.cwd).map_err(IndexError::BadName)?;
        let platform = self.platform.as_deref().map(platform).transpose()?;
        let settings = Settings::without_project(host, global)?;
        let registries = registries(&settings);
        let inspected = settings.runtime.block_on(async { Ok(inspect(&at, platform.as_ref(), &registries).await?) })?;
        let one = platform.as_ref().and(inspected.images.first());
        if self.raw {
            let bytes = one.map_or(&inspected.manifest.bytes, |image| &image.manifest.bytes);
            // As they are: the digest of what comes out is that of the manifest.
            return render::raw(bytes).map(|()| ExitCode::SUCCESS);
        }
        if global.json {
            render::json(&value(&self.image, &inspected))?;
        } else {
            let alone = matches!(inspected.manifest.content, Content::Image(_));
            let text = match one.or(inspected.images.first().filter(|_| alone)) {
                Some(image) => details(&self.image, image),
                None => overview(&self.image, &inspected),
            };
            render::data(text)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Shows an index as a table of its images.
fn overview(name: &str, inspected: &Inspected) -> Styled {
    let mut text = head(name, &inspected.manifest.digest.to_string(), &inspected.manifest.media_type);
    let rows: Vec<Vec<String>> = inspected
        .images
        .iter()
        .map(|image| {
            let created = image.configuration.as_ref().and_then(|all| all.created().clone());
            vec![
                told_platform(image),
                image.manifest.digest.to_string(),
                render::size(image.size()),
                image.layers().len().to_string(),
                created.unwrap_or_else(|| "-".to_owned()),
            ]
        })
        .collect();
    text.push(render::table(&["platform", "digest", "size", "layers", "created"], &rows));
    if inspected.attestations > 0 {
        text.push(format!("and {} attestations\n", inspected.attestations));
    }
    let annotations = match &inspected.manifest.content {
        Content::Index(index) => index.annotations().clone().unwrap_or_default(),
        Content::Image(_) => Default::default(),
    };
    text + pairs("annotations", annotations)
}

/// Returns the platform, with both values where the index and the image disagree.
fn told_platform(image: &Image) -> String {
    match (image.platform(), &image.stated) {
        (Some(own), Some(stated)) if own != *stated => format!("{stated} (the image says {own})"),
        (Some(own), _) => own.to_string(),
        (None, Some(stated)) => stated.to_string(),
        (None, None) => "-".to_owned(),
    }
}

fn head(name: &str, digest: &str, media_type: &str) -> Styled {
    green(name) + "\n" + lines(&[("digest", digest), ("type", media_type)])
}

/// Shows all that is known about one image.
fn details(name: &str, image: &Image) -> Styled {
    let mut text = head(name, &image.manifest.digest.to_string(), &image.manifest.media_type);
    let configuration = image.configuration.as_ref();
    let created = configuration.and_then(|all| all.created().clone()).unwrap_or_else(|| "-".to_owned());
    let (platform, size) = (told_platform(image), render::size(image.size()));
    text.push(lines(&[("platform", &platform), ("created", &created), ("size", &size)]));
    let config = configuration.and_then(|all| all.config().clone()).unwrap_or_default();
    text.push(runs(&config));
    let rows: Vec<Vec<String>> = image.layers().iter().map(layer_row).collect();
    text.push(render::table(&["layer", "size", "type"], &rows));
    text + pairs("labels", config.labels().clone().unwrap_or_default())
}

fn layer_row(layer: &Descriptor) -> Vec<String> {
    vec![layer.digest().to_string(), render::size(layer.size()), layer.media_type().to_string()]
}

/// Shows how it runs; what is not set is left out.
fn runs(config: &Config) -> String {
    let words = |words: &Option<Vec<String>>| words.as_ref().map(|words| serde_json::json!(words).to_string());
    let parts = [
        ("entrypoint", words(config.entrypoint())),
        ("command", words(config.cmd())),
        ("user", config.user().clone()),
        ("folder", config.working_dir().clone()),
        ("ports", config.exposed_ports().as_ref().map(|ports| ports.join(", "))),
        ("signal", config.stop_signal().clone()),
    ];
    let set: Vec<(&str, String)> =
        parts.into_iter().filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?))).collect();
    let mut text = lines(&set.iter().map(|(name, value)| (*name, value.as_str())).collect::<Vec<_>>());
    for variable in config.env().iter().flatten() {
        text.push_str(&lines(&[("variable", variable)]));
    }
    text
}

fn lines(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("  {name:<10}  {}\n", escape_line(value))).collect()
}

fn pairs(title: &str, pairs: impl IntoIterator<Item = (String, String)>) -> Styled {
    let mut pairs: Vec<(String, String)> = pairs.into_iter().collect();
    if pairs.is_empty() {
        return Styled::default();
    }
    pairs.sort();
    let line = |(key, value): &(String, String)| format!("  {key}={}\n", escape_line(value));
    dim(title) + "\n" + pairs.iter().map(line).collect::<String>()
}

fn value(name: &str, inspected: &Inspected) -> Value {
    let annotations = match &inspected.manifest.content {
        Content::Index(index) => index.annotations().clone(),
        Content::Image(image) => image.annotations().clone(),
    };
    json!({
        "name": name, "digest": inspected.manifest.digest, "media_type": inspected.manifest.media_type,
        "size": inspected.manifest.bytes.len(), "annotations": annotations,
        "attestations": inspected.attestations,
        "images": inspected.images.iter().map(image_value).collect::<Vec<_>>(),
    })
}

fn image_value(image: &Image) -> Value {
    let layer = |layer: &Descriptor| json!({ "digest": layer.digest().to_string(), "size": layer.size(), "media_type": layer.media_type().to_string() });
    let configuration = image.configuration.as_ref();
    let config = configuration.and_then(|all| all.config().clone());
    json!({
        "platform": image.platform().or(image.stated.clone()).map(|platform| platform.to_string()),
        "stated": image.stated.as_ref().map(ToString::to_string),
        "digest": image.manifest.digest, "media_type": image.manifest.media_type, "size": image.size(),
        "layers": image.layers().iter().map(layer).collect::<Vec<_>>(),
        "created": configuration.and_then(|all: &ImageConfiguration| all.created().clone()),
        "labels": config.as_ref().and_then(|config| config.labels().clone()).unwrap_or_default(),
        "config": config,
    })
}
