//! Choosing the newest candidate, with a reason for every other one, as most tools do. Pure.

use crate::model::{Candidate, Choice, Policy, Verdict};

/// Chooses the newest candidate for which `refused` returns no reason. The second argument of `refused` is true once a
/// newer candidate is chosen.
pub(in crate::toolchain) fn choose(
    rule: String,
    candidates: &[Candidate],
    policy: &Policy,
    refused: impl Fn(&Candidate, bool) -> Option<String>,
) -> Choice {
    let mut newest_first: Vec<&Candidate> = candidates.iter().collect();
    newest_first.sort_by(|left, right| right.version.cmp(&left.version));
    let mut pick: Option<&Candidate> = None;
    let mut verdicts = Vec::with_capacity(newest_first.len());
    for candidate in newest_first {
        let reason = match (refused(candidate, pick.is_some()), pick) {
            (Some(reason), _) => reason,
            (None, Some(pick)) => format!("older than {}", pick.version),
            (None, None) => {
                pick = Some(candidate);
                rule.clone()
            }
        };
        let picked = pick.is_some_and(|pick| std::ptr::eq(pick, candidate));
        verdicts.push(Verdict { version: candidate.version.clone(), picked, reason });
    }
    let warnings = pick.and_then(|pick| policy.warns(pick)).into_iter().collect();
    Choice { rule, pick: pick.cloned(), verdicts, warnings }
}
