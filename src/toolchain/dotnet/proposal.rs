//! What a .NET project shows about its pipeline: where its solution is, what its tests run on, which runtimes they need.

use std::collections::BTreeSet;

use jsonc_parser::ast::{Object, ObjectProp, Value};

use super::{ASPNETCORE, RUNTIME, settings};
use crate::toolchain::{Look, Proposal, UsualPipeline};

/// Adapts the usual pipeline to a project.
pub(super) fn propose(usual: &UsualPipeline, look: &Look<'_>) -> Proposal {
    let mut proposal = Proposal::usual(usual);
    proposal.directory = directory(look);
    let file = match &proposal.directory {
        Some(folder) if look.files.contains(&format!("{folder}/global.json")) => format!("{folder}/global.json"),
        _ => "global.json".to_owned(),
    };
    let global_json = look.files.contains(&file).then(|| (look.read)(&file)).flatten().unwrap_or_default();
    adapt_to_global_json(&global_json, &mut proposal);
    adapt_to_frameworks(look, &mut proposal);
    proposal
}

/// Returns the folder of the only solution, or without one of the only project, where it is not the project's own.
fn directory(look: &Look<'_>) -> Option<String> {
    let solutions = look.ending(&[".sln", ".slnx"]);
    let found = if solutions.is_empty() { look.ending(&[".csproj", ".fsproj", ".vbproj"]) } else { solutions };
    let folders: BTreeSet<&str> =
        found.iter().map(|file| file.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
    match folders.into_iter().collect::<Vec<_>>()[..] {
        [folder] if !folder.is_empty() => Some(folder.to_owned()),
        _ => None,
    }
}

/// Reads what a `global.json` says beside the version of the SDK.
fn adapt_to_global_json(text: &str, proposal: &mut Proposal) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Ok(root) = settings::parse(text, true) else { return };
    // With this runner `dotnet test` of SDK 10 refuses the options of VSTest, such as `--logger`
    // (<https://learn.microsoft.com/dotnet/core/tools/dotnet-test-mtp>).
    if text_of(&root, "test", "runner").is_some_and(|runner| runner.eq_ignore_ascii_case("Microsoft.Testing.Platform"))
    {
        proposal.test = vec![
            "dotnet test --no-build --configuration Release --report-trx --results-directory test-results".to_owned(),
        ];
        proposal.notes.push(
            "global.json chooses Microsoft.Testing.Platform: `--report-trx` needs the package \
             Microsoft.Testing.Extensions.TrxReport in each test project"
                .to_owned(),
        );
    }
    if let Some(version) = text_of(&root, "sdk", "workloadVersion") {
        proposal.restore.insert(0, "dotnet workload restore".to_owned());
        proposal.notes.push(format!(
            "global.json names workload set {version}, which toolkit does not install: `dotnet workload restore` does"
        ));
    }
}

fn text_of(root: &Object<'_>, part: &str, key: &str) -> Option<String> {
    let ObjectProp { value: Value::Object(part), .. } = root.get(part)? else { return None };
    let ObjectProp { value: Value::StringLit(text), .. } = part.get(key)? else { return None };
    Some(text.value.to_string())
}

/// Reads which frameworks the projects build for: the SDK brings the runtime of the newest, tests of the others need theirs.
fn adapt_to_frameworks(look: &Look<'_>, proposal: &mut Proposal) {
    let (mut frameworks, mut web) = (BTreeSet::new(), false);
    for file in look.ending(&[".csproj", ".fsproj", ".vbproj", "Directory.Build.props"]) {
        let Some(text) = (look.read)(file) else { continue };
        web |= text.contains("Microsoft.NET.Sdk.Web");
        frameworks.extend(frameworks_of(&text));
    }
    let Some((major, minor)) = frameworks.pop_last() else { return };
    proposal.channel = Some(format!("{major}.{minor}"));
    if !frameworks.is_empty() {
        let runtime = if web { &ASPNETCORE } else { &RUNTIME };
        let lines = frameworks.iter().map(|(major, minor)| format!("{major}.{minor}")).collect();
        proposal.others.push((runtime.card.name, lines));
    }
}

