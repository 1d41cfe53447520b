//! When a pipeline runs, and when it pushes: GitLab's `workflow:rules` and the `rules` of the jobs that push.

use super::TARGET;
use crate::format::yaml::{Element, Map, Out};
use crate::generate::Error;
use crate::project::pipeline::Push;

const MERGE_REQUEST: &str = "$CI_PIPELINE_SOURCE == \"merge_request_event\"";
const TAG: &str = "$CI_COMMIT_TAG";
const DEFAULT_BRANCH: &str = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH";

/// The pipelines that push, as conditions of GitLab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pushes {
    branches: Vec<String>,
    tags: bool,
    merge_requests: bool,
}

impl Pushes {
    /// Reads the push rule.
    ///
    /// # Errors
    /// When git cannot have such a branch, or it cannot be written in a condition.
    pub(super) fn new(push: &Push) -> Result<Self, Error> {
        let branches = match &push.branches {
            None => vec![DEFAULT_BRANCH.to_owned()],
            Some(branches) => branches.iter().map(|branch| on_branch(branch)).collect::<Result<_, _>>()?,
        };
        Ok(Self { branches, tags: push.tags, merge_requests: push.merge_requests })
    }

    /// Returns true if no pipeline pushes.
    pub(super) fn never(&self) -> bool {
        self.branches.is_empty() && !self.tags && !self.merge_requests
    }

    /// Returns the `rules` of a job that pushes: it exists in no other pipeline.
    pub(super) fn only(&self) -> Out {
        Out::list(self.conditions().map(|condition| rule(condition, None)))
    }

    /// Returns the `rules` of a job that runs instead where nothing is pushed.
    pub(super) fn otherwise(&self) -> Out {
        let mut rules: Vec<Element> =
            self.conditions().map(|condition| rule(condition, Some("never")).into()).collect();
        let mut rest = Map::new();
        rest.set("when", "on_success");
        rules.push(rest.into());
        Out::List(rules)
    }

    /// Returns `workflow`: one pipeline for a merge request or for its branch, never both.
    pub(super) fn workflow(&self) -> Map {
        let mut rules: Vec<Element> = vec![rule(MERGE_REQUEST, None).into(), released(TAG).into()];
        let pushing = self.branches.iter().map(|condition| Element::from(released(condition)));
        let comment = "A branch that pushes has a pipeline for each commit; a newer commit does not cancel it.";
        rules.extend(pushing.enumerate().map(|(index, rule)| if index == 0 { rule.comment(comment) } else { rule }));
        rules.push(
            Element::from(rule("$CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS", Some("never")))
                .comment("The merge request's pipeline replaces the branch's."),
        );
        rules.push(rule("$CI_COMMIT_BRANCH", None).into());
        let mut auto_cancel = Map::new();
        auto_cancel.set("on_new_commit", "interruptible");
        let mut workflow = Map::new();
        workflow.set("auto_cancel", auto_cancel);
        workflow.set("rules", Out::List(rules));
        workflow
    }

    fn conditions(&self) -> impl Iterator<Item = &str> {
        let rest = [(self.tags, TAG), (self.merge_requests, MERGE_REQUEST)];
        let rest = rest.into_iter().filter_map(|(holds, condition)| holds.then_some(condition));
        self.branches.iter().map(String::as_str).chain(rest)
    }
}

fn rule(condition: &str, when: Option<&str>) -> Map {
    let mut rule = Map::new();
    rule.set("if", condition);
    rule.set_if("when", when);
    rule
}

fn released(condition: &str) -> Map {
    let mut auto_cancel = Map::new();
    auto_cancel.set("on_new_commit", "none");
    let mut rule = rule(condition, None);
    rule.set("auto_cancel", auto_cancel);
    rule
}

