//! The builds of a batch (<https://docs.aws.amazon.com/codebuild/latest/userguide/batch-build-buildspec.html>).

use std::ops::Range;

use super::reader::Reader;
use super::{Pair, ProblemKind, Text};
use crate::format::yaml::{Entry, Node};

/// `batch`.
#[derive(Debug)]
pub struct Batch {
    /// The location of the key `batch`.
    pub key: Range<usize>,
    /// Whether the first failure stops all builds.
    pub fast_fail: bool,
    /// The builds; more than one entry only by mistake.
    pub kinds: Vec<(Range<usize>, BatchKind)>,
}

/// The ways to list builds.
#[derive(Debug)]
pub enum BatchKind {
    /// `build-graph`: builds with dependencies.
    Graph(Vec<Task>),
    /// `build-list`: independent builds.
    List(Vec<Task>),
    /// `build-matrix`: one build for every combination.
    Matrix(Box<Matrix>),
    /// `build-fanout`: one build split into parts.
    Fanout {
        /// The number of parts.
        parallelism: Option<u32>,
        /// Whether the batch succeeds although a part fails.
        ignore_failure: bool,
    },
}

/// One build of a graph or list.
#[derive(Debug)]
pub struct Task {
    /// Where it begins.
    pub span: Range<usize>,
    /// Its name.
    pub identifier: Option<Text>,
    /// Its own buildspec; the batch's if none is named.
    pub buildspec: Option<Text>,
    /// The builds it depends on; only in a graph.
    pub depend_on: Vec<Text>,
    /// Whether the batch succeeds although it fails.
    pub ignore_failure: bool,
    /// Whether its session can be joined.
    pub debug_session: bool,
    /// Its machine; by default the project's.
    pub env: BatchEnv,
}

/// The machine of a build.
#[derive(Debug, Default)]
pub struct BatchEnv {
    /// The size of the machine.
    pub compute_type: Option<Text>,
    /// A reserved fleet instead.
    pub fleet: Option<Text>,
    /// The image.
    pub image: Option<Text>,
    /// The kind of machine.
    pub kind: Option<Text>,
    /// Whether Docker may run.
    pub privileged: Option<bool>,
    /// Further variables.
    pub variables: Vec<Pair>,
}

/// `build-matrix`.
#[derive(Debug, Default)]
pub struct Matrix {
    /// What all builds share.
    pub shared: BatchEnv,
    /// Whether the batch succeeds although builds fail.
    pub ignore_failure: bool,
    /// Each of these buildspecs,
    pub buildspecs: Vec<Text>,
    /// on each of these sizes,
    pub compute_types: Vec<Text>,
    /// in each of these images,
    pub images: Vec<Text>,
    /// with each value of these variables.
    pub variables: Vec<(Text, Vec<Text>)>,
    /// The location of a `type` under `dynamic`, which is not supported.
    pub dynamic_type: Option<Range<usize>>,
}

const KINDS: &[&str] = &["fast-fail", "build-graph", "build-list", "build-matrix", "build-fanout"];
const ENV: &[&str] = &["compute-type", "fleet", "image", "privileged-mode", "type", "variables"];
const GRAPH: &[&str] = &["identifier", "buildspec", "debug-session", "depend-on", "ignore-failure", "env"];
const LIST: &[&str] = &["identifier", "buildspec", "debug-session", "ignore-failure", "env"];

impl Batch {
    pub(super) fn read(node: &Node, key: &Range<usize>, reader: &mut Reader) -> Self {
        let mut batch = Self { key: key.clone(), fast_fail: false, kinds: Vec::new() };
        let entries = reader.map(node, "`batch`");
        reader.keys(&entries, "under `batch`", KINDS);
        for entry in entries {
            let value = &entry.value;
            let kind = match entry.key.text().unwrap_or_default() {
                "fast-fail" => {
                    batch.fast_fail = reader.truth(value, "`batch.fast-fail`");
                    continue;
                }
                "build-graph" => BatchKind::Graph(reader.tasks(value, "build-graph", GRAPH)),
                "build-list" => BatchKind::List(reader.tasks(value, "build-list", LIST)),
                "build-matrix" => BatchKind::Matrix(Box::new(reader.matrix(value))),
                "build-fanout" => reader.fanout(entry),
                _ => continue,
            };
            batch.kinds.push((entry.key.span.clone(), kind));
        }
        batch
    }

    /// Lists the builds of every graph and list.
    pub fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.kinds.iter().flat_map(|(_, kind)| match kind {
            BatchKind::Graph(tasks) | BatchKind::List(tasks) => tasks.as_slice(),
            BatchKind::Matrix(_) | BatchKind::Fanout { .. } => &[],
        })
    }

    /// Finds the matrix, where there is one.
    #[must_use]
    pub fn matrix(&self) -> Option<&Matrix> {
        self.kinds
            .iter()
            .find_map(|(_, kind)| if let BatchKind::Matrix(matrix) = kind { Some(&**matrix) } else { None })
    }

    /// Lists every image that a build names.
    #[must_use]
    pub fn images(&self) -> Vec<&Text> {
        let tasks = self.tasks().filter_map(|task| task.env.image.as_ref());
        let matrix = self.matrix().into_iter();
        let matrix = matrix.flat_map(|matrix| matrix.images.iter().chain(matrix.shared.image.as_ref()));
        tasks.chain(matrix).collect()
    }
}

impl Reader {
    fn tasks(&mut self, node: &Node, kind: &str, known: &[&str]) -> Vec<Task> {
        let Some(items) = node.items() else {
            self.wrong(node, &format!("`batch.{kind}`"), "a list of builds");
            return Vec::new();
        };
        items.iter().filter(|item| !item.is_null()).map(|item| self.task(item, kind, known)).collect()
    }

