//! The platform that the name of an image claims.

use crate::model::{ImagePlatform, Reference};

/// The words for architectures in tags, repositories and file names, each with its architecture and variant in Go's
/// spelling. `386` and `arm` are missing on purpose: `386` may be a build number, and many use `arm` for `arm64`.
const WORDS: &[(&str, &str, Option<&str>)] = &[
    ("amd64", "amd64", None),
    ("x86_64", "amd64", None),
    ("x86-64", "amd64", None),
    ("arm64", "arm64", None),
    ("arm64v8", "arm64", None),
    ("aarch64", "arm64", None),
    ("armv7", "arm", Some("v7")),
    ("armv7l", "arm", Some("v7")),
    ("arm-v7", "arm", Some("v7")),
    ("arm32v7", "arm", Some("v7")),
    ("armhf", "arm", Some("v7")),
    ("armv6", "arm", Some("v6")),
    ("arm-v6", "arm", Some("v6")),
    ("arm32v6", "arm", Some("v6")),
    ("i386", "386", None),
    ("i686", "386", None),
    ("ppc64le", "ppc64le", None),
    ("s390x", "s390x", None),
    ("riscv64", "riscv64", None),
    ("loong64", "loong64", None),
];

/// A claim about the platform of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The source of the claim: `its name`, `--child`, `the name of build/arm64.digest`.
    pub by: String,
    pub says: Says,
}

/// The extent of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Says {
    /// The whole platform, from a flag.
    Platform(ImagePlatform),
    /// The architecture, and sometimes more, from part of a name.
    Words { os: Option<&'static str>, architecture: &'static str, variant: Option<&'static str> },
}

impl Claim {
    /// Finds the claim in the name of an image: in its tag, else in the last part of its repository.
    #[must_use]
    pub fn of_name(reference: &Reference) -> Option<Self> {
        let last = reference.repository.name.rsplit('/').next().unwrap_or_default();
        let tag = reference.tag.as_deref().and_then(words);
        let says = tag.or_else(|| words(last))?;
        Some(Self { by: "its name".to_owned(), says })
    }

    /// Finds the claim in the name of a digest file.
    #[must_use]
    pub fn of_file(path: &std::path::Path) -> Option<Self> {
        let says = words(path.file_name()?.to_str()?)?;
        Some(Self { by: format!("the name of {}", path.display()), says })
    }

    /// Makes the claim of a flag.
    #[must_use]
    pub fn of_flag(platform: ImagePlatform) -> Self {
        Self { by: "--child".to_owned(), says: Says::Platform(platform) }
    }

    /// Returns the variant that is claimed.
    #[must_use]
    pub fn variant(&self) -> Option<String> {
        match &self.says {
            Says::Platform(platform) => platform.variant.clone(),
            Says::Words { variant, .. } => variant.map(str::to_owned),
        }
    }

    /// Returns true if an image of this platform matches the claim.
    ///
    /// `stated` is true if the image itself names its variant; otherwise any claimed variant matches.
    #[must_use]
    pub fn holds(&self, found: &ImagePlatform, stated: bool) -> bool {
        match &self.says {
            Says::Platform(claimed) => {
                let same = claimed.os == found.os && claimed.architecture == found.architecture;
                same && (claimed.variant == found.variant || !stated)
            }
            Says::Words { os, architecture, variant } => {
                let claimed = ImagePlatform::new(os.unwrap_or(&found.os), architecture, *variant);
                let same = claimed.os == found.os && claimed.architecture == found.architecture;
                same && (variant.is_none() || claimed.variant == found.variant || !stated)
            }
        }
    }
}

impl std::fmt::Display for Says {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Platform(platform) => platform.fmt(f),
            Self::Words { os, architecture, variant } => {
                let variant = variant.map_or_else(String::new, |variant| format!("/{variant}"));
                let os = os.map_or_else(String::new, |os| format!("{os}/"));
                write!(f, "{os}{architecture}{variant}")
            }
        }
    }
}

/// Finds the only architecture in a text; none when there are several.
fn words(text: &str) -> Option<Says> {
    let text = text.to_ascii_lowercase();
    let mut found = WORDS.iter().filter(|(word, ..)| has_word(&text, word)).map(|(_, arch, variant)| (*arch, *variant));
    let (architecture, variant) = found.next()?;
    if found.any(|other| other != (architecture, variant)) {
        return None;
    }
    let os = ["linux", "windows"].into_iter().find(|os| has_word(&text, os));
    Some(Says::Words { os, architecture, variant })
}

/// Returns true if the text contains the word, not surrounded by letters or digits.
fn has_word(text: &str, word: &str) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric());
    text.match_indices(word)
        .any(|(at, _)| outside(text[..at].chars().next_back()) && outside(text[at + word.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_claim_architectures() {
        for (name, expected) in [
            ("r.io/app:1.2-amd64", Some("amd64")),
            ("r.io/app:1.2-arm64", Some("arm64")),
            ("r.io/app:1.2_aarch64", Some("arm64")),
            ("r.io/app:x86_64-1.2", Some("amd64")),
            ("r.io/app:1.2-x86-64", Some("amd64")),
            ("r.io/app:1.2-arm64v8", Some("arm64")),
            ("r.io/app:1.2-linux-arm-v7", Some("linux/arm/v7")),
            ("r.io/app:1.2-windows-amd64", Some("windows/amd64")),
            ("r.io/app:arm64", Some("arm64")),
            ("r.io/app-arm64:1.2", Some("arm64")),
            ("r.io/app-arm64:1.2-amd64", Some("amd64")),
            ("r.io/arm64/app:1.2", None),
            ("r.io/app:1.2", None),
            ("r.io/app:1.2.386", None),
            ("r.io/app:charm64", None),
            ("r.io/app:amd64-arm64", None),
        ] {
            let claim = Claim::of_name(&name.parse().unwrap());
            assert_eq!(claim.map(|claim| claim.says.to_string()).as_deref(), expected, "{name}");
        }
        for (path, expected) in [("build/arm64.digest", Some("arm64")), ("amd64/digest", None), ("x.txt", None)] {
            let claim = Claim::of_file(std::path::Path::new(path));
            assert_eq!(claim.map(|claim| claim.says.to_string()).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn a_claim_holds_for_what_it_says_and_no_more() {
        let flag = |text: &str| Claim::of_flag(text.parse().unwrap());
        let name = |tag: &str| Claim::of_name(&format!("r.io/app:{tag}").parse().unwrap()).unwrap();
        for (claim, found, stated, holds) in [
            (flag("linux/arm64"), "linux/arm64/v8", true, true),
            (flag("linux/arm64"), "linux/amd64", false, false),
            (flag("linux/amd64"), "windows/amd64", false, false),
            (flag("linux/amd64"), "linux/amd64/v3", true, false),
            (flag("linux/arm/v6"), "linux/arm", false, true),
            (flag("linux/arm/v6"), "linux/arm/v7", true, false),
            (name("1-amd64"), "linux/amd64/v3", true, true),
            (name("1-amd64"), "windows/amd64", false, true),
            (name("1-linux-amd64"), "windows/amd64", false, false),
            (name("1-armv6"), "linux/arm/v7", true, false),
            (name("1-armv6"), "linux/arm", false, true),
            (name("1-arm64"), "linux/arm", false, false),
        ] {
            assert_eq!(claim.holds(&found.parse().unwrap(), stated), holds, "{claim:?} {found}");
        }
    }
}
