//! Names of container images, and the platforms that images are made for.

use std::fmt;
use std::str::FromStr;

use super::Digest;
use super::platform::slashed;

/// The registry of names without one.
pub const DOCKER_HUB: &str = "docker.io";

/// The longest repository name (<https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests>).
const LONGEST: usize = 255;

/// A repository of a registry: `ghcr.io/osscontainertools/kaniko`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    /// The registry's host and port as they are written in names: `docker.io`, `localhost:5000`.
    pub registry: String,
    /// The name in the registry: `library/debian`.
    pub name: String,
}

/// The name of an image: a repository with a tag, a digest, or both (then only the digest counts).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// The repository.
    pub repository: Repository,
    /// The tag; none when there is only a digest.
    pub tag: Option<String>,
    /// The digest of a manifest or index.
    pub digest: Option<Digest>,
}

/// A text that does not name an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not the name of an image: {reason}")]
pub struct BadReference {
    /// The text as it was given.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Repository {
    /// Names the image with a tag.
    #[must_use]
    pub fn tagged(&self, tag: &str) -> Reference {
        Reference { repository: self.clone(), tag: Some(tag.to_owned()), digest: None }
    }

    /// Names the image with a digest.
    #[must_use]
    pub fn pinned(&self, digest: &Digest) -> Reference {
        Reference { repository: self.clone(), tag: None, digest: Some(digest.clone()) }
    }
}

impl Reference {
    /// Returns what follows `/manifests/` in the registry's API: the digest, or else the tag.
    #[must_use]
    pub fn selector(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.repository.fmt(f)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Repository {
    type Err = BadReference;

    /// Reads `debian`, `ghcr.io/a/b`, `localhost:5000/a` by the rules of
    /// <https://pkg.go.dev/github.com/distribution/reference>: the first part is a registry when it has a dot or a colon or
    /// is `localhost`; a missing registry is Docker Hub, where a missing namespace is `library`.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        let bad = |reason: &str| BadReference { text: text.to_owned(), reason: reason.to_owned() };
        let is_registry = |part: &str| part.contains(['.', ':']) || part == "localhost" || part != part.to_lowercase();
        let (registry, name) = match text.split_once('/') {
            Some((first, rest)) if is_registry(first) => (first, rest),
            _ => (DOCKER_HUB, text),
        };
        check_registry(registry).map_err(bad)?;
        check_name(name).map_err(bad)?;
        let registry = if registry == "index.docker.io" { DOCKER_HUB } else { registry };
        let official = registry == DOCKER_HUB && !name.contains('/');
        let name = if official { format!("library/{name}") } else { name.to_owned() };
        if name.len() > LONGEST {
            return Err(bad("it is longer than 255 characters"));
        }
        Ok(Self { registry: registry.to_ascii_lowercase(), name })
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    /// Reads a repository with `:tag`, `@sha256:…` or both; `:latest` when there is neither.
    fn from_str(text: &str) -> Result<Self, BadReference> {
        let bad = |reason: String| BadReference { text: text.to_owned(), reason };
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest: Digest = digest.parse().map_err(|error: super::BadDigest| bad(error.reason))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        if digest.as_ref().is_some_and(|digest| digest.algorithm() == super::Algorithm::GoModule) {
            return Err(bad("an image's digest is sha256 or sha512".to_owned()));
        }
        let after_slash = rest.rfind('/').map_or(0, |at| at + 1);
        let (repository, tag) = match rest[after_slash..].split_once(':') {
            Some((name, tag)) => (&rest[..after_slash + name.len()], Some(tag)),
            None => (rest, None),
        };
        if let Some(tag) = tag {
            check_tag(tag).map_err(|reason| bad(reason.to_owned()))?;
        }
        let repository: Repository = repository.parse().map_err(|error: BadReference| bad(error.reason))?;
        let tag = tag.or(digest.is_none().then_some("latest")).map(str::to_owned);
        Ok(Self { repository, tag, digest })
    }
}

fn check_registry(registry: &str) -> Result<(), &'static str> {
    let (host, port) = match registry.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or("the address of its registry has no `]`")?,
        None => registry.find(':').map_or((registry, ""), |at| registry.split_at(at)),
    };
    let address = registry.starts_with('[');
    let part = |part: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !part.is_empty() && part.chars().all(inner) && !part.starts_with('-') && !part.ends_with('-')
    };
    let sound = match address {
        true => host.parse::<std::net::Ipv6Addr>().is_ok(),
        false => host.split('.').all(part),
    };
    if !sound {
        return Err("its registry is not a host name");
    }
    let number = port.strip_prefix(':').map(|number| number.parse::<u16>().is_ok_and(|number| number > 0));
    if !port.is_empty() && number != Some(true) {
        return Err("the port of its registry is not a number from 1 to 65535");
    }
    Ok(())
}

