//! `run-as`: the user that commands run as, which only root can choose
//! (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.run-as>). The guide grants the user
//! to read and run, not to write into the source. Other variables, `HOME` too, stay as they are [unverified].

use std::fs;

use super::Error;
use crate::format::buildspec::{Buildspec, Phase};

/// Another user than the one who runs this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Returns the user of a phase; none where it is the one who runs this, and where only root could choose.
///
/// # Errors
/// When this machine does not know the user.
pub(super) fn of(phase: &Phase, buildspec: &Buildspec) -> Result<Option<User>, Error> {
    let Some(name) = phase.run_as.as_ref().or(buildspec.run_as.as_ref()).map(|name| name.text.as_str()) else {
        return Ok(None);
    };
    if name == "root" || !is_root() {
        return Ok(None);
    }
    let all = fs::read_to_string("/etc/passwd").unwrap_or_default();
    all.lines().find_map(|line| entry(line, name)).map(Some).ok_or_else(|| Error::User { user: name.to_owned() })
}

/// Returns true if any phase has another user.
pub(super) fn any(buildspec: &Buildspec) -> Result<bool, Error> {
    let users: Result<Vec<_>, _> = buildspec.phases.iter().map(|phase| of(phase, buildspec)).collect();
    Ok(users?.iter().any(Option::is_some))
}

fn entry(line: &str, name: &str) -> Option<User> {
    let parts: Vec<&str> = line.split(':').collect();
    let [user, _, uid, gid, ..] = parts.as_slice() else { return None };
    (*user == name).then_some(())?;
    Some(User { name: name.to_owned(), uid: uid.parse().ok()?, gid: gid.parse().ok()? })
}

/// Returns true if this program may choose users.
#[cfg(unix)]
pub(super) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
pub(super) fn is_root() -> bool {
    false
}
