//! What a tool would write into a lock itself, compared with what stands there. A lock may come from a stranger's pull
//! request: nothing in it decides where bytes come from.

use url::Url;

use crate::model::{Algorithm, Artifact, Format, Level, Release};
use crate::net::shown;
use crate::project::LOCK;

/// What a tool writes into a lock for one file.
#[derive(Debug)]
pub(in crate::toolchain) struct Expected<'a> {
    /// Its URL.
    pub(in crate::toolchain) url: Url,
    /// The hash that the tool's upstream publishes; none where any will do.
    pub(in crate::toolchain) algorithm: Option<Algorithm>,
    /// The proofs that the tool can give.
    pub(in crate::toolchain) proofs: &'a [(Level, &'a str)],
    /// How it is packed; none where its document says so.
    pub(in crate::toolchain) format: Option<Format>,
    /// How many folders are dropped.
    pub(in crate::toolchain) strip: usize,
}

/// The proof of a file that was trusted when the lock was written.
pub(in crate::toolchain) const FIRST_SEEN: (Level, &str) = (Level::FirstSeen, super::first_use::SOURCE);

impl Expected<'_> {
    /// Compares a file of a lock with what is expected.
    ///
    /// # Errors
    /// The first difference, as a sentence.
    pub(in crate::toolchain) fn check(&self, artifact: &Artifact) -> Result<(), String> {
        if artifact.url != self.url {
            let (found, expected) = (shown(&artifact.url), shown(&self.url));
            // What is not printed may be a secret.
            let more = if found == expected { " with more than that in it" } else { "" };
            return Err(format!("its URL is `{found}`{more}, expected `{expected}`"));
        }
        self.check_packing(artifact)
    }

    /// Compares everything but the URL.
    ///
    /// # Errors
    /// As [`Expected::check`].
    pub(in crate::toolchain) fn check_packing(&self, artifact: &Artifact) -> Result<(), String> {
        let file = artifact.file_name();
        if let Some(expected) = self.algorithm.filter(|algorithm| *algorithm != artifact.digest.algorithm()) {
            let found = artifact.digest.algorithm().prefix();
            return Err(format!("{file} is pinned by its {found}, expected its {}", expected.prefix()));
        }
        let proof = (artifact.proof.level, artifact.proof.source.as_str());
        // What was installed from a lock was compared with nothing else.
        let of_receipt = proof == (Level::Checksum, LOCK);
        if !of_receipt && !self.proofs.contains(&proof) {
            let known: Vec<String> = self.proofs.iter().map(|(level, source)| format!("{level} by {source}")).collect();
            return Err(format!(
                "the digest of {file} is said to be proven by {} of {}, expected {}",
                proof.0,
                proof.1,
                known.join(" or ")
            ));
        }
        if self.format.is_some_and(|format| format != artifact.format) {
            return Err(format!("the format of {file} is not the one that the tool writes"));
        }
        if artifact.strip != self.strip {
            return Err(format!("strip of {file} is {}, expected {}", artifact.strip, self.strip));
        }
        Ok(())
    }
}

/// Returns the file of a release that consists of one, of a tool that knows its executables.
///
/// # Errors
/// What the release has that such a tool does not write.
pub(in crate::toolchain) fn only_file(release: &Release) -> Result<&Artifact, String> {
    if release.image.is_some() {
        return Err("it names an image, and the tool is not published as one".to_owned());
    }
    no_executables(release)?;
    match release.artifacts.as_slice() {
        [artifact] => Ok(artifact),
        more => Err(format!("it has {} files, expected one", more.len())),
    }
}

