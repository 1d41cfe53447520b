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
    pub(super) fn of(&mut self, who: &BuildRef) -> String {
        if let Some(name) = self.given.get(&who.id) {
            return name.clone();
        }
        let what = who.identifier.as_ref().unwrap_or(&who.project);
        let plain = match who.architecture {
            Some(architecture) if !what.contains(architecture) => format!("{what} {architecture}"),
            _ => what.clone(),
        };
        let tail = who.id.rsplit(':').next().unwrap_or_default();
        let number = who.number.map_or_else(|| tail.chars().take(8).collect(), |number| number.to_string());
        let numbered = format!("{plain} #{number}");
        let candidates = [plain, numbered, who.id.clone()];
        let free = |name: &&String| self.given.values().all(|given| given != *name);
        let name = candidates.iter().find(free).unwrap_or(&who.id).clone();
        self.given.insert(who.id.clone(), name.clone());
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebuild::BuildKind;

    fn who(id: &str, number: Option<i64>, architecture: Option<&'static str>, identifier: Option<&str>) -> BuildRef {
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
        for (who, expected) in [
            (who("web:1", Some(11), Some("amd64"), None), "web amd64"),
            (who("web:2", Some(12), Some("arm64"), None), "web arm64"),
            (who("web:3", Some(13), Some("amd64"), None), "web amd64 #13"),
            (who("web:1", Some(11), Some("amd64"), None), "web amd64"),
            (who("web:12345678-9", None, Some("amd64"), None), "web amd64 #12345678"),
            (who("web:12345678-8", None, Some("amd64"), None), "web:12345678-8"),
            (who("web:4", None, Some("arm64"), Some("build_arm64")), "build_arm64"),
            (who("web:5", None, Some("amd64"), Some("index")), "index amd64"),
            (who("api:5", None, None, None), "api"),
        ] {
            assert_eq!(names.of(&who), expected);
        }
    }
}
