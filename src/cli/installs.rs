//! What `verify`, `repair` and `remove` do with the installs that were named, and the notes of tools on installs.

use std::path::Path;

use super::render::Failure;
use super::settings::Settings;
use crate::model::Channel;
use crate::provision::{self, Installed};
use crate::store::Install;
use crate::toolchain;

/// Finds installs by what was typed: all without arguments, all versions of a tool without a channel.
pub(super) fn chosen(specs: &[String], settings: &Settings) -> Result<Vec<Install>, Failure> {
    let all = settings.store.list()?;
    if specs.is_empty() {
        return Ok(all);
    }
    let mut chosen = Vec::new();
    for spec in specs {
        let (tool, channel) = meaning(spec, &all, settings)?;
        if spec.contains('@') && matches!(channel, Channel::Name(_)) {
            return Err(Failure::usage_with_hint(
                format!("`{spec}` is a moving channel and does not identify an install"),
                "name a version or a release line, or the tool alone for all of its versions",
            ));
        }
        let matches = |install: &&Install| {
            let id = &install.id;
            id.tool.as_str() == tool && (!spec.contains('@') || channel.admits(&id.version))
        };
        let found: Vec<Install> = all.iter().filter(matches).cloned().collect();
        if found.is_empty() {
            return Err(Failure::usage_with_hint(
                format!("no install matches `{spec}`; nothing was changed"),
                "`toolkit list` shows what is installed",
            ));
        }
        chosen.extend(found);
    }
    chosen.sort_by(|left, right| left.id.cmp(&right.id));
    chosen.dedup_by(|left, right| left.id == right.id);
    Ok(chosen)
}

/// Reads what was typed about installs. A tool that only another project defines is known by what is installed of it.
fn meaning(spec: &str, installs: &[Install], settings: &Settings) -> Result<(String, Channel), Failure> {
    match provision::argument_in(spec, settings.manifest.as_ref()) {
        Ok(request) => Ok((request.tool.name().to_owned(), request.channel)),
        Err(provision::Error::UnknownTool { name, .. })
            if installs.iter().any(|install| install.id.tool.as_str() == name) =>
        {
            let text = spec.split_once('@').map_or("latest", |(_, text)| text.trim());
            let channel = toolchain::channel(&name, text).map_err(provision::Error::BadChannel)?;
            Ok((name, channel))
        }
        Err(cause) => Err(cause.into()),
    }
}

/// Reports the notes of the tools: what they need of the person.
pub(super) fn report_notes(installs: &[Installed], settings: &Settings) {
    let home = settings.host.var("HOME").map(Path::new);
    for Installed { request, install, .. } in installs {
        for note in request.tool.card().layout.notes(&install.id.version, &install.root, home) {
            settings.report.warned(&note);
        }
    }
}
