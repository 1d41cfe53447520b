//! The images for an index, as given on the command line.

use std::path::Path;

use super::claim::Claim;
use super::error::IndexError;
use crate::fs::{Within, read_text};
use crate::image::ImageLocation;
use crate::image::location::without_transport;
use crate::model::{Digest, ImagePlatform, Reference, Repository};

/// An image, or an index of images, for the new index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageArgument {
    /// Its name, for users.
    pub name: String,
    pub at: ImageLocation,
    /// The claims about its platform.
    pub claims: Vec<Claim>,
}

impl ImageArgument {
    /// Parses an argument: a location, or only a digest in the repository of the tags.
    ///
    /// # Errors
    /// When it names no image.
    pub fn argument(text: &str, target: &Repository, cwd: &Path) -> Result<Self, IndexError> {
        if let Ok(digest) = text.parse::<Digest>() {
            return Ok(Self::pinned(target, &digest));
        }
        let at = ImageLocation::read(text, cwd)?;
        let claim = match &at {
            ImageLocation::Registry(reference) => Claim::of_name(reference),
            ImageLocation::Layout { folder, .. } => Claim::of_file(folder),
        };
        Ok(Self { name: text.to_owned(), at, claims: claim.into_iter().collect() })
    }

    /// Parses `linux/arm64=IMAGE`. The flag is then the only claim, because it is explicit.
    ///
    /// # Errors
    /// When one side is not valid.
    pub fn child(text: &str, target: &Repository, cwd: &Path) -> Result<Self, IndexError> {
        let bad = |reason: String| IndexError::BadChild { text: text.to_owned(), reason };
        let (platform, image) = text.split_once('=').ok_or_else(|| bad("expected PLATFORM=IMAGE".to_owned()))?;
        let platform: ImagePlatform =
            platform.parse().map_err(|error: crate::model::BadPlatform| bad(error.to_string()))?;
        let given = Self::argument(image, target, cwd)?;
        Ok(Self { claims: vec![Claim::of_flag(platform)], ..given })
    }

    /// Reads a digest file of a builder: only a digest (`--digest-file` of kaniko, `--digestfile` of podman and
    /// skopeo), or lines `name@sha256:…` (`--image-name-with-digest-file` of kaniko), where further names of the same
    /// image repeat its digest.
    ///
    /// # Errors
    /// When the file cannot be read or is not valid.
    pub fn digest_file(
        (path, within): (&Path, Within<'_>),
        target: &Repository,
        cwd: &Path,
    ) -> Result<Vec<Self>, IndexError> {
        let text = read_text(&cwd.join(path), within)
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
                    Self { name: line.to_owned(), at: ImageLocation::Registry(reference), claims }
                }
                false => {
                    let digest: Digest =
                        line.parse().map_err(|error: crate::model::BadDigest| bad(error.to_string()))?;
                    Self::pinned(target, &digest)
                }
            };
            given.claims.extend(Claim::of_file(path));
            match found.iter_mut().find(|other| other.digest() == given.digest()) {
                // Prefer the name in the repository of the tags.
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
        Self { name: reference.to_string(), at: ImageLocation::Registry(reference), claims }
    }

    fn digest(&self) -> Option<&Digest> {
        match &self.at {
            ImageLocation::Registry(reference) => reference.digest.as_ref(),
            ImageLocation::Layout { .. } => None,
        }
    }

    /// Returns the repository of an image in a registry.
    #[must_use]
    pub fn repository(&self) -> Option<&Repository> {
        match &self.at {
            ImageLocation::Registry(reference) => Some(&reference.repository),
            ImageLocation::Layout { .. } => None,
        }
    }
}

/// Parses the tags of the index, which all belong to one repository.
///
/// # Errors
/// When there is none, one is not valid, or they belong to several repositories.
pub fn tags(texts: &[String]) -> Result<(Repository, Vec<String>), IndexError> {
    let mut repository: Option<Repository> = None;
    let mut tags: Vec<String> = Vec::new();
    for text in texts {
        let reference: Reference = without_transport(text).parse()?;
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
            let given = ImageArgument::argument(&text, &target(), folder.path()).unwrap();
            let told = match given.at {
                ImageLocation::Registry(reference) => reference.to_string(),
                ImageLocation::Layout { folder: found, tag } => {
                    let found = found.strip_prefix(folder.path()).unwrap().display().to_string();
                    format!("{found} {}", tag.unwrap_or("-".to_owned()))
                }
            };
            assert_eq!(told, expected);
        }
        assert!(ImageArgument::argument("r.io/App", &target(), folder.path()).is_err());
        let child = ImageArgument::child("linux/arm64=r.io/app:1-amd64", &target(), folder.path()).unwrap();
        assert_eq!(child.claims, [Claim::of_flag("linux/arm64".parse().unwrap())]);
        for text in ["r.io/app:1", "arm65=r.io/app:1", "linux/arm64=", "=r.io/app:1"] {
            assert!(ImageArgument::child(text, &target(), folder.path()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_files_of_builders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            std::fs::write(folder.path().join("arm64.digest"), text).unwrap();
            let found = ImageArgument::digest_file(
                (Path::new("arm64.digest"), Within::Folder(folder.path())),
                &target(),
                folder.path(),
            )?;
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
            ImageArgument::digest_file((Path::new("absent"), Within::Folder(folder.path())), &target(), folder.path()),
            Err(IndexError::DigestFile { .. })
        ));
        let claims = &ImageArgument::digest_file(
            (Path::new("arm64.digest"), Within::Folder(folder.path())),
            &target(),
            folder.path(),
        );
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
