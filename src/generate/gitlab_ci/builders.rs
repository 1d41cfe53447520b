//! The jobs that build an image, each on the architecture that it builds for: one that pushes it, and one, in pipelines that
//! do not push, that only checks that it builds.

use super::aws::identity;
use super::registry::{Client, Registry};
use super::runners::{Artifacts, Job, Need};
use super::{BUILD, CHECK, Context, IMAGE, TARGET, image_of, path, put, script};
use crate::format::yaml::{Map, Out};
use crate::generate::Error;
use crate::project::pipeline::{Builder, Container, Runners};
use crate::text::shell;

/// The image of one architecture.
pub(super) const NATIVE: &str = "$IMAGE_REPOSITORY:$CI_COMMIT_SHORT_SHA-$BUILD_ARCH";
/// Where its digest is kept: one file per architecture, so that they do not overwrite each other.
const DIGEST: &str = "digests/$BUILD_ARCH.digest";

/// Chooses the builder, and checks that the machines can run it.
///
/// # Errors
/// When they cannot.
pub(super) fn builder(container: &Container, family: Runners) -> Result<Builder, Error> {
    match (container.builder, family) {
        (None | Some(Builder::Docker), Runners::Codebuild) => Ok(Builder::Docker),
        (Some(builder), Runners::Codebuild) => {
            let reason = "CodeBuild's runner ignores the images of jobs, and its own has only Docker; use \"docker\", in a CodeBuild \
                          project with privileged mode";
            let value = Client::from(builder).purpose().to_owned();
            Err(Error::Unsupported {
                key: "pipeline.container.builder",
                value,
                target: TARGET,
                reason: reason.to_owned(),
            })
        }
        (builder, _) => Ok(builder.unwrap_or(Builder::Kaniko)),
    }
}

/// Adds the jobs.
///
/// # Errors
/// When the builder cannot reach the registry.
pub(super) fn add(context: &Context<'_>, container: &Container, document: &mut Map) -> Result<(), Error> {
    if !context.pushes.never() {
        let comment = "Builds the image of each architecture and pushes it under a tag of the commit and the architecture. Later jobs\n\
                       use only its digest: a tag can be moved, a digest cannot.";
        context.fleet.add(document, job(context, container, true)?.comment(comment));
    }
    let comment =
        "Where nothing is pushed (merge requests, other branches), the image must still build. It is discarded.";
    context.fleet.add(document, job(context, container, false)?.comment(comment));
    Ok(())
}

fn job(context: &Context<'_>, container: &Container, push: bool) -> Result<Job, Error> {
    let builder = builder(container, context.fleet.family)?;
    let client = Client::from(builder);
    let identity =
        identity(context, if builder == Builder::Kaniko { "/kaniko/aws-id-token" } else { "/tmp/aws-id-token" });
    // Without a push, a job only reads its cache, and only where it may log in.
    let mut before = if push { identity.commands } else { Vec::new() };
    before.extend(if push || *context.registry() == Registry::GitLab { context.login(client)? } else { Vec::new() });
    if context.fleet.has_images() && builder == Builder::Docker {
        before.insert(0, super::WAIT_FOR_DOCKER.into());
    }
    let mut variables = own_variables(context, builder);
    let mut body = Map::new();
    if context.fleet.has_images() {
        put_image(&mut body, context, client);
    }
    if push {
        variables.extend(identity.variables);
    }
    put(&mut body, "variables", variables);
    if push {
        body.set_if("id_tokens", identity.id_tokens);
        body.set("rules", context.pushes.only());
    } else if !context.pushes.never() {
        body.set("rules", context.pushes.otherwise());
    }
    if !before.is_empty() {
        body.set("before_script", Out::list(before));
    }
    let commands = Build { context, container, push }.commands(builder);
    body.set("script", script(commands));
    if push {
        let mut artifacts = Map::new();
        artifacts.set("name", "digest-$BUILD_ARCH");
        artifacts.set("paths", Out::flow([DIGEST]));
        artifacts.set("expire_in", "1 week");
        body.set("artifacts", artifacts);
    }
    // The Dockerfile builds what it needs: files of an earlier job could be of either architecture.
    let needs = if context.has_steps() {
        vec![Need { job: BUILD, native: true, artifacts: Artifacts::None }]
    } else {
        Vec::new()
    };
    Ok(Job { name: if push { IMAGE } else { CHECK }, stage: "image", needs, body, ..Job::default() })
}

