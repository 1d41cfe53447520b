//! The image: built by Docker on each architecture, pushed under the commit's tag, joined into one index by digest.

use super::push::when_pushed;
use super::{Context, TARGET, value};
use crate::format::yaml::Element;
use crate::generate::{Error, Project};
use crate::project::pipeline::{Architecture, Builder, Container, Manifest};
use crate::text::shell::{expanding, word};

/// Refuses builders that CodeBuild's images do not have.
pub(super) fn check_builder(project: &Project<'_>) -> Result<(), Error> {
    let Some(container) = &project.pipeline.container else { return Ok(()) };
    let unsupported = |key: &'static str, value: String, reason: &str| {
        Err(Error::Unsupported { key, value, target: TARGET, reason: reason.to_owned() })
    };
    match container.builder {
        None | Some(Builder::Docker | Builder::Buildkit) => {}
        Some(other) => {
            let name = format!("{other:?}").to_lowercase();
            let reason = "CodeBuild's images have only Docker; Amazon Linux has no packages of the others";
            return unsupported("pipeline.container.builder", name, reason);
        }
    }
    match container.manifest {
        None | Some(Manifest::Docker | Manifest::Toolkit) => Ok(()),
        Some(other) => {
            let name = format!("{other:?}").to_lowercase();
            let reason = "CodeBuild's images do not have it; use \"docker\" or \"toolkit\"";
            unsupported("pipeline.container.manifest", name, reason)
        }
    }
}

/// Returns the repository.
fn repository(container: &Container) -> Result<&str, Error> {
    let found = container.repository.as_deref().filter(|repository| !repository.is_empty());
    let repository = found.ok_or_else(|| Error::Missing {
        key: "pipeline.container.repository",
        target: TARGET,
        reason: "it says where the image is pushed: \"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app\"".to_owned(),
    })?;
    value("pipeline.container.repository", repository)?;
    if repository.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Error::Value {
            key: "pipeline.container.repository".to_owned(),
            value: repository.to_owned(),
            target: TARGET,
            reason: "the name of an image cannot contain white space".to_owned(),
        });
    }
    Ok(repository)
}

/// Logs in to ECR. Other registries need a login in the project's own steps: their passwords are not known here.
pub(super) fn login(context: &Context<'_>, container: &Container) -> Result<Vec<Element>, Error> {
    let repository = repository(container)?;
    let registry = repository.split('/').next().unwrap_or(repository);
    if registry == "public.ecr.aws" {
        let command = "aws ecr-public get-login-password --region us-east-1 | docker login --username AWS --password-stdin public.ecr.aws";
        return Ok(vec![Element::from(command)]);
    }
    if !registry.contains(".dkr.ecr.") && !registry.starts_with('$') {
        return Ok(Vec::new());
    }
    let in_name = registry.split_once(".dkr.ecr.").and_then(|(_, rest)| rest.split('.').next());
    let set = context.project.pipeline.aws.as_ref().and_then(|aws| aws.region.as_deref());
    let region = in_name.or(set).unwrap_or("$AWS_DEFAULT_REGION");
    let command = format!(
        "aws ecr get-login-password --region {} | docker login --username AWS --password-stdin {}",
        expanding(region),
        expanding(registry)
    );
    Ok(vec![Element::from(command)])
}

/// Builds the image, and runs the commands that test it.
pub(super) fn build(context: &Context<'_>, container: &Container) -> Result<Vec<Element>, Error> {
    let image = image(context, container)?;
    let mut options = vec![format!("--platform {}", platform(context))];
    let dockerfile = container.dockerfile.as_deref().unwrap_or("Dockerfile");
    options.push(format!("--file {}", word(dockerfile)));
    if let Some(stage) = &container.target {
        options.push(format!("--target {}", word(stage)));
    }
    for (name, text) in &container.arguments {
        options.push(format!(
            "--build-arg {}={}",
            word(name),
            value(&format!("pipeline.container.arguments.{name}"), text)?
        ));
    }
    for (name, text) in [("org.opencontainers.image.revision", "$CODEBUILD_RESOLVED_SOURCE_VERSION")] {
        if !container.labels.contains_key(name) {
            options.push(format!("--label {name}={}", expanding(text)));
        }
    }
    for (name, text) in &container.labels {
        options.push(format!("--label {}={}", word(name), value(&format!("pipeline.container.labels.{name}"), text)?));
    }
    if container.cache != Some(false) {
        options.push("--build-arg BUILDKIT_INLINE_CACHE=1".to_owned());
        options.push(format!("--cache-from {}", cache_tag(context, container)?));
    }
    options.push(format!("--tag {image}"));
    options.push(word(container.context.as_deref().unwrap_or(".")));
    let mut commands = vec![Element::from(format!("docker build \\\n  {}", options.join(" \\\n  ")))];
    for test in &container.test {
        commands.push(Element::from(format!("docker run --rm --entrypoint sh {image} -ec {}", word(test))));
    }
    Ok(commands)
}

