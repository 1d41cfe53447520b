//! Layers of images: received whole, verified, and only then applied to a tree.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use super::incoming::Incoming;
use super::tries::Tries;
use super::worker::{Stoppable, Worker};
use super::{Download, Error, Options, receive_nameless, verify_file};
use crate::archive::{self, Compression, Layers};
use crate::model::{Artifact, Verified};
use crate::net::Net;

/// A layer that was received, verified and applied.
#[derive(Debug)]
pub struct IngestedLayer {
    /// The digest that was checked.
    pub verified: Verified,
    /// The tree with the layer.
    pub layers: Layers,
    /// The file's length in bytes.
    pub bytes: u64,
}

/// Receives a layer of an image and applies it to the tree in `target`, which `lower` describes and nobody else writes to.
///
/// Unlike an archive it is received whole before anything is done with it: what a layer removes from a tree cannot be put
/// back for a second attempt, so nothing but verified bytes may begin. After an error that comes later `target` is
/// half-changed and the caller removes it.
///
/// # Errors
/// As [`unpack`].
pub async fn ingest_layer(
    net: &dyn Net,
    artifact: &Artifact,
    target: &Path,
    options: &Options<'_>,
    lower: Layers,
) -> Result<IngestedLayer, Error> {
    let download = Download::of(artifact);
    let tries = Tries::default();
    let (verified, file, bytes) = loop {
        match receive_whole(net, (download, &tries), options).await {
            Err(error) if tries.once_more(&error, options.progress) => {}
            outcome => break outcome?,
        }
    };
    let Some(compression) = Compression::of(artifact.format).filter(|_| artifact.format.is_layer()) else {
        return Err(Error::UnknownFormat { file: download.file() });
    };
    let unpacking = options.unpacking(artifact.strip);
    let (target, name) = (target.to_owned(), download.file());
    let mut worker = Worker::start("unpack", move |arrivals| {
        let reader = BufReader::with_capacity(1 << 20, Stoppable::new(file, &arrivals));
        archive::unpack_layer(reader, compression, &target, &unpacking, lower)
            .map_err(|source| Error::Archive { file: name, source })
    })?;
    Ok(IngestedLayer { verified, layers: worker.outcome().await?, bytes })
}

/// Receives a file into one without a name, and checks it.
async fn receive_whole(
    net: &dyn Net,
    (download, tries): (Download<'_>, &Tries),
    options: &Options<'_>,
) -> Result<(Verified, File, u64), Error> {
    let incoming = Incoming::open(net, (download, tries), options.progress).await?;
    let (file, total) = receive_nameless(incoming, options.staging).await?;
    let bytes = total.bytes;
    let (verified, file) = verify_file(download, total, file, options.limits).await?;
    Ok((verified, file, bytes))
}
