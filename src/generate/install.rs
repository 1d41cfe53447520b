//! How a job gets the locked toolchains: from the image, with toolkit, or with plain shell. In every case the job checks at
//! the end that the tools it finds in the source folder are the locked ones.

use super::{Error, Project, Step, Tool, portable};
use crate::format::buildspec::images::{self, Image, Runtime};
use crate::project::pipeline::{Architecture, Method};
use crate::text::all_of;
use crate::text::shell::word;
use crate::toolchain::VersionProof;

/// Where a job runs, as far as installing is concerned.
#[derive(Debug, Clone)]
pub enum Place {
    /// A CodeBuild build in one of these images, by architecture.
    CodeBuild {
        /// The build image of each architecture.
        images: Vec<(Architecture, String)>,
    },
    /// A job in another image, such as GitLab's.
    Job,
}

/// How a job gets its tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// `runtime-versions`, each a name and a version; empty outside CodeBuild.
    pub runtimes: Vec<(String, String)>,
    /// A comment about them, to be written above `runtime-versions`.
    pub about_runtimes: Option<String>,
    /// The commands to run, in this order, in one shell whose current folder is the one in which the project's commands run.
    pub commands: Vec<Step>,
}

/// Decides how a job at `place` gets the project's tools.
///
/// # Errors
/// When the method that the project demands cannot install the locked versions there, or a value cannot be used in `target`.
pub fn plan(project: &Project<'_>, place: &Place, target: &'static str) -> Result<Installation, Error> {
    let carried = carried(project, place);
    let mut installation = Installation { runtimes: own_runtimes(project, place, target)?, ..Installation::default() };
    if project.tools.is_empty() {
        return Ok(installation);
    }
    let install = &project.pipeline.install;
    match install.method {
        Method::RuntimeVersions => installation.take_runtimes(project, place, target)?,
        Method::Auto if carried => installation.take_runtimes(project, place, target)?,
        Method::Image => {}
        Method::Toolkit => installation.commands = by_toolkit(project, place, target)?,
        Method::Auto if !install.bootstrap.is_empty() => installation.commands = by_toolkit(project, place, target)?,
        Method::Auto | Method::Portable => {
            installation.commands = portable::steps(project, target)?;
            installation.commands.extend(unhidden(project, place));
        }
    }
    installation.commands.extend(proofs(project));
    Ok(installation)
}

impl Installation {
    /// Adds the locked tools to `runtime-versions`.
    fn take_runtimes(&mut self, project: &Project<'_>, place: &Place, target: &'static str) -> Result<(), Error> {
        let unsupported = |reason: String| Error::Unsupported {
            key: "pipeline.install.method",
            value: "runtime-versions".to_owned(),
            target,
            reason,
        };
        let Some(images) = curated(place) else {
            return Err(unsupported(
                "only CodeBuild's curated images have runtimes to choose from; use \"portable\" or \"toolkit\""
                    .to_owned(),
            ));
        };
        let mut downloaded = Vec::new();
        if let Some(tool) = several(project) {
            let reason = format!(
                "CodeBuild installs one version of each runtime, and {tool} is locked in several; use \"portable\" or \"toolkit\""
            );
            return Err(unsupported(reason));
        }
        for tool in &project.tools {
            let (name, version) = (tool.toolchain.name(), tool.locked.version.as_str());
            let Some(runtimes) = images.iter().map(|image| runtime(image, tool)).collect::<Option<Vec<_>>>() else {
                let reason = format!("the images have no runtime for {name}; use \"portable\" or \"toolkit\"");
                return Err(unsupported(reason));
            };
            let runtime = runtimes[0].name;
            if let Some(line) = line_of(&runtimes, version) {
                self.runtimes.push((runtime.to_owned(), line.to_owned()));
            } else if runtimes.iter().all(|runtime| runtime.any) {
                self.runtimes.push((runtime.to_owned(), version.to_owned()));
                downloaded.push(format!("{name} {version}"));
            } else {
                return Err(unsupported(format!("the images do not have {name} {version}")));
            }
        }
        self.runtimes.sort();
        if !downloaded.is_empty() {
            self.about_runtimes = Some(format!(
                "Not in the image: CodeBuild downloads {} in every build and verifies no digest.",
                all_of(&downloaded)
            ));
        }
        Ok(())
    }
}

/// Returns true if the curated image of every architecture carries exactly the locked versions.
fn carried(project: &Project<'_>, place: &Place) -> bool {
    let Some(images) = curated(place) else { return false };
    several(project).is_none()
        && project.tools.iter().all(|tool| {
            let runtimes = images.iter().map(|image| runtime(image, tool)).collect::<Option<Vec<_>>>();
            runtimes.is_some_and(|runtimes| line_of(&runtimes, &tool.locked.version).is_some())
        })
}

