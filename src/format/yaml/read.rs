//! Reads YAML into a tree with byte offsets, comments, styles and duplicate keys. Bounded: an alias bomb, deep nesting
//! or a huge document is one error.

use std::ops::Range;
use std::rc::Rc;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Span, StructureStyle, Tag};

use super::fault::{Fault, plain};
use super::interpretation::{Interpretation, interpret};
use super::limits::{DEEPEST, MOST_NODES, MOST_WRITTEN};

/// A file: its documents and comments.
#[derive(Debug, Default)]
pub struct Tree {
    /// The documents, in order. An empty file has none.
    pub documents: Vec<Node>,
    /// The comments, in order.
    pub comments: Vec<Comment>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// The bytes from `#` to the end of its line.
    pub span: Range<usize>,
    /// What follows the `#`.
    pub text: String,
}

/// A value in the tree.
#[derive(Debug, Clone)]
pub struct Node {
    /// The bytes of the value, or of the alias if one is used. Ends after the last character.
    pub span: Range<usize>,
    /// The tag, as `!reference` or `!!str` when one is written.
    pub tag: Option<String>,
    /// Whether this is an alias, `*name`, of a value elsewhere.
    pub alias: bool,
    content: Rc<Content>,
    /// How many nodes it has, aliases expanded.
    weight: usize,
}

#[derive(Debug)]
enum Content {
    Scalar(String, Style),
    Sequence(Vec<Node>, Style),
    Mapping(Vec<Entry>, Style),
}

/// The style in which a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// `abc`, possibly over several lines.
    Plain,
    /// `'abc'`.
    Single,
    /// `"abc"`.
    Double,
    /// A `|` block.
    Literal,
    /// A `>` block.
    Folded,
    /// A list or map by indentation.
    Block,
    /// A list or map in brackets.
    Flow,
}

/// A key and its value. The same key may appear twice; nothing is lost.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key.
    pub key: Node,
    /// The value.
    pub value: Node,
}

/// A text that is not YAML, or exceeds a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Error {
    /// The byte offset at which it stops being YAML.
    pub offset: usize,
    /// What is wrong.
    pub reason: String,
    /// The kind of error.
    pub fault: Fault,
}

impl Node {
    /// Returns the text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        if let Content::Scalar(text, _) = &*self.content { Some(text) } else { None }
    }

    /// Returns the items of a list.
    #[must_use]
    pub fn items(&self) -> Option<&[Node]> {
        if let Content::Sequence(items, _) = &*self.content { Some(items) } else { None }
    }

    /// Returns the entries of a map as written: duplicates and `<<` included.
    #[must_use]
    pub fn entries(&self) -> Option<&[Entry]> {
        if let Content::Mapping(entries, _) = &*self.content { Some(entries) } else { None }
    }

    /// Finds the value of a key in a map, the last one if it appears twice (as YAML parsers do), then in what it merges
    /// with `<<` (<https://yaml.org/type/merge.html>).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entries = self.entries()?;
        let own = entries.iter().rev().find(|entry| entry.key.text() == Some(key)).map(|entry| &entry.value);
        own.or_else(|| self.merged().into_iter().find_map(|node| node.get(key)))
    }

    /// Finds the entry of a key, as [`Node::get`] finds its value.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        let own = self.entries()?.iter().rev().find(|entry| entry.key.text() == Some(key));
        own.or_else(|| self.merged().into_iter().find_map(|node| node.entry(key)))
    }

    /// Lists what a map merges with `<<`; the first wins.
    #[must_use]
    pub fn merged(&self) -> Vec<&Node> {
        let merges = self.entries().unwrap_or_default().iter().filter(|entry| entry.is_merge());
        merges
            .flat_map(|entry| entry.value.items().map_or_else(|| vec![&entry.value], |list| list.iter().collect()))
            .collect()
    }

    /// Returns how it is written.
    #[must_use]
    pub fn style(&self) -> Style {
        match &*self.content {
            Content::Scalar(_, style) | Content::Sequence(_, style) | Content::Mapping(_, style) => *style,
        }
    }

    /// Returns true if it is a scalar without quotes, which YAML may read as a number, a boolean or null.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.style() == Style::Plain
    }

    /// Returns true if it is null: an empty value, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.is_plain() && self.tag.is_none() && matches!(self.text(), Some("" | "~" | "null" | "Null" | "NULL"))
    }

    /// Returns what it is, for messages: "a list", "text".
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &*self.content {
            Content::Sequence(..) => "a list",
            Content::Mapping(..) => "a map",
            Content::Scalar(..) if self.is_null() => "nothing",
            Content::Scalar(text, Style::Plain) if self.tag.is_none() => match interpret(text) {
                Interpretation::Text => "text",
                Interpretation::Number => "a number",
                Interpretation::Truth => "a truth value",
                Interpretation::Null => "nothing",
                Interpretation::Date => "a date",
            },
            Content::Scalar(..) => "text",
        }
    }
}

