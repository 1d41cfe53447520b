//! What several toolchains use: their cards and layouts, versions and channels, releases on GitHub, checksums, errors.

pub(super) mod card;
pub(super) mod error;
pub(super) mod first_use;
pub(super) mod github;
pub(super) mod layout;
pub(super) mod locked;
pub(super) mod newest;
pub(super) mod platforms;
pub(super) mod proposal;
pub(super) mod semantic;
pub(super) mod setting;
pub(super) mod sums;
