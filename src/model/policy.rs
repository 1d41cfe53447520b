//! What the project allows, and the verdicts on candidates.

use serde::{Deserialize, Serialize};

use super::{Candidate, Date, Level, Phase, Support, Version};

/// What to do about unsupported versions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsupported {
    /// Refuse them.
    Deny,
    /// Accept them with a warning.
    #[default]
    Warn,
    /// Accept them.
    Allow,
}

/// Which of the versions that a `global.json` allows to choose.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Prefer {
    /// The version that the file names, if it is available.
    #[default]
    Named,
    /// The newest that the rule allows.
    Newest,
}

/// The rules under which a version is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The day on which end of life and age are judged: today, or the day of `--as-of`.
    pub day: Date,
    /// Consider only what was released by `day`.
    pub as_of: bool,
    /// How many days old a release must be. Security fixes are exempt.
    pub minimum_age: u32,
    /// What to do about unsupported versions.
    pub unsupported: Unsupported,
    /// The least proof that is accepted.
    pub verification: Level,
    /// Which of the versions that a `global.json` allows to choose.
    pub prefer: Prefer,
}

impl Policy {
    /// Returns the default rules, judged on `day`.
    #[must_use]
    pub fn on(day: Date) -> Self {
        Self {
            day,
            as_of: false,
            minimum_age: 0,
            unsupported: Unsupported::default(),
            verification: Level::Checksum,
            prefer: Prefer::default(),
        }
    }

    /// Returns true if release dates matter, so that a tool reads them only when they do.
    #[must_use]
    pub fn needs_dates(&self) -> bool {
        self.as_of || self.minimum_age > 0
    }

    /// Returns the reason why the candidate is not allowed, whatever was requested.
    ///
    /// A release without a known date is refused where dates matter: a rule that lets the unknown pass would be useless.
    #[must_use]
    pub fn forbids(&self, candidate: &Candidate) -> Option<String> {
        if self.needs_dates() {
            let Some(released) = candidate.released else {
                return Some("its release date is not known, and the policy needs one".to_owned());
            };
            if self.as_of && released > self.day {
                return Some(format!("it was released on {released}, after {}", self.day));
            }
            let age = (self.day - released).get_days();
            if i64::from(age) < i64::from(self.minimum_age) && !candidate.security {
                return Some(format!("it is {age} days old, and minimum-age is {} days", self.minimum_age));
            }
        }
        if self.unsupported == Unsupported::Deny && self.has_ended(&candidate.support) {
            return Some(self.ended(candidate));
        }
        None
    }

    /// Returns true if a line has reached end of life: `phase == eol || eol-date < day`.
    ///
    /// Upstreams state the phase late (.NET 6 was `maintenance` two months past its end), so the date alone is enough. When
    /// the question is about an earlier day, today's phase is ignored if there is a date.
    #[must_use]
    pub fn has_ended(&self, support: &Support) -> bool {
        let by_phase = support.phase == Phase::Eol && !(self.as_of && support.eol.is_some());
        by_phase || support.eol.is_some_and(|eol| eol < self.day)
    }

    /// Returns the warning to give when the candidate is chosen.
    #[must_use]
    pub fn warns(&self, candidate: &Candidate) -> Option<String> {
        (self.unsupported == Unsupported::Warn && self.has_ended(&candidate.support)).then(|| self.ended(candidate))
    }

    /// Describes when the candidate's line reached end of life.
    #[must_use]
    pub fn ended(&self, candidate: &Candidate) -> String {
        let line = &candidate.support.line;
        match candidate.support.eol {
            Some(eol) => format!("{line} reached end of life on {eol}"),
            None => format!("{line} reached end of life"),
        }
    }
}

/// What was decided about one candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The candidate's version.
    #[serde(serialize_with = "as_text")]
    pub version: Version,
    /// Whether it is the pick.
    #[serde(rename = "verdict", serialize_with = "picked_or_rejected")]
    pub picked: bool,
    /// Why.
    pub reason: String,
}

/// The outcome of choosing: the pick, the rule that made it, and every rejection with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The rule in one sentence: "lts: the newest supported long-term channel".
    pub rule: String,
    /// The chosen candidate; none when every one was rejected.
    pub pick: Option<Candidate>,
    /// A verdict for each candidate, newest version first.
    pub verdicts: Vec<Verdict>,
    /// What the user should know although the choice was made.
    pub warnings: Vec<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn picked_or_rejected<S: serde::Serializer>(picked: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *picked { "picked" } else { "rejected" })
}

fn as_text<S: serde::Serializer>(version: &Version, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(version.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(released: Option<&str>, security: bool, eol: Option<&str>) -> Candidate {
        let date = |text: &str| text.parse().unwrap();
        Candidate {
            version: Version::parse("8.0.100").unwrap(),
            released: released.map(date),
            security,
            support: Support { line: "8.0".to_owned(), phase: Phase::Active, train: None, eol: eol.map(date) },
        }
    }

    #[test]
    fn minimum_age_holds_back_all_but_security_fixes() {
        let mut policy = Policy::on("2026-11-23".parse().unwrap());
        policy.minimum_age = 3;
        assert!(policy.forbids(&candidate(Some("2026-11-21"), false, None)).unwrap().contains("2 days old"));
        assert!(policy.forbids(&candidate(Some("2026-11-20"), false, None)).is_none());
        assert!(policy.forbids(&candidate(Some("2026-11-21"), true, None)).is_none());
        assert!(policy.forbids(&candidate(None, false, None)).unwrap().contains("not known"));
    }

    #[test]
    fn a_phase_of_today_says_nothing_about_an_earlier_day() {
        let mut policy = Policy::on("2024-05-01".parse().unwrap());
        let mut support = candidate(None, false, Some("2024-05-14")).support;
        assert!(!policy.has_ended(&support));
        support.phase = Phase::Eol;
        assert!(policy.has_ended(&support), "upstream says that it has ended");
        policy.as_of = true;
        assert!(!policy.has_ended(&support), "it had not ended on that day");
        support.eol = None;
        assert!(policy.has_ended(&support), "without a date the phase is all there is");
    }

    #[test]
    fn the_last_day_of_support_is_still_supported() {
        let mut policy = Policy::on("2026-11-10".parse().unwrap());
        policy.unsupported = Unsupported::Deny;
        assert!(policy.forbids(&candidate(None, false, Some("2026-11-10"))).is_none());
        assert!(policy.forbids(&candidate(None, false, Some("2026-11-09"))).is_some());
        policy.unsupported = Unsupported::Warn;
        assert!(policy.forbids(&candidate(None, false, Some("2026-11-09"))).is_none());
        assert!(policy.warns(&candidate(None, false, Some("2026-11-09"))).unwrap().contains("2026-11-09"));
    }
}
