//! File patterns of artifacts, reports and caches: `*` matches within a name, `**` across folders
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files>). A pattern
//! matches only files, also hidden ones, and does not follow links to folders `[unverified]`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::error::Error;
use crate::fs::At;

/// A pattern, relative or absolute.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it is written.
    pub(super) text: String,
    plain: String,
    matcher: GlobMatcher,
}

impl Pattern {
    pub(super) fn new(text: &str) -> Result<Self, Error> {
        let plain = text.trim().trim_start_matches("./");
        let glob = GlobBuilder::new(plain).literal_separator(true).backslash_escape(true).build();
        let glob = glob.map_err(|source| Error::Glob { pattern: text.to_owned(), source: Box::new(source) })?;
        Ok(Self { text: text.to_owned(), plain: plain.to_owned(), matcher: glob.compile_matcher() })
    }

    pub(super) fn all(texts: &[String]) -> Result<Vec<Self>, Error> {
        texts.iter().map(|text| Self::new(text)).collect()
    }

    /// Returns true if a path relative to the base matches.
    pub(super) fn matches(&self, path: &Path) -> bool {
        self.matcher.is_match(path)
    }

    pub(super) fn is_absolute(&self) -> bool {
        self.plain.starts_with('/')
    }

    /// Finds the matching files below `base`, sorted. Paths are relative to `base`; those of an absolute pattern to
    /// `/`.
    pub(super) fn find(&self, base: &Path) -> Result<Vec<PathBuf>, Error> {
        if self.plain.is_empty() {
            return Ok(Vec::new());
        }
        let start = self.literal();
        let mut found = Vec::new();
        let full = base.join(&start);
        if full.is_file() {
            found.push(start.clone());
        } else if full.is_dir() {
            walk(&full, &start, &mut found)?;
        }
        found.retain(|path| self.matches(path) && !climbs(path));
        found.sort();
        Ok(found)
    }

    /// Finds the matching folders below `base` on one level, for `base-directory`.
    pub(super) fn folders(&self, base: &Path) -> Result<Vec<PathBuf>, Error> {
        if self.plain.trim_end_matches('/').is_empty() || self.plain == "." {
            return Ok(vec![base.to_owned()]);
        }
        let whole = base.join(self.plain.trim_end_matches('/'));
        if whole.is_dir() {
            return Ok(vec![whole]);
        }
        let (parent, Some(last)) = (whole.parent().unwrap_or(base), whole.file_name().and_then(|name| name.to_str()))
        else {
            return Ok(Vec::new());
        };
        let last = Self::new(last)?;
        let mut found = Vec::new();
        if parent.is_dir() {
            for entry in fs::read_dir(parent).at("read", parent)? {
                let path = entry.at("read", parent)?.path();
                if path.is_dir() && path.file_name().is_some_and(|name| last.matches(Path::new(name))) {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// Returns the path before the first part with a wildcard; all of it without one.
    fn literal(&self) -> PathBuf {
        let special = |part: &str| part.contains(['*', '?', '[', '{', '\\']);
        let (mut path, mut parts) = (PathBuf::new(), self.plain.split('/').peekable());
        if self.is_absolute() {
            path.push("/");
        }
        while let Some(part) = parts.next_if(|part| !special(part)) {
            path.push(part);
        }
        path
    }
}

/// Returns true if a path leaves its base.
fn climbs(path: &Path) -> bool {
    path.components().any(|part| part == Component::ParentDir)
}

fn walk(folder: &Path, seen_as: &Path, found: &mut Vec<PathBuf>) -> Result<(), Error> {
    for entry in fs::read_dir(folder).at("read", folder)? {
        let entry = entry.at("read", folder)?;
        let (path, seen_as) = (entry.path(), seen_as.join(entry.file_name()));
        if entry.file_type().at("read", &path)?.is_dir() {
            walk(&path, &seen_as, found)?;
        } else if path.is_file() {
            found.push(seen_as);
        }
    }
    Ok(())
}

/// Returns the name of a file within an artifact: parts separated by `/`, without a root.
pub(super) fn name(path: &Path) -> String {
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_the_guide_has_them() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["a.txt", ".hidden", "lib/b.txt", "lib/deep/c.txt", "lib/deep/d.md", "x[1].txt", "old-1/e"] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (pattern, expected) in [
            ("a.txt", &["a.txt"][..]),
            ("./a.txt", &["a.txt"]),
            ("*", &[".hidden", "a.txt", "x[1].txt"]),
            ("*.txt", &["a.txt", "x[1].txt"]),
            ("**/*.txt", &["a.txt", "lib/b.txt", "lib/deep/c.txt", "x[1].txt"]),
            ("lib/*", &["lib/b.txt"]),
            ("lib/**/*", &["lib/b.txt", "lib/deep/c.txt", "lib/deep/d.md"]),
            ("lib/**", &["lib/b.txt", "lib/deep/c.txt", "lib/deep/d.md"]),
            ("lib/*/c.???", &["lib/deep/c.txt"]),
            ("lib/deep/[cd].*", &["lib/deep/c.txt", "lib/deep/d.md"]),
            ("lib/deep/{c,d}.md", &["lib/deep/d.md"]),
            (r"x\[1\].txt", &["x[1].txt"]),
            ("lib", &[]),
            ("absent/**/*", &[]),
            ("", &[]),
        ] {
            let found = Pattern::new(pattern).unwrap().find(folder.path()).unwrap();
            let names: Vec<_> = found.iter().map(|path| name(path)).collect();
            assert_eq!(names, expected, "{pattern}");
        }
        let absolute = format!("{}/lib/*", folder.path().display());
        assert_eq!(Pattern::new(&absolute).unwrap().find(Path::new("/nowhere")).unwrap().len(), 1);
        assert!(Pattern::new("a[").is_err());
        for (pattern, count) in [(".", 1), ("lib", 1), ("l*", 1), ("*", 2), ("lib/d*", 1), ("no", 0), ("a.txt", 0)] {
            assert_eq!(Pattern::new(pattern).unwrap().folders(folder.path()).unwrap().len(), count, "{pattern}");
        }
    }
}
