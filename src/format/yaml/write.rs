//! Writes YAML as people would: two spaces, block scalars for scripts, quotes only where YAML would read something
//! else.

use serde_yaml::Value;

use super::scalar::{can_be_block, flat, quoted, scalar};

/// A value to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Out {
    /// Any text; quoted, or written as a block, if necessary.
    Text(String),
    /// Text that is written as a `|` block even if it has one line.
    Block(String),
    /// A whole number.
    Number(i64),
    /// `true` or `false`.
    Truth(bool),
    /// A number that must be written exactly so, such as buildspec's `version: 0.2`. Trusted: never a value of the
    /// model.
    Bare(&'static str),
    /// A list in brackets on one line.
    Flow(Flow),
    /// A list, one item per line.
    List(Vec<Element>),
    /// A map, one key per line.
    Map(Map),
}

/// The items of a list in brackets.
pub type Flow = Vec<Out>;

/// An item of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// A comment above it.
    pub comment: Option<String>,
    /// The value.
    pub value: Out,
}

/// A map, in the order in which it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Map(Vec<Line>);

/// A key with its value and comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    key: String,
    value: Out,
    gap: bool,
    above: Option<String>,
    beside: Option<String>,
}

impl Map {
    /// Starts an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a key; comments can be added to the result.
    pub fn set(&mut self, key: impl Into<String>, value: impl Into<Out>) -> &mut Line {
        self.0.push(Line { key: key.into(), value: value.into(), gap: false, above: None, beside: None });
        self.0.last_mut().expect("one was added just now")
    }

    /// Adds a key if there is a value.
    pub fn set_if<T: Into<Out>>(&mut self, key: &str, value: Option<T>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// Adds the keys of another map, with their comments.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Returns true if it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the text of the document.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(0, &mut text);
        text
    }

    fn write(&self, depth: usize, text: &mut String) {
        for (index, line) in self.0.iter().enumerate() {
            if line.gap && index > 0 {
                text.push('\n');
            }
            comment(line.above.as_deref(), depth, text);
            indent(depth, text);
            line.write(depth, text);
        }
    }

    /// Writes the map after the `- ` of a list, which is the indentation of its first key.
    fn write_in_list(&self, depth: usize, text: &mut String) {
        for (index, line) in self.0.iter().enumerate() {
            if index > 0 {
                comment(line.above.as_deref(), depth, text);
                indent(depth, text);
            }
            line.write(depth, text);
        }
    }

    fn value(&self) -> Value {
        Value::Mapping(self.0.iter().map(|line| (Value::String(line.key.clone()), line.value.value())).collect())
    }
}

impl Line {
    /// Adds an empty line before it.
    pub fn gap(&mut self) -> &mut Self {
        self.gap = true;
        self
    }

    /// Adds a comment above it, with a `#` on each line.
    pub fn comment(&mut self, text: impl Into<String>) -> &mut Self {
        self.above = Some(text.into());
        self
    }

    /// Adds a comment after it, on the line of its key.
    pub fn beside(&mut self, text: impl Into<String>) -> &mut Self {
        self.beside = Some(text.into());
        self
    }

    fn write(&self, depth: usize, text: &mut String) {
        text.push_str(&scalar(&self.key));
        text.push(':');
        self.value.write_behind(depth, self.beside.as_deref(), text);
    }
}

