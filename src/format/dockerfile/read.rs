//! Reads the instructions that matter: `ARG`, `FROM`, `COPY --from`, `RUN --mount`.

use std::ops::Range;

use super::lines::{Line, Piece, split};
use super::{Arg, Dockerfile, Problem, Stage, Step, Word};

impl Dockerfile {
    /// Reads a file.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut problems = Vec::new();
        let (escape, lines) = split(text, &mut problems);
        let mut file = Self { args: Vec::new(), stages: Vec::new(), problems, escape };
        for line in &lines {
            file.take(&Instruction::new(line, escape));
        }
        if file.stages.is_empty() && file.problems.is_empty() {
            file.report(0..0, "the file has no FROM");
        }
        file
    }

    fn take(&mut self, instruction: &Instruction<'_>) {
        let keyword = instruction.keyword.to_ascii_uppercase();
        match (keyword.as_str(), self.stages.last_mut()) {
            ("FROM", _) => self.from(instruction),
            ("ARG", None) => self.args.extend(instruction.args()),
            ("ARG", Some(stage)) => stage.steps.extend(instruction.args().into_iter().map(Step::Arg)),
            ("COPY", Some(stage)) => stage.steps.extend(instruction.flag("from").map(Step::Copy)),
            ("RUN", Some(stage)) => stage.steps.extend(instruction.mounts().into_iter().map(Step::Mount)),
            (_, Some(_)) => {}
            (other, None) => {
                let message = format!("`{other}` comes before the first FROM, where only ARG is allowed");
                self.report(instruction.line.place(&(0..instruction.keyword.len())), message);
            }
        }
    }

    fn from(&mut self, instruction: &Instruction<'_>) {
        let platform = instruction.flag("platform");
        let words: Vec<Word> = instruction.rest.iter().map(|piece| instruction.word(&piece.range)).collect();
        let span = instruction.line.place(&(0..instruction.keyword.len()));
        let (base, name) = match words.as_slice() {
            [base] => (base, None),
            [base, sign, name] if sign.text.eq_ignore_ascii_case("as") => (base, Some(name)),
            [] => return self.report(span, "FROM names no image"),
            _ => return self.report(span, "expected `FROM image` or `FROM image AS name`"),
        };
        if let Some(name) = name.filter(|name| !is_stage_name(&name.text)) {
            let message =
                format!("`{}` is not a stage name: expected a letter, then letters, digits, `-`, `_`, `.`", name.text);
            self.report(name.span.clone(), message);
        }
        let name = name.map(|name| name.text.to_ascii_lowercase());
        self.stages.push(Stage { name, base: base.clone(), platform, steps: Vec::new() });
    }

    fn report(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problems.push(Problem { span, message: message.into() });
    }
}

fn is_stage_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// One instruction: keyword, flags, the rest.
struct Instruction<'a> {
    line: &'a Line,
    keyword: &'a str,
    flags: Vec<Piece>,
    rest: Vec<Piece>,
}

impl<'a> Instruction<'a> {
    fn new(line: &'a Line, escape: char) -> Self {
        let end = line.text.find(char::is_whitespace).unwrap_or(line.text.len());
        let words = line.words(end, escape);
        let text = |piece: &Piece| &line.text[piece.range.clone()];
        let flags = words.iter().take_while(|piece| text(piece).starts_with("--") && text(piece) != "--").count();
        let (flags, rest) = words.split_at(flags);
        let rest = if rest.first().is_some_and(|piece| text(piece) == "--") { &rest[1..] } else { rest };
        Self { line, keyword: &line.text[..end], flags: flags.to_vec(), rest: rest.to_vec() }
    }

    fn word(&self, range: &Range<usize>) -> Word {
        Word { text: self.line.text[range.clone()].to_owned(), span: self.line.place(range) }
    }

    /// Lists the values of a flag that may be repeated.
    fn values(&self, name: &str) -> impl Iterator<Item = Range<usize>> {
        self.flags.iter().filter_map(move |piece| {
            let text = &self.line.text[piece.range.clone()];
            let (flag, value) = text.strip_prefix("--")?.split_once('=')?;
            (flag.eq_ignore_ascii_case(name) && !value.is_empty())
                .then(|| piece.range.end - value.len()..piece.range.end)
        })
    }

    fn flag(&self, name: &str) -> Option<Word> {
        self.values(name).last().map(|range| self.word(&range))
    }

    /// Lists the sources of mounts: the `from` among the comma-separated fields, which may be quoted.
    fn mounts(&self) -> Vec<Word> {
        let mut found = Vec::new();
        for range in self.values("mount") {
            let mut start = range.start;
            for field in self.line.text[range].split(',') {
                let inner = field.trim_start_matches(['"', '\'']);
                let begin = start + (field.len() - inner.len());
                start += field.len() + 1;
                let Some((key, value)) = inner.split_once('=') else { continue };
                let value = value.trim_end_matches(['"', '\'']);
                if key.trim().eq_ignore_ascii_case("from") && !value.is_empty() {
                    let begin = begin + key.len() + 1;
                    found.push(self.word(&(begin..begin + value.len())));
                }
            }
        }
        found
    }

    /// Lists the arguments that `ARG` declares.
    fn args(&self) -> Vec<Arg> {
        self.rest
            .iter()
            .map(|piece| {
                let text = &self.line.text[piece.range.clone()];
                match text.split_once('=') {
                    Some((name, value)) => {
                        let range = piece.range.end - value.len()..piece.range.end;
                        Arg { name: name.to_owned(), default: Some(self.word(&range)) }
                    }
                    None => Arg { name: text.to_owned(), default: None },
                }
            })
            .collect()
    }
}
