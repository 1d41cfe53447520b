//! The jobs of a `.gitlab-ci.yml`, with `extends` and `default` resolved and positions kept. Never fails: what is not a
//! job is left out, and what is in other files is marked as elsewhere.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::yaml::{Entry, Node, Tree};

/// The keywords of the top level (<https://docs.gitlab.com/ci/yaml/#global-keywords>).
pub const GLOBALS: &[&str] = &[
    "spec",
    "default",
    "include",
    "stages",
    "variables",
    "workflow",
    "image",
    "services",
    "before_script",
    "after_script",
    "cache",
    "$schema",
];

/// The keywords of a job (<https://docs.gitlab.com/ci/yaml/#job-keywords>).
pub const JOB_KEYS: &[&str] = &[
    "image",
    "services",
    "before_script",
    "script",
    "after_script",
    "hooks",
    "rules",
    "variables",
    "cache",
    "id_tokens",
    "identity",
    "inputs",
    "secrets",
    "run",
    "stage",
    "only",
    "except",
    "extends",
    "needs",
    "tags",
    "allow_failure",
    "timeout",
    "when",
    "start_in",
    "manual_confirmation",
    "dependencies",
    "artifacts",
    "environment",
    "release",
    "coverage",
    "retry",
    "parallel",
    "interruptible",
    "resource_group",
    "trigger",
    "inherit",
    "publish",
    "pages",
    "dast_configuration",
    "type",
];

/// The keywords of `default` (<https://docs.gitlab.com/ci/yaml/#default>).
pub const DEFAULTS: &[&str] = &[
    "after_script",
    "artifacts",
    "before_script",
    "hooks",
    "cache",
    "image",
    "interruptible",
    "id_tokens",
    "identity",
    "retry",
    "services",
    "tags",
    "timeout",
];

/// The most bodies that one job may extend, so that circular ones terminate.
const MOST_PARENTS: usize = 1000;

/// A file.
#[derive(Debug)]
pub struct Config<'a> {
    /// The top level of the last document: a header with `spec` may come before it.
    pub root: &'a Node,
    /// Every job as written, including hidden ones and those that a later job of the same name replaces.
    pub jobs: Vec<Job<'a>>,
    /// Whether jobs and stages may come from other files, or have names that are unknown here.
    pub elsewhere: bool,
    /// The index in `jobs` of each job that runs.
    running: HashMap<&'a str, usize>,
    stages: Option<Vec<&'a str>>,
    top: Rc<Top<'a>>,
}

/// The top level, by name: files have thousands of jobs.
#[derive(Debug)]
struct Top<'a> {
    root: &'a Node,
    own: HashMap<&'a str, &'a Node>,
    merges: bool,
}

/// A job.
#[derive(Debug)]
pub struct Job<'a> {
    /// Its name.
    pub name: &'a str,
    /// The node of its name.
    pub key: &'a Node,
    /// Its content.
    pub body: &'a Node,
    /// Whether a later job of the same name replaces it.
    pub shadowed: bool,
    /// Whether it extends something that is not in this file.
    pub open: bool,
    /// The bodies it extends, nearest first.
    parents: Vec<&'a Node>,
    top: Rc<Top<'a>>,
}

impl<'a> Top<'a> {
    fn of(root: &'a Node, entries: &'a [Entry]) -> Self {
        let own = entries.iter().filter_map(|entry| Some((entry.key.text()?, &entry.value))).collect();
        Self { root, own, merges: entries.iter().any(Entry::is_merge) }
    }

    fn get(&self, name: &str) -> Option<&'a Node> {
        let own = self.own.get(name).copied();
        own.or_else(|| self.merges.then(|| self.root.get(name)).flatten())
    }
}

impl<'a> Config<'a> {
    /// Reads a file; none if its top level is not a map.
    #[must_use]
    pub fn read(tree: &'a Tree) -> Option<Self> {
        let root = tree.documents.last()?;
        let entries = root.entries()?;
        let named = |entry: &Entry| entry.key.text().is_some_and(|name| name.contains("$[["));
        let elsewhere = root.get("include").is_some() || entries.iter().any(named);
        let top = Rc::new(Top::of(root, entries));
        let mut jobs: Vec<Job<'a>> = Vec::new();
        for entry in entries.iter().filter(|entry| entry.value.entries().is_some() && !entry.is_merge()) {
            let Some(name) = entry.key.text().filter(|name| !GLOBALS.contains(name)) else { continue };
            let mut parents = Vec::new();
            let open = extend(&top, &entry.value, &mut parents, 0);
            let top = Rc::clone(&top);
            jobs.push(Job { name, key: &entry.key, body: &entry.value, shadowed: false, open, parents, top });
        }
        let mut seen = HashSet::new();
        for job in jobs.iter_mut().rev() {
            job.shadowed = !seen.insert(job.name);
        }
        let runs = |job: &Job<'_>| !job.is_hidden() && !job.shadowed;
        let running = jobs.iter().enumerate().filter(|(_, job)| runs(job)).map(|(at, job)| (job.name, at)).collect();
        let stages = stages(&top, elsewhere);
        Some(Self { root, jobs, elsewhere, running, stages, top })
    }

