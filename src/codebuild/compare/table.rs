//! The table of a comparison: a line per phase, the total, the cost, and the ratio of the medians.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::build::{Build, Environment};
use super::billing::{billed, length, waits, work};
use super::{Gathered, Price, Prices, Spread};

/// The phases in the order in which they run
/// (<https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildPhase.html>). COMPLETED takes no time.
const PHASES: &[&str] = &[
    "SUBMITTED",
    "QUEUED",
    "PROVISIONING",
    "DOWNLOAD_SOURCE",
    "INSTALL",
    "PRE_BUILD",
    "BUILD",
    "POST_BUILD",
    "UPLOAD_ARTIFACTS",
    "FINALIZING",
];

/// A value for each side.
pub type Pair<T> = [T; 2];

/// Values of both sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The name of the line: `BUILD`.
    pub name: String,
    /// True if the values depend on the machine; time in a queue does not.
    pub compared: bool,
    /// The values in seconds; none for a side without any.
    pub values: Pair<Option<Spread>>,
}

impl Line {
    /// Returns the second median divided by the first; none if one is missing, if the first is zero, or if the line is
    /// not compared.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        if self.compared { ratio(self.values) } else { None }
    }
}

/// The cost of the builds of one side.
#[derive(Debug, Clone, PartialEq)]
pub struct Cost {
    /// US dollars per build.
    pub dollars: Spread,
    /// The prices that were used.
    pub prices: Vec<Price>,
}

/// A comparison of the builds of two sides.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    pub gathered: Gathered,
    /// The phases, in their order.
    pub phases: Vec<Line>,
    /// From PROVISIONING to the end.
    pub total: Line,
    /// What is paid for.
    pub billed: Line,
    /// The cost of each side, or the environments without a price.
    pub costs: Pair<Result<Cost, Vec<Environment>>>,
}

impl Comparison {
    /// Returns the ratio of the costs.
    #[must_use]
    pub fn cost_ratio(&self) -> Option<f64> {
        ratio(self.costs.each_ref().map(|cost| cost.as_ref().ok().map(|cost| cost.dollars)))
    }

    /// Returns the distinct environments of a side: type and compute type.
    #[must_use]
    pub fn environments(&self, side: usize) -> Vec<(&str, &str)> {
        let of = |build: &'_ Build| (build.environment.kind.clone(), build.environment.compute.clone());
        let builds = &self.gathered.sides[side].builds;
        let mut seen = BTreeSet::new();
        let first = builds.iter().filter(|build| seen.insert(of(build)));
        first.map(|build| (build.environment.kind.as_str(), build.environment.compute.as_str())).collect()
    }
}

#[must_use]
pub fn compare(gathered: Gathered, prices: &Prices) -> Comparison {
    let sides = gathered.sides.each_ref().map(|side| side.builds.as_slice());
    let line = |name: &str, value: &dyn Fn(&Build) -> Option<Duration>| Line {
        name: name.to_owned(),
        compared: !waits(name),
        values: sides.map(|builds| Spread::of_durations(builds.iter().filter_map(value))),
    };
    let phases = names(&sides).iter().map(|name| line(name, &|build| phase(build, name))).collect();
    let total = line("total", &|build| Some(work(build)));
    let billed = line("billed", &|build| Some(billed(build)));
    let costs = sides.map(|builds| cost(builds, &gathered.region, prices));
    Comparison { phases, total, billed, costs, gathered }
}

/// Returns the phases of all builds in the order in which they run; unknown phases come last.
fn names(sides: &Pair<&[Build]>) -> Vec<String> {
    let all = || sides.iter().flat_map(|builds| builds.iter()).flat_map(|build| build.phases.iter());
    let timed = |name: &str| all().any(|phase| phase.name == name && length(phase).is_some());
    let mut names: Vec<String> = PHASES.iter().filter(|name| timed(name)).map(|name| (*name).to_owned()).collect();
    for phase in all() {
        if length(phase).is_some() && !names.contains(&phase.name) {
            names.push(phase.name.clone());
        }
    }
    names
}

/// Returns how long a build was in a phase; the sum if the phase ran several times, as after a RETRY.
fn phase(build: &Build, name: &str) -> Option<Duration> {
    let own = build.phases.iter().filter(|phase| phase.name == name).filter_map(length);
    own.fold(None, |sum: Option<Duration>, one| Some(sum.unwrap_or_default() + one))
}

