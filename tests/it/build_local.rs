//! `toolkit build local`: what runs, in which order, and what it leaves behind, by small buildspecs.

#[cfg(feature = "aws")]
mod amazon;
mod batches;
mod endings;
mod outputs;
mod phases;
mod projects;
mod shells;
mod values;

use tempfile::TempDir;

use crate::support::world::{Run, World};

/// A small buildspec, how the command is called, and what happens.
pub struct Case {
    /// What follows `version: 0.2`, unless it begins with `version`.
    pub spec: &'static str,
    pub arguments: &'static [&'static str],
    pub code: i32,
    /// The phases that ran commands, what the commands said behind `:`, and `!` behind what failed.
    pub trace: &'static str,
}

pub const fn case(spec: &'static str, code: i32, trace: &'static str) -> Case {
    Case { spec, arguments: &[], code, trace }
}

/// Runs every case in a world of its own.
pub fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for case in cases {
        let place = Place::new(case.spec);
        let run = place.run(case.arguments);
        let found = trace(&run.stdout);
        if run.code != Some(case.code) || found != case.trace {
            wrong.push(format!(
                "{}\nexpected {} {}\nfound    {:?} {found}\n{}{}",
                case.spec, case.code, case.trace, run.code, run.stdout, run.stderr
            ));
        }
        place.is_clean();
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n----\n"));
}

/// A project with a buildspec, and a folder for what is temporary.
pub struct Place {
    pub world: World,
    temp: TempDir,
}

impl Place {
    pub fn new(spec: &str) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let world = World::new().with("TMPDIR", temp.path().to_str().unwrap());
        let text = if spec.starts_with("version") { spec.to_owned() } else { format!("version: 0.2\n{spec}") };
        world.write("buildspec.yml", &text);
        Self { world, temp }
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut whole = vec!["build", "local"];
        whole.extend(arguments);
        self.world.run(&whole)
    }

    /// Checks that nothing temporary is left.
    pub fn is_clean(&self) {
        let left: Vec<_> = std::fs::read_dir(self.temp.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }

    /// Returns the folder for what is temporary.
    pub fn temp(&self) -> &std::path::Path {
        self.temp.path()
    }

    /// Returns the folder of the build that runs.
    pub fn begun(&self) -> Option<std::path::PathBuf> {
        Some(std::fs::read_dir(self.temp.path()).unwrap().next()?.unwrap().path())
    }

    /// Returns true if anything temporary is there.
    pub fn is_busy(&self) -> bool {
        std::fs::read_dir(self.temp.path()).unwrap().next().is_some()
    }
}

/// Takes from a log what a case names.
pub fn trace(log: &str) -> String {
    let (mut words, mut phase, mut shown) = (Vec::new(), "", "");
    for line in log.lines() {
        let line = line.split_once("] ").filter(|_| line.starts_with("[b:")).map_or(line, |(_, rest)| rest);
        let said = line.strip_prefix("[Container] ").and_then(|rest| rest.splitn(3, ' ').nth(2));
        match said {
            Some(said) if said.starts_with("Entering phase ") => {
                (phase, shown) = (said.trim_start_matches("Entering phase "), "");
            }
            Some(said) if said.starts_with("Running command ") && shown != phase => {
                shown = phase;
                words.push(phase.to_owned());
            }
            Some(said) if said.starts_with("Phase complete: ") => {
                let (name, state) = said.trim_start_matches("Phase complete: ").split_once(" State: ").unwrap();
                if state != "SUCCEEDED" {
                    words.push(format!("{name}!"));
                } else if name == "UPLOAD_ARTIFACTS" {
                    words.push("UPLOAD".to_owned());
                }
            }
            None if line.starts_with(':') => words.push(line.to_owned()),
            _ => {}
        }
    }
    words.join(" ").replace("UPLOAD_ARTIFACTS!", "UPLOAD!")
}
