//! A file that is not an archive: an executable as it is, received into the tree under its own name.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Component, Path};

use super::incoming::Incoming;
use super::worker::Worker;
use super::{Error, Ingested};
use crate::fs::At;
use crate::model::{Node, NodeKind};

/// Executable for everybody, for the owner to replace.
const MODE: u32 = 0o755;

/// Receives the file into `target`, an empty folder. As with archives, its digest is checked at the end, before anybody
/// else sees the folder.
pub(super) async fn place(incoming: Incoming<'_>, target: &Path) -> Result<Ingested, Error> {
    let download = incoming.download();
    let name = download.file();
    if !matches!(Path::new(&name).components().collect::<Vec<_>>().as_slice(), [Component::Normal(_)]) {
        return Err(Error::UnknownFormat { file: name });
    }
    let path = target.join(&name);
    let file = File::create_new(&path).at("create", &path)?;
    let mut worker = Worker::start("receive", move |mut arrivals| {
        let mut file = file;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 128 << 10];
        let mut size = 0;
        loop {
            match arrivals.read(&mut buffer).at("write", &path)? {
                0 => break,
                length => {
                    file.write_all(&buffer[..length]).at("write", &path)?;
                    hasher.update(&buffer[..length]);
                    size += length as u64;
                }
            }
        }
        executable(&file).at("change the mode of", &path)?;
        Ok(NodeKind::File { mode: MODE, size, digest: *hasher.finalize().as_bytes() })
    })?;
    let total = incoming.receive(Some(&mut worker)).await?;
    let outcome = worker.outcome().await;
    let bytes = total.bytes;
    let verified = download.verify(total)?;
    Ok(Ingested { verified, nodes: vec![Node { path: name, kind: outcome? }], bytes })
}

#[cfg(unix)]
fn executable(file: &File) -> std::io::Result<()> {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(MODE))
}

#[cfg(not(unix))]
fn executable(_: &File) -> std::io::Result<()> {
    Ok(())
}
