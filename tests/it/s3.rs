//! Buckets of S3: what is written and read there, on moto and on servers that misbehave as told.

mod bucket;
mod denied;
mod interrupt;
mod mirror;

use std::sync::Arc;

use toolkit::aws::Session;
use toolkit::aws::s3::Bucket;
use toolkit::host::Host;

use crate::faults::{Ear, client, hasty};
use crate::support::moto::{Keys, REGION};

/// Who may do all.
fn root() -> Keys {
    Keys { id: "AKIAROOT".to_owned(), secret: "root-secret".to_owned() }
}

/// Returns the bucket of a location on the server at `endpoint`, asked with these keys.
fn bucket_of(endpoint: &str, keys: &Keys, location: &str) -> (Bucket, Arc<Ear>) {
    bucket_in(
        &[
            ("AWS_ENDPOINT_URL_S3", endpoint),
            ("AWS_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", &keys.id),
            ("AWS_SECRET_ACCESS_KEY", &keys.secret),
        ],
        location,
    )
}

/// Returns the bucket of a location in a world of these variables.
fn bucket_in(vars: &[(&str, &str)], location: &str) -> (Bucket, Arc<Ear>) {
    let (client, ear) = client(hasty());
    let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let host = Host::read().unwrap().with_vars(vars);
    let session = Arc::new(Session::new(&host, &client));
    (Bucket::new(session, location.parse().unwrap()).unwrap(), ear)
}
