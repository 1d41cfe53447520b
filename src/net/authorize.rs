//! Credentials for servers that require them, and what refusals of such servers mean.

use std::fmt::Debug;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::Error;

/// A request that is about to be sent.
#[derive(Debug, Clone, Copy)]
pub struct PendingRequest<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its address.
    pub url: &'a Url,
    /// Its headers so far.
    pub headers: &'a HeaderMap,
}

/// An answer that refuses a request.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// The beginning of its body, 64 KiB at most; empty where it could not be read.
    pub body: &'a [u8],
    /// How many requests the server has received so far.
    pub attempts: u32,
    /// Whether [`Interpretation::Again`] will be heard.
    pub again: bool,
}

/// What a refusal means.
#[derive(Debug)]
pub enum Interpretation {
    /// What its status says, and no more.
    Plain,
    /// There is something new to say now; the request is worth sending once more.
    Again,
    /// This.
    Error(Error),
}

/// Knows credentials, and for which servers they are meant.
///
/// It is consulted only for the server that a request was meant for, never about one that it was redirected to. Values must
/// be marked as [sensitive](reqwest::header::HeaderValue::set_sensitive).
#[async_trait]
pub trait Authorizer: Debug + Send + Sync {
    /// Returns the headers that authenticate a request, in place of those of the same name; none where there are none
    /// (yet). Every attempt calls it again, so that signatures are fresh.
    ///
    /// # Errors
    /// When there should be some and they cannot be had.
    async fn authorize(&self, asking: PendingRequest<'_>) -> Result<HeaderMap, Error>;

    /// Hears that the server answered 401 with the headers `answered` to a request that carried `sent`. Returns true if there
    /// is now something new to say, so that the request is worth sending once more.
    ///
    /// # Errors
    /// When what the server asks for cannot be had.
    async fn challenged(
        &self,
        _asking: PendingRequest<'_>,
        _sent: &HeaderMap,
        _answered: &HeaderMap,
    ) -> Result<bool, Error> {
        Ok(false)
    }

    /// Returns true if it knows what the refusals of its servers mean. Redirects are refusals then, too, and not followed.
    fn explains(&self) -> bool {
        false
    }

    /// Returns what a refusal means.
    async fn refused(&self, _asking: PendingRequest<'_>, _refusal: Refusal<'_>) -> Interpretation {
        Interpretation::Plain
    }
}
