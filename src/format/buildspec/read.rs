//! Reads a buildspec from its tree: from the top of the file down to the commands.

use super::reader::{Reader, listed, misspelt};
use super::{Batch, Buildspec, Env, OnFailure, Pair, Phase, PhaseName, Problem, ProblemKind, Proxy, Text};
use crate::format::yaml::{Entry, Node, Style, Tree};
use crate::model::did_you_mean;

const TOP: &[&str] = &["version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"];
const PHASE: &[&str] = &["run-as", "on-failure", "commands", "finally", "steps"];
const INSTALL: &[&str] = &["run-as", "on-failure", "runtime-versions", "commands", "finally", "steps"];
const ENV: &[&str] =
    &["shell", "variables", "parameter-store", "secrets-manager", "exported-variables", "git-credential-helper"];

/// The names of `env` and `variables` in version 0.1.
const OLD_KEYS: &[(&str, &str)] = &[("environment_variables", "env"), ("plaintext", "variables")];

/// Other spellings of phases.
const OTHER_PHASES: &[(&str, PhaseName)] = &[
    ("prebuild", PhaseName::PreBuild),
    ("postbuild", PhaseName::PostBuild),
    ("pre-build", PhaseName::PreBuild),
    ("post-build", PhaseName::PostBuild),
];

impl Buildspec {
    /// Reads a file: its content, and what is wrong with its structure. Of several documents the first is read.
    #[must_use]
    pub fn read(tree: &Tree) -> (Self, Vec<Problem>) {
        let mut reader = Reader::default();
        let Some(root) = tree.documents.first().filter(|root| !root.is_null()) else {
            reader.report(ProblemKind::Nothing, &(0..0), "the file is empty");
            return (Self::default(), reader.problems);
        };
        if root.entries().is_none() {
            let message =
                format!("the file is {}, but CodeBuild expects a map with `version` and `phases`", root.kind());
            reader.report(ProblemKind::Root, &(root.span.start..root.span.start), message);
            return (Self::default(), reader.problems);
        }
        let buildspec = reader.buildspec(root);
        (buildspec, reader.problems)
    }
}

