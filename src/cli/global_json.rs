//! Warnings about `global.json` files under which the .NET host would find no SDK of the project.

use std::path::Path;

use super::below::files_below;
use super::settings::Settings;
use crate::provision::Installed;
use crate::toolchain::dotnet::{self, host};

/// How deep below the project its folders are looked into.
const DEEPEST: usize = 8;

/// Returns the versions of the SDKs among installs.
pub(super) fn sdks(installs: &[Installed]) -> Vec<String> {
    let sdks = installs.iter().filter(|installed| is_sdk(installed.request.tool.name()));
    sdks.map(|installed| installed.install.id.version.to_string()).collect()
}

/// Returns true if the tool is the SDK, which a `global.json` selects.
pub(super) fn is_sdk(tool: &str) -> bool {
    tool == dotnet::SDK_NAME
}

/// Warns when the file that counts in `folder` requests an SDK that is not among `sdks`.
pub(super) fn warn_in(folder: &Path, sdks: &[String], settings: &Settings) {
    let Some(file) = host::nearest_global_json(folder).filter(|_| !sdks.is_empty()) else { return };
    let project = settings.root.folder();
    let outside = !file.starts_with(project) && project.join("global.json") != file;
    let place = if outside { format!("{}, above the project,", file.display()) } else { shown(&file, project) };
    warn(&file, &place, "here", sdks, settings);
}

/// Warns of each file below the project that requests an SDK that is not among `sdks`.
pub(super) fn warn_below(sdks: &[String], settings: &Settings) {
    if sdks.is_empty() {
        return;
    }
    let project = settings.root.folder();
    for file in files_below(project, DEEPEST).iter().filter(|file| file.ends_with("/global.json")) {
        warn(&project.join(file), file, "there", sdks, settings);
    }
}

fn warn(file: &Path, place: &str, wherever: &str, sdks: &[String], settings: &Settings) {
    if let Some(version) = host::unmet(file, sdks) {
        settings.report.warned(&format!(
            "{place} requests .NET SDK {version}, which this project does not install: `dotnet` fails {wherever}"
        ));
    }
}

fn shown(file: &Path, project: &Path) -> String {
    file.strip_prefix(project).unwrap_or(file).display().to_string()
}
