//! `toolkit mirror parse`: the parts of an address in S3.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::Global;
use super::super::render::{self, Failure};
use crate::model::{BadS3Uri, S3Endpoint, S3Style, S3Uri};
use crate::text::is_unsafe;

/// Query parameters of signed addresses that are as good as a password.
const SECRET: &[&str] = &["x-amz-signature", "x-amz-security-token", "x-amz-credential", "signature", "awsaccesskeyid"];

/// Print bucket, key, region and whether it is written path-style, with tabs in between
///
/// Parses s3://bucket/key and every address of the S3 API: path-style and virtual-hosted, regional and legacy, dual-stack,
/// FIPS, accelerated. Parts that an address lacks are empty; percent signs are decoded. Access points, Outposts, directory
/// buckets and websites are not supported. Makes no request.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Addresses of objects or buckets
    #[arg(value_name = "URI", required = true)]
    uris: Vec<String>,
}

pub(super) const EXAMPLES: &str = "\
Examples:
  toolkit mirror parse s3://builds/toolchains
  toolkit mirror parse 'https://builds.s3.eu-west-1.amazonaws.com/a%20b?versionId=v1' --json
  IFS=$'\\t' read -r bucket key region path_style < <(toolkit mirror parse \"$URI\")";

impl Arguments {
    pub(super) fn run(self, global: &Global) -> Result<ExitCode, Failure> {
        let uris: Vec<S3Uri> = self.uris.iter().map(|text| text.parse()).collect::<Result<_, BadS3Uri>>()?;
        if global.json {
            render::json(&uris.iter().map(value).collect::<Vec<_>>())?;
            return Ok(ExitCode::SUCCESS);
        }
        for uri in &uris {
            // As it is: a script splits it at the tabs. Nothing in it is unsafe.
            render::raw(line(uri)?)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the parts for a script, which splits them at tabs and line ends.
fn line(uri: &S3Uri) -> Result<String, Failure> {
    let text = |part: &Option<String>| part.clone().unwrap_or_default();
    let key = text(&uri.key);
    if key.chars().any(is_unsafe) {
        return Err(Failure::usage_with_hint(
            format!("the key of {uri} contains a control character, such as the tab that separates the parts"),
            "`--json` writes any key",
        ));
    }
    let path_style = uri.style == S3Style::Path;
    Ok(format!("{}\t{key}\t{}\t{path_style}\n", text(&uri.bucket), text(&uri.region)))
}

fn value(uri: &S3Uri) -> serde_json::Value {
    let shown = |name: &str, value: &str| {
        let secret = SECRET.contains(&name.to_ascii_lowercase().as_str());
        if secret { "…".to_owned() } else { value.to_owned() }
    };
    let query: Vec<_> =
        uri.query.iter().map(|(name, value)| json!({ "name": name, "value": shown(name, value) })).collect();
    let S3Endpoint { dualstack, fips, accelerate } = uri.endpoint;
    json!({
        "bucket": uri.bucket, "key": uri.key, "region": uri.region, "style": uri.style.as_str(),
        "path_style": uri.style == S3Style::Path, "version_id": uri.version_id(), "dualstack": dualstack, "fips": fips,
        "accelerate": accelerate, "query": query, "uri": uri.to_string(),
    })
}
