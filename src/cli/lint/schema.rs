//! The JSON schema that GitLab files are checked against: a named one, or the one that GitLab publishes.

use std::cell::OnceCell;
use std::path::Path;
use std::rc::Rc;

use url::Url;

use crate::cli::Global;
use crate::cli::render::{Failure, done};
use crate::cli::settings::{Retries, Settings};
use crate::format::source::LARGEST;
use crate::host::Host;
use crate::lint::schema::{IS_BUILT_IN, PUBLISHED, Schema};
use crate::net::{Document, Metadata as _};
use crate::project::Root;

/// Where the schema comes from.
#[derive(Debug)]
pub(super) enum SchemaChoice {
    /// A file or URL: without it the command fails.
    Named(String),
    /// GitLab's own, if it is available.
    Published,
    /// None.
    Nothing,
}

/// Reads the schema when the first GitLab file needs it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    choice: SchemaChoice,
    host: &'a Host,
    global: &'a Global,
    read: OnceCell<Option<Rc<Schema>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(choice: SchemaChoice, host: &'a Host, global: &'a Global) -> Self {
        Self { choice, host, global, read: OnceCell::new() }
    }

    /// Returns the schema; none if none was requested, or the published one is not available.
    ///
    /// # Errors
    /// If a named one cannot be read or is not a schema.
    pub(super) fn schema(&self) -> Result<Option<Rc<Schema>>, Failure> {
        if let Some(read) = self.read.get() {
            return Ok(read.clone());
        }
        let schema = match &self.choice {
            SchemaChoice::Nothing => None,
            SchemaChoice::Named(_) if !IS_BUILT_IN => return Err(not_built_in()),
            SchemaChoice::Published if !IS_BUILT_IN => {
                done(self.global, WITHOUT_VALIDATOR);
                None
            }
            SchemaChoice::Named(place) => Some(Rc::new(self.named(place)?)),
            SchemaChoice::Published => self.published().map(Rc::new),
        };
        Ok(self.read.get_or_init(|| schema).clone())
    }

    fn named(&self, place: &str) -> Result<Schema, Failure> {
        let text = match Url::parse(place) {
            Ok(url) if matches!(url.scheme(), "https" | "http" | "file") => {
                let place = Settings::for_documents(self.host, self.global, Retries::All)?;
                text(&read(&place, &document(url))?)
            }
            _ => self.file(place)?,
        };
        Schema::parse(&text).map_err(|reason| {
            let hint = "no file was checked; GitLab's schema is a JSON schema of draft 7";
            Failure::usage_with_hint(format!("{place} cannot be used: {reason}"), hint)
        })
    }

    fn file(&self, place: &str) -> Result<String, Failure> {
        let path = self.host.cwd.join(place);
        let failed = |cause| {
            Failure::machine(
                format!("could not read the schema {}", path.display()),
                "no file was checked; check the path",
                cause,
            )
        };
        let bytes =
            crate::fs::read(&path, Root::find(self.host).within(Path::new(place), &self.host.cwd), LARGEST as u64);
        Ok(text(&bytes.map_err(|error| failed(error.into()))?))
    }

    /// Reads GitLab's own schema. It was not requested, so the command does not fail if it is unreachable.
    fn published(&self) -> Option<Schema> {
        let url = Url::parse(PUBLISHED).expect("the constant is a URL");
        let schema = Settings::for_documents(self.host, self.global, Retries::None)
            .and_then(|place| read(&place, &document(url)))
            .map(|bytes| text(&bytes));
        let schema = schema.ok().and_then(|text| Schema::parse(&text).ok());
        if schema.is_none() {
            let note = "note: GitLab's JSON schema could not be read, so files are checked without it (`--no-schema`)";
            done(self.global, note);
        }
        schema
    }
}

const WITHOUT_VALIDATOR: &str = "note: GitLab's JSON schema is not used: this toolkit was built without the JSON Schema \
     validator (Cargo feature `schema`); `--no-schema` hides this note";

fn not_built_in() -> Failure {
    let hint =
        "no file was checked; leave out `--schema`, or use a toolkit with the Cargo feature `schema` (its usual build)";
    Failure::usage_with_hint("`--schema` needs the JSON Schema validator, which this toolkit was built without", hint)
}

fn read(settings: &Settings, document: &Document) -> Result<Vec<u8>, Failure> {
    settings.runtime.block_on(async { Ok(settings.documents.read(document).await?) })
}

fn document(url: Url) -> Document {
    let check = |bytes: &[u8]| match serde_json::from_slice::<serde_json::Value>(bytes) {
        Ok(value) if value.is_object() => Ok(()),
        Ok(_) => Err("it is not a JSON schema".to_owned()),
        Err(cause) => Err(format!("it is not JSON: {cause}")),
    };
    Document { url, mirror_name: None, accept: None, check }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
