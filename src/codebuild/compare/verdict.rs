//! The result of a comparison in one sentence, and its warnings.

use std::collections::BTreeSet;

use super::super::build::{Status, id_of};
use super::Comparison;

/// Below this number of builds per side, a median is not reliable.
const FEW: usize = 3;

/// The result of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// The extra time of the second side in percent; negative for less.
    pub time: Option<f64>,
    /// The extra cost of a build there in percent; negative for less.
    pub cost: Option<f64>,
    /// The same as a sentence.
    pub sentence: String,
}

impl Verdict {
    #[must_use]
    pub fn of(comparison: &Comparison) -> Self {
        let percent = |ratio: f64| (ratio - 1.0) * 100.0;
        let (time, cost) = (comparison.total.ratio().map(percent), comparison.cost_ratio().map(percent));
        let [first, second] = &comparison.gathered.sides;
        let name = if first.architecture == second.architecture || second.name == "arm64" {
            second.name.clone()
        } else {
            second.architecture.map_or_else(|| second.name.clone(), |own| format!("{} ({own})", second.name))
        };
        let takes = time.map(|time| format!("takes {}", changed(time, "time")));
        let costs = cost.map(|cost| match rounded(cost) {
            0 => "costs the same".to_owned(),
            by if by < 0 => format!("costs {} % less", -by),
            by => format!("costs {by} % more"),
        });
        let said = match (takes, costs) {
            (Some(takes), Some(costs)) => {
                let opposed =
                    rounded(time.unwrap_or_default()).signum() * rounded(cost.unwrap_or_default()).signum() < 0;
                format!("{takes} {} {costs}", if opposed { "but" } else { "and" })
            }
            (Some(takes), None) => format!("{takes}; the ratio of prices is unknown"),
            (None, _) => "cannot be compared: one side took no time".to_owned(),
        };
        let counts = [first, second].map(|side| side.builds.len());
        let basis = if counts == [1, 1] {
            "one build each".to_owned()
        } else {
            format!("medians of {} and {} builds", counts[0], counts[1])
        };
        Self { time, cost, sentence: format!("{name} {said} ({basis})") }
    }
}

