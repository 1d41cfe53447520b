use super::*;
use crate::codebuild::Build;
use crate::codebuild::compare::fixtures::build;
use crate::codebuild::compare::{Architecture, Gathered, Prices, Side, compare};

fn comparison(region: &str, arm: &str) -> Comparison {
    let one = |kind: &str, queued: u64, install: u64, seconds: u64| -> Build {
        build("web:1", kind, &[("QUEUED", queued), ("PROVISIONING", 5), ("INSTALL", install), ("BUILD", seconds)])
    };
    let side = |own: Architecture, builds| Side { name: own.to_string(), architecture: Some(own), builds };
    let amd64 = [(1, 300), (2, 320), (400, 310)].map(|(queued, seconds)| one("LINUX_CONTAINER", queued, 10, seconds));
    let arm64 = [(1, 220), (2, 240)].map(|(queued, seconds)| one(arm, queued, 0, seconds));
    let sides = [side(Architecture::Amd64, amd64.to_vec()), side(Architecture::Arm64, arm64.to_vec())];
    compare(Gathered { region: region.to_owned(), sides, tallies: Vec::new() }, &Prices::own())
}

#[test]
fn the_table_reads_as_this() {
    let comparison = comparison("us-east-1", "ARM_CONTAINER");
    let title = title(&Subject::Architectures("web".to_owned()), &comparison);
    assert_eq!(
        text(&title, &comparison).plain(),
        "\
web in us-east-1
  amd64: 3 builds on LINUX_CONTAINER BUILD_GENERAL1_SMALL
  arm64: 2 builds on ARM_CONTAINER BUILD_GENERAL1_SMALL

phase            amd64       range                    arm64       range                    ratio
QUEUED           2 s         1 s … 6 min 40 s         1.5 s       1 s … 2 s                not compared
PROVISIONING     5 s                                  5 s                                  1.00
INSTALL          10 s                                 0 s                                  0.00
BUILD            5 min 10 s  5 min 00 s … 5 min 20 s  3 min 50 s  3 min 40 s … 4 min 00 s  0.74
total            5 min 25 s  5 min 15 s … 5 min 35 s  3 min 55 s  3 min 45 s … 4 min 05 s  0.72
billed           6 min 00 s                           4 min 30 s  4 min 00 s … 5 min 00 s  0.75
price per build  $0.0300                              $0.0153     $0.0136 … $0.0170        0.51
1000 builds      $30.00                               $15.30      $13.60 … $17.00

billed: from PROVISIONING to the end, rounded up to minutes, on Lambda to seconds (not verified on a bill; see --help)
list prices of us-east-1, no free tier: https://aws.amazon.com/codebuild/pricing/ (2026)
arm64 takes 28 % less time and costs 49 % less (medians of 3 and 2 builds)
"
    );
}

#[test]
fn without_a_price_none_is_printed() {
    let comparison = comparison("eu-west-1", "ARM_CONTAINER");
    let text = text("web in eu-west-1", &comparison).plain();
    assert!(!text.contains('$') && !text.contains("price per build") && !text.contains("list prices"), "{text}");
    assert!(text.ends_with("arm64 takes 28 % less time; the ratio of prices is unknown (medians of 3 and 2 builds)\n"));
    let value = value(&comparison);
    assert_eq!(
        value["price_per_build"],
        json!({
            "usd": [null, null], "usd_of_1000_builds": [null, null], "ratio": null, "prices": []
        })
    );
}

#[test]
fn a_price_on_one_side_only_stands_there() {
    let comparison = comparison("us-east-1", "ARM_EC2");
    let text = text("web", &comparison).plain();
    let line = text.lines().find(|line| line.starts_with("price per build")).unwrap();
    assert_eq!(line.split_whitespace().collect::<Vec<_>>(), ["price", "per", "build", "$0.0300", "none", "–"]);
}

#[test]
fn programs_read_seconds_dollars_and_ratios() {
    let value = value(&comparison("us-east-1", "ARM_CONTAINER"));
    assert_eq!(value["sides"][1]["architecture"], "arm64");
    assert_eq!(
        value["sides"][0]["environments"],
        json!([{ "type": "LINUX_CONTAINER", "compute_type": "BUILD_GENERAL1_SMALL" }])
    );
    assert_eq!(value["phases"][0]["name"], "QUEUED");
    assert_eq!((&value["phases"][0]["compared"], &value["phases"][0]["ratio"]), (&json!(false), &json!(null)));
    assert_eq!(
        value["phases"][3]["seconds"],
        json!([
            { "builds": 3, "min": 300.0, "median": 310.0, "max": 320.0 },
            { "builds": 2, "min": 220.0, "median": 230.0, "max": 240.0 },
        ])
    );
    assert_eq!(value["price_per_build"]["usd_of_1000_builds"], json!([30.0, 15.3]));
    assert_eq!(value["price_per_build"]["prices"][1]["usd"], 0.0034);
    assert_eq!(
        value["verdict"]["sentence"],
        "arm64 takes 28 % less time and costs 49 % less (medians of 3 and 2 builds)"
    );
    assert!(value["warnings"][0].as_str().unwrap().starts_with("only 2 builds of arm64"));
}
