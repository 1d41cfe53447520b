//! Finds common mistakes in pipeline files. Reads text, changes nothing, contacts no service.
//! A rule is one value of [`Rule`] and a function that reports it; there is one file of rules per subject.

mod buildspec;
mod circle;
mod finding;
mod gitlab;
mod ignore;
mod rule;
pub mod schema;
mod yaml;

pub use finding::{Edit, Finding, Findings, apply, suggestion};
pub use rule::{Level, Rule, Target};

use std::rc::Rc;

use crate::format::yaml::{Tree, parse};
use crate::format::{Source, Unreadable};
use crate::model::Date;

/// The rules, one list a file of rules.
static LISTS: &[&[&Rule]] = &[
    yaml::rules::RULES,
    ignore::RULES,
    buildspec::shape::RULES,
    buildspec::commands::RULES,
    buildspec::push::RULES,
    buildspec::end_of_life::RULES,
    buildspec::runtimes::RULES,
    buildspec::env::RULES,
    buildspec::output::RULES,
    buildspec::batch::RULES,
    gitlab::rules::RULES,
    gitlab::conditions::RULES,
    gitlab::references::RULES,
    gitlab::starting::RULES,
    schema::RULES,
];

/// What is known in addition to the file itself.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The day for which the file is checked: SDKs reach end of life.
    pub today: Date,
    /// The JSON schema that GitLab files are also checked against, if there is one.
    pub schema: Option<Rc<schema::Schema>>,
}

/// Lists every rule, by id.
#[must_use]
pub fn rules() -> Vec<&'static Rule> {
    let mut rules = LISTS.concat();
    rules.sort_unstable_by_key(|rule| rule.id);
    rules
}

/// Finds a rule by its id (`TK104`, any case).
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    LISTS.iter().copied().flatten().copied().find(|rule| rule.id.eq_ignore_ascii_case(id))
}

/// Returns what kind of file this is, by its name or else by its keys.
#[must_use]
pub fn target(path: &str, tree: Option<&Tree>) -> Option<Target> {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase();
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    if yaml && name.contains("gitlab-ci") {
        return Some(Target::GitLab);
    }
    if yaml && name.contains("buildspec") {
        return Some(Target::Buildspec);
    }
    let root = tree?.documents.last()?;
    let has = |key: &str| root.get(key).is_some();
    if has("phases") && (has("version") || root.get("phases").is_some_and(|phases| phases.get("build").is_some())) {
        return Some(Target::Buildspec);
    }
    let jobs =
        root.entries()?.iter().any(|entry| entry.value.get("script").is_some() || entry.value.get("trigger").is_some());
    (jobs || has("stages") || has("include")).then_some(Target::GitLab)
}

/// A file that is valid YAML, whatever its content.
#[derive(Debug)]
pub struct File<'a> {
    /// Its text.
    pub source: &'a Source,
    /// Its content.
    pub tree: &'a Tree,
}

/// Checks one file.
#[must_use]
pub fn check(source: &Source, target: Target, setting: &Setting) -> Vec<Finding> {
    let mut findings = Findings::default();
    match parse(&source.text) {
        Ok(tree) => check_tree(&File { source, tree: &tree }, target, setting, &mut findings),
        Err(error) => {
            if let Some(fixed) = yaml::broken(source, &error, &mut findings) {
                let mut rest = Findings::default();
                check_tree(&File { source: &fixed.source, tree: &fixed.tree }, target, setting, &mut rest);
                rest.each(|finding| fixed.to_file(finding));
                findings.append(rest);
            }
        }
    }
    findings.sorted(source)
}

fn check_tree(file: &File<'_>, target: Target, setting: &Setting, findings: &mut Findings) {
    yaml::check(file, target, findings);
    match target {
        Target::Yaml => {}
        Target::Buildspec => buildspec::check(file, setting, findings),
        Target::GitLab => {
            gitlab::check(file, setting, findings);
            if let Some(schema) = &setting.schema {
                schema::check_schema(file, schema, findings);
            }
        }
    }
    ignore::apply(file.source, file.tree, findings);
}

/// Returns the one finding about a file that is not text.
#[must_use]
pub fn unreadable(cause: &Unreadable) -> Finding {
    yaml::unreadable(cause)
}
