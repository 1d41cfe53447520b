//! Reads the output of a build: reports, artifacts, caches.

use super::reader::{Reader, misspelt};
use super::{Artifacts, Cache, ProblemKind, Report, Text};
use crate::format::yaml::{Entry, Node};

const REPORT: &[&str] = &["files", "file-format", "base-directory", "discard-paths"];
const ARTIFACTS: &[&str] = &[
    "files",
    "name",
    "discard-paths",
    "base-directory",
    "exclude-paths",
    "enable-symlinks",
    "s3-prefix",
    "secondary-artifacts",
];
const CACHE: &[&str] = &["key", "fallback-keys", "action", "paths"];

impl Reader {
    pub(super) fn reports(&mut self, node: &Node) -> Vec<Report> {
        let mut reports = Vec::new();
        if node.is_null() {
            return reports;
        }
        for entry in self.map(node, "`reports`") {
            let Some(name) = Text::of(&entry.key) else { continue };
            let place = format!("the report `{}`", name.text);
            let entries = self.map(&entry.value, &place);
            self.keys(&entries, &format!("in {place}"), REPORT);
            let mut report =
                Report { name, files: Vec::new(), format: None, base_directory: None, discard_paths: false };
            let mut files = entry.value.entries().is_none();
            for entry in entries {
                let value = &entry.value;
                match entry.key.text().unwrap_or_default() {
                    "files" => {
                        files = true;
                        report.files = self.files(entry, &place);
                    }
                    "file-format" => report.format = self.text(value, &format!("`file-format` in {place}")),
                    "base-directory" => {
                        report.base_directory = self.text(value, &format!("`base-directory` in {place}"));
                    }
                    "discard-paths" => report.discard_paths = self.truth(value, &format!("`discard-paths` in {place}")),
                    _ => {}
                }
            }
            if !files {
                self.missing(&entry.key.span, "files", &place);
            }
            reports.push(report);
        }
        reports
    }

    fn files(&mut self, at: &Entry, place: &str) -> Vec<Text> {
        let key = at.key.text().unwrap_or_default();
        if at.value.is_null() || at.value.items().is_some_and(<[Node]>::is_empty) {
            self.report(ProblemKind::Empty, &at.key.span, format!("`{key}` in {place} names nothing"));
            return Vec::new();
        }
        self.list(&at.value, &format!("`{key}` in {place}"))
    }

    pub(super) fn artifacts(&mut self, node: &Node, at: &Entry, place: &str) -> Artifacts {
        let mut artifacts = Artifacts::default();
        let entries = if node.is_null() { Vec::new() } else { self.map(node, place) };
        self.keys(&entries, &format!("under {place}"), ARTIFACTS);
        let mut files = node.entries().is_none() && !node.is_null();
        for entry in &entries {
            let value = &entry.value;
            let what = |key: &str| format!("`{key}` in {place}");
            match entry.key.text().unwrap_or_default() {
                "files" => {
                    files = true;
                    artifacts.files = self.files(entry, place);
                }
                "name" => artifacts.name = self.text(value, &what("name")),
                "discard-paths" => artifacts.discard_paths = self.truth(value, &what("discard-paths")),
                "base-directory" => artifacts.base_directory = self.text(value, &what("base-directory")),
                "exclude-paths" => artifacts.exclude_paths = self.list(value, &what("exclude-paths")),
                "enable-symlinks" => artifacts.enable_symlinks = self.truth(value, &what("enable-symlinks")),
                "s3-prefix" => artifacts.s3_prefix = self.text(value, &what("s3-prefix")),
                "secondary-artifacts" => artifacts.secondary = self.secondary(value),
                _ => {}
            }
        }
        if !files && !misspelt(&entries, "files") {
            if artifacts.secondary.is_empty() {
                self.missing(&at.key.span, "files", place);
            } else {
                let message =
                    format!("{place} has `secondary-artifacts` but no `files`, which the guide requires as well");
                self.report(ProblemKind::OnlySecondary, &at.key.span, message);
            }
        }
        artifacts
    }

    fn secondary(&mut self, node: &Node) -> Vec<(Text, Artifacts)> {
        let mut found = Vec::new();
        for entry in self.map(node, "`secondary-artifacts`") {
            let Some(id) = Text::of(&entry.key) else { continue };
            let place = format!("`secondary-artifacts.{}`", id.text);
            let artifacts = self.artifacts(&entry.value, entry, &place);
            found.push((id, artifacts));
        }
        found
    }

    pub(super) fn cache(&mut self, node: &Node, at: &Entry) -> Cache {
        let mut cache = Cache::default();
        let entries = if node.is_null() { Vec::new() } else { self.map(node, "`cache`") };
        self.keys(&entries, "under `cache`", CACHE);
        let mut paths = node.entries().is_none() && !node.is_null();
        for entry in &entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "key" => cache.key = self.text(value, "`cache.key`"),
                "fallback-keys" => cache.fallback_keys = self.list(value, "`cache.fallback-keys`"),
                "action" => cache.action = self.text(value, "`cache.action`"),
                "paths" => {
                    paths = true;
                    cache.paths = self.files(entry, "`cache`");
                }
                _ => {}
            }
        }
        if !paths && !misspelt(&entries, "paths") {
            self.missing(&at.key.span, "paths", "`cache`");
        }
        cache
    }
}