impl Out {
    /// Makes a list in brackets.
    pub fn flow<T: Into<Out>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::Flow(items.into_iter().map(Into::into).collect())
    }

    /// Makes a list, one item per line.
    pub fn list<T: Into<Element>>(items: impl IntoIterator<Item = T>) -> Self {
        Self::List(items.into_iter().map(Into::into).collect())
    }

    /// Writes what follows a `key:` or a `-`, on the same line and below.
    fn write_behind(&self, depth: usize, beside: Option<&str>, text: &mut String) {
        let close = |text: &mut String| {
            if let Some(beside) = beside {
                text.push_str(" # ");
                text.push_str(&flat(beside));
            }
            text.push('\n');
        };
        match self {
            Self::Map(map) if !map.is_empty() => {
                close(text);
                map.write(depth + 1, text);
            }
            Self::List(items) if !items.is_empty() => {
                close(text);
                for item in items {
                    item.write(depth + 1, text);
                }
            }
            Self::Block(content) | Self::Text(content) if self.is_block() => {
                text.push_str(if content.ends_with('\n') { " |" } else { " |-" });
                close(text);
                block(content, depth + 1, text);
            }
            _ => {
                text.push(' ');
                text.push_str(&self.inline(false));
                close(text);
            }
        }
    }

    fn is_block(&self) -> bool {
        match self {
            Self::Block(content) => can_be_block(content),
            Self::Text(content) => content.trim_end_matches('\n').contains('\n') && can_be_block(content),
            _ => false,
        }
    }

    fn inline(&self, in_flow: bool) -> String {
        match self {
            Self::Text(content) | Self::Block(content) => {
                if in_flow && content.contains([',', '[', ']', '{', '}']) {
                    quoted(content)
                } else {
                    scalar(content)
                }
            }
            Self::Number(number) => number.to_string(),
            Self::Truth(truth) => truth.to_string(),
            Self::Bare(bare) => (*bare).to_owned(),
            Self::Flow(items) => {
                format!("[{}]", items.iter().map(|item| item.inline(true)).collect::<Vec<_>>().join(", "))
            }
            Self::List(items) => {
                format!("[{}]", items.iter().map(|item| item.value.inline(true)).collect::<Vec<_>>().join(", "))
            }
            Self::Map(map) => {
                let pair = |line: &Line| format!("{}: {}", scalar(&line.key), line.value.inline(true));
                format!("{{{}}}", map.0.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Returns the value that a parser must read.
    fn value(&self) -> Value {
        match self {
            Self::Text(content) | Self::Block(content) => Value::String(content.clone()),
            Self::Number(number) => Value::Number((*number).into()),
            Self::Truth(truth) => Value::Bool(*truth),
            Self::Bare(bare) => serde_yaml::from_str(bare).unwrap_or_default(),
            Self::Flow(items) => Value::Sequence(items.iter().map(Self::value).collect()),
            Self::List(items) => Value::Sequence(items.iter().map(|item| item.value.value()).collect()),
            Self::Map(map) => map.value(),
        }
    }
}

impl Element {
    /// Adds a comment above it.
    #[must_use]
    pub fn comment(mut self, text: impl Into<String>) -> Self {
        self.comment = Some(text.into());
        self
    }

    fn write(&self, depth: usize, text: &mut String) {
        comment(self.comment.as_deref(), depth, text);
        indent(depth, text);
        text.push('-');
        match &self.value {
            Out::Map(map) if !map.is_empty() => {
                text.push(' ');
                map.write_in_list(depth + 1, text);
            }
            value => value.write_behind(depth, None, text),
        }
    }
}

impl<T: Into<Out>> From<T> for Element {
    fn from(value: T) -> Self {
        Self { comment: None, value: value.into() }
    }
}

impl From<&str> for Out {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Out {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Out {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Out {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl From<u32> for Out {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Map> for Out {
    fn from(map: Map) -> Self {
        Self::Map(map)
    }
}

/// Returns true if a second parser (`serde_yaml`, which has libyaml's grammar, like those of CodeBuild and GitLab)
/// reads exactly `map` from `text`. Every generated file is checked with this before it is written.
#[must_use]
pub fn agrees(map: &Map, text: &str) -> bool {
    serde_yaml::from_str::<Value>(text).is_ok_and(|found| found == map.value())
}

fn block(content: &str, depth: usize, text: &mut String) {
    for line in content.strip_suffix('\n').unwrap_or(content).split('\n') {
        if !line.is_empty() {
            indent(depth, text);
            text.push_str(line);
        }
        text.push('\n');
    }
}

fn comment(lines: Option<&str>, depth: usize, text: &mut String) {
    for line in lines.into_iter().flat_map(str::lines) {
        indent(depth, text);
        text.push_str(format!("# {}", flat(line)).trim_end());
        text.push('\n');
    }
}

fn indent(depth: usize, text: &mut String) {
    text.push_str(&"  ".repeat(depth));
}

#[cfg(test)]
mod tests {
    use super::super::parse;
    use super::*;

    #[test]
    fn documents_look_as_people_write_them() {
        let mut step = Map::new();
        step.set("commands", Out::list(["go build ./...", "echo \"a: b\"", "set -e\ngo test ./...\n", "./run --x"]));
        let mut phases = Map::new();
        phases.set("build", step).comment("What is built.");
        let mut root = Map::new();
        root.set("version", Out::Bare("0.2"));
        root.set("phases", phases).gap();
        root.set("tags", Out::flow(["amd64", "a, b"])).beside("both");
        root.set("needs", Out::list([one("job", "x")])).gap();
        root.set("empty", Map::new());
        let text = root.to_text();
        assert_eq!(
            text,
            "version: 0.2\n\nphases:\n  # What is built.\n  build:\n    commands:\n      - go build ./...\n      - 'echo \"a: b\"'\n      \
             - |\n        set -e\n        go test ./...\n      - ./run --x\ntags: [amd64, \"a, b\"] # both\n\nneeds:\n  - job: x\nempty: {}\n"
        );
        assert!(agrees(&root, &text));
        assert!(!agrees(&root, "version: 0.2"));
    }

    fn one(key: &str, value: &str) -> Map {
        let mut map = Map::new();
        map.set(key, value);
        map
    }

    #[test]
    fn any_text_is_read_back_as_itself_by_both_readers() {
        let texts = [
            "",
            " ",
            "a",
            "a b",
            "a: b",
            "a:",
            ":a",
            "a #b",
            "#a",
            "- a",
            "-",
            "--- a",
            "-1",
            "+1",
            "1.20",
            "1_000",
            "0x1f",
            "0o7",
            "07",
            "190:20:30",
            "1e3",
            ".5",
            "1.",
            ".",
            "..",
            "./x",
            ".inf",
            "~",
            "null",
            "yes",
            "No",
            "on",
            "y",
            "true",
            "2026-11-24",
            "2026-11-24T10:00:00Z",
            "a\nb",
            "a\nb\n",
            "a\n\nb\n",
            "a\n",
            "\na",
            " a\nb",
            "a \nb",
            "a\tb",
            "\ta",
            "a\r\nb",
            "\u{2028}",
            "a\u{2029}b",
            "\u{85}",
            "\u{feff}a",
            "\u{7}",
            "\u{202e}x",
            "\"",
            "'",
            "a\"b",
            "it's",
            "'a",
            "\\n",
            "a\\b",
            "\"a\": 'b'",
            "[a]",
            "{a: b}",
            "a, b",
            "*a",
            "&a",
            "!a",
            "!!str a",
            "%a",
            "@a",
            "`a`",
            "|",
            ">",
            "?",
            "? a",
            "<<",
            "=",
            "${{ x }}",
            "$(rm -rf /)",
            "{{.Values}}",
            "é",
            "日本",
            "\u{1f600}",
            "a\n\n\n",
            "a\nb\n\n",
            "a\n  b\n",
            "# a\nb",
            "10.0",
            "1.27.3",
            "0.2",
            "key: |\n  x",
            "a\u{0}b",
            "\u{10ffff}",
        ];
        for text in texts {
            let mut list = Map::new();
            list.set("list", Out::list([text, "end"]));
            list.set("flow", Out::flow([text, "end"]));
            list.set("block", Out::Block(text.to_owned()));
            list.set(text, one("inner", text));
            list.set("last", Out::List(vec![one(text, text).into()]));
            let written = list.to_text();
            assert!(agrees(&list, &written), "{text:?}:\n{written}");
            let root =
                parse(&written).unwrap_or_else(|error| panic!("{text:?}: {error:?}\n{written}")).documents.remove(0);
            assert_eq!(root.get("list").unwrap().items().unwrap()[0].text(), Some(text), "{written}");
            assert_eq!(root.get("flow").unwrap().items().unwrap()[0].text(), Some(text), "{written}");
            assert_eq!(root.get("block").unwrap().text(), Some(text), "{written}");
        }
    }

    #[test]
    fn a_comment_cannot_leave_its_line() {
        let mut map = Map::new();
        map.set("a", "b").comment("one\ntwo\u{2028}x\r").beside("three\nd: e");
        let text = map.to_text();
        assert!(agrees(&map, &text), "{text}");
    }
}