impl Reader {
    fn buildspec(&mut self, root: &Node) -> Buildspec {
        let entries = self.map(root, "the file");
        let start = root.span.start..root.entries().and_then(<[Entry]>::first).map_or(0, |entry| entry.key.span.end);
        let mut found = Buildspec::default();
        self.keys(&own_keys(&entries), "at the top of the file", TOP);
        match entries.iter().find(|entry| entry.key.text() == Some("version")) {
            Some(entry) => found.version = self.version(&entry.value),
            None => {
                self.report(ProblemKind::VersionMissing, &start, "the file has no `version`; the current one is 0.2");
            }
        }
        let mut phases = false;
        for entry in &entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "run-as" => found.run_as = self.text(value, "`run-as`"),
                "env" => found.env = self.env(value),
                "proxy" => found.proxy = self.proxy(value),
                "batch" => found.batch = Some(Batch::read(value, &entry.key.span, self)),
                "phases" => {
                    phases = true;
                    found.phases = self.phases(value, entry);
                }
                "reports" => found.reports = self.reports(value),
                "artifacts" => found.artifacts = Some(self.artifacts(value, entry, "`artifacts`")),
                "cache" => found.cache = Some(self.cache(value, entry)),
                "environment_variables" if self.is_old(&entries) => {
                    self.problems.retain(|problem| problem.span != entry.key.span);
                    found.env = self.old_env(value);
                }
                key => self.old_key(entry, key),
            }
        }
        found.loose = loose(root);
        if !phases && found.batch.is_none() {
            self.missing(&start, "phases", "the file");
        }
        if found.is_old() && entries.iter().any(|entry| entry.key.text() == Some("env")) {
            let message = "version 0.1 reads `environment_variables` with `plaintext`, not `env` with `variables`";
            let span = entries.iter().find(|entry| entry.key.text() == Some("env")).map(|entry| entry.key.span.clone());
            self.report(ProblemKind::OtherVersion, &span.unwrap_or(start), message);
        }
        found
    }

    fn version(&mut self, node: &Node) -> Option<Text> {
        let text = self.text(node, "`version`")?;
        if text.text != "0.1" && text.text != "0.2" {
            let message = format!("version `{}` does not exist; the current one is 0.2", text.text);
            self.report(ProblemKind::Version, &node.span, message).instead = Some("0.2".to_owned());
        }
        Some(text)
    }

    fn is_old(&self, entries: &[&Entry]) -> bool {
        entries.iter().any(|entry| entry.key.text() == Some("version") && entry.value.text() == Some("0.1"))
    }

    /// Reads what version 0.1 has instead of `env`.
    fn old_env(&mut self, node: &Node) -> Env {
        let mut env = Env::default();
        let entries = self.map(node, "`environment_variables`");
        self.keys(&entries, "under `environment_variables`", &["plaintext", "parameter-store"]);
        for entry in entries {
            match entry.key.text().unwrap_or_default() {
                "plaintext" => env.variables = self.pairs(&entry.value, "`plaintext`"),
                "parameter-store" => env.parameter_store = self.pairs(&entry.value, "`parameter-store`"),
                _ => {}
            }
        }
        env
    }

    /// Reports the replacement of a key of version 0.1.
    fn old_key(&mut self, entry: &Entry, key: &str) {
        if let Some((old, new)) = OLD_KEYS.iter().find(|(old, _)| *old == key) {
            let message = format!("`{old}` belongs to version 0.1; version 0.2 reads `{new}`");
            self.problems.retain(|problem| problem.span != entry.key.span);
            self.report(ProblemKind::OtherVersion, &entry.key.span, message);
        }
    }

    fn env(&mut self, node: &Node) -> Env {
        let mut env = Env::default();
        if node.is_null() {
            return env;
        }
        let entries = self.map(node, "`env`");
        self.keys(&entries, "under `env`", ENV);
        for entry in entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "shell" => env.shell = self.text(value, "`env.shell`"),
                "variables" => env.variables = self.pairs(value, "`env.variables`"),
                "parameter-store" => env.parameter_store = self.pairs(value, "`env.parameter-store`"),
                "secrets-manager" => env.secrets_manager = self.pairs(value, "`env.secrets-manager`"),
                "exported-variables" => env.exported = self.list(value, "`env.exported-variables`"),
                "git-credential-helper" => {
                    env.git_credential_helper = self.truth(value, "`env.git-credential-helper`");
                }
                key => self.old_key(entry, key),
            }
        }
        env
    }

    fn proxy(&mut self, node: &Node) -> Proxy {
        let mut proxy = Proxy::default();
        let entries = self.map(node, "`proxy`");
        self.keys(&entries, "under `proxy`", &["upload-artifacts", "logs"]);
        for entry in entries {
            match entry.key.text().unwrap_or_default() {
                "upload-artifacts" => proxy.upload_artifacts = self.truth(&entry.value, "`proxy.upload-artifacts`"),
                "logs" => proxy.logs = self.truth(&entry.value, "`proxy.logs`"),
                _ => {}
            }
        }
        proxy
    }

    fn phases(&mut self, node: &Node, at: &Entry) -> Vec<Phase> {
        if node.is_null() || node.entries().is_some_and(<[Entry]>::is_empty) {
            self.report(ProblemKind::Empty, &at.key.span, "`phases` is empty; are the phases indented below it?");
            return Vec::new();
        }
        let mut phases = Vec::new();
        for entry in self.map(node, "`phases`") {
            let Some(key) = entry.key.text() else { continue };
            match PhaseName::ALL.into_iter().find(|name| name.as_str() == key) {
                Some(name) => phases.push(self.phase(name, entry)),
                None => self.no_phase(entry, key),
            }
        }
        phases.sort_by_key(|phase| phase.name);
        phases
    }

    fn no_phase(&mut self, entry: &Entry, key: &str) {
        let names = PhaseName::ALL.map(PhaseName::as_str);
        let other = OTHER_PHASES.iter().find(|(word, _)| word.eq_ignore_ascii_case(key)).map(|(_, name)| name.as_str());
        let near = other.or_else(|| names.into_iter().find(|name| name.eq_ignore_ascii_case(key)));
        let near = near.or_else(|| did_you_mean(key, names).filter(|_| key.len() > 3));
        let elsewhere = PHASE.contains(&key) || key == "runtime-versions" || TOP.contains(&key);
        let message = match near {
            Some(near) if !elsewhere => format!("`{key}` is not a phase; did you mean `{near}`?"),
            _ if TOP.contains(&key) && key != "run-as" => {
                format!("`{key}` is not a phase: it belongs at the top of the file, next to `phases`")
            }
            _ if elsewhere => format!("`{key}` is not a phase: it belongs in one, such as `build`"),
            _ => format!("`{key}` is not a phase; expected one of: {}", listed(&names)),
        };
        let problem = self.report(ProblemKind::Phase, &entry.key.span, message);
        problem.instead = near.filter(|_| !elsewhere).map(str::to_owned);
    }

    fn phase(&mut self, name: PhaseName, at: &Entry) -> Phase {
        let place = format!("`phases.{}`", name.as_str());
        let known = if name == PhaseName::Install { INSTALL } else { PHASE };
        let mut phase = Phase {
            name,
            key: at.key.span.clone(),
            run_as: None,
            on_failure: None,
            on_failure_text: None,
            runtimes: Vec::new(),
            commands: Vec::new(),
            finally: Vec::new(),
            steps: None,
        };
        let entries = if at.value.is_null() { Vec::new() } else { self.map(&at.value, &place) };
        self.keys(&entries, &format!("in {place}"), known);
        let mut has_commands = name == PhaseName::Install;
        for entry in &entries {
            let value = &entry.value;
            match entry.key.text().unwrap_or_default() {
                "run-as" => phase.run_as = self.text(value, &format!("`run-as` in {place}")),
                "on-failure" => self.on_failure(value, &place, &mut phase),
                "runtime-versions" if name == PhaseName::Install => phase.runtimes = self.runtimes(entry),
                "commands" => {
                    has_commands = true;
                    phase.commands = self.commands(entry, &place);
                }
                "finally" => phase.finally = self.commands(entry, &place),
                "steps" => {
                    has_commands = true;
                    phase.steps = Some(entry.key.span.clone());
                }
                _ => {}
            }
        }
        let other_shape = at.value.entries().is_none() && !at.value.is_null();
        if !has_commands && !other_shape && !misspelt_commands(&entries) {
            self.missing(&at.key.span, "commands", &place);
        }
        phase
    }

    fn on_failure(&mut self, node: &Node, place: &str, phase: &mut Phase) {
        let Some(text) = self.text(node, &format!("`on-failure` in {place}")) else { return };
        match OnFailure::parse(&text.text) {
            Ok(found) => phase.on_failure = Some(found),
            Err(reason) => {
                self.report(ProblemKind::OnFailure, &node.span, reason);
            }
        }
        phase.on_failure_text = Some(text);
    }

    fn runtimes(&mut self, at: &Entry) -> Vec<Pair> {
        let entries = at.value.entries().map_or(0, <[Entry]>::len);
        if at.value.is_null() || (entries == 0 && at.value.entries().is_some()) {
            self.report(
                ProblemKind::Empty,
                &at.key.span,
                "`runtime-versions` names no runtime; CodeBuild requires at least one",
            );
            return Vec::new();
        }
        self.pairs(&at.value, "`runtime-versions`")
    }

    fn commands(&mut self, at: &Entry, place: &str) -> Vec<Text> {
        let key = at.key.text().unwrap_or_default();
        let what = format!("`{key}` in {place}");
        let Some(items) = at.value.items() else {
            if at.value.is_null() {
                self.report(ProblemKind::Empty, &at.key.span, format!("{what} has no commands"));
            } else if at.value.text().is_some() {
                let message = format!("{what} is a string, but CodeBuild expects a list: put `- ` before it");
                self.report(ProblemKind::CommandsText, &at.key.span, message);
                return Text::of(&at.value).into_iter().collect();
            } else {
                self.wrong(&at.value, &what, "a list");
            }
            return Vec::new();
        };
        if items.is_empty() {
            self.report(ProblemKind::Empty, &at.key.span, format!("{what} has no commands"));
        }
        items.iter().enumerate().filter_map(|(index, item)| self.command(index, item, at, &what)).collect()
    }

    fn command(&mut self, index: usize, item: &Node, at: &Entry, what: &str) -> Option<Text> {
        if let Some(entries) = item.entries() {
            let braces = item.style() == Style::Flow;
            let kind = ProblemKind::CommandMap { index, list: at.key.span.clone(), braces };
            let key = entries.first().and_then(|entry| entry.key.text()).unwrap_or_default();
            let message = if braces {
                format!("a command of {what} begins with `{{`, which makes it a map in YAML; quote the command")
            } else {
                format!("YAML reads this command of {what} as the key `{key}` and its value, because of `: `; quote it")
            };
            let end = entries.first().map_or(item.span.end, |entry| entry.key.span.end);
            let span = if item.alias { item.span.clone() } else { item.span.start..end };
            self.report(kind, &span, message);
            return None;
        }
        if item.items().is_some() {
            let message = format!(
                "a command of {what} is a list; CodeBuild does not join lists: every command must be one string"
            );
            let end = item.span.end.min(item.span.start + 1);
            let span = if item.alias { item.span.clone() } else { item.span.start..end };
            self.report(ProblemKind::CommandList, &span, message);
            return None;
        }
        self.text(item, what)
    }
}

/// Finds commands at the top of the file, and in phases at the top. Duplicate keys are all read: if the indentation is
/// lost, the `commands` of every phase are here.
fn loose(root: &Node) -> Vec<Text> {
    let entries = root.entries().unwrap_or_default();
    let is_phase = |key: &str| PhaseName::ALL.iter().any(|name| name.as_str() == key);
    let lists = entries.iter().filter_map(|entry| match entry.key.text()? {
        "commands" | "finally" => entry.value.items(),
        key if is_phase(key) => entry.value.get("commands")?.items(),
        _ => None,
    });
    lists.flatten().filter_map(Text::of).collect()
}

/// Removes the keys that exist only for their anchors, recognized by their usual names.
fn own_keys<'a>(entries: &[&'a Entry]) -> Vec<&'a Entry> {
    let hidden =
        |entry: &Entry| entry.key.text().is_some_and(|key| key.starts_with(['.', '_']) || key.starts_with("x-"));
    entries.iter().copied().filter(|entry| !hidden(entry)).collect()
}

fn misspelt_commands(entries: &[&Entry]) -> bool {
    misspelt(entries, "commands") || entries.iter().any(|entry| matches!(entry.key.text(), Some("script" | "run")))
}