/// Checks parts of lower-case letters and digits, joined by `.`, `_`, `__` or dashes.
fn check_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.chars().any(|c| c.is_ascii_uppercase()) {
        return Err("the name of a repository has no capital letters");
    }
    for part in name.split('/') {
        let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if !part.chars().all(|c| alphanumeric(c) || matches!(c, '.' | '_' | '-')) {
            return Err("a repository is named by a-z, 0-9, `.`, `_`, `-` and `/`");
        }
        let separators: Vec<&str> = part.split(alphanumeric).filter(|separator| !separator.is_empty()).collect();
        let joined = separators
            .iter()
            .all(|separator| matches!(*separator, "." | "_" | "__") || separator.chars().all(|c| c == '-'));
        if !joined || !part.starts_with(alphanumeric) || !part.ends_with(alphanumeric) {
            return Err("letters and digits are separated by one `.`, one or two `_`, or dashes");
        }
    }
    Ok(())
}

fn check_tag(tag: &str) -> Result<(), &'static str> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if tag.is_empty() || tag.len() > 128 {
        return Err("a tag has 1 to 128 characters");
    }
    if !tag.starts_with(word) || !tag.chars().all(|c| word(c) || matches!(c, '.' | '-')) {
        return Err("a tag has letters, digits and `_`, and after the first character also `.` and `-`");
    }
    Ok(())
}

/// The platform of an image, as its configuration and an index state it: `linux/amd64`, `linux/arm/v7`.
///
/// Equal platforms are spelled equally: `x86_64` is `amd64`, `aarch64` is `arm64`, and the default variant of an
/// architecture (`arm64/v8`, `arm/v7`) is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImagePlatform {
    /// The operating system, in Go's spelling.
    pub os: String,
    /// The architecture, in Go's spelling.
    pub architecture: String,
    /// The variant, unless it is the default.
    pub variant: Option<String>,
}

impl ImagePlatform {
    /// Joins the parts in their usual spelling (as containerd does:
    /// <https://github.com/containerd/platforms/blob/main/database.go>).
    #[must_use]
    pub fn new(os: &str, architecture: &str, variant: Option<&str>) -> Self {
        let os = match os.to_ascii_lowercase().as_str() {
            "macos" => "darwin".to_owned(),
            other => other.to_owned(),
        };
        let variant = variant.map(str::to_ascii_lowercase).filter(|variant| !variant.is_empty());
        let architecture = architecture.to_ascii_lowercase();
        let (architecture, variant) = match (architecture.as_str(), variant.as_deref()) {
            ("x86_64" | "x86-64" | "x64" | "amd64", None | Some("v1")) => ("amd64", None),
            ("x86_64" | "x86-64" | "x64", _) => ("amd64", variant),
            ("aarch64" | "arm64", None | Some("8" | "v8")) => ("arm64", None),
            ("aarch64", _) => ("arm64", variant),
            ("i386" | "i686" | "386", _) => ("386", None),
            ("armhf", _) | ("arm", None | Some("7" | "v7")) => ("arm", None),
            ("armel", _) | ("arm", Some("6")) => ("arm", Some("v6".to_owned())),
            ("arm", Some("5")) => ("arm", Some("v5".to_owned())),
            (other, _) => (other, variant),
        };
        Self { os, architecture: architecture.to_owned(), variant }
    }
}