impl Entry {
    /// Returns true if it is a merge key: a plain `<<`.
    #[must_use]
    pub fn is_merge(&self) -> bool {
        self.key.text() == Some("<<") && self.key.is_plain()
    }
}

/// Parses a text.
///
/// # Errors
/// If it is not YAML, or exceeds a limit of nesting or expansion.
pub fn parse(text: &str) -> Result<Tree, Error> {
    let mut options = Options::default();
    options.flow_nesting_limit = DEEPEST;
    options.block_nesting_limit = DEEPEST;
    // Its default of 96 refuses files that begin with a long comment; ours are bounded by their size.
    options.max_buffered_comment_events = usize::MAX;
    let mut builder = Builder::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.map_err(|cause| {
            let (fault, reason) = plain(cause.kind());
            Error { offset: offset(cause.marker()), reason, fault }
        })?;
        builder.take(event, &span, text)?;
    }
    Ok(builder.tree)
}

fn offset(marker: &Marker) -> usize {
    marker.byte_offset().unwrap_or_default()
}

/// A list or map that is not yet closed.
struct Open {
    start: usize,
    tag: Option<String>,
    anchor: usize,
    style: Style,
    mapping: bool,
    key: Option<Node>,
    items: Vec<Node>,
    entries: Vec<Entry>,
    weight: usize,
}

#[derive(Default)]
struct Builder {
    tree: Tree,
    open: Vec<Open>,
    anchors: std::collections::HashMap<usize, Node>,
    nodes: usize,
    written: usize,
    last_end: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: &Span, text: &str) -> Result<(), Error> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::Comment(content, _) => {
                self.count(range.start, "comments")?;
                self.tree.comments.push(Comment { span: range, text: content.into_owned() });
            }
            Event::Scalar(value, style, anchor, tag) => {
                let content = Content::Scalar(value.into_owned(), scalar_style(style));
                self.place(range, tag.as_deref().map(spelled), anchor, content, 1, text)?;
            }
            Event::SequenceStart(style, anchor, tag) => self.begin(&range, tag.as_deref(), anchor, style, false)?,
            Event::MappingStart(style, anchor, tag) => self.begin(&range, tag.as_deref(), anchor, style, true)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(&range, text)?,
            Event::Alias(id) => self.repeat(range, id)?,
            _ => {}
        }
        Ok(())
    }

    fn begin(
        &mut self,
        range: &Range<usize>,
        tag: Option<&Tag>,
        anchor: usize,
        style: StructureStyle,
        mapping: bool,
    ) -> Result<(), Error> {
        if self.open.len() >= DEEPEST {
            let reason = format!("nests deeper than {DEEPEST} levels");
            return Err(Error { offset: range.start, reason, fault: Fault::Depth });
        }
        let style = if style == StructureStyle::Flow { Style::Flow } else { Style::Block };
        self.open.push(Open {
            start: range.start,
            tag: tag.map(spelled),
            anchor,
            style,
            mapping,
            key: None,
            items: Vec::new(),
            entries: Vec::new(),
            weight: 1,
        });
        Ok(())
    }

    fn end(&mut self, range: &Range<usize>, text: &str) -> Result<(), Error> {
        let open = self.open.pop().expect("the parser closes only what it opened");
        let end = if open.style == Style::Flow { range.end } else { self.last_end.max(open.start) };
        let content = if open.mapping {
            Content::Mapping(open.entries, open.style)
        } else {
            Content::Sequence(open.items, open.style)
        };
        self.place(open.start..end, open.tag, open.anchor, content, open.weight, text)
    }

    fn repeat(&mut self, span: Range<usize>, id: usize) -> Result<(), Error> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Error {
                offset: span.start,
                reason: "an alias inside the value that it refers to".to_owned(),
                fault: Fault::Syntax,
            });
        };
        self.last_end = span.end;
        self.add(Node { span, alias: true, ..node })
    }

    fn place(
        &mut self,
        mut span: Range<usize>,
        tag: Option<String>,
        anchor: usize,
        content: Content,
        weight: usize,
        text: &str,
    ) -> Result<(), Error> {
        if matches!(&content, Content::Scalar(_, Style::Literal | Style::Folded)) {
            // A block extends to the next token; its span should end with its last line.
            span.end = span.start + text.get(span.clone()).map_or(0, |raw| raw.trim_end().len());
        }
        self.last_end = span.end.max(self.last_end);
        let node = Node { span, tag, alias: false, content: Rc::new(content), weight };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        self.add(node)
    }

    /// Counts what takes memory.
    fn count(&mut self, offset: usize, what: &str) -> Result<(), Error> {
        self.written += 1;
        if self.written <= MOST_WRITTEN {
            return Ok(());
        }
        Err(Error { offset, reason: format!("has more than {MOST_WRITTEN} {what}"), fault: Fault::Size })
    }

    fn add(&mut self, node: Node) -> Result<(), Error> {
        self.nodes = self.nodes.saturating_add(if node.alias { node.weight } else { 1 });
        if self.nodes > MOST_NODES {
            let reason = format!("has more than {MOST_NODES} values once its aliases are expanded");
            return Err(Error { offset: node.span.start, reason, fault: Fault::Size });
        }
        self.count(node.span.start, "values")?;
        let Some(open) = self.open.last_mut() else {
            self.tree.documents.push(node);
            return Ok(());
        };
        open.weight = open.weight.saturating_add(node.weight);
        if !open.mapping {
            open.items.push(node);
        } else if let Some(key) = open.key.take() {
            open.entries.push(Entry { key, value: node });
        } else {
            open.key = Some(node);
        }
        Ok(())
    }
}

