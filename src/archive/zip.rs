//! Unpacks zip archives: checked as a whole first, because a zip says everything twice and readers differ in what they
//! believe.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use super::error::{Error, Refusal};
use super::tree::{Grow, Tree};
use super::{Limits, Options, path};
use crate::model::{Algorithm, Digest, Format, Node, hex};

/// The file type in Unix modes.
const TYPE_BITS: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
/// The longest link target that is read.
const LONGEST_TARGET: u64 = 4096;

/// What the entries of a zip are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// Paths, with Unix permissions where they were packed on Unix.
    Plain,
    /// Go's module `golang.org/toolchain`: all below `<module>@<version>/`, without permissions.
    GoModule,
}

impl Layout {
    /// Returns the layout of a zip's format.
    #[must_use]
    pub fn of(format: Format) -> Self {
        if format == Format::GoModuleZip { Self::GoModule } else { Self::Plain }
    }
}

/// An entry whose name was checked.
struct Entry {
    index: usize,
    raw: Vec<u8>,
    path: Option<String>,
    mode: Option<u32>,
    kind: EntryKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EntryKind {
    Folder,
    File,
    Link,
}

/// Unpacks a zip into `target`, as [`super::unpack_tar`] does.
///
/// With [`Layout::GoModule`] the prefix `<module>@<version>/` is dropped and `options.strip` does not apply; files become
/// what `cmd/go` makes of them when it switches toolchains (`cmd/go/internal/toolchain/select.go`): everything below
/// `bin/` and `pkg/tool/` and the `lib/…/go_*_*_exec` scripts are executable, and `_go.mod`, so named because a module
/// cannot hold another one, is `go.mod` again.
///
/// # Errors
/// As [`super::unpack_tar`].
pub fn unpack_zip<R: Read + Seek>(
    reader: R,
    layout: Layout,
    target: &Path,
    options: &Options,
) -> Result<Vec<Node>, Error> {
    let mut archive = open(reader, &options.limits)?;
    let entries = entries(&mut archive, layout, options.strip)?;
    let mut tree = Tree::new(target, options)?;
    for entry in &entries {
        let Some(path) = &entry.path else { continue };
        match entry.kind {
            EntryKind::Folder => tree.folder(path)?,
            EntryKind::Link => {
                let target = link_target(&mut archive, entry)?;
                tree.symbolic_link(path, &target)?;
            }
            EntryKind::File => {
                let mut file = tree.create(path, mode(entry, path, layout))?;
                contents(&mut archive, entry.index, |bytes| tree.write(&mut file, bytes))?;
                tree.close(file)?;
            }
        }
    }
    tree.finish()
}

/// Computes the `h1:` hash of a module zip: SHA-256 over the lines `<SHA-256 of the file>  <name>`, sorted by name
/// (<https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1>). Unpacks nothing.
///
/// # Errors
/// When the zip is refused as a whole, or damaged.
pub fn module_hash<R: Read + Seek>(reader: R, limits: &Limits) -> Result<Digest, Error> {
    let mut archive = open(reader, limits)?;
    let mut lines = BTreeMap::new();
    for entry in entries(&mut archive, Layout::Plain, 0)? {
        let mut hasher = Sha256::new();
        contents(&mut archive, entry.index, |bytes| {
            hasher.update(bytes);
            Ok(())
        })?;
        lines.insert(entry.raw, hasher.finalize());
    }
    let mut whole = Sha256::new();
    for (name, digest) in &lines {
        whole.update(hex(digest).as_bytes());
        whole.update(b"  ");
        whole.update(name);
        whole.update(b"\n");
    }
    Ok(Digest::new(Algorithm::GoModule, &whole.finalize()).expect("SHA-256 has the length of an h1 hash"))
}

/// Opens a zip and checks what its two lists of entries say about each other and about the file.
fn open<R: Read + Seek>(mut reader: R, limits: &Limits) -> Result<ZipArchive<R>, Error> {
    let length = reader.seek(SeekFrom::End(0)).map_err(Error::reading)?;
    let comment = comment_at_the_end(&mut reader, length).map_err(Error::reading)?;
    reader.rewind().map_err(Error::reading)?;
    let mut archive = ZipArchive::new(reader).map_err(broken)?;
    if comment != Some(archive.comment().len()) {
        return Err(Error::malformed("there is data after its end-of-archive record"));
    }
    if archive.len() as u64 > limits.entries {
        return Err(Error::Limit { what: "entries", allowed: limits.entries });
    }
    archive.validate_header_consistency().map_err(broken)?;
    check_extent(&mut archive)?;
    let mut unpacked = 0u64;
    for index in 0..archive.len() {
        unpacked = unpacked.saturating_add(archive.by_index_data(index).map_err(broken)?.size());
    }
    if unpacked > limits.bytes {
        return Err(Error::Limit { what: "bytes when unpacked", allowed: limits.bytes });
    }
    limits.check_ratio(unpacked, length)?;
    Ok(archive)
}

/// Returns the length of the comment with which the file ends, when it ends like a zip: record, comment, nothing more
/// (APPNOTE 4.3.16). Readers search this record backwards and stop at different ones.
fn comment_at_the_end<R: Read + Seek>(reader: &mut R, length: u64) -> io::Result<Option<usize>> {
    const RECORD: usize = 22;
    let size = length.min((RECORD + usize::from(u16::MAX)) as u64);
    reader.seek(SeekFrom::Start(length - size))?;
    let mut tail = Vec::new();
    reader.take(size).read_to_end(&mut tail)?;
    let is_record = |comment: &usize| {
        let Some(record) = tail.len().checked_sub(RECORD + comment).map(|start| &tail[start..]) else { return false };
        record.starts_with(b"PK\x05\x06") && usize::from(u16::from_le_bytes([record[20], record[21]])) == *comment
    };
    Ok((0..=usize::from(u16::MAX)).find(is_record))
}

/// Refuses bytes before the first entry, and comments in which another reader could find another end of the archive.
fn check_extent<R: Read + Seek>(archive: &mut ZipArchive<R>) -> Result<(), Error> {
    let comment = archive.comment();
    if comment.windows(4).any(|window| window == b"PK\x05\x06") {
        return Err(Error::malformed("its comment holds another end-of-archive record"));
    }
    let mut first = archive.central_directory_start();
    for index in 0..archive.len() {
        first = first.min(archive.by_index_data(index).map_err(broken)?.header_start());
    }
    if archive.offset() != 0 || first != 0 {
        return Err(Error::malformed("something precedes the first entry"));
    }
    Ok(())
}

/// Checks every entry before the first one is unpacked.
fn entries<R: Read + Seek>(archive: &mut ZipArchive<R>, layout: Layout, strip: usize) -> Result<Vec<Entry>, Error> {
    let mut module = None;
    let mut entries = Vec::new();
    for index in 0..archive.len() {
        let data = archive.by_index_data(index).map_err(broken)?;
        let raw = data.name_raw().to_vec();
        let refused = |reason: Refusal| reason.of(&raw);
        if data.encrypted() {
            return Err(refused(Refusal::Encrypted));
        }
        if !matches!(data.compression(), CompressionMethod::Stored | CompressionMethod::Deflated) {
            return Err(refused(Refusal::Compression));
        }
        let mode = data.unix_mode();
        let kind = kind(&raw, mode, data.size()).map_err(refused)?;
        // The crate decodes names that are not marked as UTF-8, and prefers one in an extra field.
        if data.name().map_err(broken)?.as_bytes() != raw {
            return Err(refused(Refusal::NotUnicode));
        }
        let clean = path::clean(&raw).map_err(refused)?;
        if clean.is_empty() {
            return Err(refused(Refusal::Empty));
        }
        let path = match layout {
            Layout::Plain => path::strip(&clean, strip).map(str::to_owned),
            Layout::GoModule => module_path(&clean, &mut module).map_err(refused)?,
        };
        entries.push(Entry { index, path, mode, kind, raw });
    }
    Ok(entries)
}

fn kind(name: &[u8], mode: Option<u32>, size: u64) -> Result<EntryKind, Refusal> {
    let folder = name.ends_with(b"/");
    match mode.unwrap_or_default() & TYPE_BITS {
        0o040_000 if !folder => Err(Refusal::SlashedFile),
        0 | 0o040_000 if folder && size > 0 => Err(Refusal::Contents { kind: "folder", size }),
        0 | 0o040_000 if folder => Ok(EntryKind::Folder),
        0 | REGULAR if !folder => Ok(EntryKind::File),
        0o120_000 if !folder => Ok(EntryKind::Link),
        _ if folder => Err(Refusal::SlashedFile),
        0o010_000 => Err(Refusal::Special { kind: "named pipe" }),
        0o020_000 => Err(Refusal::Special { kind: "character device" }),
        0o060_000 => Err(Refusal::Special { kind: "block device" }),
        0o140_000 => Err(Refusal::Special { kind: "socket" }),
        other => Err(Refusal::UnknownType { flag: format!("{other:o}") }),
    }
}

/// Drops `<module>@<version>/`, the same for all entries. A module's path may have several parts; a version has none.
fn module_path(path: &str, module: &mut Option<String>) -> Result<Option<String>, Refusal> {
    let prefix = match module {
        Some(prefix) => prefix,
        None => {
            let version = path.find('@').and_then(|at| path[at..].find('/').map(|slash| at + slash + 1));
            let prefix = version.map(|end| path[..end].to_owned());
            module.insert(prefix.ok_or_else(|| Refusal::OutsideModule { prefix: "<module>@<version>/".to_owned() })?)
        }
    };
    let inside = path.strip_prefix(prefix.as_str()).filter(|rest| !rest.is_empty());
    let Some(inside) = inside else { return Err(Refusal::OutsideModule { prefix: prefix.clone() }) };
    Ok(Some(match inside.strip_suffix("_go.mod") {
        Some(folder) if folder.is_empty() || folder.ends_with('/') => format!("{folder}go.mod"),
        _ => inside.to_owned(),
    }))
}

fn mode(entry: &Entry, path: &str, layout: Layout) -> u32 {
    match layout {
        Layout::Plain => entry.mode.filter(|mode| mode & 0o777 != 0).unwrap_or(0o644),
        Layout::GoModule if module_executable(path) => 0o755,
        Layout::GoModule => 0o644,
    }
}

fn module_executable(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let runner = name.strip_prefix("go_").and_then(|rest| rest.strip_suffix("_exec"));
    path.starts_with("bin/")
        || path.starts_with("pkg/tool/")
        || path.starts_with("lib/") && runner.is_some_and(|middle| middle.contains('_'))
}

fn link_target<R: Read + Seek>(archive: &mut ZipArchive<R>, entry: &Entry) -> Result<Vec<u8>, Error> {
    let mut target = Vec::new();
    contents(archive, entry.index, |bytes| {
        target.extend_from_slice(bytes);
        if target.len() as u64 > LONGEST_TARGET { Err(Refusal::LongPath.of(&entry.raw)) } else { Ok(()) }
    })?;
    Ok(target)
}

/// Hands an entry's contents to `take`; their length and CRC-32 are checked on the way.
fn contents<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut file = archive.by_index(index).map_err(broken)?;
    let mut left = file.size();
    let mut buffer = [0; 16 << 10];
    loop {
        let count = match file.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Error::reading(error)),
        };
        let name = || String::from_utf8_lossy(file.name_raw()).escape_debug().to_string();
        match left.checked_sub(count as u64) {
            None => return Err(Error::malformed(format!("`{}` is longer than its header says", name()))),
            Some(0) if count == 0 => return Ok(()),
            Some(_) if count == 0 => {
                return Err(Error::malformed(format!("`{}` is shorter than its header says", name())));
            }
            Some(rest) => left = rest,
        }
        take(&buffer[..count])?;
    }
}

fn broken(error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => Error::reading(source),
        other => Error::malformed(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_dropped_from_paths() {
        let mut module = None;
        for (path, expected) in [
            ("golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64/bin/go", Some("bin/go")),
            ("golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64/src/_go.mod", Some("src/go.mod")),
            ("golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64/_go.mod", Some("go.mod")),
            ("golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64/src/x_go.mod", Some("src/x_go.mod")),
            ("golang.org/toolchain@v0.0.1-go1.26.0.linux-amd64/bin/go", None),
            ("golang.org/toolchain@v0.0.1-go1.27.0.linux-amd64", None),
            ("bin/go", None),
        ] {
            assert_eq!(module_path(path, &mut module).ok().flatten().as_deref(), expected, "{path}");
        }
        assert!(module_path("bin/go", &mut None).is_err());
    }

    #[test]
    fn the_programs_of_a_module_are_executable() {
        for (path, executable) in [
            ("bin/go", true),
            ("pkg/tool/linux_amd64/compile", true),
            ("lib/wasm/go_js_wasm_exec", true),
            ("lib/time/zoneinfo.zip", false),
            ("src/bin/go", false),
            ("go.env", false),
        ] {
            assert_eq!(module_executable(path), executable, "{path}");
        }
    }
}
