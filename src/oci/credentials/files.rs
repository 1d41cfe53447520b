//! The credential files of docker and podman, and the credential helpers that they name.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::config::{Config, Step};
use super::helper::Helpers;
use super::keys::server;
use super::{Error, Found, Keychain};
use crate::fs::{Cause, FileError, Within, read};
use crate::host::Host;
use crate::model::Repository;

/// The largest file in bytes: a hundred times the size for many registries.
const LARGEST: u64 = 1 << 20;

/// The variable whose value counts as a file.
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// Reads the files for each repository again: they are small, and a login may happen in the meantime.
#[derive(Debug)]
pub(super) struct Files {
    sources: Vec<ConfigSource>,
    helpers: Helpers,
}

/// The source of a configuration.
#[derive(Debug, PartialEq, Eq)]
enum ConfigSource {
    File(PathBuf),
    /// The text is in an environment variable. Credential helpers in it are ignored, because pipeline settings can
    /// change it.
    Variable(super::Secret),
}

impl Files {
    pub(super) fn new(host: &Host) -> Self {
        Self { sources: sources(host), helpers: Helpers::new(host) }
    }
}

/// Lists the sources in order of preference.
fn sources(host: &Host) -> Vec<ConfigSource> {
    if let Some(file) = host.var("REGISTRY_AUTH_FILE") {
        return vec![ConfigSource::File(host.cwd.join(file))];
    }
    let absolute = |name: &str| host.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let session = absolute("XDG_RUNTIME_DIR").or_else(session_of_podman);
    let user = absolute("XDG_CONFIG_HOME").or_else(|| Some(host.home()?.join(".config")));
    let docker = host.var("DOCKER_CONFIG").map(|folder| host.cwd.join(folder));
    let docker = docker.or_else(|| Some(host.home()?.join(".docker")));
    let text = host.var(VARIABLE).map(|text| ConfigSource::Variable(super::Secret::new(text)));
    let podman = [session, user].into_iter().flatten().map(|folder| folder.join("containers/auth.json"));
    let files = podman.chain(docker.map(|folder| folder.join("config.json"))).map(ConfigSource::File);
    text.into_iter().chain(files).collect()
}

/// Returns podman's default folder for the session.
#[cfg(target_os = "linux")]
fn session_of_podman() -> Option<PathBuf> {
    Some(Path::new("/run/containers").join(rustix::process::getuid().as_raw().to_string()))
}

#[cfg(not(target_os = "linux"))]
fn session_of_podman() -> Option<PathBuf> {
    None
}

#[async_trait]
impl Keychain for Files {
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error> {
        for config_source in &self.sources {
            let (config, source) = config_source.read().await?;
            for step in config.steps(repository, &source)? {
                let found = match step {
                    Step::Take(credential) => Some(Found { credential, source: source.clone() }),
                    Step::Ask { helper, setting } => {
                        self.helpers.ask(&helper, server(repository), &source, setting).await?
                    }
                };
                if found.is_some() {
                    return Ok(found);
                }
            }
        }
        Ok(None)
    }
}

impl ConfigSource {
    /// Reads the configuration, and returns it with its name. A missing file is empty.
    async fn read(&self) -> Result<(Config, String), Error> {
        match self {
            Self::Variable(text) => {
                let config = Config::parse(text.reveal().as_bytes(), VARIABLE)?;
                Ok((config.without_helpers(), VARIABLE.to_owned()))
            }
            Self::File(path) => {
                let (name, path) = (path.display().to_string(), path.clone());
                let unreadable = {
                    let path = path.clone();
                    move |source| Error::FileUnreadable { path, source: Cause::System(source) }
                };
                let read = tokio::task::spawn_blocking(move || bytes(&path)).await;
                let bytes = read.map_err(|error| unreadable(std::io::Error::other(error)))??;
                Ok((Config::parse(&bytes, &name)?, name))
            }
        }
    }
}

/// Reads a file; a missing one is empty.
fn bytes(path: &Path) -> Result<Vec<u8>, Error> {
    match read(path, Within::Anywhere, LARGEST) {
        Ok(bytes) => Ok(bytes),
        Err(FileError { source: Cause::TooLarge { limit }, .. }) => {
            Err(Error::FileTooLarge { path: path.to_owned(), limit })
        }
        Err(FileError { source: Cause::System(error), .. }) if is_absent(&error) => Ok(Vec::new()),
        Err(error) => Err(Error::FileUnreadable { path: path.to_owned(), source: error.source }),
    }
}

/// Returns true if there is no such file. A folder that this user may not enter (`/root`, another user's session)
/// counts as empty.
fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}
