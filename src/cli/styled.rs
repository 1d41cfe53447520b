//! Text for a terminal. Whatever is put in is escaped; only the styles below become escape codes, which the streams of
//! `render` take out again where colour is off.

use std::ops::Add;

use anstyle::{AnsiColor, Style};

use crate::text;

/// Text that is safe to print.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Styled(String);

impl Styled {
    /// Returns the text with its escape codes.
    #[must_use]
    pub fn ansi(&self) -> &str {
        &self.0
    }

    /// Returns the text without its escape codes.
    #[must_use]
    pub fn plain(&self) -> String {
        anstream::adapter::strip_str(&self.0).to_string()
    }

    /// Escapes text but for its tabs, as in lines of logs.
    #[cfg(feature = "aws")] // only `build follow` prints logs
    pub(super) fn with_tabs(text: &str) -> Self {
        Self(text::escape_except_tabs(text).into_owned())
    }

    /// Appends text.
    pub(super) fn push(&mut self, text: impl Into<Self>) {
        self.0.push_str(&text.into().0);
    }

    /// Returns the text with `margin` before each line but the first.
    pub(super) fn indented(&self, margin: &str) -> Self {
        Self(self.0.replace('\n', &format!("\n{margin}")))
    }

    fn painted(style: Style, text: impl AsRef<str>) -> Self {
        Self(format!("{style}{}{style:#}", text::escape(text.as_ref())))
    }
}

macro_rules! from_text {
    ($($type:ty),+) => {$(
        impl From<$type> for Styled {
            fn from(text: $type) -> Self {
                Self(text::escape(text.as_ref()).into_owned())
            }
        }
    )+};
}

from_text!(&str, String, &String);

impl<T: Into<Self>> Add<T> for Styled {
    type Output = Self;

    fn add(mut self, text: T) -> Self {
        self.push(text);
        self
    }
}

impl<T: Into<Self>> Extend<T> for Styled {
    fn extend<I: IntoIterator<Item = T>>(&mut self, texts: I) {
        texts.into_iter().for_each(|text| self.push(text));
    }
}

impl<T: Into<Self>> FromIterator<T> for Styled {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let mut whole = Self::default();
        whole.extend(texts);
        whole
    }
}

/// For errors and what is wrong.
pub(super) fn red(text: impl AsRef<str>) -> Styled {
    Styled::painted(AnsiColor::Red.on_default().bold(), text)
}

/// For hints and names.
pub(super) fn cyan(text: impl AsRef<str>) -> Styled {
    Styled::painted(AnsiColor::Cyan.on_default().bold(), text)
}

/// For what succeeded or was chosen.
pub(super) fn green(text: impl AsRef<str>) -> Styled {
    Styled::painted(AnsiColor::Green.on_default().bold(), text)
}

/// For warnings.
pub(super) fn yellow(text: impl AsRef<str>) -> Styled {
    Styled::painted(AnsiColor::Yellow.on_default().bold(), text)
}

/// For what is less important than the rest.
pub(super) fn dim(text: impl AsRef<str>) -> Styled {
    Styled::painted(Style::new().dimmed(), text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_styles_become_escape_codes() {
        let text = red("a\x1b[2J") + " b\x1b[0m\n" + dim("c");
        assert_eq!(text.ansi(), "\x1b[1m\x1b[31ma\\u{1b}[2J\x1b[0m b\\u{1b}[0m\n\x1b[2mc\x1b[0m");
        assert_eq!(text.plain(), "a\\u{1b}[2J b\\u{1b}[0m\nc");
    }

    #[test]
    fn parts_are_joined_and_lines_indented() {
        let text: Styled = ["a\n", "b"].into_iter().collect();
        assert_eq!(text.indented("  ").plain(), "a\n  b");
    }
}
