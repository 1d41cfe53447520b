//! A mirror in S3 that a project names and its user has not allowed: nothing is signed for it, and nothing is asked of it.

use std::sync::Arc;

use async_trait::async_trait;
use url::Url;

use super::{Error, Location};
use crate::net::header::HeaderMap;
use crate::net::{self, Authorizer, Mirror, PendingRequest};

/// Makes a mirror that can be named and not read.
#[must_use]
pub fn withheld(location: &Location) -> Mirror {
    Mirror::of(Arc::new(Withheld { name: location.to_string() }))
}

#[derive(Debug)]
struct Withheld {
    name: String,
}

#[async_trait]
impl net::Store for Withheld {
    fn name(&self) -> String {
        self.name.clone()
    }

    async fn address(&self, _: &str) -> Result<Url, net::Error> {
        Err(net::Error::unlocated(&self.name, Error::NotAllowed { mirror: self.name.clone() }))
    }

    fn authorizer(&self) -> Arc<dyn Authorizer> {
        Arc::new(Nobody)
    }
}

/// Signs nothing.
#[derive(Debug)]
struct Nobody;

#[async_trait]
impl Authorizer for Nobody {
    async fn authorize(&self, _: PendingRequest<'_>) -> Result<HeaderMap, net::Error> {
        Ok(HeaderMap::new())
    }
}
