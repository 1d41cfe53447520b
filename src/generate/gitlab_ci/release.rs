//! From one image per architecture to one name: the test in the new image, and the index that joins the images.

use super::aws::identity;
use super::builders::{NATIVE, lines, own_variables, put_image};
use super::registry::{Client, Registry};
use super::runners::{Artifacts, Job, Need};
use super::{Context, IMAGE, MANIFEST, TARGET, TEST, put, script};
use crate::format::yaml::{Map, Out};
use crate::generate::{Error, images};
use crate::project::pipeline::{Builder, Container, Manifest, Runners};
use crate::text::shell;

/// Chooses what joins the architectures, and checks that the machines can run it.
///
/// # Errors
/// When they cannot.
pub(super) fn manifest(context: &Context<'_>, container: &Container) -> Result<Manifest, Error> {
    let refuse = |value: Manifest, reason: &str| {
        let value = Client::from(value).purpose().to_owned();
        Err(Error::Unsupported { key: "pipeline.container.manifest", value, target: TARGET, reason: reason.to_owned() })
    };
    match (container.manifest, context.fleet.family) {
        (None | Some(Manifest::Docker), Runners::Codebuild) => Ok(Manifest::Docker),
        (Some(other), Runners::Codebuild) => {
            refuse(other, "CodeBuild's runner ignores the images of jobs, and its own has only Docker; use \"docker\"")
        }
        (Some(Manifest::Toolkit), _) if images::find(context.pipeline, "toolkit").is_none() => {
            refuse(Manifest::Toolkit, "no image with toolkit is known; name yours: `images.toolkit = \"…\"`")
        }
        (manifest, _) => Ok(manifest.unwrap_or(Manifest::Buildah)),
    }
}

/// Adds the jobs.
///
/// # Errors
/// When the program that joins the images cannot run or log in.
pub(super) fn add(context: &Context<'_>, container: &Container, document: &mut Map) -> Result<(), Error> {
    if !container.test.is_empty() {
        context.fleet.add(document, test(context, container)?);
    }
    context.fleet.add_once(document, index(context, container)?);
    Ok(())
}

/// Tests inside the image: as the job's image, or with Docker where jobs have no images.
fn test(context: &Context<'_>, container: &Container) -> Result<Job, Error> {
    let mut body = Map::new();
    if context.fleet.has_images() {
        let mut image = Map::new();
        image.set("name", NATIVE);
        image.set("entrypoint", Out::flow([""])).beside("GitLab starts a shell in it, so the image must have one");
        body.set("image", image);
        body.set("rules", context.pushes.only());
        body.set("script", script(container.test.clone()));
        let comment = match context.registry() {
            Registry::GitLab => "Runs in the image that was just built, on its own architecture.",
            _ => {
                "Runs in the image that was just built, on its own architecture. The runner itself pulls it and needs permission:\n\
                 the role of its machines, or DOCKER_AUTH_CONFIG (https://docs.gitlab.com/ci/docker/using_docker_images/)."
            }
        };
        let needs = vec![Need { job: IMAGE, native: true, artifacts: Artifacts::None }];
        return Ok(Job { name: TEST, stage: "verify", needs, body, ..Job::default() }.comment(comment));
    }
    body.set("rules", context.pushes.only());
    body.set("before_script", Out::list(context.login(Client::Docker)?));
    let words = [
        "docker run --rm --entrypoint=sh".to_owned(),
        "--volume=\"$CI_PROJECT_DIR:$CI_PROJECT_DIR\"".to_owned(),
        "--workdir=\"$CI_PROJECT_DIR\"".to_owned(),
        "\"$IMAGE_REPOSITORY@$(cat \"digests/$BUILD_ARCH.digest\")\"".to_owned(),
        format!("-euc {}", shell::word(&container.test.join("\n"))),
    ];
    body.set("script", script(vec![lines(&words)]));
    let comment = "Runs in the image that was just built, on its own architecture.";
    let needs = vec![Need { job: IMAGE, native: true, artifacts: Artifacts::Own }];
    Ok(Job { name: TEST, stage: "verify", needs, body, ..Job::default() }.comment(comment))
}

