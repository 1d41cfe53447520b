//! `toolkit image check`: which images lack a platform.

mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};

use super::registries;
use crate::cli::Global;
use crate::cli::render::{self, Failure, done};
use crate::cli::settings::{Retries, Settings};
use crate::fs::read_text;
use crate::host::Host;
use crate::image_audit::{
    Answer, Cell, Inputs, Location, Matrix, Needs, Newer, Note, NoteKind, Row, Setting, Use, ask, dotenv, find,
};
use crate::model::{Explain, ImagePlatform, Kind};
use crate::oci;
use crate::project::Root;
use crate::text::chain;

/// Show which images lack a platform, and which newer tag has it
///
/// Takes images, files and folders; without any, the project. It reads Dockerfiles (FROM, COPY --from, RUN --mount; stages
/// are not images), compose files, Kubernetes manifests and kustomizations, .gitlab-ci.yml, buildspecs, and toolkit.lock.
/// Exits with 1 when an image lacks a platform that it is needed for, with 3 when a registry could not be reached.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, after_long_help = LONG_HELP)]
pub(super) struct Arguments {
    /// Images, files or folders; an existing path is a file or folder
    #[arg(value_name = "IMAGE|FILE|DIR")]
    inputs: Vec<String>,
    /// The platforms to check; may be repeated, or a list with commas
    #[arg(
        long = "platform",
        value_name = "PLATFORM",
        value_delimiter = ',',
        default_value = "linux/amd64,linux/arm64"
    )]
    platforms: Vec<ImagePlatform>,
    /// The value of a build argument; NAME alone reads it from the environment; may be repeated
    #[arg(long = "build-arg", value_name = "NAME=VALUE")]
    build_args: Vec<String>,
    /// A variable of compose files and pipelines; NAME alone takes it from the environment; may be repeated
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    variables: Vec<String>,
    /// A file of NAME=VALUE lines with such variables; may be repeated, later ones win
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    /// Do not look for newer tags
    #[arg(long)]
    no_newer: bool,
    /// Also exit with 1 when something was not resolved or not read
    #[arg(long)]
    strict: bool,
}

const EXAMPLES: &str = "\
Examples:
  toolkit image check
  toolkit image check trinodb/trino:356 redis:7
  toolkit image check deploy/ Dockerfile --build-arg VERSION=1.2 --json
  toolkit image check --platform linux/arm64 --strict";

const LONG_HELP: &str = "\
Examples:
  toolkit image check
  toolkit image check trinodb/trino:356 redis:7
  toolkit image check deploy/ Dockerfile --build-arg VERSION=1.2 --json
  toolkit image check --platform linux/arm64 --strict

Cells:
  yes      the image is for the platform
  missing  it is not, and is needed there: exit code 1
  no       it is not, and need not be: its file pins it to another platform, or it only runs on
           the machine that builds (FROM --platform=$BUILDPLATFORM), where one is enough
  ?        the registry could not be asked: exit code 3, or 1 when another image lacks a platform

Variables: Dockerfiles see the defaults of their arguments and --build-arg; compose files and
pipelines their own variables and defaults, --env and --env-file. The environment and .env files are
not read unless named: a file chooses the registry that is asked, so it could send a secret there in
the name of an image. What has no value is not guessed: it is listed as not resolved, and is not
checked.

Newer tags are those of the same form with a higher version: 405 and 406, 1.2.3-alpine and
1.3.0-alpine. At most 8 are asked: the next four, the newest, and some in between.";

impl Arguments {
    pub(super) fn run(self, host: &Host, global: &Global) -> Result<ExitCode, Failure> {
        let location = Settings::for_documents(host, global, Retries::All)?;
        let build_args = self.build_args(host)?;
        let variables = self.variables(host, &location.root)?;
        let variable = |name: &str| variables.get(name).cloned();
        let mut platforms = Vec::new();
        for platform in &self.platforms {
            if !platforms.contains(platform) {
                platforms.push(platform.clone());
            }
        }
        let setting = Setting { platforms: &platforms, build_args: &build_args, variables: &variable };
        let found = find(&Inputs { typed: &self.inputs, cwd: &host.cwd, project: &location.root }, &setting)?;
        let registries = registries(&location);
        let matrix =
            location.runtime.block_on(async { Ok(ask(&registries, found.uses, &platforms, !self.no_newer).await) })?;
        if global.json {
            render::json(&report(&matrix, &found.notes))?;
        } else {
            render::data(text::report(&matrix, &found.notes))?;
        }
        for error in failures(&matrix) {
            render::say(render::explain(error));
        }
        done(global, text::summary(&matrix, &found.notes));
        if found.notes.iter().any(|note| note.kind == NoteKind::Unresolved && note.subject.contains('$')) {
            done(global, text::advice());
        }
        Ok(ExitCode::from(self.code(&matrix, &found.notes)))
    }

    /// Reads `NAME=VALUE`, or `NAME` from the environment as `docker build` does.
    fn build_args(&self, host: &Host) -> Result<BTreeMap<String, String>, Failure> {
        named_values("--build-arg", &self.build_args, host).map(Iterator::collect)
    }

