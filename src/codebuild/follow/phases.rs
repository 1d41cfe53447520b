//! What is new in a list of phases.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::codebuild::Phase;

/// Phases that only say that all is over, and how.
const MARKS: &[&str] = &["COMPLETED", "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT", "FAULT"];

/// The phases that were told of. A phase is told of once, however often the list has it: moto appends the whole list again
/// at every look.
#[derive(Debug, Default)]
pub(super) struct Phases {
    told: HashMap<String, Told>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Entered,
    Ended,
}

/// A phase that began or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Entered { phase: String, at: Option<Timestamp> },
    Ended(Phase),
}

impl Phases {
    /// Returns what is new, in order.
    pub(super) fn news(&mut self, phases: &[Phase]) -> Vec<Step> {
        let mut steps = Vec::new();
        for phase in phases.iter().filter(|phase| !MARKS.contains(&phase.name.as_str())) {
            let told = self.told.get(&phase.name).copied();
            if told.is_none() {
                steps.push(Step::Entered { phase: phase.name.clone(), at: phase.started });
                self.told.insert(phase.name.clone(), Told::Entered);
            }
            let over = phase.status.as_ref().is_some_and(crate::codebuild::Status::is_over) || phase.ended.is_some();
            if told != Some(Told::Ended) && over {
                steps.push(Step::Ended(phase.clone()));
                self.told.insert(phase.name.clone(), Told::Ended);
            }
        }
        steps
    }
}

impl Step {
    /// Returns true if it happened before a line that was logged at this time.
    pub(super) fn is_before(&self, time: Timestamp) -> bool {
        match self {
            Self::Entered { at, .. } => at.is_none_or(|at| at <= time),
            Self::Ended(phase) => phase.ended.is_none_or(|at| at < time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codebuild::Status;

    fn phase(name: &str, status: Option<Status>) -> Phase {
        Phase { name: name.to_owned(), status, started: None, ended: None, duration: None, contexts: Vec::new() }
    }

    fn told(steps: &[Step]) -> Vec<String> {
        let text = |step: &Step| match step {
            Step::Entered { phase, .. } => format!("+{phase}"),
            Step::Ended(phase) => format!("-{}", phase.name),
        };
        steps.iter().map(text).collect()
    }

    #[test]
    fn each_phase_begins_once_and_ends_once() {
        let mut phases = Phases::default();
        let done = Some(Status::Succeeded);
        let first = [phase("SUBMITTED", done.clone()), phase("QUEUED", None)];
        assert_eq!(told(&phases.news(&first)), ["+SUBMITTED", "-SUBMITTED", "+QUEUED"]);
        assert_eq!(told(&phases.news(&first)), Vec::<String>::new());
        let second = [
            phase("SUBMITTED", done.clone()),
            phase("QUEUED", done.clone()),
            phase("BUILD", Some(Status::Failed)),
            phase("COMPLETED", None),
        ];
        assert_eq!(told(&phases.news(&second)), ["-QUEUED", "+BUILD", "-BUILD"]);
        let again: Vec<Phase> = second.iter().chain(&second).chain(&second).cloned().collect();
        assert_eq!(told(&phases.news(&again)), Vec::<String>::new());
    }
}