fn index(context: &Context<'_>, container: &Container) -> Result<Job, Error> {
    let manifest = manifest(context, container)?;
    let client = Client::from(manifest);
    let identity = identity(context, "/tmp/aws-id-token");
    let mut body = Map::new();
    let mut variables = match manifest {
        Manifest::Buildah | Manifest::Podman => vec![("STORAGE_DRIVER", "vfs".into())],
        Manifest::Docker => own_variables(context, Builder::Docker),
        Manifest::Toolkit => Vec::new(),
    };
    if context.fleet.has_images() {
        put_image(&mut body, context, client);
    }
    variables.extend(identity.variables);
    put(&mut body, "variables", variables);
    body.set_if("id_tokens", identity.id_tokens);
    body.set("rules", context.pushes.only());
    body.set("interruptible", false);
    let mut before = identity.commands;
    if context.fleet.has_images() && manifest == Manifest::Docker {
        before.insert(0, super::WAIT_FOR_DOCKER.into());
    }
    before.extend(context.login(client)?);
    if !before.is_empty() {
        body.set("before_script", Out::list(before));
    }
    body.set("script", script(commands(context, container, manifest)));
    let mut needs = vec![Need { job: IMAGE, native: true, artifacts: Artifacts::All }];
    if !container.test.is_empty() {
        needs.push(Need { job: TEST, native: true, artifacts: Artifacts::None });
    }
    let comment = "Joins the images of all architectures under one tag; the commit's own tag is created only here. Nothing is built\n\
                   or run, so any architecture will do.";
    Ok(Job { name: MANIFEST, stage: "manifest", needs, body, ..Job::default() }.comment(comment))
}

fn commands(context: &Context<'_>, container: &Container, manifest: Manifest) -> Vec<String> {
    let digests: Vec<String> =
        context.fleet.architectures.iter().map(|one| format!("digests/{}.digest", one.as_str())).collect();
    let images = digests.iter().map(|file| format!("\"$IMAGE_REPOSITORY@$(cat {file})\""));
    let platforms: Vec<String> =
        context.fleet.architectures.iter().map(|one| format!("linux/{}", one.as_str())).collect();
    match manifest {
        Manifest::Buildah | Manifest::Podman => {
            let program = Client::from(manifest).purpose();
            let mut commands = vec![format!("{program} manifest create index")];
            let add =
                |file: &String| format!("{program} manifest add index \"docker://$IMAGE_REPOSITORY@$(cat {file})\"");
            commands.extend(digests.iter().map(add));
            commands.push(format!("{program} manifest inspect index"));
            let push = |tag: &str| format!("{program} manifest push --all index \"docker://$IMAGE_REPOSITORY:{tag}\"");
            commands.extend(each_tag(container, push));
            commands
        }
        Manifest::Docker => {
            let all = images.collect::<Vec<_>>();
            let push = |tag: &str| {
                let mut words = vec![format!("docker buildx imagetools create --tag=\"$IMAGE_REPOSITORY:{tag}\"")];
                words.extend(all.iter().cloned());
                lines(&words)
            };
            each_tag(container, push)
        }
        Manifest::Toolkit => {
            let push = |tag: &str| {
                let mut words = vec![format!("toolkit image index --tag=\"$IMAGE_REPOSITORY:{tag}\"")];
                words.push(format!("--platform={}", platforms.join(",")));
                words.extend(digests.iter().map(|file| format!("--digest-file={file}")));
                lines(&words)
            };
            each_tag(container, push)
        }
    }
}

/// Writes a command for the commit's tag and each further tag. A tag made of variables may be empty, as `$CI_COMMIT_TAG`
/// is on a branch; it is then skipped.
fn each_tag(container: &Container, push: impl Fn(&str) -> String) -> Vec<String> {
    if container.tags.is_empty() {
        return vec![push("$CI_COMMIT_SHORT_SHA")];
    }
    let tags = container.tags.iter().map(|tag| shell::expanding(tag)).collect::<Vec<_>>().join(" ");
    let (guard, indent) = if container.tags.iter().any(|tag| tag.contains('$')) {
        ("  if [ -z \"$tag\" ]; then continue; fi\n", "  ")
    } else {
        ("", "  ")
    };
    let push = push("$tag").replace('\n', &format!("\n{indent}"));
    vec![format!("for tag in \"$CI_COMMIT_SHORT_SHA\" {tags}; do\n{guard}{indent}{push}\ndone")]
}
