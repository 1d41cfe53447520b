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
        level: Level::Warning,
        target: Target::GitLab,
        blocks: false,
        summary: "the JSON schema rejects the file",
        reason: "GitLab's editor and most others check files against this schema \
                 (https://docs.gitlab.com/ci/pipeline_editor/). GitLab itself may accept what the schema rejects.",
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

/// Checks a file against a schema. What another rule reports already is not reported again.
pub fn check_schema(file: &File<'_>, schema: &Schema, findings: &mut Findings) {
    let Some(root) = file.tree.documents.last() else { return };
    for violation in schema.0.violations(&to_json(root, "")) {
        let found = place(root, &violation.path);
        let (path, reason, keyword) = (violation.path, violation.reason, violation.keyword);
        // What a map must and must not have does not depend on its values.
        let on_keys = ["/additionalProperties", "/required"].iter().any(|end| keyword.ends_with(end));
        let unknown = found.unknown || is_reference(found.node) || (!on_keys && is_unknown(found.node));
        // GitLab accepts empty lists.
        if unknown || keyword.ends_with("/minItems") || findings.overlaps(&found.node.span) {
            continue;
        }
        findings.report(&REFUSED, found.node.span.clone(), format!("`{path}`: {reason} (schema: {keyword})"));
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

/// A node that a JSON pointer names.
struct Found<'a> {
    node: &'a Node,
    /// Whether it lies in a value that only GitLab knows.
    unknown: bool,
}

/// Finds the node that a JSON pointer names, or the deepest one on its path that exists.
fn place<'a>(root: &'a Node, path: &str) -> Found<'a> {
    let (mut node, mut unknown, mut key) = (root, false, String::new());
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        unknown |= is_reference(node);
        let next = match node.items() {
            Some(items) => part.parse::<usize>().ok().and_then(|index| flat(items, &key).into_iter().nth(index)),
            None => node.get(&part),
        };
        let Some(next) = next else { break };
        if node.items().is_none() {
            key = part;
        }
        node = next;
    }
    Found { node, unknown }
}

/// Returns true if only GitLab knows the value, or a part of it: what a reference names may come from another file, and
/// inputs and variables are put in later.
fn is_unknown(node: &Node) -> bool {
    node.text().is_some_and(|text| text.contains('$')) || has_placeholder(node)
}

fn has_placeholder(node: &Node) -> bool {
    is_reference(node)
        || node.text().is_some_and(|text| text.contains("$[["))
        || node.items().unwrap_or_default().iter().any(has_placeholder)
        || node.entries().unwrap_or_default().iter().any(|entry| has_placeholder(&entry.value))
}

fn is_reference(node: &Node) -> bool {
    node.tag.as_deref() == Some("!reference")
}

/// Returns the items of a list. Where GitLab takes lists in lists, up to ten levels deep, it flattens them.
fn flat<'a>(items: &'a [Node], key: &str) -> Vec<&'a Node> {
    fn add<'a>(items: &'a [Node], depth: usize, found: &mut Vec<&'a Node>) {
        for item in items {
            match item.items() {
                Some(inner) if depth < 10 && !is_reference(item) => add(inner, depth + 1, found),
                _ => found.push(item),
            }
        }
    }
    if !matches!(key, "script" | "before_script" | "after_script" | "rules") {
        return items.iter().collect();
    }
    let mut found = Vec::with_capacity(items.len());
    add(items, 0, &mut found);
    found
}

