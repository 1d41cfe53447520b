//! GitLab pipelines: TK500 to TK799.

use super::{File, Findings, Rule, Setting};

/// Every rule of this subject, by id.
pub const RULES: &[Rule] = &[];

/// Judges a file.
pub(super) fn check(_file: &File<'_>, _setting: &Setting, _findings: &mut Findings) {}
