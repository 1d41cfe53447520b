//! `buildspec.yml` for AWS CodeBuild, version 0.2: one build, or a batch with a native build for each architecture and a
//! task that joins them (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html>).
//!
//! A batch is two files: the one that CodeBuild reads has the graph and the phases of each architecture; the last task has a
//! small file of its own, so that neither depends on which task runs it.

mod image;
mod parts;
mod push;

#[cfg(test)]
mod tests;

use super::install::{Installation, Place, plan};
use super::{Error, Generator, Output, Project, Step};
use crate::format::buildspec::images;
use crate::format::yaml::{Element, Map, Out};
use crate::project::pipeline::{Architecture, Shape};
use crate::text::shell::{expanding, word};

/// The generator of buildspec files.
pub const BUILDSPEC: &Buildspec = &Buildspec;

/// Generates buildspec files.
#[derive(Debug)]
pub struct Buildspec;

const TARGET: &str = "buildspec";

impl Generator for Buildspec {
    fn name(&self) -> &'static str {
        TARGET
    }

    fn about(&self) -> &'static str {
        "AWS CodeBuild: one build, or a batch over architectures"
    }

    fn generate(&self, project: &Project<'_>) -> Result<Vec<Output>, Error> {
        let context = Context::of(project)?;
        let file = project.pipeline.codebuild.file.clone().unwrap_or_else(|| "buildspec.yml".to_owned());
        if !context.batch {
            return Ok(vec![Output::yaml(file, &build(&context, None)?)?]);
        }
        let last = context.has_last_task().then(|| manifest_file(&file));
        let mut outputs = vec![Output::yaml(file, &build(&context, last.as_deref())?)?];
        if let Some(last) = last {
            outputs.push(Output::yaml(last, &last_task(&context)?)?);
        }
        Ok(outputs)
    }
}

/// A project, and what follows from it for CodeBuild.
struct Context<'p> {
    project: &'p Project<'p>,
    batch: bool,
    /// The build image of each architecture.
    images: Vec<(Architecture, String)>,
    /// The size of the machines: `BUILD_GENERAL1_SMALL`.
    compute: String,
}

impl<'p> Context<'p> {
    fn of(project: &'p Project<'p>) -> Result<Self, Error> {
        let settings = &project.pipeline.codebuild;
        let many = project.architectures.len() > 1;
        if many && settings.shape == Some(Shape::Single) {
            return Err(Error::Unsupported {
                key: "pipeline.codebuild.shape",
                value: "single".to_owned(),
                target: TARGET,
                reason: "a build runs on one architecture; leave `shape` out, or name one in `pipeline.architectures`"
                    .to_owned(),
            });
        }
        let image = |architecture: &Architecture| {
            let usual = || {
                let arch = architecture.as_str();
                let mut fit =
                    images::CURATED.iter().filter(|image| image.arch == arch && image.id.contains("amazonlinux"));
                fit.next_back().map_or_else(String::new, |image| image.id.to_owned())
            };
            (*architecture, settings.image.get(architecture).cloned().unwrap_or_else(usual))
        };
        let images: Vec<_> = project.architectures.iter().map(image).collect();
        for (architecture, image) in &images {
            parts::check_image(*architecture, image)?;
        }
        image::check_builder(project)?;
        let compute = parts::compute(settings.compute.as_deref())?;
        Ok(Self { project, batch: settings.shape == Some(Shape::Batch) || many, images, compute })
    }

    /// Returns true if something remains to be done after every architecture is built.
    fn has_last_task(&self) -> bool {
        self.project.pipeline.container.is_some() || !self.project.pipeline.steps.publish.is_empty()
    }

    /// Returns the command that enters the project's folder. Each phase begins with it: no documentation promises that the
    /// current folder lasts from one phase to the next.
    fn enter(&self) -> Option<Element> {
        let folder = self.project.pipeline.directory.as_deref()?;
        Some(Element::from(format!("cd \"$CODEBUILD_SRC_DIR\"/{}", word(folder))))
    }

    fn installation(&self, images: Vec<(Architecture, String)>) -> Result<Installation, Error> {
        plan(self.project, &Place::CodeBuild { images }, TARGET)
    }
}

/// Makes the file of a build; in a batch, each architecture runs it.
fn build(context: &Context<'_>, last: Option<&str>) -> Result<Map, Error> {
    let pipeline = &context.project.pipeline;
    let mut root = Map::new();
    let line = root.set("version", Out::Bare("0.2"));
    if let Some(about) = parts::elsewhere(context) {
        line.comment(about);
    }
    parts::env(context, &mut root)?;
    if context.batch {
        root.set("batch", graph(context, last)?).gap();
    }
    let mut phases = Map::new();
    install_phase(context, context.images.clone(), &mut phases)?;
    let container = pipeline.container.as_ref();
    let mut before: Vec<Element> =
        container.map(|container| image::login(context, container)).transpose()?.unwrap_or_default();
    before.extend(pipeline.steps.restore.iter().map(|command| Element::from(whole(command))));
    phase(context, "pre_build", before, &mut phases);
    let steps = pipeline.steps.build.iter().chain(&pipeline.steps.test);
    let mut work: Vec<Element> = steps.map(|command| Element::from(whole(command))).collect();
    if let Some(container) = container {
        work.extend(image::build(context, container)?);
    }
    phase(context, "build", work, &mut phases);
    let mut after = Vec::new();
    if let Some(container) = container {
        after.extend(image::push(context, container)?);
    }
    if !context.batch {
        after.extend(pipeline.steps.publish.iter().map(|command| Element::from(push::when_pushed(&whole(command)))));
    }
    if !after.is_empty() {
        phase(
            context,
            "post_build",
            [push::guard(), push::decision(&pipeline.push)].into_iter().chain(after).collect(),
            &mut phases,
        );
    }
    if phases.is_empty() {
        return Err(Error::Missing {
            key: "pipeline.steps",
            target: TARGET,
            reason: "there is nothing to build: add commands, such as `build = [\"make\"]`, or a `pipeline.container`"
                .to_owned(),
        });
    }
    root.set("phases", phases).gap();
    parts::reports(context, &mut root)?;
    parts::artifacts(context, &mut root);
    parts::cache(context, &mut root);
    Ok(root)
}

