//! Checks GitLab files against a JSON schema, and locates the errors in the file. Fetches nothing.

#[cfg(not(feature = "schema"))]
#[path = "schema/without.rs"]
mod validator;
#[cfg(feature = "schema")]
mod validator;

use serde_json::{Map, Value};

use super::{File, Findings, Level, Rule, Target};
use crate::format::yaml::{Node, Style};
use crate::lint::rule::rules;
use validator::Validator;

/// Where GitLab publishes the schema of `.gitlab-ci.yml`.
pub const PUBLISHED: &str =
    "https://gitlab.com/gitlab-org/gitlab-foss/-/raw/master/app/assets/javascripts/editor/schema/ci.json";

rules! {
    REFUSED = Rule {
        id: "TK700",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "the JSON schema rejects the file",
        reason: "GitLab's editor and most others check files against this schema \
                 (https://docs.gitlab.com/ci/pipeline_editor/).",
        bad: "a:\n  script: [make]\n  when: 7\n",
        good: "a:\n  script: [make]\n  when: manual\n",
    };
}

/// True in a binary with the JSON Schema validator: the Cargo feature `schema`, which is on by default.
pub const IS_BUILT_IN: bool = cfg!(feature = "schema");

/// A schema, ready to check files.
#[derive(Debug)]
pub struct Schema(Validator);

impl Schema {
    /// Reads a schema.
    ///
    /// # Errors
    /// The reason, when the text is not JSON or not a schema, or the schema refers to other documents. In a binary without
    /// the feature `schema` always.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text).map_err(|cause| format!("the schema is not JSON: {cause}"))?;
        Validator::new(&value).map(Self)
    }
}

/// Checks a file against a schema.
pub fn check_schema(file: &File<'_>, schema: &Schema, findings: &mut Findings) {
    let Some(root) = file.tree.documents.last() else { return };
    for violation in schema.0.violations(&to_json(root, root, 0)) {
        let node = place(root, &violation.path);
        // GitLab substitutes inputs before it validates: the final value is not known here.
        if node.text().is_some_and(|text| text.contains("$[[")) {
            continue;
        }
        let (path, reason, keyword) = (violation.path, violation.reason, violation.keyword);
        findings.report(&REFUSED, node.span.clone(), format!("`{path}`: {reason} (schema: {keyword})"));
    }
}

/// A value that a schema refuses.
struct Violation {
    /// JSON pointer to the value.
    path: String,
    /// JSON pointer to the schema's keyword that refuses it.
    keyword: String,
    /// The validator's own sentence.
    reason: String,
}

/// Finds the node that a JSON pointer names, or the deepest one on its path that exists.
fn place<'a>(root: &'a Node, path: &str) -> &'a Node {
    let mut node = root;
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let next = match node.items() {
            Some(items) => part.parse::<usize>().ok().and_then(|index| items.get(index)),
            None => node.get(&part),
        };
        let Some(next) = next else { break };
        node = next;
    }
    node
}

/// Converts the tree as GitLab's YAML parser does: merges are applied, and references are followed where possible.
fn to_json(node: &Node, root: &Node, depth: usize) -> Value {
    if depth > 64 {
        return Value::Null;
    }
    if node.tag.as_deref() == Some("!reference") {
        let mut keys = node.items().unwrap_or_default().iter().map(Node::text);
        let target = keys.try_fold(root, |node, key| node.get(key?));
        return target.map_or(Value::Array(Vec::new()), |target| to_json(target, root, depth + 8));
    }
    if let Some(items) = node.items() {
        return Value::Array(items.iter().map(|item| to_json(item, root, depth + 1)).collect());
    }
    if let Some(entries) = node.entries() {
        let mut map = Map::new();
        for merged in node.merged().into_iter().rev() {
            if let Value::Object(inner) = to_json(merged, root, depth + 1) {
                map.extend(inner);
            }
        }
        for entry in entries.iter().filter(|entry| !entry.is_merge()) {
            let key = entry.key.text().unwrap_or_default().to_owned();
            map.insert(key, to_json(&entry.value, root, depth + 1));
        }
        return Value::Object(map);
    }
    scalar(node)
}

fn scalar(node: &Node) -> Value {
    let text = node.text().unwrap_or_default();
    if node.style() != Style::Plain || node.tag.is_some() {
        return Value::from(text);
    }
    match node.kind() {
        "nothing" => Value::Null,
        "a truth value" => match text.to_lowercase().as_str() {
            "true" | "yes" | "on" => Value::Bool(true),
            "false" | "no" | "off" => Value::Bool(false),
            _ => Value::from(text),
        },
        "a number" => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<f64>().map(Value::from))
            .unwrap_or_else(|_| Value::from(text)),
        _ => Value::from(text),
    }
}

#[cfg(feature = "schema")]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Source;
    use crate::format::yaml::parse;

    #[test]
    fn what_a_schema_refuses_is_found_at_its_place() {
        let schema = Schema::parse(
            r#"{"additionalProperties": {"type": "object", "properties": {"when": {"enum": ["manual"]}, "tags": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}}}}"#,
        )
        .unwrap();
        let text = ".t: &t {when: manual}\na:\n  <<: *t\n  tags: [x, 7]\nb:\n  when: 7\n";
        let source = Source::new("f", text);
        let tree = parse(text).unwrap();
        let mut findings = Findings::default();
        check_schema(&File { source: &source, tree: &tree }, &schema, &mut findings);
        let lines: Vec<usize> = findings.sorted(&source).iter().map(|finding| finding.start.line).collect();
        assert_eq!(lines, [4, 6]);
        assert!(Schema::parse("{").is_err());
    }
}
