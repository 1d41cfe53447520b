//! A comparison as people and programs read it.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::render;
use crate::cli::styled::Styled;
use crate::codebuild::compare::{
    Architecture, Comparison, Cost, Line, Price, RULE, Spread, Subject, Verdict, dollars, duration_text, warnings,
};

/// Names the comparison: `web in us-east-1`.
pub(super) fn title(subject: &Subject, comparison: &Comparison) -> String {
    let what = match subject {
        Subject::Architectures(project) => project.clone(),
        Subject::Projects([first, second]) | Subject::Builds([first, second]) => format!("{first} and {second}"),
    };
    format!("{what} in {}", comparison.gathered.region)
}

/// Lays a comparison out for people.
pub(super) fn text(title: &str, comparison: &Comparison) -> Styled {
    let mut text = Styled::from(format!("{title}\n"));
    for (at, side) in comparison.gathered.sides.iter().enumerate() {
        let environments: Vec<String> =
            comparison.environments(at).iter().map(|(kind, compute)| format!("{kind} {compute}")).collect();
        let count = side.builds.len();
        let builds = if count == 1 { "build" } else { "builds" };
        text.push(format!("  {}: {count} {builds} on {}\n", side.name, environments.join(", ")));
    }
    let names = comparison.gathered.sides.each_ref().map(|side| side.name.as_str());
    let header = ["phase", names[0], "range", names[1], "range", "ratio"];
    text = text + "\n" + render::table(&header, &rows(comparison)) + "\n";
    for note in notes(comparison) {
        text.push(format!("{note}\n"));
    }
    text.push(format!("{}\n", Verdict::of(comparison).sentence));
    text
}

fn rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let seconds = |seconds: f64| duration_text(Duration::from_secs_f64(seconds));
    let lines = comparison.phases.iter().chain([&comparison.total, &comparison.billed]);
    let mut rows: Vec<Vec<String>> = lines
        .map(|line| {
            let ratio = if line.compared { ratio(line.ratio()) } else { "not compared".to_owned() };
            row(&line.name, line.values, &seconds, ratio)
        })
        .collect();
    let costs = comparison.costs.each_ref().map(|cost| cost.as_ref().ok().map(|cost| cost.dollars));
    if costs.iter().any(Option::is_some) {
        rows.push(row("price per build", costs, &dollars, ratio(comparison.cost_ratio())));
        let thousand = costs.map(|cost| {
            cost.map(|cost| Spread {
                median: cost.median * 1000.0,
                least: cost.least * 1000.0,
                most: cost.most * 1000.0,
                ..cost
            })
        });
        rows.push(row("1000 builds", thousand, &dollars, String::new()));
    }
    rows
}

fn row(name: &str, values: [Option<Spread>; 2], say: &dyn Fn(f64) -> String, ratio: String) -> Vec<String> {
    let mut cells = vec![name.to_owned()];
    for value in values {
        match value {
            Some(value) if value.least < value.most => {
                cells.extend([say(value.median), format!("{} … {}", say(value.least), say(value.most))]);
            }
            Some(value) => cells.extend([say(value.median), String::new()]),
            None => cells.extend(["none".to_owned(), String::new()]),
        }
    }
    cells.push(ratio);
    cells
}

fn ratio(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.2}"))
}

/// Describes the billing rule and the prices behind the costs.
fn notes(comparison: &Comparison) -> Vec<String> {
    let prices = prices(comparison);
    if prices.is_empty() {
        return Vec::new();
    }
    let mut notes = vec![format!("billed: {RULE} (not verified on a bill; see --help)")];
    let mut sources: Vec<String> = Vec::new();
    for Price { source, date, .. } in prices {
        let said = format!("{source} ({date})");
        if !sources.contains(&said) {
            sources.push(said);
        }
    }
    notes.push(format!("list prices of {}, no free tier: {}", comparison.gathered.region, sources.join("; ")));
    notes
}

fn prices(comparison: &Comparison) -> Vec<&Price> {
    comparison.costs.iter().flatten().flat_map(|cost| &cost.prices).collect()
}

/// Returns everything for programs.
pub(super) fn value(comparison: &Comparison) -> Value {
    let verdict = Verdict::of(comparison);
    let sides = [0, 1].map(|at| side(comparison, at));
    json!({
        "region": comparison.gathered.region,
        "sides": sides,
        "looked_at": comparison.gathered.tallies.iter().map(|tally| json!({
            "project": tally.project,
            "builds": tally.looked,
            "left_out": tally.left_out.iter().map(|(reason, count)| (reason.key().to_owned(), json!(count)))
                .collect::<serde_json::Map<_, _>>(),
            "more": tally.more,
        })).collect::<Vec<_>>(),
        "phases": comparison.phases.iter().map(line).collect::<Vec<_>>(),
        "total": line(&comparison.total),
        "billed": line(&comparison.billed),
        "billing_rule": RULE,
        "price_per_build": {
            "usd": comparison.costs.each_ref().map(|cost| cost.as_ref().ok().map(|cost| spread(cost.dollars))),
            "usd_of_1000_builds": comparison.costs.each_ref().map(|cost| cost.as_ref().ok().map(thousand)),
            "ratio": comparison.cost_ratio(),
            "prices": prices(comparison).into_iter().map(price).collect::<Vec<_>>(),
        },
        "verdict": { "time_percent": verdict.time, "price_percent": verdict.cost, "sentence": verdict.sentence },
        "warnings": warnings(comparison),
    })
}

fn side(comparison: &Comparison, at: usize) -> Value {
    let side = &comparison.gathered.sides[at];
    let environments = comparison.environments(at);
    json!({
        "name": side.name,
        "architecture": side.architecture.map(Architecture::as_str),
        "environments": environments.iter().map(|(kind, compute)| json!({ "type": kind, "compute_type": compute }))
            .collect::<Vec<_>>(),
        "builds": side.builds.iter().map(|build| &build.id).collect::<Vec<_>>(),
    })
}

fn line(line: &Line) -> Value {
    json!({
        "name": line.name, "compared": line.compared, "seconds": line.values.map(|value| value.map(spread)),
        "ratio": line.ratio(),
    })
}

fn spread(spread: Spread) -> Value {
    json!({ "builds": spread.count, "min": spread.least, "median": spread.median, "max": spread.most })
}

fn thousand(cost: &Cost) -> f64 {
    // Whole cents: what lies behind them is not what anybody pays.
    (cost.dollars.median * 100_000.0).round() / 100.0
}

fn price(price: &Price) -> Value {
    json!({
        "usd": price.usd, "per": price.unit.as_str(), "source": price.source, "date": price.date, "seen": price.seen,
    })
}

#[cfg(test)]
mod tests;
