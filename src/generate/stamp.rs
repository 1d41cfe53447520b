//! The header of a generated file: what wrote it from what, how to change it, and a digest that reveals edits.

use sha2::{Digest, Sha256};

use crate::model::hex;

/// How comments are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comments {
    /// `# …`.
    Hash,
    /// `<!-- … -->`.
    Markup,
}

/// What a file on disk is to the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is as a generator wrote it.
    Generated,
    /// A generator wrote it, and somebody changed it.
    Edited,
    /// No generator wrote it.
    Foreign,
}

const DIGEST: &str = "toolkit-digest: sha256:";

/// Puts the header above a body.
#[must_use]
pub fn stamped(target: &str, body: &str, comments: Comments) -> String {
    let lines = [
        format!(
            "Written by `toolkit gen {target}` from toolkit.toml and toolkit.lock. To change it, edit toolkit.toml and run"
        ),
        "that command again; `toolkit gen --check` in CI reports when this file is stale.".to_owned(),
        format!("{DIGEST}{}", digest(body)),
    ];
    match comments {
        Comments::Hash => format!("# {}\n\n{body}", lines.join("\n# ")),
        Comments::Markup => format!("<!--\n{}\n-->\n\n{body}", lines.join("\n")),
    }
}

/// Returns what a file on disk is to the generator.
#[must_use]
pub fn state(text: &str) -> State {
    let text = text.replace("\r\n", "\n");
    let Some((head, body)) = text.split_once("\n\n") else { return State::Foreign };
    let recorded = head.lines().find_map(|line| line.split_once(DIGEST)).map(|(_, digest)| digest.trim());
    match recorded {
        None => State::Foreign,
        Some(recorded) if recorded == digest(body) => State::Generated,
        Some(_) => State::Edited,
    }
}

fn digest(body: &str) -> String {
    hex(&Sha256::digest(body.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_is_seen_and_other_line_ends_are_not_an_edit() {
        for comments in [Comments::Hash, Comments::Markup] {
            let text = stamped("buildspec", "version: 0.2\n\na: b\n", comments);
            assert_eq!(state(&text), State::Generated);
            assert_eq!(state(&text.replace('\n', "\r\n")), State::Generated);
            assert_eq!(state(&text.replace("a: b", "a: c")), State::Edited);
            assert_eq!(state("version: 0.2\n\na: b\n"), State::Foreign);
        }
    }
}
