use roxmltree::{Document, Node};

use super::super::fixtures::build;
use super::super::{Architecture, Gathered, Prices, Side, compare};
use super::*;
use crate::codebuild::Build;

fn comparison(amd64: Vec<Build>, arm64: Vec<Build>) -> Comparison {
    let side = |own: Architecture, builds| Side { name: own.to_string(), architecture: Some(own), builds };
    let sides = [side(Architecture::Amd64, amd64), side(Architecture::Arm64, arm64)];
    compare(Gathered { region: "us-east-1".to_owned(), sides, tallies: Vec::new() }, &Prices::own())
}

fn of(kind: &str, seconds: [u64; 3]) -> Build {
    let [queued, install, build_] = seconds;
    build("web:1", kind, &[("QUEUED", queued), ("INSTALL", install), ("BUILD", build_)])
}

fn number(node: Node<'_, '_>, name: &str) -> i32 {
    node.attribute(name).unwrap().parse().unwrap()
}

/// Returns left end and width of the bars of a side, from above, without the legend.
fn widths(document: &Document<'_>, colour: &str) -> Vec<i32> {
    let bars = document.descendants().filter(|node| node.attribute("fill") == Some(colour));
    bars.filter(|node| number(*node, "x") == LEFT).map(|node| number(node, "width")).collect()
}

#[test]
fn each_phase_has_two_bars_as_long_as_their_medians() {
    let amd64 = [100, 80, 90].map(|seconds| of("LINUX_CONTAINER", [500, 10, seconds])).to_vec();
    let arm64 = [50, 45, 60].map(|seconds| of("ARM_CONTAINER", [1, 20, seconds])).to_vec();
    let text = svg(&comparison(amd64, arm64), "web in us-east-1");
    let document = Document::parse(&text).unwrap();
    // INSTALL, BUILD, total; the queue is not drawn. The axis goes to 120 seconds.
    let scale = |seconds: f64| Scale::up_to(110.0).x(seconds) - LEFT;
    assert_eq!(widths(&document, "#546A8F"), [scale(10.0), scale(90.0), scale(100.0)]);
    assert_eq!(widths(&document, "#E07B16"), [scale(20.0), scale(50.0), scale(70.0)]);
    let texts: Vec<&str> =
        document.descendants().filter(Node::is_text).filter_map(|node| node.text()).map(str::trim).collect();
    for expected in
        ["web in us-east-1", "INSTALL", "BUILD", "total", "amd64 (3 builds)", "seconds", "1 min 40 s", "120"]
    {
        assert!(texts.contains(&expected), "{expected}: {texts:?}");
    }
    assert!(!texts.contains(&"QUEUED"));
    // Two lines of the whole and four ends for each value that varies: BUILD and total of both sides.
    let whiskers = document.descendants().filter(|node| node.attribute("stroke") == Some("#2A2F36")).count();
    assert_eq!(whiskers, 4 * 3);
}

#[test]
fn the_same_comparison_gives_the_same_bytes_and_names_no_font_file() {
    let one = || comparison(vec![of("LINUX_CONTAINER", [0, 1, 2])], vec![of("ARM_CONTAINER", [0, 1, 2])]);
    let text = svg(&one(), "web");
    assert_eq!(text, svg(&one(), "web"));
    assert!(!text.contains("href") && !text.contains("@import") && !text.contains("@font-face"), "{text}");
    assert!(text.contains("font-family=\"sans-serif\""));
    assert!(text.len() < 15_000, "{}", text.len());
}

#[test]
fn a_missing_phase_a_zero_and_a_hostile_name_are_drawn() {
    let amd64 = build("web:1", "LINUX_CONTAINER", &[("INSTALL", 0), ("BUILD", 4000)]);
    let arm64 = build("web:2", "ARM_CONTAINER", &[("<b>&\u{1b}\"", 3), ("BUILD", 3000)]);
    let text = svg(&comparison(vec![amd64], vec![arm64]), "a <title> & \u{7} more");
    let document = Document::parse(&text).unwrap();
    let texts: Vec<&str> =
        document.descendants().filter(Node::is_text).filter_map(|node| node.text()).map(str::trim).collect();
    assert_eq!(texts.iter().filter(|text| **text == "none").count(), 2, "{texts:?}");
    assert!(
        texts.contains(&"<b>&\"") && texts.contains(&"a <title> &  more") && texts.contains(&"minutes"),
        "{texts:?}"
    );
    assert_eq!(widths(&document, "#546A8F")[0], 1);
    assert!(
        document.descendants().filter(|node| node.tag_name().name() == "rect").all(|bar| number(bar, "width") >= 0)
    );
}

#[test]
fn an_axis_has_few_marks_whatever_the_length() {
    for most in [1.0, 7.0, 59.0, 61.0, 180.0, 181.0, 900.0, 5000.0, 130_000.0] {
        let scale = Scale::up_to(most);
        let marks = scale.marks();
        assert!((4..=9).contains(&marks.len()), "{most}: {marks:?}");
        assert!(scale.end >= most && marks.last().unwrap().0 >= most, "{most}: {marks:?}");
    }
}
