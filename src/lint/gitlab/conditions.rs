//! Conditions: the expressions in `rules:if`. Parses them as GitLab does; evaluates nothing.

use crate::format::yaml::Node;
use crate::lint::rule::rules;
use crate::lint::{Findings, Level, Rule, Target};

rules! {
    EXPRESSION = Rule {
        id: "TK530",
        level: Level::Error,
        target: Target::GitLab,
        blocks: false,
        summary: "a condition that GitLab cannot parse",
        reason: "GitLab rejects the file. A condition compares variables, texts in quotes, `null` and patterns between slashes \
                 by ==, !=, =~ and !~, joined by && and || \
                 (https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions).",
        bad: "a:\n  script: [make]\n  rules:\n    - if: $CI_COMMIT_BRANCH = \"main\"\n",
        good: "a:\n  script: [make]\n  rules:\n    - if: $CI_COMMIT_BRANCH == \"main\"\n",
    };
}

/// Checks the conditions of all rules: of jobs, hidden or not, of `workflow` and of `include`.
pub(super) fn check(root: &Node, findings: &mut Findings) {
    for entry in root.entries().unwrap_or_default() {
        let name = entry.key.text().unwrap_or_default();
        rules_of(&entry.value, name, findings);
        for item in entry.value.items().filter(|_| name == "include").unwrap_or_default() {
            rules_of(item, name, findings);
        }
    }
}

fn rules_of(body: &Node, name: &str, findings: &mut Findings) {
    let Some(entry) = body.entries().into_iter().flatten().find(|entry| entry.key.text() == Some("rules")) else {
        return;
    };
    each(&entry.value, name, 0, findings);
}

/// Lists of rules may hold lists of rules, up to ten levels deep.
fn each(rules: &Node, name: &str, depth: usize, findings: &mut Findings) {
    for rule in rules.items().filter(|_| depth <= 10 && !rules.alias).unwrap_or_default() {
        each(rule, name, depth + 1, findings);
        let Some(node) = rule.get("if").filter(|node| !rule.alias && node.tag.is_none() && !node.is_null()) else {
            continue;
        };
        let Some(text) = node.text().filter(|text| !text.contains("$[[")) else { continue };
        if let Err(reason) = parse(text) {
            let says = match name {
                "include" | "workflow" => format!("{name}:rules:rule if invalid expression syntax"),
                name => format!("jobs:{name}:rules:rule if invalid expression syntax"),
            };
            findings
                .report(&EXPRESSION, node.span.clone(), format!("this condition is not valid: {reason}"))
                .says(says);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'a> {
    Open,
    Close,
    Not,
    /// `&&` or `||`.
    Joins(&'a str),
    /// `==`, `!=`, `=~` or `!~`.
    Compares(&'a str),
    /// A variable, a text or `null`.
    Value(&'a str),
    Pattern(&'a str),
}

/// Parses a condition.
///
/// # Errors
/// The first thing that GitLab does not accept.
fn parse(text: &str) -> Result<(), String> {
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    expression(&mut rest, 0)?;
    match rest.first() {
        None => Ok(()),
        Some(Token::Close) => Err("there is a `)` without its `(`".to_owned()),
        Some(token) => Err(format!("`{}` follows without `&&`, `||` or a comparison before it", word(*token))),
    }
}

fn tokens(text: &str) -> Result<Vec<Token<'_>>, String> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let (token, length) = next(rest)?;
        found.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(found)
}

/// Returns the first token, and how many bytes it takes.
fn next(rest: &str) -> Result<(Token<'_>, usize), String> {
    for operator in ["==", "!=", "=~", "!~"] {
        if rest.starts_with(operator) {
            return Ok((Token::Compares(&rest[..2]), 2));
        }
    }
    for operator in ["&&", "||"] {
        if rest.starts_with(operator) {
            return Ok((Token::Joins(&rest[..2]), 2));
        }
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name = |text: &str| text.find(|c| !is_name(c)).unwrap_or(text.len());
    match rest.chars().next().unwrap_or_default() {
        '(' => Ok((Token::Open, 1)),
        ')' => Ok((Token::Close, 1)),
        '!' => Ok((Token::Not, 1)),
        '$' if rest.starts_with("${") => {
            let end = rest.find('}').map_or(rest.len(), |end| end + 1);
            Err(format!("write `${}` instead of `{}`", rest[2..end].trim_end_matches('}'), &rest[..end]))
        }
        '$' => match name(&rest[1..]) {
            0 => Err("there is a `$` without a name".to_owned()),
            length => Ok((Token::Value(&rest[..=length]), length + 1)),
        },
        quote @ ('"' | '\'') => {
            let end = rest[1..].find(quote).ok_or_else(|| format!("the {quote} at `{rest}` is not closed"))?;
            Ok((Token::Value(&rest[..end + 2]), end + 2))
        }
        '/' => pattern(rest),
        '=' => Err("write `==` to compare".to_owned()),
        '&' | '|' => Err("write `&&` or `||`".to_owned()),
        _ => {
            let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')')).unwrap_or(rest.len());
            match &rest[..name(rest)] {
                "null" => Ok((Token::Value(&rest[..4]), 4)),
                "and" | "or" => Err(format!(
                    "write `{}` instead of `{}`",
                    if rest.starts_with('a') { "&&" } else { "||" },
                    &rest[..end]
                )),
                _ => Err(format!(
                    "`{}` is not a variable, a text in quotes or a pattern between slashes",
                    &rest[..end.max(1)]
                )),
            }
        }
    }
}

/// Reads `/text/flags`.
fn pattern(rest: &str) -> Result<(Token<'_>, usize), String> {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' if at == 1 => return Err("the pattern `//` is empty".to_owned()),
            '/' => {
                let flags = rest[at + 1..].find(|c| !matches!(c, 'i' | 's' | 'm' | 'U')).unwrap_or(rest.len() - at - 1);
                let end = at + 1 + flags;
                return Ok((Token::Pattern(&rest[..end]), end));
            }
            _ => {}
        }
    }
    Err(format!("the pattern `{rest}` has no `/` at its end"))
}

fn word(token: Token<'_>) -> &str {
    match token {
        Token::Open => "(",
        Token::Close => ")",
        Token::Not => "!",
        Token::Joins(text) | Token::Compares(text) | Token::Value(text) | Token::Pattern(text) => text,
    }
}

/// Parses operands joined by `&&` and `||`.
fn expression<'a>(rest: &mut &[Token<'a>], depth: usize) -> Result<(), String> {
    loop {
        comparison(rest, depth)?;
        match rest.first() {
            Some(Token::Joins(_)) => *rest = &rest[1..],
            _ => return Ok(()),
        }
    }
}