    /// Lists the jobs that run.
    pub fn visible(&self) -> impl Iterator<Item = &Job<'a>> {
        self.jobs.iter().filter(|job| !job.is_hidden() && !job.shadowed)
    }

    /// Finds a job that runs, by its name or by that of one of its copies: GitLab names those of a parallel job `unit 1/3` and
    /// `ruby: [2.7, aws]`
    /// (<https://docs.gitlab.com/ci/jobs/job_control/#fetch-artifacts-from-a-parallelmatrix-job>).
    #[must_use]
    pub fn job(&self, name: &str) -> Option<&Job<'a>> {
        let named = |name: &str| self.running.get(name).map(|at| &self.jobs[*at]);
        named(name).or_else(|| {
            let (of, copy) = copy_name(name)?;
            named(of).filter(|job| job.has_copy(&copy))
        })
    }

    /// Returns the top-level value of a name: a job, hidden or not, or a keyword.
    #[must_use]
    pub fn top(&self, name: &str) -> Option<&'a Node> {
        self.top.get(name)
    }

    /// Lists the stages in order, including `.pre` and `.post`; none if they are unknown.
    #[must_use]
    pub fn stages(&self) -> Option<&[&'a str]> {
        self.stages.as_deref()
    }
}

fn stages<'a>(top: &Top<'a>, elsewhere: bool) -> Option<Vec<&'a str>> {
    let own = match top.get("stages") {
        None => vec!["build", "test", "deploy"],
        Some(list) => list.items()?.iter().map(Node::text).collect::<Option<_>>()?,
    };
    let unknown = elsewhere || own.iter().any(|stage| stage.contains("$[["));
    (!unknown).then(|| [vec![".pre"], own, vec![".post"]].concat())
}

impl<'a> Job<'a> {
    /// Returns true if it is only a template.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.name.starts_with('.')
    }

    /// Finds the value of a key: its own, an inherited one, or the default.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a Node> {
        let own = self.body.get(key).or_else(|| self.parents.iter().find_map(|parent| parent.get(key)));
        own.or_else(|| {
            let inherits =
                DEFAULTS.contains(&key) && self.body.get("inherit").is_none_or(|node| node.get("default").is_none());
            let default = || self.top.get("default").and_then(|node| node.get(key));
            inherits.then(|| default().or_else(|| self.top.get(key))).flatten()
        })
    }

    /// Finds a key as it is written in the job itself or in one that it extends, not as `default` has it.
    #[must_use]
    pub fn written(&self, key: &str) -> Option<&'a Entry> {
        let own = self.body.entry(key).or_else(|| self.parents.iter().find_map(|parent| parent.entry(key)));
        own.filter(|entry| !entry.value.is_null())
    }

    /// Returns true if it only mirrors another pipeline (`needs:pipeline`).
    #[must_use]
    pub fn needs_pipeline(&self) -> bool {
        let needs = self.get("needs");
        let one = needs.is_some_and(|node| node.get("pipeline").is_some());
        one || needs.and_then(Node::items).unwrap_or_default().iter().any(|item| item.get("pipeline").is_some())
    }

    /// Returns its stage; by default `test`.
    #[must_use]
    pub fn stage(&self) -> &'a str {
        self.get("stage").and_then(Node::text).unwrap_or("test")
    }

    /// Returns the name of its image.
    #[must_use]
    pub fn image(&self) -> Option<&'a Node> {
        let image = self.get("image")?;
        if image.text().is_some() { Some(image) } else { image.get("name") }
    }

    /// Finds a variable: its own, an inherited one, or one of the whole file.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&'a Node> {
        let bodies = [self.body].into_iter().chain(self.parents.iter().copied());
        let own = bodies.filter_map(|body| body.get("variables")).find_map(|variables| variables.get(name));
        own.or_else(|| self.top.get("variables")?.get(name))
    }

    /// Returns true if its image is started with its own `entrypoint`.
    #[must_use]
    pub fn has_entrypoint(&self) -> bool {
        let own =
            self.body.get("image").into_iter().chain(self.parents.iter().filter_map(|parent| parent.get("image")));
        own.chain(self.get("image")).any(|image| image.get("entrypoint").is_some())
    }

    /// Lists the commands of all its scripts, without references to other jobs.
    #[must_use]
    pub fn commands(&self) -> Vec<&'a Node> {
        let mut found = Vec::new();
        for key in ["before_script", "script", "after_script"] {
            flatten(self.get(key), &mut found);
        }
        found
    }

    /// Lists its runner tags.
    #[must_use]
    pub fn tags(&self) -> Vec<&'a str> {
        self.get("tags").and_then(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect()
    }

    /// Lists the jobs in `needs`, with their nodes.
    #[must_use]
    pub fn needs(&self) -> Option<Vec<Need<'a>>> {
        let items = self.get("needs")?.items()?;
        Some(items.iter().filter_map(need).collect())
    }

    /// Returns true if GitLab makes such a copy of it, or may make it.
    fn has_copy(&self, copy: &Copy<'_>) -> bool {
        let Some(parallel) = self.get("parallel") else { return false };
        match copy {
            Copy::Permutation(values) => parallel.get("matrix").is_some_and(|matrix| {
                let named = |row: &Vec<(&str, &str)>| row.iter().map(|(_, value)| *value).eq(values.iter().copied());
                permutations(matrix).is_none_or(|rows| rows.iter().any(named))
            }),
            Copy::Numbered(number, of) => {
                parallel
                    .text()
                    .is_some_and(|count| count.parse().map_or(count.contains('$'), |count: u32| *of == count))
                    && (1..=*of).contains(number)
            }
        }
    }

    /// Lists the permutations of `parallel:matrix`; none if there are none or they are unknown.
    #[must_use]
    pub fn matrix(&self) -> Option<Vec<Vec<(&'a str, &'a str)>>> {
        permutations(self.get("parallel")?.get("matrix")?)
    }
}

