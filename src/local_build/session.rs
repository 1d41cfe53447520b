//! The shell of a build: one for all commands, and a new one after a command has ended it.

use std::fs;
use std::io::{PipeReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::Stop;
use super::error::Error;
use super::log::Log;
use super::process::Group;
use super::shell::ControlDir;
use super::user::User;
use super::workspace::{Workspace, admit};

/// How often a silent command is checked: has its shell ended, is the time limit reached, was the build stopped?
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long to read output after the shell has ended, when a process that it started still writes.
const PATIENCE: Duration = Duration::from_secs(1);

/// The size of the last output that is kept for `on-failure: RETRY-<expression>`, in bytes.
const KEPT: usize = 64 * 1024;

/// The longest line in bytes; longer ones are split.
const LONGEST_LINE: usize = 64 * 1024;

/// The settings for starting a shell.
#[derive(Debug, Clone)]
pub(super) struct ShellConfig {
    shell: PathBuf,
    source: PathBuf,
    pub(super) control_dir: ControlDir,
    scratch: PathBuf,
    variables: Vec<(String, String)>,
    stop: Stop,
    pub(super) deadline: Option<Instant>,
    /// True to run every command in a new shell, as in version 0.1.
    pub(super) one_shell_each: bool,
}

impl ShellConfig {
    pub(super) fn new(shell: PathBuf, workspace: &Workspace, variables: Vec<(String, String)>, stop: Stop) -> Self {
        let control_dir = ControlDir::in_folder(workspace.control_dir.clone());
        let (source, scratch) = (workspace.source.clone(), workspace.folder.clone());
        Self { shell, source, control_dir, scratch, variables, stop, deadline: None, one_shell_each: false }
    }

    /// Returns the folder of the source.
    pub(super) fn source(&self) -> &std::path::Path {
        &self.source
    }

    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Returns a command of the shell with the variables of the build, in the folder of the source.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.shell);
        command.current_dir(&self.source).envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null());
        command
    }
}

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ended {
    /// With this exit status.
    Exit(i32),
    /// It reached the time limit and was killed.
    TimedOut,
}

/// Output of the shell.
#[derive(Debug)]
enum Event {
    Line(Vec<u8>),
    Done(i32),
    Closed,
}

/// A shell that runs.
#[derive(Debug)]
struct Running {
    child: Child,
    orders: ChildStdin,
    events: Receiver<Event>,
}

/// The shell session of one attempt at a build, with its background processes.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) shell_config: ShellConfig,
    running: Option<Running>,
    begun: bool,
    /// The end of the last command's output.
    pub(super) tail: Vec<u8>,
    group: Group,
    user: Option<User>,
}

impl Session {
    pub(super) fn new(shell_config: ShellConfig) -> Result<Self, Error> {
        let group =
            Group::start(&shell_config.scratch).map_err(|source| Error::Start { program: "sh".to_owned(), source })?;
        for file in [shell_config.control_dir.state(), shell_config.control_dir.working_dir()] {
            let _ = fs::remove_file(file);
        }
        Ok(Self { shell_config, running: None, begun: false, tail: Vec::new(), group, user: None })
    }

    /// Runs the next commands as this user, in a new shell with the variables and the folder of the previous one.
    pub(super) fn become_user(&mut self, user: Option<User>) -> Result<(), Error> {
        if user == self.user {
            return Ok(());
        }
        if let Some(Running { mut child, orders, .. }) = self.running.take() {
            drop(orders);
            let _ = child.wait();
        }
        if let Some(user) = &user {
            admit(&self.shell_config.scratch, user)?;
        }
        self.shell_config.control_dir.give_to(user.as_ref())?;
        self.user = user;
        Ok(())
    }

    /// Runs a command to its end.
    pub(super) fn run(&mut self, text: &str, succeeding: bool, log: &mut Log) -> Result<Ended, Error> {
        self.tail.clear();
        self.shell_config.control_dir.write(&self.shell_config.control_dir.command(), &format!("{text}\n"))?;
        if self.shell_config.one_shell_each {
            self.running = None;
            self.begun = false;
        }
        let mut running = match self.running.take() {
            Some(running) => running,
            None => self.start(log.masked())?,
        };
        self.begun = true;
        // A shell that has ended meanwhile is noticed below.
        let _ = running.orders.write_all(if succeeding { b"1\n" } else { b"0\n" });
        self.wait(running, log)
    }

