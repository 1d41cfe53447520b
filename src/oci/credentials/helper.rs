//! Helper programs that keep credentials: `docker-credential-NAME get`
//! (<https://github.com/docker/docker-credential-helpers#development>). They run without a shell, for a bounded time, and
//! what they print is bounded and, but for the credential, not trusted.

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
use crate::model::said;

/// How long a program may take: ECR's makes two requests, a key store may ask the person.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most that a program may print: tokens have a few KiB.
const MOST: u64 = 256 << 10;

/// How much of its complaints is kept.
const COMPLAINT: usize = 4 << 10;

/// How long to wait for complaints once the program has ended: they are there already, unless a child of it still talks.
const GRACE: Duration = Duration::from_millis(100);

/// What programs say, on standard output, when they know nothing
/// (<https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go>).
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user that marks a secret as a refresh token
/// (<https://docs.docker.com/reference/cli/docker/login/#credential-helper-protocol>).
const TOKEN_USER: &str = "<token>";

/// Runs helper programs, each at most once for a server.
#[derive(Debug)]
pub(super) struct Helpers {
    search_path: Option<OsString>,
    vars: Environment,
    patience: Duration,
    /// What was answered, by program and server.
    answers: Mutex<BTreeMap<(String, String), Option<Credential>>>,
}

/// The environment that programs get. It holds secrets, so it is not printed.
struct Environment(Vec<(String, String)>);

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} variables", self.0.len())
    }
}

/// What a program answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    user: String,
    #[serde(rename = "Secret")]
    secret: String,
}

/// How a program ended, and what it printed.
struct Ended {
    status: ExitStatus,
    output: Vec<u8>,
    complaint: Vec<u8>,
}

impl Helpers {
    pub(super) fn new(host: &Host) -> Self {
        let vars = host.vars().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let search_path = host.search_path.clone();
        Self { search_path, vars: Environment(vars), patience: PATIENCE, answers: Mutex::default() }
    }

    /// Asks the program `helper`, named by `setting` of `file`, about a server.
    pub(super) async fn ask(
        &self,
        helper: &str,
        server: &str,
        file: &str,
        setting: &'static str,
    ) -> Result<Option<Found>, Error> {
        let file = file.to_owned();
        if !is_name(helper) {
            return Err(Error::HelperName { file, setting, name: said(helper.as_bytes()) });
        }
        let program = format!("docker-credential-{helper}");
        // Held while the program runs, so that requests side by side start it once.
        let mut answers = self.answers.lock().await;
        let asked = (program.clone(), server.to_owned());
        if !answers.contains_key(&asked) {
            let Some(path) = self.find(&program) else {
                return Err(Error::HelperMissing { file, setting, program });
            };
            let ended = self.run(&path, &program, server).await?;
            answers.insert(asked.clone(), read(&ended, &program, server)?);
        }
        let credential = answers.get(&asked).cloned().flatten();
        Ok(credential.map(|credential| Found { credential, source: program }))
    }

    /// Finds the program in the absolute folders of `PATH`: in `.` a project could put one.
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
        // One that was waited for already has given its number away.
        if child.id().is_none() {
            group.leave();
        }
        group.end();
        // Not left behind as a zombie; it was killed, so this does not wait long.
        let _ = child.kill().await;
        let (program, server) = (program.to_owned(), server.to_owned());
        Err(match ended {
            Ok(Err(source)) => Error::HelperNotRun { program, source },
            Ok(Ok(_)) => Error::HelperTooLoud { program, server, limit: MOST },
            Err(_) => Error::HelperTooSlow { program, server, limit: self.patience },
        })
    }
}

/// Returns true if a name can stand behind `docker-credential-`: no folder, no option, nothing that a terminal minds.
fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    name.len() <= 64 && name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(inner)
}

/// Asks about the server and takes the answer; none when it is too long.
async fn talk(child: &mut Child, server: &str) -> std::io::Result<Option<Ended>> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(stdout), Some(mut stderr)) = (stdin, stdout, stderr) else {
        return Err(std::io::Error::other("it has no pipes"));
    };
    let mut complaint = Vec::new();
    let mut listening = Box::pin(listen(&mut stderr, &mut complaint));
    let asking = async {
        // A program that knows its answer need not read the question.
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
    Ok(Some(Ended { status, output, complaint }))
}

/// Takes what comes and keeps the beginning. Never returns, so that the program's end is what ends it.
async fn listen(stream: &mut (impl AsyncRead + Unpin), kept: &mut Vec<u8>) -> std::convert::Infallible {
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return std::future::pending().await,
            Ok(count) => kept.extend(buffer[..count].iter().take(COMPLAINT.saturating_sub(kept.len()))),
        }
    }
}

/// Reads what a program answered.
fn read(ended: &Ended, program: &str, server: &str) -> Result<Option<Credential>, Error> {
    let (program, server) = (program.to_owned(), server.to_owned());
    if !ended.status.success() {
        let text = if ended.output.trim_ascii().is_empty() { &ended.complaint } else { &ended.output };
        let text = said(text);
        if text.contains(NOT_FOUND) {
            return Ok(None);
        }
        // A JSON answer that comes with a failure is still a secret.
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

/// The processes that a program started; they are ended with it, also when nobody waits any more.
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

    /// Lets the rest of the group live: the leader ended by itself, and may have left a daemon behind on purpose.
    fn leave(&mut self) {
        self.leader = None;
    }

    /// Ends the group. Its leader was not waited for yet, so its number is still its own.
    fn end(&mut self) {
        if let Some(leader) = self.leader.take() {
            // It may have ended meanwhile.
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

#[cfg(all(test, unix))]
mod tests;
