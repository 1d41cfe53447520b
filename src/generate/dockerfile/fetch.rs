//! The steps of the first stage that download: each file by its URL, checked by its digest before anything reads it.

use std::fmt::Write as _;

use super::super::{Error, Project, Tool, pinned, shell};
use super::TARGET;
use crate::model::{Artifact, Digest, Format};
use crate::project::pipeline::Architecture;

/// Returns the folder of a tool below the trees: several .NET tools share one.
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

/// Writes a step for each tool, so that a new version of one does not fetch the others again.
pub(super) fn trees(project: &Project<'_>, trees: &str) -> Result<String, Error> {
    let mut text = String::new();
    for tool in pinned::groups(project).into_iter().flat_map(|(_, tools)| tools) {
        let target = format!("{trees}/{}", folder(tool));
        let mut cases = Vec::new();
        for architecture in &project.architectures {
            let mut lines = Vec::new();
            if let Some(reason) = pinned::needs_toolkit(tool) {
                let (key, value) = ("pipeline.install.method", "portable".to_owned());
                return Err(Error::Unsupported { key, value, target: TARGET, reason });
            }
            for artifact in pinned::artifacts(tool, *architecture)? {
                lines.push(fetched(project, &artifact, &target)?);
            }
            cases.push((*architecture, lines));
        }
        let _ = write!(text, "# {} {}\n{}", tool.toolchain.name(), tool.locked.version, by_architecture(&cases));
    }
    Ok(text)
}

/// Writes the step that brings toolkit itself.
pub(super) fn bootstrap(project: &Project<'_>) -> Result<String, Error> {
    let mut cases = Vec::new();
    for architecture in &project.architectures {
        let bootstrap = project.pipeline.install.bootstrap.get(architecture).ok_or_else(|| Error::Missing {
            key: "pipeline.install.bootstrap",
            target: TARGET,
            reason: format!("the program for {} is not there, and the image is built for it", architecture.as_str()),
        })?;
        let digest: Digest = bootstrap.digest.parse().map_err(|_| Error::Value {
            key: format!("pipeline.install.bootstrap.{}.digest", architecture.as_str()),
            value: bootstrap.digest.clone(),
            target: TARGET,
            reason: "a digest is `sha256:` and 64 hexadecimal digits".to_owned(),
        })?;
        let refused = |value: &str, reason: String| Error::Value {
            key: format!("pipeline.install.bootstrap.{}", architecture.as_str()),
            value: value.to_owned(),
            target: TARGET,
            reason,
        };
        let program = pinned::checker(&digest)
            .ok_or_else(|| refused(&bootstrap.digest, "plain shell checks sha256 and sha512 only".to_owned()))?;
        pinned::allowed(&bootstrap.url).map_err(|reason| refused(bootstrap.url.as_str(), reason))?;
        let mut lines = vec![download(bootstrap.url.as_str(), program, &digest)];
        lines.push(if bootstrap.url.path().ends_with(".tar.gz") {
            "tar -xzf /tmp/download -C /usr/local/bin --no-same-owner toolkit".to_owned()
        } else {
            "cp /tmp/download /usr/local/bin/toolkit".to_owned()
        });
        lines.push("chmod 755 /usr/local/bin/toolkit".to_owned());
        cases.push((*architecture, vec![lines.join("; \\\n        ")]));
    }
    Ok(format!("# toolkit\n{}", by_architecture(&cases)))
}

/// Writes one `RUN` in which the architecture decides.
fn by_architecture(cases: &[(Architecture, Vec<String>)]) -> String {
    let mut text = String::from("RUN set -eu; \\\n    case \"${TARGETARCH:-$(uname -m)}\" in \\\n");
    for (architecture, lines) in cases {
        let _ = write!(text, "      {}|{}) \\\n        ", architecture.as_str(), architecture.machine());
        let _ = writeln!(text, "{} ;; \\", lines.join("; \\\n        "));
    }
    let known = cases.iter().map(|(architecture, _)| architecture.as_str()).collect::<Vec<_>>().join(" and ");
    let _ = write!(
        text,
        "      *) echo \"this image is made for {known}, not for ${{TARGETARCH:-$(uname -m)}}\" >&2; exit 1 ;; \\\n    esac; \\\n    rm -f /tmp/download\n"
    );
    text
}

/// Writes how one archive is downloaded, checked and unpacked into the target.
fn fetched(project: &Project<'_>, artifact: &Artifact, target: &str) -> Result<String, Error> {
    let flag = match artifact.format {
        Format::Tar => "-x",
        Format::TarGz => "-xz",
        Format::TarXz => "-xJ",
        _ => {
            return Err(Error::Unsupported {
                key: "pipeline.install.method",
                value: "portable".to_owned(),
                target: TARGET,
                reason: format!(
                    "{} is no archive that every base image can unpack; set `method = \"toolkit\"`",
                    artifact.file_name()
                ),
            });
        }
    };
    let url = pinned::mirrored(project, &artifact.url, TARGET)?;
    pinned::allowed(&url).map_err(|reason| Error::Value {
        key: "source.mirror".to_owned(),
        value: url.to_string(),
        target: TARGET,
        reason,
    })?;
    let program = pinned::checker(&artifact.digest).expect("only a Go module has another digest, and that is refused");
    let strip = if artifact.strip == 0 { String::new() } else { format!(" --strip-components={}", artifact.strip) };
    Ok(format!(
        "{}; \\\n        mkdir -p {target}; \\\n        tar {flag}f /tmp/download -C {target} --no-same-owner{strip}",
        download(url.as_str(), program, &artifact.digest)
    ))
}

fn download(url: &str, program: &str, digest: &Digest) -> String {
    format!(
        "curl --fail --silent --show-error --location --proto '={}' --tlsv1.2 --retry 3 --output /tmp/download \\\n          {}; \\\n        echo {}'  /tmp/download' | {program} -c -",
        url.split(':').next().unwrap_or("https"),
        shell::word(url),
        digest.hex()
    )
}
