//! Reads compose files: the images of services, and of their Dockerfiles.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::dockerfile::{Given, PlatformChoice, read as read_dockerfile};
use super::{File, Findings, Setting, held};
use crate::format::Source;
use crate::format::compose::{self, DOCKERFILE, SYNTAX, Service};
use crate::format::dockerfile::Dockerfile;
use crate::format::variables::{Unresolved, expand};
use crate::format::yaml::{Node, Tree, parse};
use crate::image_audit::found::Needs;

/// A compose file with its variables.
struct Reader<'a> {
    file: &'a File,
    setting: &'a Setting<'a>,
    /// The names in the `.env` next to it. Their values are secrets more often than not, and the file is seldom in the
    /// repository, so whoever wrote the compose file may not see them.
    dotenv: BTreeSet<String>,
}

pub(super) fn read(file: &File, tree: &Tree, setting: &Setting<'_>, findings: &mut Findings) {
    findings.claimed.insert(file.path.clone());
    let dotenv =
        file.text_of(&file.beside(".env").0).map(|text| dotenv(&text).into_keys().collect()).unwrap_or_default();
    let reader = Reader { file, setting, dotenv };
    for service in compose::services(tree) {
        reader.service(&service, findings);
    }
    for node in compose::includes(tree) {
        let name = reader.resolved(node.text().unwrap_or_default()).unwrap_or_default();
        let Some(included) = file.included(&name) else {
            findings.unread(file.location(&node.span), &name, "an included file that does not exist or is not text");
            continue;
        };
        // Files are read once, so that cycles end.
        if findings.claimed.insert(included.path.clone()) {
            match parse(&included.source.text) {
                Ok(tree) => read(&included, &tree, setting, findings),
                Err(error) => {
                    findings.unread(file.location(&node.span), &name, format!("it is not valid YAML: {error}"));
                }
            }
        }
    }
}

impl Reader<'_> {
    fn service(&self, service: &Service<'_>, findings: &mut Findings) {
        let role = format!("service {}", service.name);
        let platform = service.platform.map(|node| self.resolved(node.text().unwrap_or_default()));
        let needs = platform.and_then(Result::ok).map_or(Needs::All, |text| held(&text));
        if let Some(build) = &service.build {
            return self.build(build, &role, needs, findings);
        }
        if let Some(node) = service.image {
            let written = node.text().unwrap_or_default();
            findings.add(self.resolved(written), written, self.file.location(&node.span), &role, needs);
        } else if service.elsewhere {
            findings.unread(
                None,
                &self.file.source.path,
                format!("{role} extends a service of another file; name that file, too"),
            );
        }
    }

    fn build(&self, build: &compose::Build<'_>, role: &str, needs: Needs, findings: &mut Findings) {
        let text = |node: Option<&Node>| node.and_then(Node::text).map(|text| self.resolved(text)).transpose();
        let location = self.file.location(&build.context.unwrap_or(build.node).span);
        let (context, dockerfile, inline) = match (text(build.context), text(build.dockerfile), text(build.inline)) {
            (Ok(context), Ok(dockerfile), Ok(inline)) => (context, dockerfile, inline),
            (context, dockerfile, inline) => {
                let reason = [context, dockerfile, inline].into_iter().find_map(Result::err).unwrap_or_default();
                return findings.unread(location, role, format!("its Dockerfile is unknown: {reason}"));
            }
        };
        let context = context.unwrap_or_else(|| ".".to_owned());
        let file = match inline {
            Some(text) => {
                // An inline Dockerfile is located by its start in the compose file.
                let source = Source::new(self.file.source.path.clone(), text);
                return self.inline(build, &source, needs, findings);
            }
            None if context.contains("://") || context.starts_with("git@") => {
                return findings.unread(location, role, format!("it is built from {context}"));
            }
            None => {
                let name = dockerfile.unwrap_or_else(|| DOCKERFILE.to_owned());
                let (path, shown) = self.file.beside(&Path::new(&context).join(name).display().to_string());
                match self.file.text_of(&path) {
                    Ok(text) => File { source: Source::new(shown, text), path, root: self.file.root.clone() },
                    Err(reason) => return findings.unread(location, role, format!("its Dockerfile {shown} {reason}")),
                }
            }
        };
        findings.claimed.insert(file.path.clone());
        self.stages(build, &file, &Dockerfile::read(&file.source.text), needs, findings);
    }

    fn inline(&self, build: &compose::Build<'_>, source: &Source, needs: Needs, findings: &mut Findings) {
        let start = findings.uses.len();
        let notes = findings.notes.len();
        let file = File { path: self.file.path.clone(), source: source.clone(), root: self.file.root.clone() };
        self.stages(build, &file, &Dockerfile::read(&source.text), needs, findings);
        let location = build.inline.and_then(|node| self.file.location(&node.span));
        findings.uses[start..].iter_mut().for_each(|one| one.location.clone_from(&location));
        findings.notes[notes..].iter_mut().for_each(|note| note.location.clone_from(&location));
    }

    fn stages(
        &self,
        build: &compose::Build<'_>,
        file: &File,
        parsed: &Dockerfile,
        needs: Needs,
        findings: &mut Findings,
    ) {
        let mut args = self.setting.build_args.clone();
        for (name, value) in &build.args {
            let value = match value {
                Some(text) => self.resolved(text).ok(),
                None => self.variable(name),
            };
            if let Some(value) = value {
                args.entry((*name).to_owned()).or_insert(value);
            }
        }
        let contexts =
            build.contexts.iter().filter_map(|(name, value)| Some(((*name).to_owned(), self.resolved(value).ok()?)));
        let contexts: BTreeMap<String, String> = contexts.collect();
        let listed: Vec<_> =
            build.platforms.iter().filter_map(|node| self.resolved(node.text()?).ok()?.parse().ok()).collect();
        let (targets, choice) = match needs {
            Needs::Only(platforms) | Needs::Pinned(platforms) => (platforms, PlatformChoice::Pinned),
            _ if listed.is_empty() => (self.setting.platforms.to_vec(), PlatformChoice::All),
            _ if self.setting.platforms.iter().all(|platform| listed.contains(platform)) => {
                (listed, PlatformChoice::All)
            }
            _ => (listed, PlatformChoice::Some),
        };
        read_dockerfile(file, parsed, &Given { args: &args, contexts: &contexts, targets: &targets, choice }, findings);
    }

    fn resolved(&self, text: &str) -> Result<String, String> {
        expand(text, SYNTAX, &mut |name| self.variable(name)).map_err(|error| match &error {
            Unresolved::Unset { name, .. } if self.dotenv.contains(name) => {
                format!("{error}; `--env-file {}` would give it one", self.file.beside(".env").1)
            }
            _ => error.to_string(),
        })
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.setting.variables)(name)
    }
}

/// Reads `NAME=value` lines, with quotes and comments; other lines are skipped.
#[must_use]
pub fn dotenv(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim().trim_start_matches("export ").trim();
        let value = value.trim();
        let quoted = ['"', '\''].iter().find_map(|quote| value.strip_prefix(*quote)?.split_once(*quote));
        let value = match quoted {
            Some((inner, _)) => inner,
            None => value.split(" #").next().unwrap_or_default().trim_end(),
        };
        values.insert(name.to_owned(), value.to_owned());
    }
    values
}
