//! Reading `[pipeline]`, each mistake with its line.

use std::path::Path;

use serde::Deserialize;
use toml::de::{DeValue, ValueDeserializer};

use super::Pipeline;
use crate::model::Digest;
use crate::project::reader::{self, Mistake, Reader, Value};
use crate::project::{Error, Root, did_you_mean};

impl Pipeline {
    /// Reads `[pipeline]` in a project's `toolkit.toml`, whatever else is in it; none when there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or the table has something that is not understood.
    pub fn read(root: &Root) -> Result<Option<Self>, Error> {
        let Some((path, text)) = reader::open(root)? else { return Ok(None) };
        Self::parse(&path, &text)
    }

    /// Reads `[pipeline]` out of the text of the `toolkit.toml` at `path`; none when there is none.
    ///
    /// # Errors
    /// When it has something that is not understood, with its line.
    pub fn parse(path: &Path, text: &str) -> Result<Option<Self>, Error> {
        let reader = Reader { path, text };
        let root = reader.root()?;
        Ok(root.get("pipeline").map(|table| Self::of(table, &reader)).transpose()?)
    }

    /// Reads the table.
    pub(in crate::project) fn of(table: &Value<'_>, reader: &Reader<'_>) -> Result<Self, Mistake> {
        let pipeline = Self::deserialize(ValueDeserializer::from(table.clone())).map_err(|cause| {
            let span = cause.span().unwrap_or_else(|| table.span());
            reader.mistake(span.start, near(cause.message()))
        })?;
        match pipeline.misused() {
            None => Ok(pipeline),
            Some((keys, reason)) => {
                let reason = format!("`pipeline.{}`: {reason}", keys.join("."));
                Err(reader.mistake(offset_of(table, &keys), reason))
            }
        }
    }

