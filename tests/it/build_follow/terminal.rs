//! What a person at a terminal sees and is asked. `script` of util-linux is the terminal.

use std::io::{Read, Write};
use std::process::Command;

use super::*;

/// A command at a terminal; none where there is no such `script`.
struct Terminal {
    running: Running,
    seen: String,
}

impl Terminal {
    fn start(world: World, line: &str) -> Option<Self> {
        let version = Command::new("script").arg("--version").output().ok()?;
        if !String::from_utf8_lossy(&version.stdout).contains("util-linux") {
            return None;
        }
        let sized = format!("stty cols 100 rows 30; exec {} {line}", env!("CARGO_BIN_EXE_toolkit"));
        let template = world.command(&[]);
        let mut command = Command::new("script");
        command.args(["-qec", &sized, "/dev/null"]).current_dir(world.project()).env_clear();
        for (name, value) in template.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        command.env("TERM", "xterm").env("SHELL", "/bin/sh");
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().ok()?;
        Some(Self { running: Running(child, world), seen: String::new() })
    }

    /// Reads until this was seen, which is then forgotten.
    fn until(&mut self, text: &str) {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.seen.find(text) {
                self.seen.drain(..at + text.len());
                return;
            }
            let count = self.running.0.stdout.as_mut().unwrap().read(&mut buffer).unwrap();
            assert!(count > 0, "{text} was not seen: {}", self.seen);
            self.seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    }

    fn types(&mut self, keys: &str) {
        self.running.0.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
    }

    fn ends(mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.running.0.stdout.as_mut().unwrap().read_to_end(&mut rest).unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        (self.running.0.wait().unwrap().code(), self.seen.clone())
    }
}

fn endless(fake: &CodeBuild) -> String {
    let script = Script::new("web").before_build().phase("BUILD", 5).line("begun\n").pause(100_000);
    fake.build(script.ends("SUCCEEDED"))
}

#[test]
fn a_table_moves_below_the_lines_of_the_log() {
    let fake = CodeBuild::new();
    let script = Script::new("web").before_build().phase("BUILD", 5);
    let lines = (0..200).map(|index| format!("line {index}.\n"));
    let id = fake.build(script.lines(lines).pause(20).ends("SUCCEEDED"));
    let Some(terminal) = Terminal::start(world(&fake), &format!("build follow {id}")) else {
        eprintln!("skipped: there is no `script` of util-linux");
        return;
    };
    let (code, seen) = terminal.ends();
    assert_eq!(code, Some(0), "{seen}");
    let log: Vec<&str> = seen.lines().filter_map(|line| Some(&line[line.find("line ")?..])).collect();
    assert_eq!(log, (0..200).map(|index| format!("line {index}.")).collect::<Vec<_>>());
    for text in ["web amd64                BUILD", "web amd64                succeeded in 10s"] {
        assert!(seen.contains(text), "{text}: {seen}");
    }
    assert!(!seen.contains("Entering phase"), "phases are in the table: {seen}");
}

#[test]
fn who_interrupts_at_a_terminal_is_asked_once() {
    for (keys, code, stopped) in [("y\r", 1, 1), ("n\r", 5, 0), ("\r", 5, 0), ("\u{3}", 5, 0)] {
        let fake = CodeBuild::new();
        let id = endless(&fake);
        let Some(mut terminal) = Terminal::start(world(&fake), &format!("build follow {id}")) else {
            eprintln!("skipped: there is no `script` of util-linux");
            return;
        };
        terminal.until("begun");
        terminal.types("\u{3}");
        terminal.until("Also stop the build on CodeBuild? [y/N]");
        terminal.types(keys);
        let (ended, seen) = terminal.ends();
        assert_eq!((ended, fake.count("StopBuild")), (Some(code), stopped), "{keys:?}: {seen}");
        if stopped == 0 {
            assert!(seen.contains(&format!("toolkit build follow {id}")), "{seen}");
        }
    }
}