/// Lists the frameworks of `<TargetFramework>` and `<TargetFrameworks>`: `net8.0;net10.0-windows`. Those of .NET Framework and
/// .NET Standard have no runtime here.
fn frameworks_of(text: &str) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    for name in ["<TargetFramework>", "<TargetFrameworks>"] {
        for part in text.split(name).skip(1) {
            let list = part.split('<').next().unwrap_or_default();
            found.extend(list.split(';').filter_map(|one| framework(one.trim())));
        }
    }
    found
}

fn framework(name: &str) -> Option<(u64, u64)> {
    let numbers = name.strip_prefix("netcoreapp").or_else(|| name.strip_prefix("net"))?;
    let (major, minor) = numbers.split('-').next()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?)).filter(|(major, _)| *major >= 2)
}

#[cfg(test)]
mod tests {
    use super::super::SDK;
    use super::*;

    fn proposed(files: &[(&str, &str)]) -> Proposal {
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let read = |name: &str| files.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        propose(&SDK.card.pipeline, &Look { files: &names, read: &read })
    }

    #[test]
    fn the_test_runner_of_global_json_decides_how_tests_are_reported() {
        let usual = proposed(&[("App.sln", ""), ("global.json", "{\"sdk\": {\"version\": \"10.0.100\"}}")]);
        assert!(usual.test[0].contains("--logger trx") && usual.notes.is_empty(), "{usual:?}");
        for runner in ["Microsoft.Testing.Platform", "microsoft.testing.platform"] {
            let text = format!("// x\n{{\"test\": {{\"runner\": \"{runner}\"}},}}");
            let found = proposed(&[("App.sln", ""), ("global.json", &text)]);
            assert!(found.test[0].contains("--report-trx") && !found.test[0].contains("--logger"), "{found:?}");
        }
        let other = proposed(&[("global.json", "{\"test\": {\"runner\": \"VSTest\"}}")]);
        assert_eq!(other.test, usual.test);
        assert_eq!(proposed(&[("global.json", "{")]).test, usual.test, "a broken file is not our business here");
    }

    #[test]
    fn a_workload_set_is_restored_first() {
        let text = "{\"sdk\": {\"version\": \"10.0.100\", \"workloadVersion\": \"10.0.100\"}}";
        let found = proposed(&[("App.sln", ""), ("global.json", text)]);
        assert_eq!(found.restore, ["dotnet workload restore", "dotnet restore"]);
        assert!(found.notes[0].contains("workload set 10.0.100"), "{found:?}");
    }

    #[test]
    fn commands_run_where_the_only_solution_is() {
        for (files, expected) in [
            (&["App.sln", "src/Other.sln"][..], None),
            (&["src/App.slnx", "src/App/App.csproj"], Some("src")),
            (&["src/App/App.csproj"], Some("src/App")),
            (&["a/A.sln", "b/B.sln"], None),
            (&["App.csproj"], None),
        ] {
            let files: Vec<_> = files.iter().map(|name| (*name, "")).collect();
            assert_eq!(proposed(&files).directory.as_deref(), expected, "{files:?}");
        }
        let runner = "{\"test\": {\"runner\": \"Microsoft.Testing.Platform\"}}";
        let found = proposed(&[("src/App.sln", ""), ("src/global.json", runner)]);
        assert!(found.test[0].contains("--report-trx"), "{found:?}");
    }

    #[test]
    fn each_target_framework_has_its_runtime() {
        let several = "<Project Sdk=\"Microsoft.NET.Sdk\"><TargetFrameworks>net8.0; net10.0-windows;netstandard2.0;net48\
                       </TargetFrameworks></Project>";
        let found = proposed(&[("a/A.csproj", several), ("b/B.csproj", "<TargetFramework>net9.0</TargetFramework>")]);
        assert_eq!(found.channel.as_deref(), Some("10.0"));
        assert_eq!(found.others, [("dotnet-runtime", vec!["8.0".to_owned(), "9.0".to_owned()])]);
        let web = several.replace("NET.Sdk\"", "NET.Sdk.Web\"");
        assert_eq!(proposed(&[("A.csproj", &web)]).others, [("aspnetcore-runtime", vec!["8.0".to_owned()])]);
        let one = proposed(&[("A.csproj", "<TargetFramework>net8.0</TargetFramework>")]);
        assert_eq!((one.channel.as_deref(), one.others.len()), (Some("8.0"), 0));
        assert_eq!(proposed(&[("A.csproj", "<TargetFramework>$(X)</TargetFramework>")]).channel, None);
    }
}
