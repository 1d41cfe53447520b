//! The download steps of the first stage: each file by its URL, verified by its digest before anything reads it.

use std::fmt::Write as _;

use super::super::pinned::{self, Pinned};
use super::super::{Error, Project, Tool};
use super::TARGET;
use crate::model::{Artifact, Format};
use crate::project::pipeline::Architecture;
use crate::text::all_of;
use crate::text::shell;

/// Returns the folder of a tool below the trees; .NET tools share one.
pub(super) fn folder(tool: &Tool<'_>) -> String {
    tool.toolchain.card().folder().to_owned()
}

/// Returns true if an archive needs xz.
pub(super) fn needs_xz(project: &Project<'_>) -> Result<bool, Error> {
    for tool in &project.tools {
        for architecture in &project.architectures {
            if pinned::artifacts(tool, *architecture)?.iter().any(|artifact| artifact.format == Format::TarXz) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Writes one step per tool, so that a new version of one does not download the others again.
pub(super) fn trees(project: &Project<'_>, trees: &str) -> Result<String, Error> {
    let mut text = String::new();
    for tool in pinned::groups(project).into_iter().flat_map(|(_, tools)| tools) {
        let target = format!("{trees}/{}", folder(tool));
        let mut cases = Vec::new();
        for architecture in &project.architectures {
            let mut lines = Vec::new();
            pinned::check(tool, TARGET)?;
            for artifact in pinned::artifacts(tool, *architecture)? {
                lines.push(fetched(project, tool, &artifact, &target)?);
            }
            cases.push((*architecture, lines));
        }
        let _ = write!(text, "# {} {}\n{}", tool.toolchain.name(), tool.locked.version, by_architecture(&cases));
    }
    Ok(text)
}

/// Writes the step that installs toolkit itself.
pub(super) fn bootstrap(project: &Project<'_>) -> Result<String, Error> {
    let mut cases = Vec::new();
    for (architecture, file) in pinned::bootstraps(project, TARGET)? {
        let unpack = if file.url.path().ends_with(".tar.gz") {
            "tar -xzf /tmp/download -C /usr/local/bin --no-same-owner toolkit"
        } else {
            "cp /tmp/download /usr/local/bin/toolkit"
        };
        let lines = [download(&file), unpack.to_owned(), "chmod 755 /usr/local/bin/toolkit".to_owned()];
        cases.push((architecture, vec![lines.join("; \\\n        ")]));
    }
    Ok(format!("# toolkit\n{}", by_architecture(&cases)))
}

/// Writes one `RUN` with a case for each architecture.
fn by_architecture(cases: &[(Architecture, Vec<String>)]) -> String {
    let mut text = String::from("RUN set -eu; \\\n    case \"${TARGETARCH:-$(uname -m)}\" in \\\n");
    for (architecture, lines) in cases {
        let _ = write!(text, "      {}|{}) \\\n        ", architecture.as_str(), architecture.machine());
        let _ = writeln!(text, "{} ;; \\", lines.join("; \\\n        "));
    }
    let known = all_of(cases.iter().map(|(architecture, _)| architecture.as_str()));
    let _ = write!(
        text,
        "      *) echo \"this image can be built for {known}, not for ${{TARGETARCH:-$(uname -m)}}\" >&2; exit 1 ;; \\\n    esac; \\\n    rm -f /tmp/download\n"
    );
    text
}

/// Writes how one archive is downloaded, checked and unpacked into the target.
fn fetched(project: &Project<'_>, tool: &Tool<'_>, artifact: &Artifact, target: &str) -> Result<String, Error> {
    let file = pinned::pinned(project, tool, artifact, TARGET)?;
    let flag = match artifact.format {
        Format::Tar => "-x",
        Format::TarGz => "-xz",
        Format::TarXz => "-xJ",
        _ => {
            let name = artifact.file_name();
            let reason =
                format!("{name} is not an archive that every base image can unpack; set `method = \"toolkit\"`");
            return Err(pinned::unsupported(TARGET, reason));
        }
    };
    let strip = if artifact.strip == 0 { String::new() } else { format!(" --strip-components={}", artifact.strip) };
    Ok(format!(
        "{}; \\\n        mkdir -p {target}; \\\n        tar {flag}f /tmp/download -C {target} --no-same-owner{strip}",
        download(&file)
    ))
}

fn download(Pinned { url, checker, hex }: &Pinned) -> String {
    format!(
        "curl --fail --silent --show-error --location --proto '={}' --tlsv1.2 --retry 3 --output /tmp/download \\\n          {}; \\\n        echo {hex}'  /tmp/download' | {checker} -c -",
        url.scheme(),
        shell::word(url.as_str()),
    )
}