/// Pushes the image: in a batch under a tag of the commit and the architecture, which the last task joins.
pub(super) fn push(context: &Context<'_>, container: &Container) -> Result<Vec<Element>, Error> {
    let image = image(context, container)?;
    let mut commands = Vec::new();
    let mut push = |tag: &str| {
        let copy = if tag == image { String::new() } else { format!("docker tag {image} {tag} && ") };
        commands.push(Element::from(when_pushed(&format!("{copy}docker push {tag}"))));
    };
    push(&image);
    if container.cache != Some(false) {
        push(&cache_tag(context, container)?);
    }
    if !context.batch {
        for tag in tags(container)? {
            push(&tag);
        }
    }
    Ok(commands)
}

/// Joins the images that the earlier tasks pushed into one index, by the digests that the registry has now.
pub(super) fn index(context: &Context<'_>, container: &Container) -> Result<Vec<Element>, Error> {
    let repository = repository(container)?;
    let architectures: Vec<Architecture> = context.images.iter().map(|(architecture, _)| *architecture).collect();
    let mut names = vec![expanding(&format!("{repository}:$CODEBUILD_RESOLVED_SOURCE_VERSION"))];
    names.extend(tags(container)?);
    if container.manifest == Some(Manifest::Toolkit) {
        return Ok(vec![joined_by_toolkit(repository, &architectures, &names)]);
    }
    let mut commands = Vec::new();
    let mut members = Vec::new();
    for architecture in architectures {
        let name = architecture.as_str();
        let tag = expanding(&format!("{repository}:$CODEBUILD_RESOLVED_SOURCE_VERSION-{name}"));
        let inspect = format!(
            "{name}=$(docker buildx imagetools inspect --format '{{{{.Manifest.Digest}}}}' {tag}) && echo \"{name}: ${name}\""
        );
        commands.push(Element::from(when_pushed(&inspect)));
        members.push(expanding(&format!("{repository}@${name}")));
    }
    if let Some(first) = commands.first_mut() {
        first.comment = Some("A digest identifies what was built; a tag could have moved in the meantime.".to_owned());
    }
    let options = names.iter().map(|name| format!("--tag {name}"));
    let arguments: Vec<String> = options.chain(members).collect();
    let joined = format!("docker buildx imagetools create {}", arguments.join(" "));
    commands.push(Element::from(when_pushed(&joined)));
    Ok(commands)
}

/// Leaves the digests to `toolkit image index`, which looks up each name once, and names the platforms that must exist.
fn joined_by_toolkit(repository: &str, architectures: &[Architecture], names: &[String]) -> Element {
    let platforms: Vec<String> = architectures.iter().map(|one| format!("linux/{}", one.as_str())).collect();
    let member =
        |one: &Architecture| expanding(&format!("{repository}:$CODEBUILD_RESOLVED_SOURCE_VERSION-{}", one.as_str()));
    let arguments: Vec<String> =
        names.iter().map(|name| format!("--tag {name}")).chain(architectures.iter().map(member)).collect();
    let joined = format!("toolkit image index --platform {} {}", platforms.join(","), arguments.join(" "));
    Element::from(when_pushed(&joined))
}

/// Returns the tags in addition to the commit's.
fn tags(container: &Container) -> Result<Vec<String>, Error> {
    let repository = repository(container)?;
    let tag = |tag: &String| value("pipeline.container.tags", &format!("{repository}:{tag}"));
    container.tags.iter().map(tag).collect()
}

/// Returns the name under which this build's image is pushed.
fn image(context: &Context<'_>, container: &Container) -> Result<String, Error> {
    let repository = repository(container)?;
    let end = if context.batch { "-$ARCHITECTURE" } else { "" };
    Ok(expanding(&format!("{repository}:$CODEBUILD_RESOLVED_SOURCE_VERSION{end}")))
}

fn cache_tag(context: &Context<'_>, container: &Container) -> Result<String, Error> {
    Ok(expanding(&format!("{}:cache-{}", repository(container)?, architecture(context))))
}

fn platform(context: &Context<'_>) -> String {
    expanding(&format!("linux/{}", architecture(context)))
}

/// Returns the architecture; in a batch, the variable that the graph sets in every task.
fn architecture<'s>(context: &'s Context<'_>) -> &'s str {
    if context.batch { "$ARCHITECTURE" } else { context.images.first().map_or("amd64", |(one, _)| one.as_str()) }
}
