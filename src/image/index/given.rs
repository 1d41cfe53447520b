//! What was typed: the names under which the images of an index were given.

use std::path::{Path, PathBuf};

use super::claim::Claim;
use super::error::IndexError;
use crate::fs::read_text;
use crate::model::{Digest, ImagePlatform, Reference, Repository};
use crate::project;

/// An image, or an index of images, that shall become part of the new index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// Its name, as people know it.
    pub name: String,
    /// Where it is.
    pub at: At,
    /// What was said about its platform.
    pub claims: Vec<Claim>,
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// In a registry.
    Registry(Reference),
    /// In an OCI layout on this disk.
    Layout {
        /// Its folder.
        folder: PathBuf,
        /// The name of the image in it; none when it holds only one.
        tag: Option<String>,
    },
}

/// Drops the word by which skopeo and podman tell registries from other places.
fn bare(text: &str) -> &str {
    text.strip_prefix("docker://").unwrap_or(text)
}

impl At {
    /// Reads `oci:DIR`, `oci:DIR:TAG` or a reference. Paths are relative to `cwd`.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn read(text: &str, cwd: &Path) -> Result<Self, IndexError> {
        let Some(rest) = text.strip_prefix("oci:") else {
            return Ok(Self::Registry(bare(text).parse()?));
        };
        // A folder may have a colon in its name, and then it is that folder.
        let split = rest.rsplit_once(':').filter(|(_, tag)| !tag.contains('/') && !cwd.join(rest).is_dir());
        let (folder, tag) = split.map_or((rest, None), |(folder, tag)| (folder, Some(tag.to_owned())));
        Ok(Self::Layout { folder: cwd.join(folder), tag })
    }
}

impl Given {
    /// Reads an argument: what [`At::read`] reads, or a digest alone, which is meant in the repository of the tags.
    ///
    /// # Errors
    /// When it names no image.
    pub fn argument(text: &str, target: &Repository, cwd: &Path) -> Result<Self, IndexError> {
        if let Ok(digest) = text.parse::<Digest>() {
            return Ok(Self::pinned(target, &digest));
        }
        let at = At::read(text, cwd)?;
        let claim = match &at {
            At::Registry(reference) => Claim::of_name(reference),
            At::Layout { folder, .. } => Claim::of_file(folder),
        };
        Ok(Self { name: text.to_owned(), at, claims: claim.into_iter().collect() })
    }

    /// Reads `linux/arm64=IMAGE`. The flag is the only claim then: it was written on purpose.
    ///
    /// # Errors
    /// When one side is not what it should be.
    pub fn child(text: &str, target: &Repository, cwd: &Path) -> Result<Self, IndexError> {
        let bad = |reason: String| IndexError::BadChild { text: text.to_owned(), reason };
        let (platform, image) = text.split_once('=').ok_or_else(|| bad("expected PLATFORM=IMAGE".to_owned()))?;
        let platform: ImagePlatform =
            platform.parse().map_err(|error: crate::model::BadPlatform| bad(error.to_string()))?;
        let given = Self::argument(image, target, cwd)?;
        Ok(Self { claims: vec![Claim::of_flag(platform)], ..given })
    }

    /// Reads a file that a builder wrote about what it pushed: a digest alone (`--digest-file` of kaniko, `--digestfile`
    /// of podman and skopeo), or lines `name@sha256:…` (`--image-name-with-digest-file` of kaniko), where each further
    /// name of the same image repeats its digest.
    ///
    /// # Errors
    /// When the file cannot be read or holds something else.
    pub fn digest_file(path: &Path, target: &Repository, cwd: &Path) -> Result<Vec<Self>, IndexError> {
        let text = read_text(&cwd.join(path), project::within(path, cwd))
            .map_err(|error| IndexError::DigestFile { path: path.to_owned(), source: error.source })?;
        let mut found: Vec<Self> = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let line = line.trim();
            let bad = |reason: String| IndexError::BadDigestFile { path: path.to_owned(), line: number + 1, reason };
            let mut given = match line.contains('@') {
                true => {
                    let reference: Reference =
                        line.parse().map_err(|error: crate::model::BadReference| bad(error.to_string()))?;
                    let claims = Claim::of_name(&reference).into_iter().collect();
                    Self { name: line.to_owned(), at: At::Registry(reference), claims }
                }
                false => {
                    let digest: Digest =
                        line.parse().map_err(|error: crate::model::BadDigest| bad(error.to_string()))?;
                    Self::pinned(target, &digest)
                }
            };
            given.claims.extend(Claim::of_file(path));
            match found.iter_mut().find(|other| other.digest() == given.digest()) {
                // The name in the repository of the tags is the nearest.
                Some(other) if given.repository() == Some(target) && other.repository() != Some(target) => {
                    *other = given;
                }
                Some(_) => {}
                None => found.push(given),
            }
        }
        if found.is_empty() {
            let reason = "the file is empty".to_owned();
            return Err(IndexError::BadDigestFile { path: path.to_owned(), line: 1, reason });
        }
        Ok(found)
    }

    fn pinned(repository: &Repository, digest: &Digest) -> Self {
        let reference = repository.pinned(digest);
        let claims = Claim::of_name(&reference).into_iter().collect();
        Self { name: reference.to_string(), at: At::Registry(reference), claims }
    }

    fn digest(&self) -> Option<&Digest> {
        match &self.at {
            At::Registry(reference) => reference.digest.as_ref(),
            At::Layout { .. } => None,
        }
    }

    /// Returns the repository of an image in a registry.
    #[must_use]
    pub fn repository(&self) -> Option<&Repository> {
        match &self.at {
            At::Registry(reference) => Some(&reference.repository),
            At::Layout { .. } => None,
        }
    }
}

