//! Which shell runs the commands, and what it is given: a loop that takes one command after the other.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::user::User;
use super::workspace::add_mode;
use crate::format::buildspec::Buildspec;
use crate::fs::{At, find_executable};
use crate::host::Host;
use crate::text::shell::word;

/// Finds the shell that `env.shell` names. On Linux CodeBuild knows `bash` and `/bin/sh`; without a word it is the image's
/// `sh` (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell>).
pub(super) fn program(buildspec: &Buildspec, host: &Host) -> Result<PathBuf, Error> {
    if !cfg!(unix) {
        return Err(Error::System);
    }
    let requested = buildspec.env.shell.as_ref().map_or("sh", |shell| shell.text.as_str());
    let name = match requested {
        "sh" | "/bin/sh" => "sh",
        "bash" | "/bin/bash" | "/usr/bin/bash" => "bash",
        _ => return Err(Error::Shell { shell: requested.to_owned() }),
    };
    find(name, host).ok_or_else(|| Error::NoShell { shell: name.to_owned() })
}

/// Finds a program on `PATH`, and the shells also where they always are.
pub(super) fn find(name: &str, host: &Host) -> Option<PathBuf> {
    let path = host.search_path.iter().flat_map(std::env::split_paths);
    find_executable(name, path.chain([PathBuf::from("/bin"), PathBuf::from("/usr/bin")]))
}

/// The files through which this program and the shell talk.
#[derive(Debug, Clone)]
pub(super) struct ControlDir {
    folder: PathBuf,
}

impl ControlDir {
    pub(super) fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Writes a script that the user of the shell may read. What stands there is removed first, and a new file made: the folder
    /// belongs to that user, who may have put a link in its place.
    pub(super) fn write(&self, file: &Path, text: &str) -> Result<(), Error> {
        if fs::symlink_metadata(file).is_ok() {
            fs::remove_file(file).at("replace", file)?;
        }
        let written = File::create_new(file).and_then(|mut new| new.write_all(text.as_bytes()));
        written.at("write", file)?;
        add_mode(file, 0o444)
    }

    /// Returns the folder, and what the last shell left in it, to the user of the next.
    #[cfg(unix)]
    pub(super) fn give_to(&self, user: Option<&User>) -> Result<(), Error> {
        let (uid, gid) = user.map_or((0, 0), |user| (user.uid, user.gid));
        for path in [self.folder.clone(), self.state(), self.working_dir()] {
            match std::os::unix::fs::lchown(&path, Some(uid), Some(gid)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                outcome => outcome.at("change the owner of", &path)?,
            }
        }
        Ok(())
    }

    #[cfg(not(unix))]
    pub(super) fn give_to(&self, _: Option<&User>) -> Result<(), Error> {
        Ok(())
    }

    /// The command that runs next.
    pub(super) fn command(&self) -> PathBuf {
        // CodeBuild's agent calls it so as well; shells show the name in their messages.
        self.folder.join("script.sh")
    }

    pub(super) fn driver(&self) -> PathBuf {
        self.folder.join("driver.sh")
    }

    /// The variables after the last command.
    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("env.sh")
    }

    /// The folder after the last command.
    pub(super) fn working_dir(&self) -> PathBuf {
        self.folder.join("dir.txt")
    }

    /// Returns the lines that bring back variables and folder in a new shell.
    pub(super) fn resume(&self) -> String {
        let (state, working_dir) = (word(&self.state().to_string_lossy()), word(&self.working_dir().to_string_lossy()));
        format!(". {state}\nif IFS= read -r OLDPWD < {working_dir}; then cd \"$OLDPWD\" || :; fi\n")
    }

    /// Returns the loop. Each line of its input is a word on how the build goes; then it runs the command, keeps variables and
    /// folder in case the command ends the shell, and writes `mark` and the exit status.
    ///
    /// Variables are exported as they are set (`set -a`): builds show `CODEBUILD_LAST_EXIT` in their environment, and AWS's own
    /// runner of CodeBuild commands for CodeCatalyst does it this way, with `export -p` and `pwd` after each command.
    ///
    /// The commands see neither the input nor the two descriptors: their input is empty, as in CodeBuild.
    pub(super) fn text(&self, marker: &str, resumed: bool) -> String {
        let (command, state, working_dir) = (
            word(&self.command().to_string_lossy()),
            word(&self.state().to_string_lossy()),
            word(&self.working_dir().to_string_lossy()),
        );
        let resume = if resumed { self.resume() } else { String::new() };
        format!(
            "exec 8<&0 9>&1 </dev/null\n\
             {resume}set -a\n\
             while {{ IFS= read -r CODEBUILD_BUILD_SUCCEEDING <&8; }} 2>/dev/null; do\n\
             . {command} 8<&- 9>&-\n\
             {{ CODEBUILD_LAST_EXIT=$?; export -p >{state}; pwd >{working_dir}; \
             printf '\\n%s %s\\n' {marker} \"$CODEBUILD_LAST_EXIT\" >&9; }} 2>/dev/null\n\
             done\n"
        )
    }
}