fn cost(builds: &[Build], region: &str, prices: &Prices) -> Result<Cost, Vec<Environment>> {
    let (mut dollars, mut used, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for build in builds {
        match prices.find(region, &build.environment) {
            Some(price) => {
                dollars.push(price.of(build));
                if !used.contains(&price) {
                    used.push(price);
                }
            }
            None => {
                let same = |other: &Environment| {
                    let Environment { kind, compute, fleet, .. } = &build.environment;
                    (&other.kind, &other.compute, &other.fleet) == (kind, compute, fleet)
                };
                if !unknown.iter().any(same) {
                    unknown.push(build.environment.clone());
                }
            }
        }
    }
    match Spread::of(dollars) {
        Some(dollars) if unknown.is_empty() => Ok(Cost { dollars, prices: used }),
        _ => Err(unknown),
    }
}

fn ratio([first, second]: Pair<Option<Spread>>) -> Option<f64> {
    let (first, second) = (first?.median, second?.median);
    (first > 0.0).then(|| second / first)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::build;
    use super::super::{Architecture, Side};
    use super::*;

    fn gathered(amd64: Vec<Build>, arm64: Vec<Build>) -> Gathered {
        let side = |architecture: Architecture, builds| Side {
            name: architecture.to_string(),
            architecture: Some(architecture),
            builds,
        };
        Gathered {
            region: "us-east-1".to_owned(),
            sides: [side(Architecture::Amd64, amd64), side(Architecture::Arm64, arm64)],
            tallies: Vec::new(),
        }
    }

    fn medians(line: &Line) -> Pair<Option<f64>> {
        line.values.map(|value| value.map(|value| value.median))
    }

    #[test]
    fn phases_stand_in_their_order_with_medians_and_ratios() {
        let comparison = compare(
            gathered(
                vec![
                    build("web:1", "LINUX_CONTAINER", &[("QUEUED", 2), ("BUILD", 100), ("POST_BUILD", 8)]),
                    build("web:2", "LINUX_CONTAINER", &[("QUEUED", 90), ("BUILD", 140), ("POST_BUILD", 0)]),
                ],
                vec![build("web:3", "ARM_CONTAINER", &[("QUEUED", 1), ("INSTALL", 5), ("BUILD", 90), ("NEW", 3)])],
            ),
            &Prices::own(),
        );
        let lines: Vec<_> =
            comparison.phases.iter().map(|line| (line.name.as_str(), medians(line), line.ratio())).collect();
        assert_eq!(
            lines,
            [
                ("QUEUED", [Some(46.0), Some(1.0)], None),
                ("INSTALL", [None, Some(5.0)], None),
                ("BUILD", [Some(120.0), Some(90.0)], Some(0.75)),
                ("POST_BUILD", [Some(4.0), None], None),
                ("NEW", [None, Some(3.0)], None),
            ]
        );
        // Without the queue: 108 and 140 seconds, 98 seconds.
        assert_eq!(medians(&comparison.total), [Some(124.0), Some(98.0)]);
        assert_eq!(medians(&comparison.billed), [Some(150.0), Some(120.0)]);
        let dollars = comparison.costs.each_ref().map(|cost| cost.as_ref().unwrap().dollars.median);
        assert!((dollars[0] - 0.0125).abs() < 1e-9 && (dollars[1] - 0.0068).abs() < 1e-9, "{dollars:?}");
        assert!((comparison.cost_ratio().unwrap() - 0.544).abs() < 1e-9);
    }

    #[test]
    fn a_phase_that_ran_again_counts_with_all_of_its_times() {
        let again = [("BUILD", 10), ("BUILD", 12), ("POST_BUILD", 1)];
        let comparison = compare(
            gathered(vec![build("web:1", "LINUX_CONTAINER", &again)], vec![build("web:2", "ARM_CONTAINER", &again)]),
            &Prices::own(),
        );
        assert_eq!(medians(&comparison.phases[0]), [Some(22.0), Some(22.0)]);
        assert_eq!(comparison.phases[0].ratio(), Some(1.0));
    }

    #[test]
    fn nothing_is_divided_by_nothing() {
        let none = [("BUILD", 0)];
        let comparison = compare(
            gathered(vec![build("web:1", "LINUX_CONTAINER", &none)], vec![build("web:2", "ARM_CONTAINER", &none)]),
            &Prices::own(),
        );
        assert_eq!(
            (comparison.phases[0].ratio(), comparison.total.ratio(), comparison.cost_ratio()),
            (None, None, None)
        );
    }

    #[test]
    fn a_side_with_one_unknown_price_has_none() {
        let phases = [("BUILD", 10)];
        let mut odd = build("web:2", "ARM_CONTAINER", &phases);
        odd.environment.compute = "BUILD_GENERAL1_2XLARGE".to_owned();
        let comparison = compare(
            gathered(
                vec![build("web:1", "LINUX_CONTAINER", &phases)],
                vec![build("web:3", "ARM_CONTAINER", &phases), odd.clone(), odd.clone()],
            ),
            &Prices::own(),
        );
        assert!(comparison.costs[0].is_ok());
        assert_eq!(comparison.costs[1], Err(vec![odd.environment]));
        assert_eq!(comparison.cost_ratio(), None);
        assert_eq!(comparison.environments(1).len(), 2);
    }
}
