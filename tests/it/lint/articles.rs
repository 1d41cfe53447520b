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

#[test]
fn the_printed_article_is_no_yaml_and_ends_where_its_indentation_does() {
    let found = found(PRINTED);
    assert!(found.iter().any(|(rule, line)| *rule == "TK001" && (4..=6).contains(line)), "{found:?}");
}

#[test]
fn every_defect_of_the_restored_article_is_found_at_its_line() {
    let found = found(RESTORED);
    for (rule, line, defect) in [
        ("TK125", 5, "a script from the network, without a digest"),
        ("TK126", 5, "a floating channel"),
        ("TK129", 8, ".NET 7, which ended in 2024"),
        ("TK129", 9, ".NET 7, which ended in 2024"),
    ] {
        assert!(found.contains(&(rule, line)), "{defect}: no {rule} on line {line} in {found:?}");
    }
    let here = found.iter().filter(|(rule, _)| rule.starts_with("TK1") || rule.starts_with("TK2")).count();
    assert_eq!(here, 4, "{found:?}");
}

#[test]
fn the_article_as_one_would_write_it_today_is_clean() {
    assert_eq!(found(TODAY), []);
}
