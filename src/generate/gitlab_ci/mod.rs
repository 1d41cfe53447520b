//! `.gitlab-ci.yml`: a job on each architecture's own machines, and one manifest of what they built. Refuses what a runner
//! cannot do rather than write a job that stays pending.

mod aws;
mod builders;
mod registry;
mod release;
mod rules;
mod runners;
mod steps;
mod tags;
#[cfg(test)]
mod tests;

use registry::{Client, Registry};
use rules::Pushes;
use runners::{Fleet, Job};

use super::{Error, Generator, Output, Project, images};
use crate::format::yaml::{Element, Map, Out};
use crate::project::pipeline::{Container, Pipeline, Runners};
use crate::text::shell;

const TARGET: &str = "gitlab-ci";
const BUILD: &str = "build";
const IMAGE: &str = "build-image";
const CHECK: &str = "check-image";
const TEST: &str = "test-image";
const MANIFEST: &str = "manifest";
const PUBLISH: &str = "publish";
const TOOLS: &str = ".tools";

/// Waits for the Docker daemon, a service that starts at the same time as the job.
const WAIT_FOR_DOCKER: &str = "timeout 60 sh -c 'until docker info > /dev/null 2>&1; do sleep 1; done'";

/// Variables that the file sets itself.
const OWN_VARIABLES: &[&str] = &["BUILD_ARCH", "IMAGE_REPOSITORY"];

/// Comments on the variables of jobs.
const ABOUT_VARIABLES: &[(&str, &str)] = &[
    ("STORAGE_DRIVER", "needs neither /dev/fuse nor privileges"),
    ("BUILDAH_FORMAT", "keeps HEALTHCHECK and SHELL, which the OCI format cannot store"),
    ("BUILDKITD_FLAGS", "rootless, in an unprivileged container"),
    (
        "DOCKER_TLS_CERTDIR",
        "the daemon puts its certificates here; on Kubernetes, runners share /certs/client as a volume",
    ),
];

/// Generates `.gitlab-ci.yml`.
#[derive(Debug)]
pub struct GitLabCi;

impl Generator for GitLabCi {
    fn name(&self) -> &'static str {
        TARGET
    }

    fn about(&self) -> &'static str {
        ".gitlab-ci.yml: jobs on native runners of each architecture, and the multi-arch image"
    }

    fn generate(&self, project: &Project<'_>) -> Result<Vec<Output>, Error> {
        let context = Context::new(project)?;
        let path = project.pipeline.gitlab.file.as_deref().unwrap_or(".gitlab-ci.yml");
        Ok(vec![Output::yaml(path, &document(&context)?)?])
    }
}

/// The model, and what follows from it for GitLab.
struct Context<'a> {
    project: &'a Project<'a>,
    pipeline: &'a Pipeline,
    fleet: Fleet,
    pushes: Pushes,
    registry: Option<Registry>,
}

impl<'a> Context<'a> {
    fn new(project: &'a Project<'a>) -> Result<Self, Error> {
        let pipeline = project.pipeline;
        images::check(pipeline, TARGET)?;
        if let Some((name, value)) =
            pipeline.environment.iter().find(|(name, _)| OWN_VARIABLES.contains(&name.as_str()))
        {
            return Err(Error::Value {
                key: format!("pipeline.environment.{name}"),
                value: value.clone(),
                target: TARGET,
                reason: "the file sets this variable itself; choose another name".to_owned(),
            });
        }
        let repository =
            |container: &Container| Registry::of(container.repository.as_deref().unwrap_or("$CI_REGISTRY_IMAGE"));
        Ok(Self {
            project,
            pipeline,
            fleet: Fleet::new(project)?,
            pushes: Pushes::new(&pipeline.push)?,
            registry: pipeline.container.as_ref().map(repository),
        })
    }

    fn has_steps(&self) -> bool {
        let steps = &self.pipeline.steps;
        [&steps.restore, &steps.build, &steps.test].into_iter().any(|commands| !commands.is_empty())
    }

    fn publishes(&self) -> bool {
        !self.pipeline.steps.publish.is_empty()
    }

    fn registry(&self) -> &Registry {
        self.registry.as_ref().unwrap_or(&Registry::GitLab)
    }

    fn ecr_region(&self) -> Option<&str> {
        match &self.registry {
            Some(Registry::Ecr { region, .. }) => Some(region),
            _ => None,
        }
    }

    fn login(&self, client: Client) -> Result<Vec<Element>, Error> {
        self.registry().login(self.project, client)
    }

