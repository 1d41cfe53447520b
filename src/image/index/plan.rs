//! Plans the contents of the index: images that match their claims, one per platform, none missing.

use super::child::{Child, Found};
use super::error::IndexError;
use crate::model::ImagePlatform;

/// Images that fit together. Only [`Plan::new`] makes one.
#[derive(Debug)]
pub struct Plan {
    children: Vec<Child>,
    notes: Vec<String>,
}

impl Plan {
    /// Checks the images against their claims and against the required platforms. Other platforms are kept, with a
    /// note.
    ///
    /// # Errors
    /// When an image is for another platform than claimed, two are for the same platform, or a platform is missing.
    pub fn new(found: Found, required: &[ImagePlatform]) -> Result<Self, IndexError> {
        let Found { children, mut notes } = found;
        if children.is_empty() {
            return Err(IndexError::NoImages);
        }
        children.iter().try_for_each(is_as_claimed)?;
        for (number, child) in children.iter().enumerate() {
            if let Some(first) = children[..number].iter().find(|other| are_for_one_machine(other, child)) {
                return Err(IndexError::Twice {
                    platform: child.platform.clone(),
                    first: first.name.clone(),
                    second: child.name.clone(),
                    same: first.manifest.digest == child.manifest.digest,
                });
            }
        }
        let has = |platform: &&ImagePlatform| children.iter().any(|child| child.platform == **platform);
        let missing: Vec<ImagePlatform> = required.iter().filter(|platform| !has(platform)).cloned().collect();
        let platforms = || children.iter().map(|child| child.platform.clone());
        if !missing.is_empty() {
            return Err(IndexError::Missing { missing, found: platforms().collect() });
        }
        if !required.is_empty() {
            let extra = platforms().filter(|platform| !required.contains(platform));
            notes.extend(
                extra.map(|platform| format!("{platform} is also in the index, although --platform does not name it")),
            );
        }
        Ok(Self { children, notes })
    }

    /// Returns the images, in the order in which they were named.
    #[must_use]
    pub fn children(&self) -> &[Child] {
        &self.children
    }

    #[must_use]
    pub fn into_children(self) -> Vec<Child> {
        self.children
    }

    /// Returns what the person should hear.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

fn is_as_claimed(child: &Child) -> Result<(), IndexError> {
    match child.claims.iter().find(|claim| !claim.holds(&child.platform, child.states_variant)) {
        Some(claim) => Err(IndexError::WrongPlatform {
            name: child.name.clone(),
            found: child.platform.clone(),
            claimed: claim.says.to_string(),
            by: claim.by.clone(),
        }),
        None => Ok(()),
    }
}

/// Windows has one image per version of the system, and a machine uses the one for its version.
fn are_for_one_machine(one: &Child, other: &Child) -> bool {
    one.platform == other.platform
        && one.spelling.os_version == other.spelling.os_version
        && one.spelling.os_features == other.spelling.os_features
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::index::child::tests::child;

    fn plan(children: &[(&str, &str)], required: &[&str]) -> Result<Plan, IndexError> {
        let children = children.iter().map(|(name, platform)| child(name, platform)).collect();
        let required: Vec<ImagePlatform> = required.iter().map(|text| text.parse().unwrap()).collect();
        Plan::new(Found { children, notes: Vec::new() }, &required)
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        for (children, required, said) in [
            (&[("app:1-amd64", "linux/amd64"), ("app:1-arm64", "linux/arm64")][..], &[][..], ""),
            (&[("app:1", "linux/amd64"), ("app:2", "linux/arm64/v8")], &["linux/arm64", "linux/amd64"], ""),
            (&[("app:1", "linux/arm/v6"), ("app:2", "linux/arm/v7")], &["linux/arm"], ""),
            (&[("app:1", "linux/amd64"), ("app:2", "linux/amd64/v3")], &[], ""),
            (
                &[("app:1-arm64", "linux/amd64")],
                &[],
                "app:1-arm64 is an image for linux/amd64, and its name says arm64",
            ),
            (&[("app:1", "linux/amd64"), ("app:2", "linux/x86_64")], &[], "two images are for linux/amd64: "),
            (&[("app:1", "linux/amd64"), ("app:1", "linux/amd64")], &[], "which are the same image"),
            (
                &[("app:1", "linux/amd64")],
                &["linux/amd64", "linux/arm64"],
                "there is no image for linux/arm64, only for",
            ),
            (&[("app:1", "linux/arm/v6")], &["linux/arm/v7"], "there is no image for linux/arm, only for linux/arm/v6"),
            (&[], &[], "no image was given"),
        ] {
            match plan(children, required) {
                Ok(_) => assert_eq!(said, "", "{children:?}"),
                Err(error) => assert!(!said.is_empty() && error.to_string().contains(said), "{children:?}: {error}"),
            }
        }
    }

    #[test]
    fn platforms_beyond_the_required_ones_stay_with_a_note() {
        let plan = plan(&[("app:1", "linux/amd64"), ("app:2", "linux/s390x")], &["linux/amd64"]).unwrap();
        assert_eq!(plan.children().len(), 2);
        assert!(plan.notes()[0].contains("linux/s390x"), "{:?}", plan.notes());
    }

    #[test]
    fn windows_has_an_image_for_each_version() {
        let of = |version: &str| {
            let mut child = child(&format!("app:{version}"), "windows/amd64");
            child.spelling.os_version = Some(version.to_owned());
            child
        };
        let plan = |versions: [&str; 2]| {
            let children = versions.map(of).to_vec();
            Plan::new(Found { children, notes: Vec::new() }, &["windows/amd64".parse().unwrap()])
        };
        assert!(plan(["10.0.17763.1", "10.0.20348.1"]).is_ok());
        assert!(matches!(plan(["10.0.17763.1", "10.0.17763.1"]), Err(IndexError::Twice { .. })));
    }
}