/// Refuses executables of a tool that knows its own.
///
/// # Errors
/// When there are any.
pub(in crate::toolchain) fn no_executables(release: &Release) -> Result<(), String> {
    match release.executables.is_empty() {
        true => Ok(()),
        false => Err("it names executables, which only a tool that the project defines has".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Proof, Reference, SourceImage};
    use crate::toolchain;

    const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn release(tool: &str, version: &str, url: &str, proof: (Level, &str)) -> Release {
        let found = toolchain::find(tool).unwrap();
        let artifact = Artifact {
            url: url.parse().unwrap(),
            digest: format!("sha256:{HEX}").parse().unwrap(),
            proof: Proof { level: proof.0, source: proof.1.to_owned() },
            size: None,
            format: if tool.starts_with("kaniko") { Format::LayerTarGz } else { Format::TarGz },
            strip: usize::from(tool == "podman"),
        };
        let version = found.version(version).unwrap();
        found.card().release(&version, "linux/amd64".parse().unwrap(), vec![artifact])
    }

    fn of_image(release: Release, image: &str) -> Release {
        let reference: Reference = format!("{image}@sha256:{HEX}").parse().unwrap();
        Release { image: Some(SourceImage { reference, manifest: None }), ..release }
    }

    #[test]
    fn releases_on_github_are_those_of_the_tools_own_repository_and_tag() {
        let github = "https://github.com/mgoltzsche/podman-static/releases/download";
        let (own, hashed) = ("podman-linux-amd64.tar.gz", (Level::Checksum, "api.github.com"));
        for (version, url, proof, fine) in [
            ("5.8.4", format!("{github}/v5.8.4/{own}"), hashed, true),
            ("5.8.4", format!("{github}/v5.8.4/{own}"), FIRST_SEEN, true),
            ("5.8.4", format!("{github}/v5.8.4/{own}"), (Level::Checksum, "shasums on github.com"), false),
            ("5.8.4", format!("{github}/v5.8.4/{own}"), (Level::Signature, "api.github.com"), false),
            ("5.8.4", format!("{github}/v5.8.3/{own}"), hashed, false),
            ("5.8.4", format!("{github}/v5.8.4/podman-linux-arm64.tar.gz"), hashed, false),
            ("5.8.4", format!("{github}/v5.8.4/{own}").replace("mgoltzsche", "someone"), hashed, false),
        ] {
            let release = release("podman", version, &url, proof);
            let outcome = toolchain::find("podman").unwrap().check_locked(&release);
            assert_eq!(outcome.is_ok(), fine, "{url} {proof:?}: {outcome:?}");
        }
    }

    #[test]
    fn layers_are_those_of_the_tools_own_image_and_named_by_their_digest() {
        let fork = "ghcr.io/osscontainertools/kaniko";
        let blob = format!("https://ghcr.io/v2/osscontainertools/kaniko/blobs/sha256:{HEX}");
        let other = "ab".repeat(32);
        for (url, image, fine) in [
            (blob.clone(), format!("{fork}:v1.28.3-debug"), true),
            (blob.clone(), format!("{fork}:v1.28.3"), false),
            (blob.clone(), format!("{fork}:v1.28.2-debug"), false),
            (blob.clone(), "ghcr.io/someone/kaniko:v1.28.3-debug".to_owned(), false),
            (blob.replace(HEX, &other), format!("{fork}:v1.28.3-debug"), false),
            (blob.replace("osscontainertools", "someone"), format!("{fork}:v1.28.3-debug"), false),
            (blob.replace("ghcr.io", "registry.example"), format!("{fork}:v1.28.3-debug"), false),
        ] {
            let release = of_image(release("kaniko-debug", "1.28.3", &url, (Level::Checksum, "ghcr.io")), &image);
            let outcome = toolchain::find("kaniko-debug").unwrap().check_locked(&release);
            assert_eq!(outcome.is_ok(), fine, "{url} {image}: {outcome:?}");
        }
        let bare = release("kaniko-debug", "1.28.3", &blob, (Level::Checksum, "ghcr.io"));
        assert!(toolchain::find("kaniko-debug").unwrap().check_locked(&bare).unwrap_err().contains("no image"));
    }
}
