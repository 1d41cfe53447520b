//! Reads GitLab pipelines: the images and services of jobs, with resolved variables.

use super::{File, Findings, Setting, held};
use crate::format::gitlab_ci::{Config, Job};
use crate::format::variables::{Syntax, expand};
use crate::format::yaml::{Node, Tree, parse};
use crate::image_audit::found::Needs;

/// GitLab's rules for variables (<https://docs.gitlab.com/ci/variables/#use-cicd-variables-in-other-variables>).
const SYNTAX: Syntax = Syntax { escape: None, doubled: true, quotes: false, operators: false };

/// The deepest nesting of variables.
const DEEPEST: usize = 10;

/// The most variables that one text may expand to.
const MOST_LOOKED_UP: usize = 1000;

/// The most combinations of a matrix that are read.
const MOST_ROWS: usize = 200;

/// The variables of a job, or of the whole file.
struct Scope<'a, 'c> {
    config: &'c Config<'a>,
    tree: &'a Tree,
    job: Option<&'c Job<'a>>,
    row: &'c [(&'a str, &'a str)],
    setting: &'c Setting<'c>,
}

/// Reads a pipeline and its local includes.
pub(super) fn read(file: &File, tree: &Tree, setting: &Setting<'_>, findings: &mut Findings) {
    read_from(file, file, tree, setting, findings);
}

/// Reads a pipeline; includes are relative to the folder of the first one, the root of the repository.
fn read_from(first: &File, file: &File, tree: &Tree, setting: &Setting<'_>, findings: &mut Findings) {
    findings.claimed.insert(file.path.clone());
    let Some(config) = Config::read(tree) else { return };
    jobs(file, tree, &config, setting, findings);
    let Some(include) = config.top("include").filter(|node| !node.is_null()) else { return };
    // Included files see the variables of the including one.
    let variables = config.top("variables");
    let visible = |name: &str| {
        let own = variables.and_then(|variables| value(variables.get(name)?));
        own.map(str::to_owned).or_else(|| (setting.variables)(name))
    };
    let inner = Setting { variables: &visible, ..*setting };
    let items = include.items().map_or_else(|| vec![include], |items| items.iter().collect());
    for item in items {
        let name = if item.text().is_some() { item.text() } else { item.get("local").and_then(Node::text) };
        let local = name.filter(|name| !name.contains("://") && !name.contains(['*', '$']));
        let Some(included) = local.and_then(|name| first.included(name.trim_start_matches('/'))) else {
            let subject = name.unwrap_or("include");
            findings.unread(file.location(&item.span), subject, "files outside of the repository are not read");
            continue;
        };
        // Files are read once, so that cycles end.
        if findings.claimed.insert(included.path.clone()) {
            match parse(&included.source.text) {
                Ok(tree) => read_from(first, &included, &tree, &inner, findings),
                Err(error) => {
                    findings.unread(
                        file.location(&item.span),
                        &included.source.path,
                        format!("it is not valid YAML: {error}"),
                    );
                }
            }
        }
    }
}

fn jobs(file: &File, tree: &Tree, config: &Config<'_>, setting: &Setting<'_>, findings: &mut Findings) {
    // Jobs that run come first: they may set what a template lacks.
    let (running, templates): (Vec<_>, Vec<_>) =
        config.jobs.iter().filter(|job| !job.shadowed).partition(|job| !job.is_hidden());
    for job in running.into_iter().chain(templates).filter(|job| job.get("trigger").is_none()) {
        let rows = job.matrix().unwrap_or_default();
        let rows = if rows.is_empty() { vec![Vec::new()] } else { rows };
        let role = format!("job {}", job.name);
        for row in rows.iter().take(MOST_ROWS) {
            let scope = Scope { config, tree, job: Some(job), row, setting };
            scope.take(file, job.get("image"), &role, findings);
            scope.services(file, job.get("services"), &role, findings);
        }
    }
    let scope = Scope { config, tree, job: None, row: &[], setting };
    for (owner, role) in [(config.top("default"), "default"), (Some(config.root), "all jobs")] {
        scope.take(file, owner.and_then(|node| node.get("image")), role, findings);
        scope.services(file, owner.and_then(|node| node.get("services")), role, findings);
    }
}

