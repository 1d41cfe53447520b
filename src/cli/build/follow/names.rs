//! What builds are called before their lines.

use std::collections::HashMap;

use crate::codebuild::follow::BuildRef;

/// The names that are taken. A name is given once and stays.
#[derive(Debug, Default)]
pub(super) struct Names {
    given: HashMap<String, String>,
}

impl Names {
    /// Returns a build's name: what it is for, and where it runs.
    pub(super) fn of(&mut self, build_ref: &BuildRef) -> String {
        if let Some(name) = self.given.get(&build_ref.id) {
            return name.clone();
        }
        let what = build_ref.identifier.as_ref().unwrap_or(&build_ref.project);
        let plain = match build_ref.architecture {
            Some(architecture) if !what.contains(architecture) => format!("{what} {architecture}"),
            _ => what.clone(),
        };
        let tail = build_ref.id.rsplit(':').next().unwrap_or_default();
        let number = build_ref.number.map_or_else(|| tail.chars().take(8).collect(), |number| number.to_string());
        let numbered = format!("{plain} #{number}");
        let candidates = [plain, numbered, build_ref.id.clone()];
        let free = |name: &&String| self.given.values().all(|given| given != *name);
        let name = candidates.iter().find(free).unwrap_or(&build_ref.id).clone();
        self.given.insert(build_ref.id.clone(), name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebuild::BuildKind;

    fn build_ref(
        id: &str,
        number: Option<i64>,
        architecture: Option<&'static str>,
        identifier: Option<&str>,
    ) -> BuildRef {
        BuildRef {
            id: id.to_owned(),
            project: id.split(':').next().unwrap().to_owned(),
            number,
            architecture,
            identifier: identifier.map(str::to_owned),
            batch: None,
            kind: BuildKind::Single,
        }
    }

    #[test]
    fn names_tell_builds_apart() {
        let mut names = Names::default();
        for (build_ref, expected) in [
            (build_ref("web:1", Some(11), Some("amd64"), None), "web amd64"),
            (build_ref("web:2", Some(12), Some("arm64"), None), "web arm64"),
            (build_ref("web:3", Some(13), Some("amd64"), None), "web amd64 #13"),
            (build_ref("web:1", Some(11), Some("amd64"), None), "web amd64"),
            (build_ref("web:12345678-9", None, Some("amd64"), None), "web amd64 #12345678"),
            (build_ref("web:12345678-8", None, Some("amd64"), None), "web:12345678-8"),
            (build_ref("web:4", None, Some("arm64"), Some("build_arm64")), "build_arm64"),
            (build_ref("web:5", None, Some("amd64"), Some("index")), "index amd64"),
            (build_ref("api:5", None, None, None), "api"),
        ] {
            assert_eq!(names.of(&build_ref), expected);
        }
    }
}
