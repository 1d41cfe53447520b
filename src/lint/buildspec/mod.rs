//! Buildspec files: TK100 to TK399.

use super::{File, Findings, Rule, Setting};

/// Every rule of this subject, by id.
pub const RULES: &[Rule] = &[];

/// Judges a file.
pub(super) fn check(_file: &File<'_>, _setting: &Setting, _findings: &mut Findings) {}