/// Sets the image of a job that builds, joins or copies images.
pub(super) fn put_image(body: &mut Map, context: &Context<'_>, client: Client) {
    let name = image_of(context.project, client.purpose());
    match client {
        Client::Kaniko | Client::Buildkit => {
            let mut image = Map::new();
            let line = image.set("name", name);
            if let Some(plain) = locked_without_shell(context, client) {
                line.beside(format!(
                    "the locked {plain} has no shell, which jobs need; lock {plain}-debug to pin this"
                ));
            }
            image.set("entrypoint", Out::flow([""])).beside("GitLab starts a shell in it, not the image's entrypoint");
            body.set("image", image);
        }
        Client::Docker => {
            body.set("image", name);
            let mut service = Map::new();
            service.set("name", image_of(context.project, "dind"));
            service.set("alias", "docker");
            body.set("services", Out::list([service])).beside("needs runners with privileged containers");
        }
        Client::Buildah | Client::Podman | Client::Toolkit => {
            body.set("image", name);
        }
    }
}

/// Returns the tool of this name whose locked image a job cannot use, unless another image is pinned for the job.
fn locked_without_shell<'c>(context: &Context<'c>, client: Client) -> Option<&'c str> {
    let (purpose, images) = (client.purpose(), &context.project.images);
    let chosen = context.pipeline.images.contains_key(purpose) || images.iter().any(|one| one.purpose == Some(purpose));
    images.iter().map(|image| image.tool.as_str()).find(|tool| !chosen && *tool == purpose)
}

/// Returns the variables that a builder needs in a container of its own.
pub(super) fn own_variables(context: &Context<'_>, builder: Builder) -> Vec<(&'static str, Out)> {
    match builder {
        _ if !context.fleet.has_images() => Vec::new(),
        Builder::Kaniko => Vec::new(),
        Builder::Buildah | Builder::Podman => {
            vec![("STORAGE_DRIVER", "vfs".into()), ("BUILDAH_FORMAT", "docker".into())]
        }
        Builder::Buildkit => vec![("BUILDKITD_FLAGS", "--oci-worker-no-process-sandbox".into())],
        Builder::Docker => vec![
            ("DOCKER_HOST", "tcp://docker:2376".into()),
            ("DOCKER_TLS_CERTDIR", "/certs".into()),
            ("DOCKER_TLS_VERIFY", "1".into()),
            ("DOCKER_CERT_PATH", "/certs/client".into()),
        ],
    }
}

fn has_cache(context: &Context<'_>, container: &Container, builder: Builder) -> bool {
    let kept = container.cache.unwrap_or(true);
    // Buildah and Podman keep layers in a separate repository, which only GitLab's registry creates on demand.
    let needs_repository = matches!(builder, Builder::Buildah | Builder::Podman);
    kept && (!needs_repository || context.registry().cache_repository().is_some())
}

/// Returns true if a job without a push logs in to read the cache: in GitLab's registry, every job may.
fn reads_cache(context: &Context<'_>, container: &Container, builder: Builder) -> bool {
    has_cache(context, container, builder) && *context.registry() == Registry::GitLab
}

/// One build.
struct Build<'a> {
    context: &'a Context<'a>,
    container: &'a Container,
    push: bool,
}