    fn wait(&mut self, mut running: Running, log: &mut Log) -> Result<Ended, Error> {
        loop {
            if self.shell_config.stop.is_requested() {
                self.group.ask_to_end(Some(&mut running.child));
                return Err(Error::Stopped);
            }
            if self.shell_config.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.group.ask_to_end(Some(&mut running.child));
                let _ = running.child.wait();
                self.rest(&running, log);
                return Ok(Ended::TimedOut);
            }
            match running.events.recv_timeout(POLL_INTERVAL) {
                Ok(Event::Line(line)) => self.pass_on(&line, log),
                Ok(Event::Done(status)) => {
                    self.running = Some(running);
                    return Ok(Ended::Exit(status));
                }
                Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => {
                    let status = self.ended(&mut running)?;
                    return Ok(self.exit(status));
                }
                Err(RecvTimeoutError::Timeout) => {
                    if let Ok(Some(status)) = running.child.try_wait() {
                        let status = self.rest(&running, log).unwrap_or_else(|| code(status));
                        return Ok(self.exit(status));
                    }
                }
            }
        }
    }

    /// Leaves word of the status of a command that has ended its shell.
    fn exit(&self, status: i32) -> Ended {
        let state = self.shell_config.control_dir.state();
        if let Ok(mut file) = fs::File::options().append(true).open(state) {
            // The variable is there for people to look at; a build does not depend on it.
            let _ = writeln!(file, "export CODEBUILD_LAST_EXIT='{status}'");
        }
        Ended::Exit(status)
    }

    /// Waits for a shell that has closed its output.
    fn ended(&mut self, running: &mut Running) -> Result<i32, Error> {
        loop {
            match running.child.try_wait() {
                Ok(Some(status)) => return Ok(code(status)),
                Ok(None) if self.shell_config.stop.is_requested() => {
                    self.group.ask_to_end(Some(&mut running.child));
                    return Err(Error::Stopped);
                }
                Ok(None) => std::thread::sleep(POLL_INTERVAL),
                Err(_) => return Ok(1),
            }
        }
    }

    /// Passes on what is left of a shell that has ended. A process that it left behind may keep the output open.
    fn rest(&mut self, running: &Running, log: &mut Log) -> Option<i32> {
        let until = Instant::now() + PATIENCE;
        while let Ok(event) = running.events.recv_timeout(POLL_INTERVAL) {
            match event {
                Event::Line(_) if Instant::now() >= until => break,
                Event::Line(line) => self.pass_on(&line, log),
                Event::Done(status) => return Some(status),
                Event::Closed => break,
            }
        }
        None
    }

    fn pass_on(&mut self, line: &[u8], log: &mut Log) {
        log.output(line);
        self.tail.extend_from_slice(line);
        self.tail.push(b'\n');
        if self.tail.len() > 2 * KEPT {
            self.tail.drain(..self.tail.len() - KEPT);
        }
    }

    /// Starts the shell. No line of its output is split within one of the `masked` values.
    fn start(&self, masked: &[String]) -> Result<Running, Error> {
        let marker = format!("toolkit-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
        let driver = self.shell_config.control_dir.driver();
        let resumed = self.begun && self.shell_config.control_dir.state().exists();
        self.shell_config.control_dir.write(&driver, &self.shell_config.control_dir.text(&marker, resumed))?;
        let failed = |source| Error::Start { program: self.shell_config.shell.display().to_string(), source };
        let (from, to) = std::io::pipe().map_err(failed)?;
        let mut command = self.shell_config.command();
        command.arg(&driver).stdin(Stdio::piped());
        command.stdout(to.try_clone().map_err(failed)?).stderr(to);
        self.group.take_in(&mut command);
        if let Some(user) = &self.user {
            as_user(&mut command, user);
        }
        let mut child = command.spawn().map_err(failed)?;
        // This program's own ends of the pipe have to close, or it would never hear the end.
        drop(command);
        let orders = child.stdin.take().expect("it was asked for");
        let (sender, events) = sync_channel(256);
        let lines = Lines::new(&marker, masked);
        std::thread::Builder::new().spawn(move || read(from, lines, &sender)).map_err(failed)?;
        Ok(Running { child, orders, events })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.group.ask_to_end(None);
        if let Some(running) = &mut self.running {
            let _ = running.child.wait();
        }
    }
}

#[cfg(unix)]
fn as_user(command: &mut Command, user: &User) {
    use std::os::unix::process::CommandExt;
    command.uid(user.uid).gid(user.gid);
}

#[cfg(not(unix))]
fn as_user(_: &mut Command, _: &User) {}

/// Returns the exit status of a shell, as shells do: 128 and the number of the signal that ended it.
#[cfg(unix)]
fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1)
}

#[cfg(not(unix))]
fn code(status: std::process::ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}