    /// Collects the variables that files may use: those of `--env-file`, then those of `--env`.
    fn variables(&self, host: &Host, root: &Root) -> Result<BTreeMap<String, String>, Failure> {
        let mut values = BTreeMap::new();
        for file in &self.env_files {
            values.extend(dotenv(&read_text(&host.cwd.join(file), root.within(file, &host.cwd))?));
        }
        values.extend(named_values("--env", &self.variables, host)?);
        Ok(values)
    }

    /// Bytes that are not what was announced go first; then what is missing for certain, which no retry changes.
    fn code(&self, matrix: &Matrix<oci::Error>, notes: &[Note]) -> u8 {
        let kinds = || failures(matrix).map(Explain::kind);
        let missing = matrix.rows.iter().any(|row| !row.missing(&matrix.platforms).is_empty());
        let gaps = self.strict && notes.iter().any(|note| note.kind.is_gap());
        match () {
            () if kinds().any(|kind| kind == Kind::Integrity) => Kind::Integrity.exit_code(),
            () if missing || gaps => Kind::Finding.exit_code(),
            () if kinds().any(|kind| kind == Kind::Machine) => Kind::Machine.exit_code(),
            // A registry that does not let one in has failed to answer, too.
            () if kinds().next().is_some() => Kind::Upstream.exit_code(),
            () => 0,
        }
    }
}

/// Reads `NAME=VALUE`, and `NAME` from the environment; what that lacks has no value.
fn named_values(flag: &str, texts: &[String], host: &Host) -> Result<impl Iterator<Item = (String, String)>, Failure> {
    let mut values = Vec::new();
    for text in texts {
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (text.as_str(), host.var(text)),
        };
        if name.is_empty() {
            return Err(Failure::usage(format!("`{flag} {text}` has no name; expected NAME=VALUE")));
        }
        values.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    }
    Ok(values.into_iter())
}

/// Lists why registries did not answer.
fn failures(matrix: &Matrix<oci::Error>) -> impl Iterator<Item = &oci::Error> {
    matrix.rows.iter().filter_map(|row| if let Answer::Failed(error) = &row.answer { Some(error) } else { None })
}

fn report(matrix: &Matrix<oci::Error>, notes: &[Note]) -> Value {
    let images: Vec<_> = matrix.rows.iter().map(|row| image(row, &matrix.platforms)).collect();
    let notes: Vec<_> = notes
        .iter()
        .map(|note| {
            let mut value = location(note.location.as_ref());
            value["kind"] = note_kind(note.kind).into();
            value["subject"] = note.subject.as_str().into();
            value["text"] = note.text.as_str().into();
            value
        })
        .collect();
    json!({ "platforms": names(&matrix.platforms), "images": images, "notes": notes })
}

fn image(row: &Row<oci::Error>, platforms: &[ImagePlatform]) -> Value {
    let cells: serde_json::Map<String, Value> = platforms
        .iter()
        .map(|platform| {
            let word = match row.cell(platform, platforms) {
                Cell::Present => "present",
                Cell::Missing => "missing",
                Cell::Unneeded => "unneeded",
                Cell::Unknown => "unknown",
            };
            (platform.to_string(), word.into())
        })
        .collect();
    let mut value = json!({
        "image": row.image.to_string(),
        "found": row.uses.iter().map(found).collect::<Vec<_>>(),
        "platforms": cells,
        "missing": names(&row.missing(platforms)),
    });
    match &row.answer {
        Answer::Platforms(has) => value["has"] = names(has).into(),
        Answer::Absent => value["has"] = Value::Null,
        Answer::Failed(error) => value["error"] = chain(error).into(),
    }
    match &row.newer {
        Some(Newer::Tag { tag, nearest }) => {
            let image = row.image.repository.tagged(tag).to_string();
            value["newer"] = json!({ "tag": tag, "image": image, "nearest": nearest });
        }
        Some(_) => value["newer"] = Value::Null,
        None => {}
    }
    value
}

fn found(one: &Use) -> Value {
    let mut value = location(one.location.as_ref());
    value["as"] = one.role.as_str().into();
    match &one.needs {
        Needs::All => {}
        Needs::Any => value["needs"] = "any".into(),
        Needs::Only(platforms) | Needs::Pinned(platforms) => {
            value["needs"] = names(platforms).into();
            value["pinned"] = matches!(one.needs, Needs::Pinned(_)).into();
        }
    }
    value
}

fn location(location: Option<&Location>) -> Value {
    location.map_or_else(
        || json!({}),
        |location| json!({ "file": location.file, "line": location.position.line, "column": location.position.column }),
    )
}

fn note_kind(kind: NoteKind) -> &'static str {
    match kind {
        NoteKind::Unresolved => "unresolved",
        NoteKind::Unread => "unread",
        NoteKind::Pinned => "pinned",
        NoteKind::Curated => "curated",
    }
}

fn names(platforms: &[ImagePlatform]) -> Vec<String> {
    platforms.iter().map(ToString::to_string).collect()
}
