//! Where images are pushed, and how a job logs in there. No password appears on a command line, in a log or in base64,
//! which wraps long lines.

use super::{TARGET, fleet_is_codebuild};
use crate::format::yaml::Element;
use crate::generate::{Error, Project};
use crate::project::pipeline::{Builder, Manifest};
use crate::text::shell;

/// Docker Hub.
const HUB: &str = "docker.io";

/// A registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Registry {
    /// The GitLab server's own.
    GitLab,
    /// Amazon ECR, private.
    Ecr {
        /// Its host.
        host: String,
        /// Its region.
        region: String,
    },
    /// Any other: its host, quoted for the shell.
    Other(String),
}

/// A program that pushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    Kaniko,
    Buildah,
    Podman,
    /// BuildKit, which reads Docker's configuration.
    Buildkit,
    Docker,
    Toolkit,
}

impl From<Builder> for Client {
    fn from(builder: Builder) -> Self {
        match builder {
            Builder::Kaniko => Self::Kaniko,
            Builder::Buildah => Self::Buildah,
            Builder::Podman => Self::Podman,
            Builder::Buildkit => Self::Buildkit,
            Builder::Docker => Self::Docker,
        }
    }
}

impl From<Manifest> for Client {
    fn from(manifest: Manifest) -> Self {
        match manifest {
            Manifest::Buildah => Self::Buildah,
            Manifest::Podman => Self::Podman,
            Manifest::Docker => Self::Docker,
            Manifest::Toolkit => Self::Toolkit,
        }
    }
}

impl Client {
    /// Returns its key in `[pipeline.images]`.
    pub(super) const fn purpose(self) -> &'static str {
        match self {
            Self::Kaniko => "kaniko",
            Self::Buildah => "buildah",
            Self::Podman => "podman",
            Self::Buildkit => "buildkit",
            Self::Docker => "docker",
            Self::Toolkit => "toolkit",
        }
    }
}

impl Registry {
    /// Recognizes the registry of a repository.
    pub(super) fn of(repository: &str) -> Self {
        let host = repository.split('/').next().unwrap_or_default();
        if repository.starts_with("$CI_REGISTRY") || repository.starts_with("${CI_REGISTRY") {
            return Self::GitLab;
        }
        if let Some(region) = ecr_region(host) {
            return Self::Ecr { host: host.to_owned(), region: region.to_owned() };
        }
        if host.contains('$') {
            return Self::Other("\"${IMAGE_REPOSITORY%%/*}\"".to_owned());
        }
        Self::Other(if is_host(repository, host) { shell::word(host) } else { HUB.to_owned() })
    }

    /// Adds Docker Hub's host to a repository that has none: Buildah would treat such a name as local.
    pub(super) fn whole(repository: &str) -> String {
        let host = repository.split('/').next().unwrap_or_default();
        match (host.contains('$') || is_host(repository, host), repository.contains('/')) {
            (true, _) => repository.to_owned(),
            (false, true) => format!("{HUB}/{repository}"),
            (false, false) => format!("{HUB}/library/{repository}"),
        }
    }

    /// Returns where a builder keeps its layers: next to the image, one per architecture, so that no build uses layers of
    /// another architecture. Only GitLab's registry creates such repositories by itself.
    pub(super) fn cache_repository(&self) -> Option<&'static str> {
        (*self == Self::GitLab).then_some("$IMAGE_REPOSITORY/cache-$BUILD_ARCH")
    }

    /// Returns the commands by which a program logs in.
    ///
    /// # Errors
    /// When its image has no program for it.
    pub(super) fn login(&self, project: &Project<'_>, client: Client) -> Result<Vec<Element>, Error> {
        match self {
            Self::Ecr { host, .. } => ecr_login(project, client, host),
            Self::GitLab => Ok(login(client, "\"$CI_REGISTRY\"", "CI_REGISTRY_USER", "CI_REGISTRY_PASSWORD")),
            Self::Other(host) => Ok(login(client, host, "REGISTRY_USER", "REGISTRY_PASSWORD")),
        }
    }

    /// Explains what the owner must set so that jobs can log in.
    pub(super) fn about(&self) -> Option<&'static str> {
        match self {
            Self::GitLab | Self::Ecr { .. } => None,
            Self::Other(_) => {
                Some("Set REGISTRY_USER and REGISTRY_PASSWORD in the project's CI/CD variables, masked and protected.")
            }
        }
    }
}

fn is_host(repository: &str, host: &str) -> bool {
    repository.contains('/') && (host.contains(['.', ':']) || host == "localhost")
}

/// Returns the region of a private ECR registry's host.
fn ecr_region(host: &str) -> Option<&str> {
    let (account, rest) = host.split_once(".dkr.ecr.")?;
    let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    let digits = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let named = !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    (digits && named).then_some(region)
}

