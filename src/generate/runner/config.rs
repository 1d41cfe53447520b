//! The runner's own configuration: TOML inside Helm's template inside YAML.

use std::fmt::Write as _;

use super::TAINT;
use super::setup::Setup;
use crate::project::pipeline::Architecture;

/// Writes the `config.toml` of an architecture's runner
/// (<https://docs.gitlab.com/runner/configuration/advanced-configuration/>,
/// <https://docs.gitlab.com/runner/executors/kubernetes/>).
pub(super) fn config(setup: &Setup, architecture: Architecture) -> String {
    let mut text = String::from("[[runners]]\n  executor = \"kubernetes\"\n");
    let mut kubernetes = Table::new(&mut text, "runners.kubernetes", None);
    kubernetes.text("namespace", &setup.namespace);
    if let Some(image) = &setup.image {
        kubernetes.text("image", image);
    }
    kubernetes.bare("privileged", "false");
    kubernetes.text("cpu_request", &setup.requests.cpu);
    kubernetes.text("memory_request", &setup.requests.memory);
    // Memory cannot be reclaimed: a job that used more than it requested would take it from its neighbours.
    kubernetes.text("memory_limit", &setup.requests.memory);
    if let Some(storage) = &setup.requests.ephemeral_storage {
        kubernetes.text("ephemeral_storage_request", storage);
    }
    kubernetes.text("helper_cpu_request", "100m");
    kubernetes.text("helper_memory_request", "128Mi");
    kubernetes.note("Starting a new machine takes longer than the default of 180 seconds.");
    kubernetes.bare("poll_timeout", "600");
    kubernetes.note("How many times a failed call to Kubernetes is retried.");
    kubernetes.bare("retry_limit", "10");

    let mut selector = Table::new(
        &mut text,
        "runners.kubernetes.node_selector",
        Some("This also selects the helper image of the architecture; affinity would not."),
    );
    selector.text("kubernetes.io/arch", architecture.as_str());
    selector.text("kubernetes.io/os", "linux");
    let mut tolerations = Table::new(&mut text, "runners.kubernetes.node_tolerations", None);
    tolerations.text(&format!("{TAINT}={}", architecture.as_str()), "NoSchedule");
    let mut annotations = Table::new(
        &mut text,
        "runners.kubernetes.pod_annotations",
        Some("Karpenter does not replace a machine while a job runs on it."),
    );
    annotations.text("karpenter.sh/do-not-disrupt", "true");

    if let Some(bucket) = &setup.cache {
        let mut cache = Table::new(&mut text, "runners.cache", None);
        cache.text("Type", "s3");
        cache.bare("Shared", "true");
        let mut s3 = Table::new(
            &mut text,
            "runners.cache.s3",
            Some("Uses the role of the runner's service account: no keys are stored."),
        );
        s3.text("BucketName", &bucket.name);
        s3.text("BucketLocation", &bucket.region);
        s3.text("AuthenticationType", "iam");
    }
    text
}

/// Writes one table of the file.
struct Table<'t> {
    text: &'t mut String,
    indent: String,
}

impl<'t> Table<'t> {
    fn new(text: &'t mut String, name: &str, note: Option<&str>) -> Self {
        let indent = "  ".repeat(name.matches('.').count());
        if let Some(note) = note {
            let _ = writeln!(text, "{indent}# {note}");
        }
        let _ = writeln!(text, "{indent}[{name}]");
        Self { text, indent: format!("{indent}  ") }
    }

    fn note(&mut self, note: &str) {
        let _ = writeln!(self.text, "{}# {note}", self.indent);
    }

    fn bare(&mut self, key: &str, value: &str) {
        let _ = writeln!(self.text, "{}{key} = {value}", self.indent);
    }

    fn text(&mut self, key: &str, value: &str) {
        let bare = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        let key = if bare { key.to_owned() } else { quoted(key) };
        let _ = writeln!(self.text, "{}{key} = {}", self.indent, quoted(value));
    }
}

/// Writes a TOML string that Helm, which treats `runners.config` as a template, does not change: braces are written as
/// escapes.
fn quoted(value: &str) -> String {
    let mut result = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '{' | '}' => {
                let _ = write!(result, "\\u{:04x}", c as u32);
            }
            c if c.is_control() => {
                let _ = write!(result, "\\u{:04x}", c as u32);
            }
            c => result.push(c),
        }
    }
    result.push('"');
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_one_toml_string_and_no_template() {
        for text in ["", "a", "a\"b", "{{ .Values }}", "a\\", "a\nb", "\u{7f}\u{85}\u{2028}", "'''", "${{ x }}", "#"] {
            let quoted = quoted(text);
            assert!(!quoted.contains("{{") && !quoted.contains('\n'), "{quoted}");
            let table: toml::Table = toml::from_str(&format!("a = {quoted}")).unwrap();
            assert_eq!(table["a"].as_str(), Some(text));
        }
    }
}
