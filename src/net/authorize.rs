//! What to say to servers that ask who is there.

use std::fmt::Debug;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderValue};
use url::Url;

use super::Error;

/// Knows credentials, and for which servers they are meant.
///
/// It is asked only about the server that a request was meant for, never about one that it was redirected to. Values must
/// be marked as [sensitive](HeaderValue::set_sensitive).
#[async_trait]
pub trait Authorizer: Debug + Send + Sync {
    /// Gives the value of `Authorization` for a request; none where there is nothing to say (yet).
    ///
    /// # Errors
    /// When there should be one and it cannot be had.
    async fn authorization(&self, method: &Method, url: &Url) -> Result<Option<HeaderValue>, Error>;

    /// Hears that the server answered 401 with these headers to a request that carried `sent`. Tells whether there is now something new to say, so that the
    /// request is worth sending once more.
    ///
    /// # Errors
    /// When what the server asks for cannot be had.
    async fn challenged(
        &self,
        method: &Method,
        url: &Url,
        sent: Option<&HeaderValue>,
        headers: &HeaderMap,
    ) -> Result<bool, Error>;
}