/// Writes "the commit is on this branch"; `*` in its name stands for any characters.
fn on_branch(branch: &str) -> Result<String, Error> {
    let refuse = |reason: &str| {
        Err(Error::Value {
            key: "pipeline.push.branches".to_owned(),
            value: branch.to_owned(),
            target: TARGET,
            reason: reason.to_owned(),
        })
    };
    // https://git-scm.com/docs/git-check-ref-format
    let odd = |c: char| c.is_control() || c.is_whitespace() || "~^:?[\\".contains(c);
    if branch.is_empty() || branch.starts_with(['-', '/']) || branch.ends_with('/') || branch.contains("..") {
        return refuse("git does not allow such a branch");
    }
    if let Some(c) = branch.chars().find(|c| odd(*c)) {
        return refuse(&format!("git does not allow {c:?} in the name of a branch"));
    }
    if branch.contains('*') {
        return Ok(format!("$CI_COMMIT_BRANCH =~ /^{}$/", pattern(branch)));
    }
    // GitLab's strings have no escapes (https://docs.gitlab.com/ci/jobs/job_rules/#cicd-variable-expressions).
    match (branch.contains('"'), branch.contains('\'')) {
        (false, _) => Ok(format!("$CI_COMMIT_BRANCH == \"{branch}\"")),
        (true, false) => Ok(format!("$CI_COMMIT_BRANCH == '{branch}'")),
        (true, true) => refuse("a GitLab condition cannot contain both kinds of quotes"),
    }
}

/// Turns a name with `*` into a regular expression.
fn pattern(branch: &str) -> String {
    let escape = |c: char| match c {
        '*' => ".*".to_owned(),
        c if c.is_alphanumeric() || "_-".contains(c) => c.to_string(),
        c => format!("\\{c}"),
    };
    branch.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushes(branches: Option<&[&str]>, tags: bool, merge_requests: bool) -> Result<Pushes, Error> {
        let branches = branches.map(|branches| branches.iter().map(|branch| (*branch).to_owned()).collect());
        Pushes::new(&Push { branches, tags, merge_requests })
    }

    fn conditions(pushes: &Pushes) -> Vec<&str> {
        pushes.conditions().collect()
    }

    #[test]
    fn the_default_branch_and_tags_push_and_merge_requests_do_not() {
        let usual = Pushes::new(&Push::default()).unwrap();
        assert_eq!(conditions(&usual), [DEFAULT_BRANCH, TAG]);
        assert!(!usual.never());
    }

    #[test]
    fn branches_are_names_or_patterns() {
        let named = pushes(Some(&["main", "release/*", "a\"b"]), false, true).unwrap();
        assert_eq!(
            conditions(&named),
            [
                "$CI_COMMIT_BRANCH == \"main\"",
                "$CI_COMMIT_BRANCH =~ /^release\\/.*$/",
                "$CI_COMMIT_BRANCH == 'a\"b'",
                MERGE_REQUEST
            ]
        );
        assert!(pushes(Some(&[]), false, false).unwrap().never());
    }

    #[test]
    fn a_branch_cannot_add_to_a_condition() {
        for branch in ["a b", "x\" || true", "a'\"", "a\nb", "", "-x", "a..b", "a\u{2028}b", "a\\b"] {
            let error = pushes(Some(&[branch]), false, false).unwrap_err().to_string();
            assert!(error.starts_with("`pipeline.push.branches`"), "{branch:?}: {error}");
        }
    }

    #[test]
    fn a_branch_with_an_open_merge_request_runs_once_and_a_branch_that_pushes_always() {
        let mut document = Map::new();
        document.set("workflow", pushes(None, true, false).unwrap().workflow());
        let text = document.to_text();
        let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part} in\n{text}"));
        assert!(place(MERGE_REQUEST) < place(DEFAULT_BRANCH));
        assert!(place(DEFAULT_BRANCH) < place("$CI_OPEN_MERGE_REQUESTS\n      when: never"));
        assert!(text.trim_end().ends_with("- if: $CI_COMMIT_BRANCH"));
    }
}
