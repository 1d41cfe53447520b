//! What several toolchains use: versions and channels, releases on GitHub, lists of checksums, errors.

pub(super) mod error;
pub(super) mod github;
pub(super) mod newest;
pub(super) mod semantic;
pub(super) mod setting;
pub(super) mod sums;
