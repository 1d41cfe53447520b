//! Notes about the differences from CodeBuild, written once before the build.

use super::{Build, Log, Spec, shell, user};
use crate::format::buildspec::{Buildspec, Pair};
use crate::host::Host;

/// The programs of runtimes.
const PROGRAMS: &[(&str, &str)] = &[
    ("dotnet", "dotnet"),
    ("golang", "go"),
    ("java", "java"),
    ("nodejs", "node"),
    ("php", "php"),
    ("python", "python3"),
    ("ruby", "ruby"),
    ("rust", "rustc"),
];

/// Programs that exist only on CodeBuild's machines.
const ONLY_THERE: &[&str] = &["codebuild-breakpoint", "codebuild-tests-run", "codebuild-glob-search"];

pub(super) fn say(spec: &Spec, build: &Build, host: &Host, log: &mut Log) {
    log.of_build(build.identifier.as_deref());
    for note in of(&spec.buildspec, build, host) {
        log.note(&note);
    }
}

pub(super) fn of(buildspec: &Buildspec, build: &Build, host: &Host) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(machine) = &build.machine {
        notes.push(format!(
            "CodeBuild would run this build on {machine}; here it runs on this machine, {}",
            host.platform
        ));
    }
    notes.extend(buildspec.phases.iter().flat_map(|phase| &phase.runtimes).map(|pair| runtime(pair, host)));
    if buildspec.env.git_credential_helper {
        notes.push("`git-credential-helper` is ignored: Git uses this machine's credentials".to_owned());
    }
    if buildspec.proxy.upload_artifacts || buildspec.proxy.logs {
        notes.push("`proxy` is ignored: nothing is uploaded".to_owned());
    }
    let users = buildspec.run_as.iter().chain(buildspec.phases.iter().filter_map(|phase| phase.run_as.as_ref()));
    let mut users: Vec<&str> = users.map(|user| user.text.as_str()).collect();
    users.sort_unstable();
    users.dedup();
    if !users.is_empty() && !user::is_root() {
        notes.push(format!(
            "`run-as: {}` is ignored: only root can switch users, and all commands run as the current user",
            users.join("`, `run-as: ")
        ));
    }
    for program in ONLY_THERE {
        let called = buildspec.commands().any(|(_, command)| command.text.contains(program));
        if called && shell::find(program, host).is_none() {
            notes.push(format!("`{program}` exists only on CodeBuild's machines"));
        }
    }
    if buildspec.artifacts.as_ref().is_some_and(|artifacts| artifacts.s3_prefix.is_some()) {
        notes.push("`s3-prefix` is ignored: nothing is uploaded".to_owned());
    }
    notes
}

fn runtime(pair: &Pair, host: &Host) -> String {
    let (name, version) = (&pair.key.text, &pair.value.text);
    let program = PROGRAMS.iter().find(|(runtime, _)| runtime == name).map_or(name.as_str(), |(_, program)| program);
    let here = match shell::find(program, host) {
        Some(path) => format!("`{program}` is {}", path.display()),
        None => format!("no `{program}` is on PATH"),
    };
    format!("`runtime-versions` requests {name} {version}, which only CodeBuild's images can switch to; here {here}")
}