/// Describes a change; one of less than half a percent counts as none.
fn changed(percent: f64, what: &str) -> String {
    match rounded(percent) {
        0 => format!("the same {what}"),
        by if by < 0 => format!("{} % less {what}", -by),
        by => format!("{by} % more {what}"),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a float that is too large becomes the largest number")]
fn rounded(percent: f64) -> i64 {
    percent.round() as i64
}

/// Returns warnings about a comparison.
#[must_use]
pub fn warnings(comparison: &Comparison) -> Vec<String> {
    let mut warnings = Vec::new();
    let sides = &comparison.gathered.sides;
    for (at, side) in sides.iter().enumerate() {
        let count = side.builds.len();
        if count < FEW {
            let builds = if count == 1 { "only one build".to_owned() } else { format!("only {count} builds") };
            warnings.push(format!("{builds} of {}: the result may be chance; use {FEW} or more", side.name));
        }
        let environments = comparison.environments(at);
        if environments.len() > 1 {
            let list: Vec<String> = environments.iter().map(|(kind, compute)| format!("{kind} {compute}")).collect();
            warnings.push(format!(
                "{} ran on several kinds of compute ({}); `--compute` selects one",
                side.name,
                list.join(", ")
            ));
        }
        for build in side.builds.iter().filter(|build| build.status != Status::Succeeded) {
            warnings.push(format!("{} ended {}: its phases may be cut short", build.id, build.status));
        }
    }
    let computes =
        [0, 1].map(|at| comparison.environments(at).into_iter().map(|(_, size)| size).collect::<BTreeSet<_>>());
    if computes[0] != computes[1] {
        let list = computes.map(|sizes| sizes.into_iter().collect::<Vec<_>>().join(", "));
        warnings.push(format!(
            "the sides ran on different sizes ({} is {}, {} is {}): not only the architecture differs",
            sides[0].name, list[0], sides[1].name, list[1]
        ));
    }
    for cost in &comparison.costs {
        for environment in cost.as_ref().err().into_iter().flatten() {
            warnings.push(match &environment.fleet {
                Some(fleet) => format!(
                    "builds ran on the fleet `{}`, which costs the same whether it builds or not: no price is shown",
                    id_of(fleet)
                ),
                None => format!(
                    "the price of {} {} in {} is unknown, so none is shown; give yours with `--prices`",
                    environment.kind, environment.compute, comparison.gathered.region
                ),
            });
        }
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::build;
    use super::super::{Architecture, Gathered, Prices, Side, compare};
    use super::*;
    use crate::codebuild::Build;

    fn comparison(amd64: &[u64], arm64: &[u64]) -> Comparison {
        let builds = |kind: &str, seconds: &[u64]| -> Vec<Build> {
            seconds.iter().map(|&seconds| build("web:1", kind, &[("QUEUED", 7), ("BUILD", seconds)])).collect()
        };
        let side = |architecture: Architecture, builds| Side {
            name: architecture.to_string(),
            architecture: Some(architecture),
            builds,
        };
        let sides = [
            side(Architecture::Amd64, builds("LINUX_CONTAINER", amd64)),
            side(Architecture::Arm64, builds("ARM_CONTAINER", arm64)),
        ];
        compare(Gathered { region: "us-east-1".to_owned(), sides, tallies: Vec::new() }, &Prices::own())
    }

    #[test]
    fn the_sentence_says_better_worse_and_equal_as_they_are() {
        for (amd64, arm64, expected) in [
            (&[600][..], &[450][..], "arm64 takes 25 % less time and costs 46 % less (one build each)"),
            (
                &[240, 240, 240],
                &[300, 300, 300],
                "arm64 takes 25 % more time but costs 15 % less (medians of 3 and 3 builds)",
            ),
            (&[60, 60], &[120, 120], "arm64 takes 100 % more time and costs 36 % more (medians of 2 and 2 builds)"),
            (&[1000], &[1001], "arm64 takes the same time and costs 32 % less (one build each)"),
            (&[60], &[61], "arm64 takes 2 % more time and costs 36 % more (one build each)"),
            (&[0], &[10], "arm64 cannot be compared: one side took no time (one build each)"),
        ] {
            assert_eq!(Verdict::of(&comparison(amd64, arm64)).sentence, expected);
        }
        let mut unknown = comparison(&[60], &[30]);
        unknown.costs[0] = Err(Vec::new());
        let sentence = Verdict::of(&unknown).sentence;
        assert_eq!(sentence, "arm64 takes 50 % less time; the ratio of prices is unknown (one build each)");
    }

    #[test]
    fn few_builds_and_mixed_compute_are_warned_of() {
        let fine = comparison(&[60, 60, 60], &[60, 60, 60]);
        assert_eq!(warnings(&fine), Vec::<String>::new());
        let few = warnings(&comparison(&[60], &[60, 60]));
        assert_eq!(few.len(), 2, "{few:?}");
        assert!(few[0].starts_with("only one build of amd64"), "{few:?}");
        assert!(few[1].starts_with("only 2 builds of arm64"), "{few:?}");
        let mut mixed = fine.gathered.clone();
        mixed.sides[1].builds[0].environment.compute = "BUILD_GENERAL1_LARGE".to_owned();
        mixed.sides[1].builds[1].status = Status::TimedOut;
        let mixed = warnings(&compare(mixed, &Prices::own()));
        assert_eq!(mixed.len(), 3, "{mixed:?}");
        assert!(mixed[0].starts_with("arm64 ran on several kinds of compute (ARM_CONTAINER BUILD_GENERAL1_LARGE, "));
        assert_eq!(mixed[1], "web:1 ended TIMED_OUT: its phases may be cut short");
        assert!(mixed[2].starts_with("the sides ran on different sizes (amd64 is BUILD_GENERAL1_SMALL, "), "{mixed:?}");
    }

    #[test]
    fn a_price_that_is_missing_is_named() {
        let mut unknown = comparison(&[60, 60, 60], &[60, 60, 60]).gathered;
        unknown.region = "eu-west-1".to_owned();
        let warned = warnings(&compare(unknown, &Prices::own()));
        assert_eq!(warned.len(), 2);
        assert!(warned[0].starts_with("the price of LINUX_CONTAINER BUILD_GENERAL1_SMALL in eu-west-1 is unknown"));
    }

    #[test]
    fn builds_on_a_fleet_have_no_price() {
        let mut own = comparison(&[60, 60, 60], &[60, 60, 60]).gathered;
        let fleet = "arn:aws:codebuild:us-east-1:111122223333:fleet/large:1234";
        own.sides[0].builds[1].environment.fleet = Some(fleet.to_owned());
        let compared = compare(own, &Prices::own());
        assert!(compared.costs[0].is_err() && compared.costs[1].is_ok());
        let warned = warnings(&compared);
        assert!(warned[0].starts_with("builds ran on the fleet `large:1234`, which costs the same"), "{warned:?}");
    }
}