/// What GitLab adds to the name of a parallel job for one of its copies.
enum Copy<'a> {
    /// `: [2.7, aws]`: the values of one permutation.
    Permutation(Vec<&'a str>),
    /// ` 1/3`: its number, and how many there are.
    Numbered(u32, u32),
}

/// Splits the name of a copy into that of the job and what was added.
fn copy_name(name: &str) -> Option<(&str, Copy<'_>)> {
    if let Some((job, values)) = name.strip_suffix(']').and_then(|name| name.rsplit_once(": [")) {
        return Some((job, Copy::Permutation(values.split(", ").collect())));
    }
    let (job, numbers) = name.rsplit_once(' ')?;
    let (number, of) = numbers.split_once('/')?;
    Some((job, Copy::Numbered(number.parse().ok()?, of.parse().ok()?)))
}

/// A job that another needs.
#[derive(Debug)]
pub struct Need<'a> {
    /// Its name.
    pub name: &'a str,
    /// The location of that text.
    pub node: &'a Node,
    /// Whether it is optional.
    pub optional: bool,
    /// The subset of a matrix.
    pub matrix: Option<&'a Node>,
}

/// Lists the permutations of a matrix; none if it is malformed, has expressions, or has more than 10,000.
#[must_use]
pub fn permutations(matrix: &Node) -> Option<Vec<Vec<(&str, &str)>>> {
    let mut all = Vec::new();
    for item in matrix.items()? {
        let mut rows: Vec<Vec<(&str, &str)>> = vec![Vec::new()];
        for entry in item.entries()? {
            let key = entry.key.text()?;
            let values: Vec<&str> = match entry.value.items() {
                Some(list) => list.iter().map(Node::text).collect::<Option<_>>()?,
                None => vec![entry.value.text()?],
            };
            if key == "<<" || entry.value.tag.is_some() || values.iter().any(|value| value.contains("$[[")) {
                return None;
            }
            if rows.len() * values.len() > 10_000 {
                return None;
            }
            rows = rows
                .iter()
                .flat_map(|row| values.iter().map(move |value| [row.clone(), vec![(key, *value)]].concat()))
                .collect();
        }
        all.extend(rows);
    }
    Some(all)
}

fn need(item: &Node) -> Option<Need<'_>> {
    let Some(entries) = item.entries() else {
        return Some(Need { name: item.text()?, node: item, optional: false, matrix: None });
    };
    if entries.iter().any(|entry| matches!(entry.key.text(), Some("project" | "pipeline"))) {
        return None;
    }
    let node = item.get("job")?;
    let optional = item.get("optional").and_then(Node::text) == Some("true");
    Some(Need { name: node.text()?, node, optional, matrix: item.get("parallel").and_then(|node| node.get("matrix")) })
}

/// Collects the bodies that a body extends, the last named first. Returns true if one of them is not in this file.
fn extend<'a>(top: &Top<'a>, body: &'a Node, parents: &mut Vec<&'a Node>, depth: usize) -> bool {
    let Some(named) = body.get("extends") else { return false };
    let names: Vec<&Node> = named.items().map_or_else(|| vec![named], |list| list.iter().collect());
    let mut open = depth > 10;
    for name in names.into_iter().rev() {
        if depth > 10 || parents.len() > MOST_PARENTS {
            return true;
        }
        match name.text().and_then(|name| top.get(name)) {
            Some(parent) => {
                parents.push(parent);
                open |= extend(top, parent, parents, depth + 1);
            }
            None => open = true,
        }
    }
    open
}

fn flatten<'a>(node: Option<&'a Node>, found: &mut Vec<&'a Node>) {
    let Some(node) = node.filter(|node| node.tag.is_none()) else { return };
    match node.items() {
        Some(items) => items.iter().for_each(|item| flatten(Some(item), found)),
        None => found.extend(node.text().is_some().then_some(node)),
    }
}
