//! `toolkit mirror list`: what finished syncs have put into a mirror.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::Global;
use super::super::render::{self, Failure, done};
use super::super::settings::Settings;
use super::{address, store};
use crate::host::Host;
use crate::mirror::{Condition, Entry, Error, Index, Kind, Use};

/// List the files of a mirror from its toolkit-mirror.json
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The mirror: a folder, file://… or s3://bucket/prefix [default: the project's]
    #[arg(value_name = "MIRROR")]
    which: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  toolkit mirror list
  toolkit mirror list s3://builds/toolchains --json";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let settings = Settings::new(host, global)?;
        let address = address(self.which.as_deref(), &settings, global)?;
        let store = store(&address, &settings)?;
        let (index, condition) = settings.runtime.block_on(async { Ok(Index::read(store.as_ref()).await?) })?;
        if condition == Condition::Absent {
            return Err(Error::Unfinished { mirror: store.name() }.into());
        }
        if global.json {
            let files: Vec<_> = index.files.iter().map(|(path, entry)| value(path, entry)).collect();
            let whole = json!({ "mirror": address.to_string(), "bytes": index.bytes(), "files": files });
            return render::json(&whole).map(|()| ExitCode::SUCCESS);
        }
        let rows: Vec<_> = index.files.iter().map(|(path, entry)| row(path, entry)).collect();
        let header = ["tool", "version", "platform", "size", "path"];
        render::data(render::table(&header, &rows))?;
        let of = |kind: Kind| {
            let files = index.files.values().filter(|entry| entry.kind == kind);
            let (count, bytes) = files.fold((0, 0), |(count, bytes), entry| (count + 1, bytes + entry.size));
            format!("{count} ({})", render::size(bytes))
        };
        done(global, format!("{address}: archives {}, documents {}", of(Kind::Archive), of(Kind::Metadata)));
        Ok(ExitCode::SUCCESS)
    }
}

fn row(path: &str, entry: &Entry) -> Vec<String> {
    let of = |part: fn(&Use) -> Option<&str>| {
        let parts: BTreeSet<&str> = entry.uses.iter().filter_map(part).collect();
        if parts.is_empty() { "-".to_owned() } else { parts.into_iter().collect::<Vec<_>>().join(", ") }
    };
    let tool = of(|one| Some(&one.tool));
    let (version, platform) = (of(|one| one.version.as_deref()), of(|one| one.platform.as_deref()));
    vec![tool, version, platform, render::size(entry.size), path.to_owned()]
}

fn value(path: &str, entry: &Entry) -> serde_json::Value {
    json!({
        "path": path, "size": entry.size, "sha256": entry.sha256, "kind": entry.kind, "digest": entry.digest,
        "for": entry.uses,
    })
}
