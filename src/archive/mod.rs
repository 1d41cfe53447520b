//! Archives: any `Read` in, files out; and layers of images, which change the tree of the layers below them. Archives are hostile: what a toolchain's archive does not need is refused, never
//! repaired, and nothing is read as another reader might read it differently.
//!
//! | in an archive | what happens |
//! |---|---|
//! | absolute path, `..`, backslash, drive, control character, not UTF-8, part > 255 bytes, path > 4096, > 128 parts | refused |
//! | a path twice; file over folder; folder over file; a difference only in case on macOS and Windows | refused; a folder may come twice |
//! | symbolic link to an absolute path or out of the tree, other links followed | refused; to nothing inside the tree is fine |
//! | anything below a symbolic link or file | refused |
//! | hard link | to a file unpacked before it, else refused |
//! | device, named pipe, sparse file, unknown type | refused |
//! | setuid, setgid, sticky, write for group and others | dropped |
//! | permission bits | files `mode & 0755 \| 0600`, whatever the umask; folders 0755, read-only ones too, so that trees can be removed |
//! | owner, times, extended attributes | not restored: files are the user's, and as old as the install |
//! | PAX and plain header disagree on a size that both can hold | refused |
//! | gzip, xz, zstd in several members | read on |
//! | after the last gzip member, after the end of a tar | zeros pass, anything else is refused |
//! | no end-of-archive marker | refused as cut |
//! | layer of an image: a path of a lower layer again, of whatever kind | replaced; a file by a new file, never written through another name |
//! | layer: `.wh.NAME`, `.wh..wh..opq` | removes what lower layers brought, before or after it in the layer; itself no file |
//! | layer: below a symbolic link | resolved as if the tree were `/`, never out of it |
//! | layer: symbolic link to anywhere | kept as it is: it has its meaning in a chroot, and is not followed outside of one |
//! | layer: hard link | to a file or symbolic link of any layer; `/` in front of its target is the tree |
//! | layer: other names that begin with `.wh.`, whiteouts with contents | refused |
//! | zip: encrypted, other than stored or deflated, duplicates, headers that disagree, gaps, bytes before or after | refused |

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::model::{Format, Node};

mod disk;
mod error;
mod extended;
mod layers;
mod links;
mod path;
mod pipe;
mod stream;
mod tar;
mod tree;
mod zip;

pub use error::{Error, Refusal};
pub use layers::Layers;
pub use zip::{Layout, module_hash, unpack_zip};

/// The size of the blocks between decoder and walk: handing one over costs little compared with the work on it, and eight of them
/// stay in the cache.
const BLOCK: usize = 128 << 10;

/// How to unpack.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many leading parts of each path to drop. Entries with no more parts than that are dropped whole.
    pub strip: usize,
    /// What an archive may cost.
    pub limits: Limits,
    /// How many threads can run at once. From two on, a decoder gets a thread of its own.
    pub processors: usize,
    /// Whether paths that differ only in case are refused.
    pub fold_case: bool,
    /// Whether the tree is made. Without that, the archive is read, checked and listed all the same.
    pub writes: bool,
}

impl Options {
    /// Strips `strip` parts, with the usual limits and this system's idea of case.
    #[must_use]
    pub fn new(strip: usize, processors: usize) -> Self {
        let fold_case = cfg!(any(target_os = "macos", windows));
        Self { strip, limits: Limits::default(), processors, fold_case, writes: true }
    }
}

/// What an archive may cost. Memory is bounded by `names`: paths and link targets are kept until the end.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files, folders and links.
    pub entries: u64,
    /// Bytes when unpacked, headers included.
    pub bytes: u64,
    /// Bytes of all paths and link targets together.
    pub names: u64,
    /// Unpacked bytes per packed byte, once more than [`Limits::RATIO_FROM`] are unpacked.
    pub ratio: u64,
}

impl Limits {
    /// Small archives may pack well: a file of zeros shrinks 1000 times.
    pub const RATIO_FROM: u64 = 64 << 20;

    fn check_ratio(&self, unpacked: u64, packed: u64) -> Result<(), Error> {
        if unpacked > Self::RATIO_FROM && unpacked / self.ratio.max(1) > packed {
            return Err(Error::Limit { what: "times its own size when unpacked", allowed: self.ratio });
        }
        Ok(())
    }
}

impl Default for Limits {
    /// Ten times the largest toolchain known: the .NET SDK has 0.7 GB, Android's NDK 100 000 files; both pack 4 times.
    fn default() -> Self {
        Self { entries: 500_000, bytes: 16 << 30, names: 64 << 20, ratio: 200 }
    }
}

/// How a tar archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// RFC 1952.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// Returns the compression of a format that is a tar stream; `None` for zips, which need a file to seek in, and for what
    /// is not an archive.
    #[must_use]
    pub fn of(format: Format) -> Option<Self> {
        match format {
            Format::Tar | Format::LayerTar => Some(Self::None),
            Format::TarGz | Format::LayerTarGz => Some(Self::Gzip),
            Format::TarXz => Some(Self::Xz),
            Format::TarZst | Format::LayerTarZst => Some(Self::Zstd),
            Format::Zip | Format::GoModuleZip | Format::File => None,
        }
    }
}