impl Build<'_> {
    fn commands(&self, builder: Builder) -> Vec<String> {
        match builder {
            Builder::Kaniko => self.kaniko(),
            Builder::Buildah | Builder::Podman => self.buildah(Client::from(builder).purpose()),
            Builder::Buildkit => self.buildkit(),
            Builder::Docker => self.docker(),
        }
    }

    fn kaniko(&self) -> Vec<String> {
        let mut words = vec![
            "/kaniko/executor".to_owned(),
            format!("--context={}", self.in_project(self.context())),
            format!("--dockerfile={}", self.in_project(self.dockerfile())),
        ];
        words.extend(self.settings("--build-arg=", "--label=", "--target="));
        let cached = self.cache(Builder::Kaniko);
        if cached {
            let own = self.context.registry().cache_repository().unwrap_or("$IMAGE_REPOSITORY");
            words.push("--cache=true".to_owned());
            words.push(format!("--cache-repo=\"{own}\""));
        }
        if self.push {
            words.push(format!("--destination=\"{NATIVE}\""));
            words.push("--push-retry=3".to_owned());
            words.push(format!("--digest-file=\"$CI_PROJECT_DIR/{DIGEST}\""));
            return vec!["mkdir -p digests".to_owned(), lines(&words)];
        }
        words.push("--no-push".to_owned());
        if cached {
            // What a merge request builds must not become a layer of the next release.
            words.push("--no-push-cache".to_owned());
        }
        vec![lines(&words)]
    }

    fn buildah(&self, program: &str) -> Vec<String> {
        let mut words = vec![format!("{program} build"), "--pull".to_owned()];
        words.push(format!("--file={}", path(self.dockerfile())));
        words.extend(self.settings("--build-arg=", "--label=", "--target="));
        if self.cache(Builder::Buildah) {
            let own = self.context.registry().cache_repository().unwrap_or("$IMAGE_REPOSITORY");
            words.push("--layers".to_owned());
            words.push(format!("--cache-from=\"{own}\""));
            if self.push {
                words.push(format!("--cache-to=\"{own}\""));
            }
        }
        if self.push {
            words.push(format!("--tag=\"{NATIVE}\""));
        }
        words.push(path(self.context()));
        let mut commands = vec![lines(&words)];
        if self.push {
            commands.push("mkdir -p digests".to_owned());
            commands.push(format!("{program} push --digestfile=\"{DIGEST}\" \"{NATIVE}\""));
        }
        commands
    }

    fn buildkit(&self) -> Vec<String> {
        let (folder, file) = self.dockerfile().rsplit_once('/').unwrap_or((".", self.dockerfile()));
        let mut words = vec![
            "buildctl-daemonless.sh build".to_owned(),
            "--frontend=dockerfile.v0".to_owned(),
            format!("--local=context={}", path(self.context())),
            format!("--local=dockerfile={}", path(folder)),
            format!("--opt=filename={}", shell::expanding(file)),
        ];
        words.extend(self.settings("--opt=build-arg:", "--opt=label:", "--opt=target="));
        if self.cache(Builder::Buildkit) {
            let kept = "type=registry,ref=$IMAGE_REPOSITORY:cache-$BUILD_ARCH";
            words.push(format!("--import-cache=\"{kept}\""));
            if self.push {
                // ECR accepts a cache only as an image.
                words.push(format!("--export-cache=\"{kept},mode=max,image-manifest=true,oci-mediatypes=true\""));
            }
        }
        if !self.push {
            return vec![lines(&words)];
        }
        words.push(format!("--output=\"type=image,name={NATIVE},push=true\""));
        words.push("--metadata-file=metadata.json".to_owned());
        vec![
            lines(&words),
            "mkdir -p digests".to_owned(),
            format!(
                "sed -n 's/.*\"containerimage.digest\": *\"\\(sha256:[0-9a-f]*\\)\".*/\\1/p' metadata.json > \"{DIGEST}\""
            ),
            format!("test -s \"{DIGEST}\""),
        ]
    }

    fn docker(&self) -> Vec<String> {
        // Provenance would turn the image into an index, and the manifest job joins images.
        let mut words = vec!["docker build".to_owned(), "--pull".to_owned(), "--provenance=false".to_owned()];
        words.push(format!("--file={}", path(self.dockerfile())));
        words.extend(self.settings("--build-arg=", "--label=", "--target="));
        let kept = "$IMAGE_REPOSITORY:cache-$BUILD_ARCH";
        let cached = self.cache(Builder::Docker);
        if cached {
            words.push(format!("--cache-from=\"type=registry,ref={kept}\""));
        }
        if self.push {
            words.push(format!("--tag=\"{NATIVE}\""));
            if cached {
                words.push("--cache-to=type=inline".to_owned());
                words.push(format!("--tag=\"{kept}\""));
            }
        }
        words.push(path(self.context()));
        let mut commands = vec![lines(&words)];
        if self.push {
            commands.push(format!("docker push \"{NATIVE}\""));
            if cached {
                commands.push(format!("docker push \"{kept}\""));
            }
            commands.push("mkdir -p digests".to_owned());
            commands
                .push(format!("digest=$(docker image inspect --format '{{{{index .RepoDigests 0}}}}' \"{NATIVE}\")"));
            commands.push(format!("printf '%s\\n' \"${{digest#*@}}\" > \"{DIGEST}\""));
        }
        commands
    }

    /// Writes build arguments, labels and the stage. Values may use GitLab's variables; nothing else in them is expanded.
    fn settings(&self, argument: &str, label: &str, target: &str) -> Vec<String> {
        let pair = |prefix: &str, (name, value): (&String, &String)| {
            format!("{prefix}{}", shell::expanding(&format!("{name}={value}")))
        };
        let arguments = self.container.arguments.iter().map(|entry| pair(argument, entry));
        let labels = self.container.labels.iter().map(|entry| pair(label, entry));
        let target = self.container.target.iter().map(|stage| format!("{target}{}", shell::expanding(stage)));
        arguments.chain(labels).chain(target).collect()
    }

    fn cache(&self, builder: Builder) -> bool {
        has_cache(self.context, self.container, builder)
            && (self.push || reads_cache(self.context, self.container, builder))
    }

    fn context(&self) -> &str {
        self.container.context.as_deref().unwrap_or(".")
    }

    fn dockerfile(&self) -> &str {
        self.container.dockerfile.as_deref().unwrap_or("Dockerfile")
    }

    /// Writes an absolute path: kaniko resolves the Dockerfile relative to its context.
    fn in_project(&self, path: &str) -> String {
        match path.strip_prefix("./").unwrap_or(path) {
            "." | "" => "\"$CI_PROJECT_DIR\"".to_owned(),
            absolute if absolute.starts_with('/') => shell::word(absolute),
            relative => shell::expanding(&format!("$CI_PROJECT_DIR/{relative}")),
        }
    }
}

/// Writes a command with one option per line.
pub(super) fn lines(words: &[String]) -> String {
    words.join(" \\\n  ")
}