/// Names a tool that is locked in several versions, if there is one.
fn several<'p>(project: &'p Project<'_>) -> Option<&'p str> {
    let names: Vec<&str> = project.tools.iter().map(|tool| tool.toolchain.name()).collect();
    names.iter().enumerate().find(|(at, name)| names[..*at].contains(name)).map(|(_, name)| *name)
}

/// Returns the curated images of all architectures; none when one of them is not a curated image.
fn curated(place: &Place) -> Option<Vec<&'static Image>> {
    let Place::CodeBuild { images } = place else { return None };
    let found: Option<Vec<_>> = images.iter().map(|(_, image)| images::curated(image)).collect();
    found.filter(|images| !images.is_empty())
}

/// Finds a tool in an image: runtimes have one of the tool's names (`golang` is an alias of Go).
/// A tool that the project defines is never the image's, whatever its name.
fn runtime(image: &'static Image, tool: &Tool<'_>) -> Option<&'static Runtime> {
    if tool.locked.is_defined() {
        return None;
    }
    let card = tool.toolchain.card();
    let names = std::iter::once(card.name).chain(card.aliases.iter().copied());
    names.into_iter().find_map(|name| image.runtime(name))
}

/// Returns the release line for which every image has exactly this version: a line's versions are `<line>.<patch>`, and an
/// image has one version of each line.
fn line_of(runtimes: &[&'static Runtime], version: &str) -> Option<&'static str> {
    let (first, others) = runtimes.split_first()?;
    let is_in = |line: &str| version.strip_prefix(line).is_some_and(|rest| rest.starts_with('.'));
    let line = first.versions.iter().copied().find(|line| is_in(line))?;
    let has = |runtime: &&Runtime| runtime.exact.contains(&version) && runtime.versions.contains(&line);
    (has(first) && others.iter().all(has)).then_some(line)
}

/// Returns the runtimes that the project names itself, checked against the images.
fn own_runtimes(project: &Project<'_>, place: &Place, target: &'static str) -> Result<Vec<(String, String)>, Error> {
    let Place::CodeBuild { .. } = place else { return Ok(Vec::new()) };
    let images = curated(place).unwrap_or_default();
    for (name, version) in &project.pipeline.codebuild.runtimes {
        let refuse = |reason: String| Error::Value {
            key: format!("pipeline.codebuild.runtimes.{name}"),
            value: version.clone(),
            target,
            reason,
        };
        let is_tool =
            |tool: &Tool<'_>| tool.toolchain.name() == name || tool.toolchain.card().aliases.contains(&name.as_str());
        if let Some(tool) = project.tools.iter().find(|tool| is_tool(tool)) {
            return Err(refuse(format!("{} is already listed under `tools`; keep one of them", tool.toolchain.name())));
        }
        for image in &images {
            let Some(runtime) = image.runtime(name) else {
                let known: Vec<_> = image.runtimes.iter().map(|runtime| runtime.name).collect();
                return Err(refuse(format!("{} has no `{name}`; it has {}", image.id, known.join(", "))));
            };
            if !offers(runtime, version) {
                return Err(refuse(format!("{} has {name} {}", image.id, runtime.versions.join(", "))));
            }
        }
    }
    Ok(project.pipeline.codebuild.runtimes.iter().map(|(name, version)| (name.clone(), version.clone())).collect())
}

/// Returns true if `runtime-versions` accepts this version: a line of the image, `latest`, `<major>.x`, a variable, or, where
/// the image can download, any version of three numbers.
fn offers(runtime: &Runtime, version: &str) -> bool {
    let major = version.strip_suffix(".x");
    let of_major = |major: &str| runtime.versions.iter().any(|line| line.split('.').next() == Some(major));
    let full = version.split('.').count() == 3 && version.split('.').all(|part| part.parse::<u32>().is_ok());
    version == "latest"
        || version.starts_with('$')
        || runtime.versions.contains(&version)
        || major.is_some_and(of_major)
        || (full && (runtime.any || runtime.exact.contains(&version)))
}

/// Installs with toolkit itself, which is downloaded first if the project names a URL.
fn by_toolkit(project: &Project<'_>, place: &Place, target: &'static str) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    if !project.pipeline.install.bootstrap.is_empty() {
        steps.extend(portable::bootstrap(project, target)?);
    }
    steps.push(Step::new("Installs exactly what toolkit.lock pins, or fails.", "toolkit install --locked".to_owned()));
    // `eval "$(toolkit env)"` alone would go on where toolkit is missing, and `set -e` overlooks what fails before `&&`.
    steps.push(Step { comment: None, command: "eval \"$(toolkit env || echo false)\"".to_owned() });
    steps.extend(unhidden(project, place));
    Ok(steps)
}

/// Removes the `global.json` files that CodeBuild's images have above the source: they would select a different SDK than the
/// one just installed. They do not affect a project that has its own.
fn unhidden(project: &Project<'_>, place: &Place) -> Option<Step> {
    let Place::CodeBuild { images } = place else { return None };
    let swayed = proven(project).any(|(_, _, proof)| proof.overridden_by.contains(&"global.json"));
    if project.has_global_json || !swayed {
        return None;
    }
    let mut files: Vec<&str> = Vec::new();
    for image in images.iter().filter_map(|(_, image)| images::curated(image)) {
        files.extend(image.global_json.iter().filter(|file| !files.contains(*file)).copied().collect::<Vec<_>>());
    }
    let command = format!("rm -f {}", files.join(" "));
    let comment =
        "The image has these files above the source; they would select a different SDK than the one installed here.";
    (!files.is_empty()).then(|| Step::new(comment, command))
}

fn proven<'p>(project: &'p Project<'_>) -> impl Iterator<Item = (&'p str, &'p str, VersionProof)> {
    project.tools.iter().filter_map(|tool| {
        let card = tool.toolchain.card();
        let proof = card.version_proof?;
        // A file such as global.json selects one of several versions, else the newest runs; the others are only there.
        let runs = proof.overridden_by.is_empty() || std::ptr::eq(tool, running(project, card.name, &proof)?);
        let proof =
            if runs { proof } else { VersionProof { command: card.smoke_test, prefix: "", overridden_by: &[] } };
        Some((card.name, tool.locked.version.as_str(), proof))
    })
}