fn comparison<'a>(rest: &mut &[Token<'a>], depth: usize) -> Result<(), String> {
    operand(rest, depth)?;
    while let Some(Token::Compares(operator)) = rest.first().copied() {
        *rest = &rest[1..];
        if let (true, Some(Token::Value(value))) = (operator.ends_with('~'), rest.first())
            && *value == "null"
        {
            return Err(format!("`{operator}` needs a pattern between slashes"));
        }
        operand(rest, depth)?;
    }
    Ok(())
}

fn operand<'a>(rest: &mut &[Token<'a>], depth: usize) -> Result<(), String> {
    const DEEPEST: usize = 100;
    let token = rest.first().copied().ok_or("something is missing at its end")?;
    *rest = &rest[1..];
    match token {
        Token::Value(_) | Token::Pattern(_) => Ok(()),
        _ if depth >= DEEPEST => Err(format!("its parentheses nest deeper than {DEEPEST} levels")),
        Token::Not => operand(rest, depth + 1),
        Token::Open => {
            expression(rest, depth + 1)?;
            match rest.first() {
                Some(Token::Close) => {
                    *rest = &rest[1..];
                    Ok(())
                }
                Some(token) => Err(format!("`{}` follows without `&&`, `||` or a comparison before it", word(*token))),
                None => Err("there is a `(` without its `)`".to_owned()),
            }
        }
        Token::Close | Token::Joins(_) | Token::Compares(_) => {
            Err(format!("something is missing before `{}`", word(token)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_parsed_as_gitlab_does() {
        for text in [
            "$A",
            "!$A",
            "!($A && $B)",
            "$A == null",
            "$A != \"\" && ($B =~ /^v\\d+\\/x$/i || $C !~ $PATTERN)",
            "$CI_COMMIT_BRANCH == 'main'",
            "\"main\" == $CI_COMMIT_BRANCH",
            "$A =~ /a(b|c) [)]/",
            "$A&&$B||\n  $C",
            "$A == \"it's && ( fine\"",
        ] {
            assert_eq!(parse(text), Ok(()), "{text}");
        }
        for (text, reason) in [
            ("$A = \"main\"", "write `==`"),
            ("$A == main", "`main` is not a variable"),
            ("$A =~ ^release", "`^release` is not a variable"),
            ("$A && ($B || $C", "a `(` without its `)`"),
            ("$A)", "a `)` without its `(`"),
            ("CI_COMMIT_TAG", "`CI_COMMIT_TAG` is not a variable"),
            ("$A and $B", "write `&&` instead of `and`"),
            ("$A or $B", "write `||` instead of `or`"),
            ("${A} == \"x\"", "write `$A` instead of `${A}`"),
            ("$A $B", "`$B` follows without"),
            ("$A ==", "missing at its end"),
            ("&& $A", "missing before `&&`"),
            ("$A == \"main", "is not closed"),
            ("$A =~ /main", "has no `/` at its end"),
            ("$A =~ null", "needs a pattern"),
            ("$A & $B", "write `&&`"),
            ("", "missing"),
            ("é", "`é` is not a variable"),
        ] {
            assert!(parse(text).is_err_and(|found| found.contains(reason)), "{text}: {:?}", parse(text));
        }
        assert!(parse(&"(".repeat(100_000)).is_err_and(|found| found.contains("deeper than 100")));
    }
}