/// Reads lines and marks until the pipe closes, or nobody listens.
fn read(mut from: PipeReader, mut lines: Lines, to: &SyncSender<Event>) {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                if lines.take(&buffer[..count], to).is_none() {
                    return;
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    lines.finish(to);
    let _ = to.send(Event::Closed);
}

/// Cuts output into lines. The mark comes after a line break of its own, which is not the command's.
struct Lines {
    marker: String,
    partial: Vec<u8>,
    blank: bool,
    goes_on: bool,
    masked: Vec<String>,
}

impl Lines {
    fn new(marker: &str, masked: &[String]) -> Self {
        let (marker, masked) = (format!("{marker} "), masked.to_vec());
        Self { marker, partial: Vec::new(), blank: false, goes_on: false, masked }
    }

    /// Returns `None` when nobody listens.
    fn take(&mut self, mut bytes: &[u8], to: &SyncSender<Event>) -> Option<()> {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.partial.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.partial);
            self.line(line, to)?;
        }
        self.partial.extend_from_slice(bytes);
        let longest = self.masked.iter().map(String::len).max().unwrap_or_default();
        while self.partial.len() > LONGEST_LINE + longest {
            self.goes_on = true;
            self.release(to)?;
            let rest = self.partial.split_off(self.place_to_split());
            to.send(Event::Line(std::mem::replace(&mut self.partial, rest))).ok()?;
        }
        Some(())
    }

    /// Returns where a line that is too long is split: before a value that is masked, never within.
    fn place_to_split(&self) -> usize {
        let mut place = LONGEST_LINE;
        loop {
            let begins_before = |secret: &String| {
                let first = (place + 1).saturating_sub(secret.len());
                (first..place).find(|start| self.partial[*start..].starts_with(secret.as_bytes()))
            };
            match self.masked.iter().find_map(begins_before) {
                Some(0) => return LONGEST_LINE, // masked values from the beginning on: none of them is read whole anyway
                Some(start) => place = start,
                None => return place,
            }
        }
    }

    fn line(&mut self, line: Vec<u8>, to: &SyncSender<Event>) -> Option<()> {
        if let Some(status) = line.strip_prefix(self.marker.as_bytes()) {
            self.blank = false;
            let status = std::str::from_utf8(status).ok().and_then(|text| text.trim().parse().ok());
            return to.send(Event::Done(status.unwrap_or(1))).ok();
        }
        self.release(to)?;
        if std::mem::take(&mut self.goes_on) && line.is_empty() {
            return Some(());
        }
        if line.is_empty() {
            self.blank = true;
            return Some(());
        }
        to.send(Event::Line(line)).ok()
    }

    /// Passes on an empty line that turned out to be the command's.
    fn release(&mut self, to: &SyncSender<Event>) -> Option<()> {
        if std::mem::take(&mut self.blank) { to.send(Event::Line(Vec::new())).ok() } else { Some(()) }
    }

    fn finish(&mut self, to: &SyncSender<Event>) {
        let last = std::mem::take(&mut self.partial);
        if self.release(to).is_some() && !last.is_empty() {
            let _ = to.send(Event::Line(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&str]) -> Vec<String> {
        let (sender, events) = sync_channel(100);
        let mut lines = Lines::new("M", &["hunter2secret".to_owned(), "2secretmore".to_owned()]);
        for piece in pieces {
            lines.take(piece.as_bytes(), &sender).unwrap();
        }
        lines.finish(&sender);
        drop(sender);
        let shown = |event| match event {
            Event::Line(line) => String::from_utf8(line).unwrap(),
            Event::Done(status) => format!("={status}"),
            Event::Closed => "closed".to_owned(),
        };
        events.iter().map(shown).collect()
    }

    #[test]
    fn a_line_that_is_too_long_is_never_split_within_a_secret() {
        for secret in ["hunter2secret", "2secretmore", "hunter2secretmore", "hunter2hunter2secret"] {
            for before in LONGEST_LINE - secret.len() - 1..=LONGEST_LINE + 1 {
                let whole = format!("{}{secret}{}\n", "x".repeat(before), "y".repeat(40));
                let (first, second) = whole.split_at(before + 3);
                let lines = cut(&[first, second]);
                assert_eq!(lines.concat(), whole.trim_end(), "nothing is lost");
                let hidden: String =
                    lines.iter().map(|line| line.replace("hunter2secret", "").replace("2secretmore", "")).collect();
                assert!(!hidden.contains("secret"), "{before} bytes before {secret}");
            }
        }
    }

    #[test]
    fn the_line_break_before_a_mark_is_not_the_commands() {
        for (pieces, expected) in [
            (&["a\n\nM 0\n"][..], &["a", "=0"][..]),
            (&["a", "\nM 3\n"], &["a", "=3"]),
            (&["\nM 0\n"], &["=0"]),
            (&["a\n\n\nM 0\n"], &["a", "", "=0"]),
            (&["a\n", "\n", "M", " 12\n"], &["a", "=12"]),
            (&["a\n\nb"], &["a", "", "b"]),
            (&["not M 1\n"], &["not M 1"]),
        ] {
            assert_eq!(cut(pieces), expected, "{pieces:?}");
        }
    }
}
