//! What is new in a list of phases.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::codebuild::Phase;

/// Phases that only mark the end and the result.
const MARKS: &[&str] = &["COMPLETED", "SUCCEEDED", "FAILED", "STOPPED", "TIMED_OUT", "FAULT"];

/// The phases that were reported. Each is reported once, even if the list repeats it: moto appends the whole list again
/// at every poll.
#[derive(Debug, Default)]
pub(super) struct Phases {
    reported: HashMap<String, Reported>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reported {
    Entered,
    Ended,
}

/// A phase that started or ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Entered { phase: String, at: Option<Timestamp> },
    Ended(Phase),
}

impl Phases {
    /// Returns the new steps, in order.
    pub(super) fn new_steps(&mut self, phases: &[Phase]) -> Vec<Step> {
        let mut steps = Vec::new();
        for phase in phases.iter().filter(|phase| !MARKS.contains(&phase.name.as_str())) {
            let reported = self.reported.get(&phase.name).copied();
            if reported.is_none() {
                steps.push(Step::Entered { phase: phase.name.clone(), at: phase.started });
                self.reported.insert(phase.name.clone(), Reported::Entered);
            }
            let over = phase.status.as_ref().is_some_and(crate::codebuild::Status::is_over) || phase.ended.is_some();
            if reported != Some(Reported::Ended) && over {
                steps.push(Step::Ended(phase.clone()));
                self.reported.insert(phase.name.clone(), Reported::Ended);
            }
        }
        steps
    }
}

impl Step {
    /// Returns true if it belongs before a line with this time.
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

    fn reported(steps: &[Step]) -> Vec<String> {
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
        assert_eq!(reported(&phases.new_steps(&first)), ["+SUBMITTED", "-SUBMITTED", "+QUEUED"]);
        assert_eq!(reported(&phases.new_steps(&first)), Vec::<String>::new());
        let second = [
            phase("SUBMITTED", done.clone()),
            phase("QUEUED", done.clone()),
            phase("BUILD", Some(Status::Failed)),
            phase("COMPLETED", None),
        ];
        assert_eq!(reported(&phases.new_steps(&second)), ["-QUEUED", "+BUILD", "-BUILD"]);
        let again: Vec<Phase> = second.iter().chain(&second).chain(&second).cloned().collect();
        assert_eq!(reported(&phases.new_steps(&again)), Vec::<String>::new());
    }
}