/// Makes the file of the task that runs once, after every architecture is built.
fn last_task(context: &Context<'_>) -> Result<Map, Error> {
    let pipeline = &context.project.pipeline;
    let mut root = Map::new();
    root.set("version", Out::Bare("0.2"))
        .comment("The last task of the batch: runs once, after every architecture is built.");
    parts::env(context, &mut root)?;
    let mut phases = Map::new();
    if !pipeline.steps.publish.is_empty() {
        install_phase(context, context.images[..1].to_vec(), &mut phases)?;
    }
    let mut work = vec![push::decision(&pipeline.push)];
    if let Some(container) = &pipeline.container {
        phase(context, "pre_build", image::login(context, container)?, &mut phases);
        work.extend(image::index(context, container)?);
    }
    work.extend(pipeline.steps.publish.iter().map(|command| Element::from(push::when_pushed(&whole(command)))));
    phase(context, "build", work, &mut phases);
    root.set("phases", phases).gap();
    Ok(root)
}

/// Makes the graph: a task for each architecture, then the one that joins them.
fn graph(context: &Context<'_>, last: Option<&str>) -> Result<Map, Error> {
    let mut tasks = Vec::new();
    for (architecture, image) in &context.images {
        let mut task = Map::new();
        task.set("identifier", architecture.as_str());
        task.set("env", environment(context, *architecture, image));
        tasks.push(Element::from(task));
    }
    if let Some(last) = last {
        let (architecture, image) = &context.images[0];
        let mut task = Map::new();
        task.set("identifier", if context.project.pipeline.container.is_some() { "manifest" } else { "publish" });
        task.set("buildspec", last);
        task.set("depend-on", Out::list(context.images.iter().map(|(architecture, _)| architecture.as_str())));
        let mut env = environment(context, *architecture, image);
        if context.project.pipeline.container.is_none() {
            env = parts::environment(context, *architecture, image);
        }
        task.set("env", env);
        tasks.push(Element::from(task));
    }
    let mut batch = Map::new();
    batch.set("fast-fail", true);
    batch
        .set("build-graph", Out::List(tasks))
        .comment("A graph, not a matrix: all builds of a matrix share one environment type, and so one architecture.");
    Ok(batch)
}

fn environment(context: &Context<'_>, architecture: Architecture, image: &str) -> Map {
    let mut env = parts::environment(context, architecture, image);
    if context.project.pipeline.container.is_some() {
        env.set("privileged-mode", true).beside("Docker needs it");
    }
    env
}

fn install_phase(context: &Context<'_>, images: Vec<(Architecture, String)>, phases: &mut Map) -> Result<(), Error> {
    let installation = context.installation(images)?;
    let mut install = Map::new();
    if !installation.runtimes.is_empty() {
        let mut runtimes = Map::new();
        for (name, version) in &installation.runtimes {
            runtimes.set(name.clone(), version);
        }
        let line = install.set("runtime-versions", runtimes);
        if let Some(about) = &installation.about_runtimes {
            line.comment(about);
        }
    }
    if !installation.commands.is_empty() {
        let commands = context.enter().into_iter().chain(installation.commands.iter().map(element));
        install.set("commands", Out::List(commands.collect()));
    }
    if !install.is_empty() {
        phases.set("install", install);
    }
    Ok(())
}

fn phase(context: &Context<'_>, name: &str, commands: Vec<Element>, phases: &mut Map) {
    if commands.is_empty() {
        return;
    }
    let mut phase = Map::new();
    phase.set("commands", Out::List(context.enter().into_iter().chain(commands).collect()));
    phases.set(name, phase);
}

fn element(step: &Step) -> Element {
    Element { comment: step.comment.clone(), value: Out::from(&step.command) }
}

/// Makes a command fail when any of its lines fails: CodeBuild itself checks only the last line.
fn whole(command: &str) -> String {
    let lines = command.trim_end_matches('\n');
    if lines.contains('\n') { format!("(\nset -e\n{lines}\n)") } else { command.to_owned() }
}

/// Derives the name of the last task's file: `buildspec.yml` → `buildspec-manifest.yml`.
fn manifest_file(file: &str) -> String {
    let (stem, extension) = file.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).unwrap_or((file, "yml"));
    format!("{stem}-manifest.{extension}")
}

/// Quotes a value that may contain CodeBuild's variables as one shell word.
///
/// # Errors
/// When it contains GitLab's variables, which are not set on CodeBuild.
fn value(key: &str, text: &str) -> Result<String, Error> {
    for prefix in ["$CI_", "${CI_", "$GITLAB_", "${GITLAB_"] {
        if text.contains(prefix) {
            return Err(Error::Value {
                key: key.to_owned(),
                value: text.to_owned(),
                target: TARGET,
                reason: "it contains a variable of GitLab, which is empty on CodeBuild".to_owned(),
            });
        }
    }
    Ok(expanding(text))
}