    /// Finds what types alone cannot rule out: the keys that lead to a value, and what is wrong with it.
    fn misused(&self) -> Option<(Vec<&str>, String)> {
        if let Some(name) = self.name.as_deref().filter(|name| !is_name(name)) {
            let rule = "a name has letters, digits, `-` and `_`, at most 100, and begins with a letter or digit";
            return Some((vec!["name"], format!("`{name}` cannot be used; {rule}")));
        }
        if self.retry.is_some_and(|retry| retry > 2) {
            return Some((vec!["retry"], "GitLab takes 0, 1 or 2".to_owned()));
        }
        let environment = self.environment.keys().map(|name| ("environment", name));
        let secrets = self.secrets.keys().map(|name| ("secrets", name));
        for (table, name) in environment.chain(secrets) {
            if let Err(reason) = variable_name(name) {
                return Some((vec![table, name], reason));
            }
        }
        if let Some(name) = self.environment.keys().find(|name| self.secrets.contains_key(*name)) {
            return Some((vec!["secrets", name], "it is in `environment`, too".to_owned()));
        }
        self.install.bootstrap.iter().find_map(|(architecture, bootstrap)| {
            let cause = bootstrap.digest.parse::<Digest>().err()?;
            Some((vec!["install", "bootstrap", architecture.as_str(), "digest"], cause.to_string()))
        })
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 100
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Checks the name of a variable. `CODEBUILD_` and `CI_` belong to the services
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>,
/// <https://docs.gitlab.com/ci/variables/predefined_variables/>).
fn variable_name(name: &str) -> Result<(), String> {
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !first || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("a variable's name has letters, digits and `_`, and does not begin with a digit".to_owned());
    }
    let owner = [("CODEBUILD_", "CodeBuild"), ("CI_", "GitLab"), ("GITLAB_", "GitLab")]
        .into_iter()
        .find(|(prefix, _)| name.starts_with(prefix));
    owner.map_or(Ok(()), |(prefix, owner)| Err(format!("names that begin with {prefix} belong to {owner}")))
}

/// Finds where a key stands, or the nearest table around it that is there.
fn offset_of(table: &Value<'_>, keys: &[&str]) -> usize {
    let (mut value, mut offset) = (table, table.span().start);
    for name in keys {
        let DeValue::Table(inner) = value.get_ref() else { break };
        let Some((key, next)) = inner.get_key_value(*name) else { break };
        (value, offset) = (next, key.span().start);
    }
    offset
}

/// Adds "did you mean" to serde's sentence about an unknown key or value, which lists the known ones in backticks.
fn near(message: &str) -> String {
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let Some((unknown, known)) = names.split_first().filter(|_| message.starts_with("unknown ")) else {
        return message.lines().next().unwrap_or(message).to_owned();
    };
    let kind = if message.starts_with("unknown variant") { "value" } else { "key" };
    did_you_mean(unknown, known.iter().copied()).map_or_else(
        || format!("unknown {kind} `{unknown}`; expected one of: {}", known.join(", ")),
        |near| format!("unknown {kind} `{unknown}`; did you mean `{near}`?"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::{Architecture, Secret};
    use super::*;

    fn parse(text: &str) -> Result<Pipeline, Error> {
        Pipeline::parse(Path::new("toolkit.toml"), text).map(Option::unwrap_or_default)
    }

    #[test]
    fn a_pipeline_is_read_among_the_rest_of_the_file() {
        let pipeline = parse(
            "[tools]\ngo = \"1.27\"\n[pipeline]\nname = \"hello\"\narchitectures = [\"amd64\", \"aarch64\"]\ntimeout = \"90 minutes\"\n\
             [pipeline.steps]\ntest = [\"go test ./...\"]\n[pipeline.secrets]\nTOKEN = { parameter-store = \"/a/b\" }\n",
        )
        .unwrap();
        assert_eq!(pipeline.architectures, [Architecture::Amd64, Architecture::Arm64]);
        assert_eq!(pipeline.timeout.unwrap().minutes, 90);
        assert_eq!(pipeline.steps.test, ["go test ./..."]);
        assert_eq!(pipeline.secrets["TOKEN"], Secret::ParameterStore("/a/b".to_owned()));
        assert!(Pipeline::parse(Path::new("toolkit.toml"), "[tools]\n").unwrap().is_none());
    }

    #[test]
    fn a_mistake_has_its_line_and_a_way_out() {
        for (text, line, said) in [
            ("[pipeline]\n\nstep = 1", 3, "did you mean `steps`?"),
            ("[pipeline.steps]\ntests = []", 2, "did you mean `test`?"),
            ("[pipeline]\narchitectures = [\"arm64\",\n\"mips\"]", 3, "unknown value `mips`; expected one of: amd64, "),
            ("[pipeline]\nname = \"a b\"", 2, "a name has letters"),
            ("[pipeline]\nretry = 3", 2, "0, 1 or 2"),
            ("[pipeline]\ntimeout = \"soon\"", 2, "not a time"),
            ("[pipeline.environment]\nA = \"1\"\n\"B C\" = \"2\"", 3, "a variable's name"),
            ("[pipeline.environment]\nCODEBUILD_X = \"1\"", 2, "belong to CodeBuild"),
            ("[pipeline.environment]\nA = \"1\"\n[pipeline.secrets]\nA = { parameter-store = \"/a\" }", 4, "too"),
            ("[pipeline.secrets]\nA = { vault = \"/a\" }", 2, "`vault`"),
            ("[pipeline.install.bootstrap.amd64]\nurl = \"https://x/y\"\ndigest = \"sha256:1\"", 3, "digest"),
            ("[pipeline.container]\nbuilder = \"kanico\"", 2, "did you mean `kaniko`?"),
        ] {
            let error = parse(text).unwrap_err();
            let Error::Content { line: found, reason, .. } = &error else { panic!("{error:?}") };
            assert_eq!(*found, line, "{text}: {error}");
            assert!(reason.contains(said), "{text}: {reason}");
        }
    }
}
