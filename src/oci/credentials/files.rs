//! The files of docker and podman, and the helper programs that they name.

use std::path::{Path, PathBuf};

use async_trait::async_trait;

use super::config::{Config, Step};
use super::helper::Helpers;
use super::keys::server;
use super::{Error, Found, Keychain};
use crate::fs::{Cause, FileError, Within, read};
use crate::host::Host;
use crate::model::Repository;

/// The largest file: a hundred times what a person with many registries has.
const LARGEST: u64 = 1 << 20;

/// The variable whose text counts like a file.
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// Reads the files anew for each repository: they are small, and a log-in beside this program counts.
#[derive(Debug)]
pub(super) struct Files {
    places: Vec<Place>,
    helpers: Helpers,
}

/// Where a configuration stands.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    File(PathBuf),
    /// The text is in a variable of the environment. It names no helper program: a pipeline's settings reach it.
    Variable(super::Secret),
}

impl Files {
    pub(super) fn new(host: &Host) -> Self {
        Self { places: places(host), helpers: Helpers::new(host) }
    }
}

/// Lists where to look, first choice first.
fn places(host: &Host) -> Vec<Place> {
    if let Some(file) = host.var("REGISTRY_AUTH_FILE") {
        return vec![Place::File(host.cwd.join(file))];
    }
    let absolute = |name: &str| host.var(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let session = absolute("XDG_RUNTIME_DIR").or_else(session_of_podman);
    let user = absolute("XDG_CONFIG_HOME").or_else(|| Some(host.home()?.join(".config")));
    let docker = host.var("DOCKER_CONFIG").map(|folder| host.cwd.join(folder));
    let docker = docker.or_else(|| Some(host.home()?.join(".docker")));
    let text = host.var(VARIABLE).map(|text| Place::Variable(super::Secret::new(text)));
    let podman = [session, user].into_iter().flatten().map(|folder| folder.join("containers/auth.json"));
    let files = podman.chain(docker.map(|folder| folder.join("config.json"))).map(Place::File);
    text.into_iter().chain(files).collect()
}

/// Returns the folder that podman takes for the session where nothing names one.
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
        for place in &self.places {
            let (config, source) = place.read().await?;
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

impl Place {
    /// Reads the configuration, and returns its name. A missing file says nothing.
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

/// Reads a file; an absent one is empty.
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

/// Returns true if there is no such file. A folder that this user may not enter (`/root`, another user's session) holds
/// nothing for this user.
fn is_absent(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
}