/// Returns the value of a variable, which may have a description.
fn value(node: &Node) -> Option<&str> {
    if node.text().is_some() { node.text() } else { node.get("value")?.text() }
}

impl<'a> Scope<'a, '_> {
    fn services(&self, file: &File, list: Option<&'a Node>, role: &str, findings: &mut Findings) {
        let role = format!("service of {role}");
        for item in list.and_then(|node| self.referred(node).items()).unwrap_or_default() {
            self.take(file, Some(item), &role, findings);
        }
    }

    /// Adds an image: a name, or a map with a name.
    fn take(&self, file: &File, node: Option<&'a Node>, role: &str, findings: &mut Findings) {
        let Some(node) = node.map(|node| self.referred(node)).filter(|node| !node.is_null()) else { return };
        let Some(name) = (if node.text().is_some() { Some(node) } else { node.get("name") }) else { return };
        let Some(written) = name.text() else { return };
        let platform = node.get("docker").and_then(|docker| docker.get("platform")?.text());
        let needs = platform.and_then(|text| self.resolved(text).ok()).map_or(Needs::All, |text| held(&text));
        findings.add(self.resolved(written), written, file.location(&name.span), role, needs);
    }

    /// Follows `!reference [.job, image]`.
    fn referred(&self, node: &'a Node) -> &'a Node {
        let mut node = node;
        for _ in 0..DEEPEST {
            let path = node.items().filter(|_| node.tag.as_deref() == Some("!reference")).unwrap_or_default();
            let mut names = path.iter().filter_map(Node::text);
            let Some(mut found) = names.next().and_then(|name| self.config.top(name)) else { return node };
            for name in names {
                let Some(inner) = found.get(name) else { return node };
                found = inner;
            }
            node = found;
        }
        node
    }

    fn resolved(&self, text: &str) -> Result<String, String> {
        let mut left = MOST_LOOKED_UP;
        self.deeper(text, 0, &mut left)
    }

    fn deeper(&self, text: &str, depth: usize, left: &mut usize) -> Result<String, String> {
        if depth > DEEPEST || *left == 0 {
            return Err("its variables refer to each other".to_owned());
        }
        let text = self.with_inputs(text)?;
        let mut lacking = None;
        let mut value = |name: &str| {
            *left = left.saturating_sub(1);
            let value = self.variable(name).map(|value| self.deeper(&value, depth + 1, left))?;
            value.map_err(|reason| lacking.get_or_insert(reason).clone()).ok()
        };
        expand(&text, SYNTAX, &mut value).map_err(|error| lacking.unwrap_or_else(|| error.to_string()))
    }

    /// Finds a variable: in the row of the matrix, in the file, or among those that the user gave.
    fn variable(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.row.iter().find(|(known, _)| *known == name) {
            return Some((*value).to_owned());
        }
        let node = match self.job {
            Some(job) => job.variable(name),
            None => self.config.top("variables").and_then(|variables| variables.get(name)),
        };
        node.and_then(value).map(str::to_owned).or_else(|| (self.setting.variables)(name))
    }

    /// Replaces inputs with their defaults (<https://docs.gitlab.com/ci/inputs/>).
    fn with_inputs(&self, text: &str) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, inner)) = rest.split_once("$[[") {
            let (expression, after) = inner.split_once("]]").ok_or("`$[[` without `]]`")?;
            let expression = expression.trim();
            let default = || {
                let name = expression.strip_prefix("inputs.")?;
                let header = self.tree.documents.first().filter(|_| self.tree.documents.len() > 1)?;
                header.get("spec")?.get("inputs")?.get(name)?.get("default")?.text()
            };
            out.push_str(before);
            out.push_str(default().ok_or_else(|| format!("the input `{expression}` has no default here"))?);
            rest = after;
        }
        Ok(out + rest)
    }
}