/// Detects the format by the first bytes of a file, else by its name. 512 bytes are enough.
///
/// What is compressed is taken for a tar archive: nothing else of that kind is unpacked here.
#[must_use]
pub fn detect(first_bytes: &[u8], name: &str) -> Option<Format> {
    match first_bytes {
        [0x1f, 0x8b, ..] => Some(Format::TarGz),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Format::TarXz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Format::TarZst),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Format::Zip),
        _ if first_bytes.get(257..262) == Some(b"ustar") => Some(Format::Tar),
        _ => Format::from_name(name),
    }
}

/// Unpacks a tar stream into `target`, an existing, empty folder that nobody else writes to. Returns what was unpacked,
/// sorted by path, each file with the digest that was taken while it was written.
///
/// # Errors
/// When the archive is refused or damaged, or the disk does not take it. `target` then holds what came before the fault,
/// and nothing was touched outside it: the caller removes the folder.
pub fn unpack_tar<R: BufRead + Send>(
    reader: R,
    compression: Compression,
    target: &Path,
    options: &Options,
) -> Result<Vec<Node>, Error> {
    let tree = tree::Tree::new(target, options)?;
    let cost = Cost::default();
    decoded(reader, compression, options, cost, |stream| Ok(tar::Walk::new(stream, tree, options, cost).run()?.0))
}

/// Applies a layer of an image to the tree in `target`, which `lower` describes: nothing else is there, and nobody else
/// writes to it. Returns the tree as it is then. The limits hold for all layers together.
///
/// # Errors
/// As [`unpack_tar`]; the tree in `target` is then neither the one nor the other, and the caller removes it.
pub fn unpack_layer<R: BufRead + Send>(
    reader: R,
    compression: Compression,
    target: &Path,
    options: &Options,
    lower: Layers,
) -> Result<Layers, Error> {
    let cost = lower.cost;
    let layer = layers::Layer::over(lower, target, options)?;
    decoded(reader, compression, options, cost, |stream| {
        let (nodes, cost) = tar::Walk::new(stream, layer, options, cost).run()?;
        Ok(Layers { nodes, cost })
    })
}

/// What archives have cost so far, of the [`Limits`]; nothing before the first of them.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    headers: u64,
    unpacked: u64,
    packed: u64,
}

/// Decompresses, on a thread of its own where there is one, and hands the stream to `walk`.
fn decoded<R: BufRead + Send, T>(
    reader: R,
    compression: Compression,
    options: &Options,
    cost: Cost,
    walk: impl FnOnce(stream::Metered<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let packed = Arc::new(AtomicU64::new(cost.packed));
    let reader = stream::Counted { inner: reader, count: Arc::clone(&packed) };
    let walk = |decoded: &mut dyn BufRead| walk(stream::Metered::new(decoded, packed, cost.unpacked, options.limits));
    if options.processors < 2 || compression == Compression::None {
        let decoder = stream::decoder(compression, reader).map_err(Error::reading)?;
        return walk(&mut stream::buffered(decoder));
    }
    std::thread::scope(|scope| {
        let (filler, mut pipe) = pipe::pipe();
        std::thread::Builder::new()
            .name("inflate".to_owned())
            .spawn_scoped(scope, move || filler.fill_from(stream::decoder(compression, reader)))
            .map_err(|source| Error::Thread { source })?;
        let outcome = walk(&mut pipe);
        // Dropped before the scope waits for the decoder: that is how the decoder learns that nobody reads any more.
        drop(pipe);
        outcome
    })
}

/// Unpacks a file of any format, as [`unpack_tar`] and [`unpack_zip`] do.
///
/// # Errors
/// As theirs.
pub fn unpack_file(file: &File, format: Format, target: &Path, options: &Options) -> Result<Vec<Node>, Error> {
    match Compression::of(format) {
        Some(compression) => unpack_tar(BufReader::with_capacity(BLOCK, file), compression, target, options),
        None => unpack_zip(file, Layout::of(format), target, options),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contents_tell_the_format_before_the_name() {
        let tar = [&[0; 257][..], b"ustar\0"].concat();
        for (first_bytes, name, expected) in [
            (&b"\x1f\x8b\x08"[..], "x.zip", Some(Format::TarGz)),
            (b"\xfd7zXZ\0", "x", Some(Format::TarXz)),
            (b"\x28\xb5\x2f\xfd", "x", Some(Format::TarZst)),
            (b"PK\x03\x04", "x.tar.gz", Some(Format::Zip)),
            (b"PK\x05\x06", "x", Some(Format::Zip)),
            (&tar, "x", Some(Format::Tar)),
            (b"", "go.tgz", Some(Format::TarGz)),
            (b"<!DOCTYPE html>", "index.html", None),
            (b"", "", None),
        ] {
            assert_eq!(detect(first_bytes, name), expected, "{name}");
        }
    }
}
