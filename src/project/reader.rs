//! Reading the values of `toolkit.toml`, each complaint with its line.

use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Error, did_you_mean, line_of};

pub(super) type Value<'i> = Spanned<DeValue<'i>>;
pub(super) type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

/// Knows the file that is read, so that every complaint has its line.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl Reader<'_> {
    pub(super) fn one_of<T: Copy>(&self, value: &Value<'_>, known: &[(&str, T)]) -> Result<T, Error> {
        let text = self.string(value)?;
        known.iter().find(|(name, _)| *name == text).map(|(_, found)| *found).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            self.wrong(&value.span(), format!("`{text}` is none of {}", names.join(", ")))
        })
    }

    pub(super) fn table<'v>(&self, value: &'v Value<'_>) -> Result<&'v DeTable<'v>, Error> {
        value.get_ref().as_table().ok_or_else(|| self.not(value, "a table"))
    }

    pub(super) fn string<'v>(&self, value: &'v Value<'_>) -> Result<&'v str, Error> {
        value.get_ref().as_str().ok_or_else(|| self.not(value, "text in quotes"))
    }

    pub(super) fn not(&self, value: &Value<'_>, expected: &str) -> Error {
        self.wrong(&value.span(), format!("expected {expected}, found {}", value.get_ref().type_str()))
    }

    pub(super) fn bad(&self, value: &Value<'_>, cause: &dyn std::error::Error) -> Error {
        self.wrong(&value.span(), cause.to_string())
    }

    pub(super) fn unknown(&self, key: &Key<'_>, known: &[&str]) -> Error {
        let name = key.get_ref();
        let near = did_you_mean(name, known.iter().copied())
            .map_or_else(|| format!("known are {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        self.wrong(&key.span(), format!("unknown key `{name}`; {near}"))
    }

    pub(super) fn wrong(&self, span: &Range<usize>, reason: String) -> Error {
        Error::Content { path: self.path.to_owned(), line: line_of(self.text, span.start), reason }
    }
}