    fn task(&mut self, node: &Node, kind: &str, known: &[&str]) -> Task {
        let place = format!("a build of `{kind}`");
        let entries = self.map(node, &place);
        self.keys(&entries, &format!("in {place}"), known);
        let span = entries.first().map_or(node.span.clone(), |entry| entry.key.span.clone());
        let mut task = Task {
            span: span.clone(),
            identifier: None,
            buildspec: None,
            depend_on: Vec::new(),
            ignore_failure: false,
            debug_session: false,
            env: BatchEnv::default(),
        };
        for entry in &entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "identifier" => task.identifier = self.text(value, "`identifier`"),
                "buildspec" => task.buildspec = self.text(value, "`buildspec`"),
                "depend-on" if known.contains(&"depend-on") => task.depend_on = self.list(value, "`depend-on`"),
                "ignore-failure" => task.ignore_failure = self.truth(value, "`ignore-failure`"),
                "debug-session" => task.debug_session = self.truth(value, "`debug-session`"),
                "env" => task.env = self.batch_env(value, ENV),
                _ => {}
            }
        }
        let renamed = entries.iter().any(|entry| matches!(entry.key.text(), Some("id" | "name")));
        if node.entries().is_some() && task.identifier.is_none() && !renamed {
            self.missing(&span, "identifier", &place);
        }
        task
    }

    fn batch_env(&mut self, node: &Node, known: &[&str]) -> BatchEnv {
        let mut env = BatchEnv::default();
        if node.is_null() {
            return env;
        }
        let entries = self.map(node, "`env` of a build");
        self.keys(&entries, "in the `env` of a build", known);
        for entry in entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "compute-type" => env.compute_type = self.text(value, "`compute-type`"),
                "fleet" => env.fleet = self.text(value, "`fleet`"),
                "image" => env.image = self.text(value, "`image`"),
                "type" => env.kind = self.text(value, "`type`"),
                "privileged-mode" => env.privileged = Some(self.truth(value, "`privileged-mode`")),
                "variables" => env.variables = self.pairs(value, "`variables` of a build"),
                _ => {}
            }
        }
        env
    }

    fn matrix(&mut self, node: &Node) -> Matrix {
        let mut matrix = Matrix::default();
        let entries = self.map(node, "`build-matrix`");
        self.keys(&entries, "in `build-matrix`", &["static", "dynamic"]);
        for entry in entries {
            match entry.key.text().unwrap_or_default() {
                "static" => self.shared(&entry.value, &mut matrix),
                "dynamic" => self.dynamic(&entry.value, &mut matrix),
                _ => {}
            }
        }
        matrix
    }

    fn shared(&mut self, node: &Node, matrix: &mut Matrix) {
        let entries = self.map(node, "`build-matrix.static`");
        self.keys(&entries, "in `build-matrix.static`", &["ignore-failure", "env"]);
        for entry in entries {
            match entry.key.text().unwrap_or_default() {
                "ignore-failure" => matrix.ignore_failure = self.truth(&entry.value, "`ignore-failure`"),
                "env" => matrix.shared = self.batch_env(&entry.value, ENV),
                _ => {}
            }
        }
    }

    fn dynamic(&mut self, node: &Node, matrix: &mut Matrix) {
        let entries = self.map(node, "`build-matrix.dynamic`");
        self.keys(&entries, "in `build-matrix.dynamic`", &["buildspec", "env"]);
        for entry in entries {
            match entry.key.text().unwrap_or_default() {
                "buildspec" => matrix.buildspecs = self.list(&entry.value, "`buildspec`"),
                "env" => self.dynamic_env(&entry.value, matrix),
                _ => {}
            }
        }
    }

    fn dynamic_env(&mut self, node: &Node, matrix: &mut Matrix) {
        let entries = self.map(node, "`build-matrix.dynamic.env`");
        let other: Vec<&Entry> = entries.iter().copied().filter(|entry| entry.key.text() != Some("type")).collect();
        self.keys(&other, "in `build-matrix.dynamic.env`", &["compute-type", "image", "variables"]);
        for entry in entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "compute-type" => matrix.compute_types = self.list(value, "`compute-type`"),
                "image" => matrix.images = self.list(value, "`image`"),
                "type" => matrix.dynamic_type = Some(entry.key.span.clone()),
                "variables" => matrix.variables = self.choices(value),
                _ => {}
            }
        }
    }

    fn choices(&mut self, node: &Node) -> Vec<(Text, Vec<Text>)> {
        let mut found = Vec::new();
        for entry in self.map(node, "`variables` of the matrix") {
            let Some(name) = Text::of(&entry.key) else { continue };
            let values = self.list(&entry.value, &format!("`{}` of the matrix", name.text));
            found.push((name, values));
        }
        found
    }

    fn fanout(&mut self, at: &Entry) -> BatchKind {
        let entries = self.map(&at.value, "`build-fanout`");
        self.keys(&entries, "in `build-fanout`", &["parallelism", "ignore-failure"]);
        let (mut parallelism, mut ignore_failure, mut named) = (None, false, false);
        for entry in entries {
            match entry.key.text().unwrap_or_default() {
                "parallelism" => {
                    named = true;
                    parallelism = entry.value.text().and_then(|text| text.parse().ok()).filter(|parts| *parts > 0);
                    if parallelism.is_none() {
                        let message = "`parallelism` must be a number above zero";
                        self.report(ProblemKind::Type, &entry.value.span, message);
                    }
                }
                "ignore-failure" => ignore_failure = self.truth(&entry.value, "`ignore-failure`"),
                _ => {}
            }
        }
        if !named {
            self.missing(&at.key.span, "parallelism", "`build-fanout`");
        }
        BatchKind::Fanout { parallelism, ignore_failure }
    }
}
