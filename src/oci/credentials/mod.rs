//! Where credentials for registries come from.

use std::fmt::{self, Debug};

use async_trait::async_trait;

use crate::model::{Explain, Kind, Repository};

/// A text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// Gives the text, to send it to whom it is meant for.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// What a registry is told about who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// A user name and a password.
    Basic {
        /// The name.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Docker's `identitytoken`: an OAuth2 refresh token, exchanged for others.
    Refresh {
        /// The token.
        token: Secret,
    },
    /// A token that is sent as it is (`registrytoken`).
    Bearer {
        /// The token.
        token: Secret,
    },
}

/// A credential and where it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What to say.
    pub credential: Credential,
    /// Where it stands, for messages: a file, a helper program.
    pub source: String,
}

/// Why a credential could not be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {}

impl Explain for Error {
    fn kind(&self) -> Kind {
        match *self {}
    }

    fn hints(&self) -> Vec<String> {
        match *self {}
    }
}

/// Knows nobody: everything is asked for as anybody may.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Keychain for Anonymous {
    async fn find(&self, _: &Repository) -> Result<Option<Found>, Error> {
        Ok(None)
    }
}

/// Knows credentials.
#[async_trait]
pub trait Keychain: Debug + Send + Sync {
    /// Finds what is known about a repository; none when nobody knows it, and then it is asked for as anybody may.
    ///
    /// # Errors
    /// When a source that should know is broken.
    async fn find(&self, repository: &Repository) -> Result<Option<Found>, Error>;
}
