//! The buildspec of the article "Building .NET 7 Applications with AWS CodeBuild", as it is printed on the web page.

use toolkit::format::Source;
use toolkit::lint::{self, Target};

/// The lines as the page prints them: en dashes for hyphens, and no indentation left.
const PRINTED: &str = "\
version: 0.2
phases:
install:
commands:
– curl -sSL https://dot.net/v1/dotnet-install.sh | bash /dev/stdin –channel STS
build:
commands:
– dotnet restore Net7TestApp/Net7TestApp.sln
– dotnet build Net7TestApp/Net7TestApp.sln
";

/// The same with its indentation and list dashes restored, as somebody would who types it in and pastes the commands.
const RESTORED: &str = "\
version: 0.2
phases:
  install:
    commands:
      - curl -sSL https://dot.net/v1/dotnet-install.sh | bash /dev/stdin –channel STS
  build:
    commands:
      - dotnet restore Net7TestApp/Net7TestApp.sln
      - dotnet build Net7TestApp/Net7TestApp.sln
";

/// What one would write today, by the images' own runtimes.
const TODAY: &str = "\
version: 0.2
phases:
  install:
    runtime-versions:
      dotnet: \"10.0\"
  build:
    commands:
      - dotnet restore TestApp/TestApp.sln
      - dotnet build TestApp/TestApp.sln
";

fn found(text: &str) -> Vec<(&'static str, usize)> {
    let source = Source::new("buildspec.yml", text);
    let findings = lint::check(&source, Target::Buildspec, &super::setting());
    findings.iter().map(|finding| (finding.rule.id, finding.start.line)).collect()
}

/// Where each defect is: the dashes of the list, that of the option, the floating channel, the script without a digest,
/// and .NET 7, which ended in 2024.
const DEFECTS: &[(&str, usize)] = &[("TK006", 5), ("TK125", 5), ("TK126", 5), ("TK129", 8), ("TK129", 9)];

#[test]
fn every_defect_of_the_printed_article_is_found_at_its_line() {
    let found = found(PRINTED);
    let lost = [
        ("TK108", 2),
        ("TK106", 3),
        ("TK005", 5),
        ("TK106", 6),
        ("TK003", 7),
        ("TK106", 7),
        ("TK005", 8),
        ("TK005", 9),
    ];
    let mut expected: Vec<_> = DEFECTS.iter().copied().chain(lost).collect();
    expected.sort_by_key(|(rule, line)| (*line, *rule));
    let mut found = found;
    found.sort_by_key(|(rule, line)| (*line, *rule));
    assert_eq!(found, expected);
}

#[test]
fn every_defect_of_the_restored_article_is_found_at_its_line() {
    let mut found = found(RESTORED);
    found.sort_by_key(|(rule, line)| (*line, *rule));
    assert_eq!(found, DEFECTS);
}

#[test]
fn the_article_as_one_would_write_it_today_is_clean() {
    assert_eq!(found(TODAY), []);
}
