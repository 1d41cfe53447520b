//! Credential helpers: `docker-credential-NAME get`
//! (<https://github.com/docker/docker-credential-helpers#development>). They run without a shell, for a limited time.
//! Their output is limited and, except for the credential, not trusted.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use super::{Credential, Error, Found, Secret};
use crate::fs::find_executable;
use crate::host::Host;
use crate::text::excerpt;

/// The time limit of a helper: ECR's sends two requests, a key store may ask the user.
const PATIENCE: Duration = Duration::from_secs(15);

/// The largest output in bytes: tokens have a few KiB.
const MOST: u64 = 256 << 10;

/// The largest part of its error output that is kept, in bytes.
const COMPLAINT: usize = 4 << 10;

/// How long to wait for error output after the end of the helper: it is available already, unless a child process still
/// writes.
const GRACE: Duration = Duration::from_millis(100);

/// The output of helpers without a credential, on standard output
/// (<https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go>).
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that marks a refresh token
/// (<https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>).
const TOKEN_USER: &str = "<token>";

/// Runs credential helpers, each at most once per server.
#[derive(Debug)]
pub(super) struct Helpers {
    search_path: Option<OsString>,
    vars: Environment,
    patience: Duration,
    /// The results, by program and server.
    answers: Mutex<BTreeMap<(String, String), Option<Credential>>>,
}

/// The environment of the helpers. It contains secrets, so it is not printed.
struct Environment(Vec<(String, String)>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

/// The output of a helper.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    user: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// The result of a helper.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    entry: Vec<u8>,
}

impl Helpers {
    pub(super) fn new(host: &Host) -> Self {
        let vars = host.vars().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let search_path = host.search_path.clone();
        Self { search_path, vars: Environment(vars), patience: PATIENCE, answers: Mutex::default() }
    }

    /// Runs `helper`, which `setting` in `file` names, for a server.
    pub(super) async fn ask(
        &self,
        helper: &str,
        server: &str,
        file: &str,
        setting: &'static str,
    ) -> Result<Option<Found>, Error> {
        let file = file.to_owned();
        if !is_name(helper) {
            return Err(Error::HelperName { file, setting, name: excerpt(helper.as_bytes()) });
        }
        let program = format!("docker-credential-{helper}");
        // The lock is held while the program runs, so that concurrent requests start it once.
        let mut answers = self.answers.lock().await;
        let key = (program.clone(), server.to_owned());
        if !answers.contains_key(&key) {
            let Some(path) = self.find(&program) else {
                return Err(Error::HelperMissing { file, setting, program });
            };
            let ended = self.run(&path, &program, server).await?;
            answers.insert(key.clone(), read(&ended, &program, server)?);
        }
        let credential = answers.get(&key).cloned().flatten();
        Ok(credential.map(|credential| Found { credential, source: program }))
    }

    /// Finds the program in the absolute folders of `PATH`: a project could put one into `.`.
    fn find(&self, program: &str) -> Option<PathBuf> {
        let folders = std::env::split_paths(self.search_path.as_ref()?).filter(|folder| folder.is_absolute());
        find_executable(program, folders)
    }

    async fn run(&self, path: &Path, program: &str, server: &str) -> Result<Ended, Error> {
        let not_run = |source| Error::HelperNotRun { program: program.to_owned(), source };
        let mut command = Command::new(path);
        command.arg("get").env_clear().envs(self.vars.0.iter().map(|(name, value)| (name, value)));
        command.envs(self.search_path.iter().map(|path| ("PATH", path)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        #[cfg(unix)]
        command.process_group(0);
        let mut child = command.spawn().map_err(not_run)?;
        let mut group = Group::of(&child);
        let ended = tokio::time::timeout(self.patience, talk(&mut child, server)).await;
        if let Ok(Ok(Some(ended))) = ended {
            group.leave();
            return Ok(ended);
        }
        // The number of a finished child may belong to another process.
        if child.id().is_none() {
            group.leave();
        }
        group.end();
        // Do not leave a zombie; the program was killed, so this does not wait long.
        let _ = child.kill().await;
        let (program, server) = (program.to_owned(), server.to_owned());
        Err(match ended {
            Ok(Err(source)) => Error::HelperNotRun { program, source },
            Ok(Ok(_)) => Error::HelperTooLoud { program, server, limit: MOST },
            Err(_) => Error::HelperTooSlow { program, server, limit: self.patience },
        })
    }
}

/// Returns true if a name is valid after `docker-credential-`: no folder, no option, no control characters.
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(inner)
}

/// Sends the server and reads the output; none when it is too long.
async fn talk(child: &mut Child, server: &str) -> std::io::Result<Option<Ended>> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(mut stderr)) = (stdin, stdout, stderr) else {
        return Err(std::io::Error::other("it has no pipes"));
    };
    let mut entry = Vec::new();
    let mut listening = Box::pin(listen(&mut stderr, &mut entry));
    let asking = async {
        // A helper need not read its input.
        let _ = stdin.write_all(server.as_bytes()).await;
        drop(stdin);
        let mut output = Vec::new();
        stdout.take(MOST + 1).read_to_end(&mut output).await?;
        if output.len() as u64 > MOST {
            return Ok(None);
        }
        Ok::<_, std::io::Error>(Some((child.wait().await?, output)))
    };
    let answer = tokio::select! {
        answer = asking => answer?,
        never = &mut listening => match never {},
    };
    let Some((status, output)) = answer else { return Ok(None) };
    if !status.success() && output.is_empty() {
        let _ = tokio::time::timeout(GRACE, &mut listening).await;
    }
    drop(listening);
    Ok(Some(Ended { status, output, entry }))
}

/// Reads everything and keeps the beginning. Never returns: the end of the program cancels it.
async fn listen(stream: &mut (impl AsyncRead + Unpin), kept: &mut Vec<u8>) -> std::convert::Infallible {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return std::future::pending().await,
            Ok(count) => kept.extend(buffer[..count].iter().take(COMPLAINT.saturating_sub(kept.len()))),
        }
    }
}

/// Parses the output of a helper.
fn read(ended: &Ended, program: &str, server: &str) -> Result<Option<Credential>, Error> {
    let (program, server) = (program.to_owned(), server.to_owned());
    if !ended.status.success() {
        let text = if ended.output.trim_ascii().is_empty() { &ended.entry } else { &ended.output };
        let text = excerpt(text);
        if text.contains(NOT_FOUND) {
            return Ok(None);
        }
        // JSON output of a failed helper may still contain a secret.
        let text = if text.is_empty() || ended.output.contains(&b'{') { "it says nothing" } else { &text };
        return Err(Error::HelperFailed { program, server, reason: format!("{text} ({})", ended.status) });
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(&ended.output) else {
        return Err(Error::HelperAnswer { program, server });
    };
    let secret = Secret::new(answer.secret);
    Ok(match answer.user.as_str() {
        _ if secret.reveal().is_empty() => None,
        TOKEN_USER => Some(Credential::Refresh { token: secret }),
        _ => Some(Credential::Basic { user: answer.user, password: secret }),
    })
}

/// The process group of a helper, which is killed when this is dropped.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    /// Does not kill the rest of the group: the leader ended by itself, and may have started a daemon.
    fn leave(&mut self) {
        self.leader = None;
    }

    /// Kills the group. Its leader was not waited for yet, so its number is still valid.
    fn end(&mut self) {
        if let Some(leader) = self.leader.take() {
            // It may have ended already.
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Self {
        Self {}
    }

    fn leave(&mut self) {}

    fn end(&mut self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