impl fmt::Display for ImagePlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(f, "/{variant}"))
    }
}

impl FromStr for ImagePlatform {
    type Err = super::BadPlatform;

    /// Reads `linux/arm64`, `linux/arm/v6`; `arm64` alone and `linux-arm64` as [`super::Platform`] does.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let slashed = slashed(text);
        let parts: Vec<&str> = slashed.split('/').collect();
        let word =
            |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
        match parts.as_slice() {
            [os, architecture, rest @ ..] if rest.len() < 2 && parts.iter().all(word) => {
                Ok(Self::new(os, architecture, rest.first().copied()))
            }
            _ => Err(super::BadPlatform {
                text: text.to_owned(),
                reason: "an image's platform is os/architecture or os/architecture/variant, as linux/arm64".to_owned(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_read_as_docker_reads_them() {
        for (text, expected) in [
            ("debian", "docker.io/library/debian:latest"),
            ("debian:12", "docker.io/library/debian:12"),
            ("index.docker.io/debian", "docker.io/library/debian:latest"),
            ("docker.io/a/b", "docker.io/a/b:latest"),
            ("a/b/c:x", "docker.io/a/b/c:x"),
            ("localhost/a", "localhost/a:latest"),
            ("localhost:5000/a:1.2_3-x", "localhost:5000/a:1.2_3-x"),
            ("GHCR.io/a/b", "ghcr.io/a/b:latest"),
            ("[::1]:5000/a", "[::1]:5000/a:latest"),
            ("gcr.io/kaniko-project/executor:v1.24.0", "gcr.io/kaniko-project/executor:v1.24.0"),
            ("a__b/c--d.e", "docker.io/a__b/c--d.e:latest"),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), expected);
        }
        let both: Reference = format!("ghcr.io/a:1@{DIGEST}").parse().unwrap();
        assert_eq!((both.selector().as_str(), both.tag.as_deref()), (DIGEST, Some("1")));
        let pinned: Reference = format!("ghcr.io/a@{DIGEST}").parse().unwrap();
        assert_eq!(pinned.to_string(), format!("ghcr.io/a@{DIGEST}"));
    }

    #[test]
    fn what_names_no_image_is_refused_with_a_reason() {
        for (text, said) in [
            ("", "empty"),
            ("localhost:5000/", "empty"),
            ("a/", "separated by one"),
            ("a//b", "separated by one"),
            ("Debian", "capital"),
            ("a/../b", "separated by one"),
            ("a___b", "separated by one"),
            ("-a", "separated by one"),
            ("a:", "1 to 128"),
            ("a:-x", "after the first character"),
            ("a:x y", "letters, digits"),
            ("a b", "a-z"),
            ("https://ghcr.io/a", "port"),
            ("ghcr.io:0/a", "port"),
            ("ghcr.io:70000/a", "port"),
            ("user@ghcr.io/a", ""),
            ("a@sha256:abc", ""),
            ("-x.io/a", "host name"),
            ("[zz]:1/a", "host name"),
            ("ghcr.io/a?b", "a-z"),
        ] {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(said), "{error} lacks {said}");
        }
        assert!("a".repeat(300).parse::<Reference>().is_err());
    }

    #[test]
    fn platforms_of_one_kind_are_equal() {
        for (text, expected) in [
            ("linux/x86_64", "linux/amd64"),
            ("linux/aarch64", "linux/arm64"),
            ("linux/arm64/v8", "linux/arm64"),
            ("linux/arm/v7", "linux/arm"),
            ("linux/armhf", "linux/arm"),
            ("linux/arm/v6", "linux/arm/v6"),
            ("linux/amd64/v3", "linux/amd64/v3"),
            ("Linux/ARM64", "linux/arm64"),
            ("windows/amd64", "windows/amd64"),
        ] {
            assert_eq!(text.parse::<ImagePlatform>().unwrap().to_string(), expected);
        }
        for text in ["", "linux", "linux/", "linux/arm/v7/x", "linux arm64"] {
            assert!(text.parse::<ImagePlatform>().is_err(), "{text}");
        }
    }
}