/// Returns the version of a tool that runs: the one that a project file requests which can override the choice, else the
/// newest.
fn running<'p>(project: &'p Project<'_>, name: &str, proof: &VersionProof) -> Option<&'p Tool<'p>> {
    let versions = || project.tools.iter().filter(|tool| tool.toolchain.name() == name);
    let by_file = |tool: &&Tool<'_>| {
        let file = tool.locked.file.as_deref().map(|file| file.rsplit('/').next().unwrap_or(file));
        file.is_some_and(|file| proof.overridden_by.contains(&file))
    };
    let newest = || versions().max_by_key(|tool| tool.toolchain.version(&tool.locked.version).ok());
    versions().find(by_file).or_else(newest)
}

/// Runs each tool for its version in the folder of the project's commands, and names the files in the way when it differs.
fn proofs(project: &Project<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = proven(project).map(|(name, version, proof)| proof_of(name, version, &proof)).collect();
    if let Some(first) = steps.first_mut() {
        first.comment = Some("Checks that the tools found here are the ones in toolkit.lock.".to_owned());
    }
    steps
}

fn proof_of(name: &str, version: &str, proof: &VersionProof) -> Step {
    let words = proof.expected(version);
    let command = proof.command.iter().map(|part| word(part)).collect::<Vec<_>>().join(" ");
    let expected = word(&format!(" {words} "));
    let mut lines = vec![
        "(".to_owned(),
        format!("  found=$({command}) || found=\"nothing (exit status $?)\""),
        format!("  case \" $(printf '%s' \"$found\" | tr '\\n' ' ') \" in *{expected}*) exit 0 ;; esac"),
        format!(
            "  printf '%s\\n' {} \"$found\" >&2",
            word(&format!("{name}: toolkit.lock says {words}, and `{command}` in this folder says:"))
        ),
    ];
    if !proof.overridden_by.is_empty() {
        lines.extend([
            "  folder=$PWD/".to_owned(),
            "  while [ -n \"$folder\" ]; do".to_owned(),
            "    folder=${folder%/}".to_owned(),
            format!("    for file in {}; do", proof.overridden_by.join(" ")),
            "      if [ -f \"$folder/$file\" ]; then echo \"in the way: $folder/$file\" >&2; fi".to_owned(),
            "    done".to_owned(),
            "    case $folder in */*) folder=${folder%/*}/ ;; esac".to_owned(),
            "  done".to_owned(),
        ]);
    }
    lines.extend(["  exit 1".to_owned(), ")".to_owned()]);
    Step { comment: None, command: lines.join("\n") }
}
