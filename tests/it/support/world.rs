//! A world for one test: a project folder, a store, an environment of its own, and the command run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The mirror in the repository: documents and archives in the upstreams' shapes.
pub fn fixture_mirror() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mirror")
}

/// A project and a store that vanish with the test.
pub struct World {
    folder: TempDir,
    vars: Vec<(String, String)>,
}

/// What a run of the command left behind.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl World {
    /// Makes an empty project that reads upstreams' files from the fixtures.
    pub fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap(), vars: Vec::new() };
        fs::create_dir(world.project()).unwrap();
        fs::create_dir(world.home()).unwrap();
        world.with("TOOLKIT_MIRROR", fixture_mirror().to_str().unwrap())
    }

    /// Sets a variable for every run; an empty value unsets it.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.vars.retain(|(known, _)| known != name);
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The store: `TOOLKIT_HOME`.
    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Writes a file of the project.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.project().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Reads a file of the project.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.project().join(name)).unwrap()
    }

    /// Returns the command, ready to run in the project, with an environment of its own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toolkit"));
        command
            .args(arguments)
            .current_dir(self.project())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.home())
            .env("TOOLKIT_HOME", self.store())
            .stdin(Stdio::null());
        for (name, value) in &self.vars {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        command
    }

    /// Runs the command.
    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&self.command(arguments).output().unwrap())
    }

    /// Runs the command, which must succeed, and returns what it printed.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(0), "toolkit {arguments:?}: {}", run.stderr);
        run.stdout
    }

    /// Runs the command, which must succeed, and reads what it printed as JSON.
    pub fn json(&self, arguments: &[&str]) -> serde_json::Value {
        serde_json::from_str(&self.ok(arguments)).unwrap()
    }

    /// Runs the command, which must end with `code`, and returns what it said.
    pub fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, Some(code), "toolkit {arguments:?}: {}{}", run.stdout, run.stderr);
        run.stderr
    }

    /// Lists every file, folder and link below the store with what it holds, but for locks, cached documents and remembered
    /// projects: two equal lists mean that nothing was changed.
    pub fn store_listing(&self) -> Vec<String> {
        let mut lines = Vec::new();
        list(&self.store(), &self.store(), &mut lines);
        lines.retain(|line| !["locks", "metadata", "projects"].iter().any(|folder| line.starts_with(folder)));
        lines.sort();
        lines
    }
}

impl Run {
    pub fn of(output: &Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

fn list(root: &Path, folder: &Path, lines: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let data = path.symlink_metadata().unwrap();
        if data.is_dir() {
            lines.push(format!("{name}/"));
            list(root, &path, lines);
        } else if data.is_symlink() {
            lines.push(format!("{name} -> {}", fs::read_link(&path).unwrap().display()));
        } else {
            lines.push(format!("{name} {}", blake3::hash(&fs::read(&path).unwrap())));
        }
    }
}