fn scalar_style(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::SingleQuoted => Style::Single,
        ScalarStyle::DoubleQuoted => Style::Double,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
        ScalarStyle::Plain => Style::Plain,
    }
}

/// Returns a tag as it is written.
fn spelled(tag: &Tag) -> String {
    tag.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(text: &str) -> Node {
        parse(text).unwrap().documents.remove(0)
    }

    #[test]
    fn values_know_their_position() {
        let text = "a: 1 # one\nb:\n  - x\n  - |\n    y\n    z\n\nc: {d: [e]}\n";
        let root = only(text);
        let at = |node: &Node| &text[node.span.clone()];
        assert_eq!(at(&root.entries().unwrap()[0].key), "a");
        assert_eq!(at(root.get("a").unwrap()), "1");
        assert_eq!(at(&root.get("b").unwrap().items().unwrap()[0]), "x");
        assert_eq!(root.get("b").unwrap().items().unwrap()[1].text(), Some("y\nz\n"));
        assert_eq!(at(root.get("c").unwrap()), "{d: [e]}");
        assert_eq!(root.get("c").unwrap().style(), Style::Flow);
        let comments = parse(text).unwrap().comments;
        assert_eq!((comments[0].text.as_str(), &text[comments[0].span.clone()]), (" one", "# one"));
    }

    #[test]
    fn duplicates_and_merges_are_kept_and_the_last_or_the_own_wins() {
        let root = only("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n  y: 4\n");
        let used = root.get("use").unwrap();
        assert_eq!(used.entries().unwrap().len(), 3);
        assert_eq!(used.get("x").unwrap().text(), Some("1"));
        assert_eq!(used.get("y").unwrap().text(), Some("4"));
        assert!(used.entries().unwrap()[0].value.alias);
    }

    #[test]
    fn tags_and_kinds_are_read() {
        let root = only("a: !reference [x, y]\nb: yes\nc: 1.20\nd: ~\ne: '1'\nf: 2026-01-02\n");
        assert_eq!(root.get("a").unwrap().tag.as_deref(), Some("!reference"));
        let kinds: Vec<_> = root.entries().unwrap().iter().map(|entry| entry.value.kind()).collect();
        assert_eq!(kinds, ["a list", "a truth value", "a number", "nothing", "text", "a date"]);
    }

    #[test]
    fn a_hostile_text_is_one_error_with_its_position() {
        let bomb = (0..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
            format!("{text}a{}: &a{} [*a{n}, *a{n}, *a{n}, *a{n}]\n", n + 1, n + 1)
        });
        for (text, said) in [
            (bomb.as_str(), "aliases are expanded"),
            (&"[".repeat(100_000), "deeper than 128"),
            (&(0..2000).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>(), "deeper than 128"),
            ("a: [1", ""),
            ("a:\n\t- b", ""),
            ("a: &x [*x]", ""),
            ("a: *nowhere", ""),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.reason.contains(said), "{error:?}");
        }
        assert!(parse("").unwrap().documents.is_empty());
        assert!(parse("# only a comment\n").unwrap().documents.is_empty());
        let explained = format!("a:\n{}  - b\n", "  # why\n".repeat(1000));
        assert_eq!(parse(&explained).unwrap().comments.len(), 1000);
    }
}