    /// Lists the stages that have jobs.
    fn stages(&self) -> Vec<&'static str> {
        let container = self.pipeline.container.as_ref();
        let pushed = container.is_some() && !self.pushes.never();
        let tested = pushed && container.is_some_and(|container| !container.test.is_empty());
        [
            ("build", self.has_steps()),
            ("image", container.is_some()),
            ("verify", tested),
            ("manifest", pushed),
            ("publish", self.publishes()),
        ]
        .into_iter()
        .filter_map(|(stage, there)| there.then_some(stage))
        .collect()
    }
}

fn document(context: &Context<'_>) -> Result<Map, Error> {
    let stages = context.stages();
    if stages.is_empty() {
        let reason = "the pipeline has nothing to do; add `[pipeline.steps]` with commands, or `[pipeline.container]`"
            .to_owned();
        return Err(Error::Missing { key: "pipeline.steps", target: TARGET, reason });
    }
    let mut document = Map::new();
    document.set("stages", Out::flow(stages));
    document
        .set("workflow", context.pushes.workflow())
        .gap()
        .comment("One pipeline per change: the merge request's if there is one, otherwise the branch's.");
    document.set("default", defaults(context)).gap();
    let variables = variables(context);
    if !variables.is_empty() {
        document.set("variables", variables).gap();
    }
    context.fleet.add_templates(&mut document);
    steps::add_template(context, &mut document)?;
    if context.has_steps() {
        steps::add(context, &mut document)?;
    }
    if let Some(container) = &context.pipeline.container {
        builders::add(context, container, &mut document)?;
        if !context.pushes.never() {
            release::add(context, container, &mut document)?;
        }
    }
    if context.publishes() {
        steps::add_publish(context, &mut document)?;
    }
    Ok(document)
}

fn defaults(context: &Context<'_>) -> Map {
    let mut defaults = Map::new();
    defaults.set("interruptible", true).beside("a newer commit cancels the jobs of an older one");
    let tries = context.pipeline.retry.unwrap_or(2);
    if tries > 0 {
        let mut retry = Map::new();
        retry.set("max", tries);
        retry.set("when", Out::flow(["runner_system_failure", "runner_interrupted"]));
        defaults
            .set("retry", retry)
            .comment("For machines that fail or are reclaimed, as spot machines are. A failed test is not retried.");
    }
    if let Some(timeout) = context.pipeline.timeout {
        let unit = if timeout.minutes == 1 { "minute" } else { "minutes" };
        defaults.set("timeout", format!("{} {unit}", timeout.minutes));
    }
    defaults
}

fn variables(context: &Context<'_>) -> Map {
    let mut variables = Map::new();
    for (name, value) in &context.pipeline.environment {
        if value.contains('$') {
            let mut literal = Map::new();
            literal.set("value", value);
            literal.set("expand", false).beside("the literal value: `$` names no variable");
            variables.set(name, literal);
        } else {
            variables.set(name, value);
        }
    }
    for (name, value) in aws::variables(context) {
        if !context.pipeline.environment.contains_key(name) {
            variables.set(name, value);
        }
    }
    if let Some(container) = &context.pipeline.container {
        let repository = Registry::whole(container.repository.as_deref().unwrap_or("$CI_REGISTRY_IMAGE"));
        let line = variables.set("IMAGE_REPOSITORY", repository);
        if let Some(about) = context.registry().about() {
            line.comment(about);
        }
    }
    variables
}

/// Returns the image for a purpose that is in the table or was checked before.
fn image_of(project: &Project<'_>, purpose: &str) -> String {
    project.image(purpose).expect("the table has every purpose of a job; toolkit's own is checked before")
}

fn fleet_is_codebuild(project: &Project<'_>) -> bool {
    project.pipeline.gitlab.runners == Runners::Codebuild
}

/// Quotes a path so that it cannot be taken for an option.
fn path(path: &str) -> String {
    let path = if path.starts_with('-') { format!("./{path}") } else { path.to_owned() };
    shell::expanding(&path)
}

fn script(commands: Vec<String>) -> Out {
    Out::list(commands.into_iter().map(Element::from))
}

/// Sets a map of variables when there are any.
fn put(body: &mut Map, key: &str, variables: Vec<(&'static str, Out)>) {
    if variables.is_empty() {
        return;
    }
    let mut map = Map::new();
    for (name, value) in variables {
        let line = map.set(name, value);
        if let Some((_, about)) = ABOUT_VARIABLES.iter().find(|(known, _)| *known == name) {
            line.beside(*about);
        }
    }
    body.set(key, map);
}

impl Job {
    fn comment(self, comment: &'static str) -> Self {
        Self { comment: Some(comment), ..self }
    }
}