/// Converts the tree as GitLab's editor sees it: merges are applied, references are the lists of words that are written, and
/// keys whose value is null are left out, which is how an inherited key is excluded
/// (<https://docs.gitlab.com/ci/yaml/#extends>). `key` is that of the value.
fn to_json(node: &Node, key: &str) -> Value {
    if let Some(items) = node.items() {
        return Value::Array(flat(items, key).into_iter().map(|item| to_json(item, "")).collect());
    }
    if let Some(entries) = node.entries() {
        let mut map = Map::new();
        for merged in node.merged().into_iter().rev() {
            if let Value::Object(inner) = to_json(merged, "") {
                map.extend(inner);
            }
        }
        for entry in entries.iter().filter(|entry| !entry.is_merge()) {
            let key = entry.key.text().unwrap_or_default().to_owned();
            if entry.value.is_null() {
                map.remove(&key);
            } else {
                let value = to_json(&entry.value, &key);
                map.insert(key, value);
            }
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

    /// Reports the lines at which a schema in the shape of GitLab's refuses a text, after the other rules.
    fn refused(text: &str) -> Vec<(usize, Level)> {
        let strings = r#"{"type": "array", "minItems": 1, "items": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}}"#;
        let rules = r#"{"type": "array", "items": {"anyOf": [{"type": "object"}, {"type": "array", "items": {"type": "string"}}]}}"#;
        let schema = format!(
            r#"{{"properties": {{"include": {{}}}}, "patternProperties": {{"^[.]": {{}}}}, "additionalProperties": {{"type": "object", "additionalProperties": false, "properties": {{
                "script": {{"oneOf": [{{"type": "string"}}, {strings}]}},
                "rules": {rules},
                "tags": {strings},
                "image": {{"oneOf": [{{"type": "string", "minLength": 1}}, {{"type": "object"}}]}},
                "needs": {{"type": "array"}},
                "artifacts": {{"properties": {{"paths": {strings}}}}},
                "when": {{"enum": ["manual", "always"]}},
                "url": {{"type": "string", "format": "uri"}},
                "variables": {{"additionalProperties": {{"type": ["string", "number", "boolean"]}}}}
            }}}}}}"#
        );
        let schema = std::rc::Rc::new(Schema::parse(&schema).unwrap());
        let setting = crate::lint::Setting { today: "2026-11-30".parse().unwrap(), schema: Some(schema) };
        let source = Source::new(".gitlab-ci.yml", text);
        let findings = crate::lint::check(&source, Target::GitLab, &setting);
        findings
            .iter()
            .filter(|finding| finding.rule == &REFUSED)
            .map(|finding| (finding.start.line, finding.level))
            .collect()
    }

    #[test]
    fn what_gitlab_accepts_is_accepted_whatever_its_schema_says() {
        for text in [
            // References may name what another file has, and stand wherever a value does.
            "include: [{local: /x.yml}]\na:\n  image: !reference [.x, image]\n  tags: !reference [.x, tags]\n  script: [!reference [.x, script], make]\n",
            "include: [{local: /x.yml}]\na:\n  script: [make]\n  variables: {T: !reference [.x, variables, T]}\n  rules: [!reference [.x, rules], {when: never}]\n",
            // Lists in lists are flattened.
            ".r: &r [{when: never}, [{when: always}]]\na:\n  rules: [*r, {when: always}]\n  script: [[[make], [[test]]], [end]]\n",
            // A key whose value is null is left out.
            "a:\n  script: [make]\n  needs: null\n  image:\n  variables: {TOKEN: ~}\n",
            "a:\n  script: [make]\n  artifacts: {paths: []}\n",
            "a:\n  script: [make]\n  when: $[[ inputs.when ]]\n  url: not a URL\n",
            "a:\n  script: [make]\n  tags: [$[[ inputs.tags ]]]\n  when: $WHEN\n",
        ] {
            assert_eq!(refused(text), [], "{text}");
        }
    }

    #[test]
    fn what_only_the_schema_refuses_is_a_warning_and_one_mistake_is_reported_once() {
        let warning = |line| (line, Level::Warning);
        for (text, expected) in [
            ("a:\n  script: [make $X]\n  when: [always]\n  url: 7\n", vec![warning(3), warning(4)]),
            ("a:\n  script: [make]\n  rules: [{when: always}, 7]\n", vec![warning(3)]),
            ("a:\n  script: [make]\n  variables: {X: [1]}\n", vec![warning(3)]),
            // TK502 and TK500 say these.
            ("a:\n  script: [make]\n  tags: x\n", vec![]),
            ("a:\n  script: [make]\n  imagee: x\n", vec![]),
        ] {
            assert_eq!(refused(text), expected, "{text}");
        }
    }
}
