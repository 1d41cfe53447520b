//! The one reader of `toolkit.toml`: the file, its tables and its values, each mistake with its line.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Error, MANIFEST, Root, did_you_mean, line_of};

pub(super) type Value<'i> = Spanned<DeValue<'i>>;
pub(super) type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;

/// A part of the file that is not understood. It is an error only for the commands that need that part.
#[derive(Debug, Clone)]
pub(super) struct Mistake {
    path: PathBuf,
    line: usize,
    reason: String,
}

impl From<Mistake> for Error {
    fn from(Mistake { path, line, reason }: Mistake) -> Self {
        Self::Content { path, line, reason }
    }
}

/// Reads the text of a project's `toolkit.toml`, with its path; none when there is none. Nothing else opens the file.
pub(super) fn open(root: &Root) -> Result<Option<(PathBuf, String)>, Error> {
    Ok(root.read_if_present(MANIFEST)?.map(|text| (root.folder().join(MANIFEST), text)))
}

/// The file that is being read.
pub(super) struct Reader<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl<'a> Reader<'a> {
    /// Parses the file.
    pub(super) fn root(&self) -> Result<DeTable<'a>, Error> {
        let wrong = |cause: toml::de::Error| self.wrong(&cause.span().unwrap_or(0..0), cause.message().to_owned());
        DeTable::parse(self.text).map(Spanned::into_inner).map_err(wrong)
    }

    pub(super) fn one_of<T: Copy>(&self, value: &Value<'_>, known: &[(&str, T)]) -> Result<T, Error> {
        let text = self.string(value)?;
        known.iter().find(|(name, _)| *name == text).map(|(_, found)| *found).ok_or_else(|| {
            let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
            self.wrong(&value.span(), format!("unknown value `{text}`; expected one of: {}", names.join(", ")))
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
            .map_or_else(|| format!("expected one of: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
        self.wrong(&key.span(), format!("unknown key `{name}`; {near}"))
    }

    pub(super) fn wrong(&self, span: &Range<usize>, reason: String) -> Error {
        self.mistake(span.start, reason).into()
    }

    /// Describes a mistake at a byte of the text.
    pub(super) fn mistake(&self, offset: usize, reason: String) -> Mistake {
        Mistake { path: self.path.to_owned(), line: line_of(self.text, offset), reason }
    }
}
