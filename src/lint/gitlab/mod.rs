//! GitLab pipelines: TK500 to TK799. The content of included files is unknown, and nothing is reported about it.

pub(super) mod conditions;
mod graph;
mod images;
mod keys;
pub(super) mod references;
pub(super) mod rules;
mod scripts;
pub(super) mod starting;

use super::{File, Findings, Setting};
use crate::format::gitlab_ci::Config;

/// Checks a file.
pub(super) fn check(file: &File<'_>, setting: &Setting, findings: &mut Findings) {
    let Some(config) = Config::read(file.tree) else { return };
    keys::check(&config, findings);
    graph::check(&config, findings);
    conditions::check(config.root, findings);
    references::check(&config, findings);
    starting::check(&config, findings);
    scripts::check(file.source, &config, setting, findings);
}