fn login(client: Client, host: &str, user: &str, password: &str) -> Vec<Element> {
    match client {
        Client::Kaniko => settings("/kaniko/.docker", host, user, password),
        Client::Buildkit | Client::Toolkit => settings("~/.docker", host, user, password),
        Client::Buildah | Client::Podman | Client::Docker => {
            let program = client.purpose();
            vec![
                format!("printf '%s' \"${password}\" | {program} login --username \"${user}\" --password-stdin {host}")
                    .into(),
            ]
        }
    }
}

/// Writes Docker's configuration with the plain user and password, which may contain characters that JSON escapes.
fn settings(folder: &str, host: &str, user: &str, password: &str) -> Vec<Element> {
    let form = r#"'{"auths":{"%s":{"username":"%s","password":"%s"}}}'"#;
    // Credentials for Docker Hub are stored under an address of their own.
    let host = if host == HUB { "https://index.docker.io/v1/" } else { host };
    let about = "The registry's user and password in plain form: base64 would wrap long ones.";
    let mut commands = vec![Element::from(format!("mkdir -p {folder}")).comment(about)];
    let password = if password == "REGISTRY_PASSWORD" {
        commands.push(format!(r#"password=$(printf '%s' "${password}" | sed 's/[\\"]/\\&/g')"#).into());
        "password"
    } else {
        password
    };
    commands.push(format!("printf {form} {host} \"${user}\" \"${password}\" > {folder}/config.json").into());
    commands
}

/// Logs in to ECR, whose passwords last twelve hours and come from AWS.
fn ecr_login(project: &Project<'_>, client: Client, host: &str) -> Result<Vec<Element>, Error> {
    let host = shell::word(host);
    let piped = |program: &str| -> Element {
        format!("aws ecr get-login-password | {program} login --username AWS --password-stdin {host}").into()
    };
    let program = client.purpose();
    match client {
        // Kaniko finds AWS's credentials in its environment by itself.
        Client::Kaniko => Ok(Vec::new()),
        _ if fleet_is_codebuild(project) => Ok(vec![piped("docker")]),
        Client::Buildah | Client::Podman => Ok(vec![install_aws("dnf -y install awscli2"), piped(program)]),
        Client::Docker => Ok(vec![install_aws("apk add --no-cache aws-cli"), piped(program)]),
        Client::Buildkit | Client::Toolkit if project.pipeline.images.contains_key(program) => {
            let form = r#"'{"credHelpers":{"%s":"ecr-login"}}'"#;
            Ok(vec!["mkdir -p ~/.docker".into(), format!("printf {form} {host} > ~/.docker/config.json").into()])
        }
        Client::Buildkit | Client::Toolkit => {
            let reason = format!(
                "its image has no `docker-credential-ecr-login`; use kaniko or buildah, or name an image that has it: \
                 `images.{program} = \"…\"`"
            );
            let key =
                if client == Client::Buildkit { "pipeline.container.builder" } else { "pipeline.container.manifest" };
            Err(Error::Unsupported { key, value: program.to_owned(), target: TARGET, reason })
        }
    }
}

fn install_aws(command: &str) -> Element {
    Element::from(format!("command -v aws > /dev/null || {command}"))
        .comment("Not needed with an image that has the AWS CLI (`[pipeline.images]`).")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_known_by_its_repository() {
        assert_eq!(Registry::of("$CI_REGISTRY_IMAGE/app"), Registry::GitLab);
        assert_eq!(Registry::of("${CI_REGISTRY_IMAGE}"), Registry::GitLab);
        let host = "123456789012.dkr.ecr.eu-central-1.amazonaws.com";
        let expected = Registry::Ecr { host: host.to_owned(), region: "eu-central-1".to_owned() };
        assert_eq!(Registry::of(&format!("{host}/app")), expected);
        for (repository, host) in [
            ("ghcr.io/a/b", "ghcr.io"),
            ("localhost:5000/b", "localhost:5000"),
            ("a/b", "docker.io"),
            ("docker.io/a/b", "docker.io"),
            ("$HOST/b", "\"${IMAGE_REPOSITORY%%/*}\""),
            ("a;id.io/b", "'a;id.io'"),
            ("12.dkr.ecr.x.amazonaws.com/b", "12.dkr.ecr.x.amazonaws.com"),
        ] {
            assert_eq!(Registry::of(repository), Registry::Other(host.to_owned()), "{repository}");
        }
    }

    #[test]
    fn a_name_on_docker_hub_gets_its_host() {
        for (name, whole) in [
            ("app", "docker.io/library/app"),
            ("me/app", "docker.io/me/app"),
            ("ghcr.io/me/app", "ghcr.io/me/app"),
            ("$CI_REGISTRY_IMAGE", "$CI_REGISTRY_IMAGE"),
            ("$CI_REGISTRY_IMAGE/app", "$CI_REGISTRY_IMAGE/app"),
        ] {
            assert_eq!(Registry::whole(name), whole);
        }
    }
}
