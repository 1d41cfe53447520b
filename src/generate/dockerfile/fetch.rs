//! The steps of the first stage that download: each file by its URL, checked by its digest before anything reads it.

use std::fmt::Write as _;

use super::super::{Architecture, Error, Project, Tool, shell};
use super::TARGET;
use crate::model::{Algorithm, Artifact, Format, Os, Platform};

/// Gives the folder of a tool below the trees: several .NET tools share one.
pub(super) fn folder(tool: &Tool<'_>) -> String {
    tool.toolchain.shared_root().unwrap_or(tool.toolchain.name()).to_owned()
}

/// Tells whether an archive needs xz.
pub(super) fn needs_xz(project: &Project<'_>) -> Result<bool, Error> {
    for tool in &project.tools {
        for architecture in &project.architectures {
            if artifacts(tool, *architecture)?.iter().any(|artifact| artifact.format == Format::TarXz) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Writes a step for each tool, so that a new version of one does not fetch the others again.
pub(super) fn trees(project: &Project<'_>, trees: &str) -> Result<String, Error> {
    let mut text = String::new();
    for tool in in_order(project) {
        let target = format!("{trees}/{}", folder(tool));
        let mut cases = Vec::new();
        for architecture in &project.architectures {
            let mut lines = Vec::new();
            for artifact in artifacts(tool, *architecture)? {
                lines.push(fetched(&artifact, &target)?);
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
        let digest = bootstrap.digest.parse().map_err(|_| Error::Value {
            key: format!("pipeline.install.bootstrap.{}.digest", architecture.as_str()),
            value: bootstrap.digest.clone(),
            target: TARGET,
            reason: "a digest is `sha256:` and 64 hexadecimal digits".to_owned(),
        })?;
        let mut lines = vec![download(bootstrap.url.as_str(), &digest)];
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
fn fetched(artifact: &Artifact, target: &str) -> Result<String, Error> {
    let flag = match artifact.format {
        Format::Tar => "-x",
        Format::TarGz => "-xz",
        Format::TarXz => "-xJ",
        Format::TarZst | Format::Zip | Format::GoModuleZip => {
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
    let strip = if artifact.strip == 0 { String::new() } else { format!(" --strip-components={}", artifact.strip) };
    Ok(format!(
        "{}; \\\n        mkdir -p {target}; \\\n        tar {flag}f /tmp/download -C {target} --no-same-owner{strip}",
        download(artifact.url.as_str(), &artifact.digest)
    ))
}

fn download(url: &str, digest: &crate::model::Digest) -> String {
    let program = match digest.algorithm() {
        Algorithm::Sha512 => "sha512sum",
        _ => "sha256sum",
    };
    format!(
        "curl --fail --silent --show-error --location --proto '=https' --tlsv1.2 --retry 3 --output /tmp/download \\\n          {}; \\\n        echo {}'  /tmp/download' | {program} -c -",
        shell::word(url),
        digest.hex()
    )
}

fn artifacts(tool: &Tool<'_>, architecture: Architecture) -> Result<Vec<Artifact>, Error> {
    let artifacts = tool.locked.artifacts_for(Platform::new(Os::Linux, architecture.arch()));
    if artifacts.is_empty() {
        let tool = tool.toolchain.name().to_owned();
        return Err(Error::NotLockedFor { tool, architecture: architecture.as_str() });
    }
    Ok(artifacts)
}

/// Puts tools that share a root in the order in which the newest is unpacked last, an SDK after the runtime of its line:
/// what has no version in its path, the `dotnet` host above all, must be the newest's.
fn in_order<'p>(project: &'p Project<'p>) -> Vec<&'p Tool<'p>> {
    let mut tools: Vec<&Tool<'_>> = project.tools.iter().collect();
    let line = |tool: &Tool<'_>| -> Vec<u64> {
        tool.locked.version.split('.').take(2).map(|part| part.parse().unwrap_or(0)).collect()
    };
    tools.sort_by_key(|tool| {
        let runtime = tool.toolchain.name().contains("runtime");
        (folder(tool), if tool.toolchain.shared_root().is_some() { line(tool) } else { Vec::new() }, !runtime)
    });
    tools
}