/// Reads the tags of the index, which all stand in one repository.
///
/// # Errors
/// When there is none, one is no tag, or they are of several repositories.
pub fn tags(texts: &[String]) -> Result<(Repository, Vec<String>), IndexError> {
    let mut repository: Option<Repository> = None;
    let mut tags: Vec<String> = Vec::new();
    for text in texts {
        let reference: Reference = bare(text).parse()?;
        if reference.digest.is_some() {
            return Err(IndexError::TagWithDigest { tag: text.clone() });
        }
        match &repository {
            Some(first) if *first != reference.repository => {
                return Err(IndexError::TagsApart {
                    first: first.to_string(),
                    other: reference.repository.to_string(),
                });
            }
            _ => repository = Some(reference.repository),
        }
        tags.extend(reference.tag.filter(|tag| !tags.contains(tag)));
    }
    repository.map(|repository| (repository, tags)).ok_or(IndexError::NoTag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    const TWO: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

    fn target() -> Repository {
        "r.io/app".parse().unwrap()
    }

    #[test]
    fn arguments_are_references_digests_or_layouts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a:b")).unwrap();
        for (text, expected) in [
            ("r.io/app:1-arm64".to_owned(), "r.io/app:1-arm64".to_owned()),
            (ONE.to_owned(), format!("r.io/app@{ONE}")),
            ("docker://r.io/app:1".to_owned(), "r.io/app:1".to_owned()),
            ("oci:build/arm64".to_owned(), "build/arm64 -".to_owned()),
            ("oci:build/arm64:1.2".to_owned(), "build/arm64 1.2".to_owned()),
            ("oci:a:b".to_owned(), "a:b -".to_owned()),
            ("oci:a:b/c".to_owned(), "a:b/c -".to_owned()),
        ] {
            let given = Given::argument(&text, &target(), folder.path()).unwrap();
            let told = match given.at {
                At::Registry(reference) => reference.to_string(),
                At::Layout { folder: found, tag } => {
                    let found = found.strip_prefix(folder.path()).unwrap().display().to_string();
                    format!("{found} {}", tag.unwrap_or("-".to_owned()))
                }
            };
            assert_eq!(told, expected);
        }
        assert!(Given::argument("r.io/App", &target(), folder.path()).is_err());
        let child = Given::child("linux/arm64=r.io/app:1-amd64", &target(), folder.path()).unwrap();
        assert_eq!(child.claims, [Claim::of_flag("linux/arm64".parse().unwrap())]);
        for text in ["r.io/app:1", "arm64=r.io/app:1", "linux/arm64=", "=r.io/app:1"] {
            assert!(Given::child(text, &target(), folder.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_files_of_builders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(folder.path().join("arm64.digest"), text).unwrap();
            let found = Given::digest_file(Path::new("arm64.digest"), &target(), folder.path())?;
            Ok::<_, IndexError>(found.iter().map(|given| given.name.clone()).collect::<Vec<_>>())
        };
        for (text, expected) in [
            (ONE.to_owned(), vec![format!("r.io/app@{ONE}")]),
            (format!("{ONE}\n"), vec![format!("r.io/app@{ONE}")]),
            (format!("q.io/other@{ONE}\n"), vec![format!("q.io/other@{ONE}")]),
            (format!("r.io/app:1-arm64@{ONE}\r\n"), vec![format!("r.io/app:1-arm64@{ONE}")]),
            (format!("q.io/app@{ONE}\nr.io/app:1@{ONE}\n"), vec![format!("r.io/app:1@{ONE}")]),
            (format!("r.io/app@{ONE}\nq.io/app:1@{ONE}\n"), vec![format!("r.io/app@{ONE}")]),
            (format!("r.io/app@{ONE}\n\nr.io/app@{TWO}\n"), vec![format!("r.io/app@{ONE}"), format!("r.io/app@{TWO}")]),
        ] {
            assert_eq!(read(&text).unwrap(), expected, "{text}");
        }
        for (text, said) in [
            ("", "is empty"),
            ("\n", "is empty"),
            ("r.io/app:1.2", "line 1"),
            ("<html>", "line 1"),
            ("r.io/app@sha256:12", "line 1"),
            (&format!("{ONE}\nx"), "line 2"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
        assert!(matches!(
            Given::digest_file(Path::new("absent"), &target(), folder.path()),
            Err(IndexError::DigestFile { .. })
        ));
        let claims = &Given::digest_file(Path::new("arm64.digest"), &target(), folder.path());
        assert!(claims.is_err());
    }

    #[test]
    fn tags_stand_in_one_repository() {
        let read = |texts: &[&str]| tags(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        assert_eq!(read(&["r.io/app:1", "docker://r.io/app", "r.io/app:1"]).unwrap().1, ["1", "latest"]);
        assert!(matches!(read(&["r.io/app:1", "r.io/other:1"]), Err(IndexError::TagsApart { .. })));
        assert!(matches!(read(&[&format!("r.io/app:1@{ONE}")]), Err(IndexError::TagWithDigest { .. })));
        assert!(matches!(read(&[]), Err(IndexError::NoTag)));
    }
}
