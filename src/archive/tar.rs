//! Walks a tar stream and unpacks it. The `tar` crate reads the fields of a header; the walk is our own, because what
//! extends a header, what ends an archive and what may follow is where readers differ and attacks live.

use tar::{EntryType, Header};

use super::error::{Error, Refusal};
use super::extended::{Extended, LONGEST, check_global};
use super::stream::Metered;
use super::tree::{Grow, Tree};
use super::{Cost, Options, path};
use crate::model::Node;

const BLOCK: usize = 512;

/// One walk over one archive.
pub(super) struct Walk<'r, T = Tree> {
    stream: Metered<'r>,
    tree: T,
    strip: usize,
    limits: super::Limits,
    headers: u64,
}

/// An entry whose name was checked.
struct Entry {
    /// The name as the archive has it, for messages.
    raw: Vec<u8>,
    /// The path in the tree; `None` when stripping leaves nothing of it.
    path: Option<String>,
    size: u64,
    mode: u32,
    kind: EntryType,
    link: Vec<u8>,
}

impl<'r, T: Grow> Walk<'r, T> {
    pub(super) fn new(stream: Metered<'r>, tree: T, options: &Options, before: Cost) -> Self {
        Self { stream, tree, strip: options.strip, limits: options.limits, headers: before.headers }
    }

    /// Unpacks every entry, then reads the stream to its end, so that its checksums are checked too. Returns the tree, and
    /// what it has cost with everything before it.
    pub(super) fn run(mut self) -> Result<(Vec<Node>, Cost), Error> {
        let mut extended = Extended::default();
        while let Some(header) = self.header()? {
            match header.entry_type() {
                EntryType::XHeader => extended.pax(&self.small_contents(&header)?)?,
                EntryType::GNULongName => extended.long_name(&self.small_contents(&header)?)?,
                EntryType::GNULongLink => extended.long_link(&self.small_contents(&header)?)?,
                EntryType::XGlobalHeader => check_global(&self.small_contents(&header)?)?,
                _ => {
                    let entry = self.entry(&header, std::mem::take(&mut extended))?;
                    self.unpack(&entry)?;
                }
            }
        }
        if extended.seen() {
            return Err(Error::malformed("an extended header stands at its end, without an entry"));
        }
        self.only_zeros_follow()?;
        let cost = Cost { headers: self.headers, unpacked: self.stream.unpacked(), packed: self.stream.packed() };
        Ok((self.tree.finish()?, cost))
    }

    /// Reads the next header; `None` at the end-of-archive marker. An archive without the marker was cut.
    fn header(&mut self) -> Result<Option<Header>, Error> {
        let at = self.stream.position();
        let mut header = Header::new_old();
        self.read_exact(header.as_mut_bytes())?;
        let bytes = header.as_bytes();
        if bytes.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        self.headers += 1;
        // Extended headers count as well; an entry has three at most: its own, a name and a target.
        if self.headers > self.limits.entries.saturating_mul(3) {
            return Err(Error::Limit { what: "entries", allowed: self.limits.entries });
        }
        if header.cksum().ok() != Some(checksum(bytes)) {
            return Err(Error::malformed(format!("the header at byte {at} has a wrong checksum")));
        }
        Ok(Some(header))
    }

    /// Joins a header with what extended it, and checks everything that can be checked without the tree.
    fn entry(&self, header: &Header, mut extended: Extended) -> Result<Entry, Error> {
        let raw = extended.path(&header.path_bytes());
        let refused = |reason: Refusal| reason.of(&raw);
        let kind = known(header, extended.sparse()).map_err(refused)?;
        let plain = header.entry_size().map_err(|_| self.bad_number("size", &raw))?;
        let size = extended.size(plain).map_err(refused)?;
        let mode = header.mode().map_err(|_| self.bad_number("mode", &raw))?;
        if kind.is_file() && raw.ends_with(b"/") {
            return Err(refused(Refusal::SlashedFile));
        }
        if let Some(kind) = without_contents(kind).filter(|_| size > 0) {
            return Err(refused(Refusal::Contents { kind, size }));
        }
        let clean = path::clean(&raw).map_err(refused)?;
        if clean.is_empty() && (raw.is_empty() || !kind.is_dir()) {
            return Err(refused(Refusal::Empty));
        }
        let path = path::strip(&clean, self.strip).map(str::to_owned);
        let link = extended.link(header.link_name_bytes().as_deref());
        Ok(Entry { path, size, mode, kind, link, raw })
    }

    fn unpack(&mut self, entry: &Entry) -> Result<(), Error> {
        self.stream.announce(entry.size)?;
        let Some(path) = &entry.path else {
            return self.contents(entry.size, |_, _| Ok(()));
        };
        if self.tree.whiteout(path, entry.kind.is_file(), entry.size)? {
            return Ok(());
        }
        match entry.kind {
            EntryType::Directory => self.tree.folder(path),
            EntryType::Symlink => self.tree.symbolic_link(path, &entry.link),
            EntryType::Link => {
                let target = path::clean(T::target_name(&entry.link)).map_err(|reason| reason.of(&entry.link))?;
                let stripped = path::strip(&target, self.strip)
                    .ok_or_else(|| Refusal::HardLink { target: target.clone() }.of(&entry.raw))?;
                self.tree.hard_link(path, stripped)
            }
            _ => {
                let mut file = self.tree.create(path, entry.mode)?;
                self.contents(entry.size, |tree, bytes| tree.write(&mut file, bytes))?;
                self.tree.close(file)
            }
        }
    }

    /// Hands the next `size` bytes to `take`, in the blocks in which they come, and skips the padding behind them.
    fn contents(&mut self, size: u64, mut take: impl FnMut(&T, &[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut left = size;
        while left > 0 {
            let ready = some(self.stream.fill()?)?;
            let count = ready.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            take(&self.tree, &ready[..count])?;
            self.stream.consume(count);
            left -= count as u64;
        }
        let padding = (BLOCK - (size % BLOCK as u64) as usize) % BLOCK;
        let mut rest = [0; BLOCK];
        self.read_exact(&mut rest[..padding])
    }

    fn small_contents(&mut self, header: &Header) -> Result<Vec<u8>, Error> {
        let size = header.entry_size().map_err(|_| self.bad_number("size", b"extended header"))?;
        if size > LONGEST {
            return Err(Error::Limit { what: "bytes in one extended header", allowed: LONGEST });
        }
        let mut bytes = Vec::new();
        self.contents(size, |_, part| {
            bytes.extend_from_slice(part);
            Ok(())
        })?;
        Ok(bytes)
    }

    fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<(), Error> {
        while !buffer.is_empty() {
            let ready = some(self.stream.fill()?)?;
            let count = ready.len().min(buffer.len());
            buffer[..count].copy_from_slice(&ready[..count]);
            self.stream.consume(count);
            buffer = &mut buffer[count..];
        }
        Ok(())
    }

    /// Reads what follows the end-of-archive marker. Some readers stop there and some go on, so nothing may hide there.
    fn only_zeros_follow(&mut self) -> Result<(), Error> {
        loop {
            let ready = self.stream.fill()?;
            if ready.is_empty() {
                return Ok(());
            }
            if ready.iter().any(|byte| *byte != 0) {
                return Err(Error::malformed("there is data after the end of the tar archive"));
            }
            let count = ready.len();
            self.stream.consume(count);
        }
    }

    fn bad_number(&self, field: &str, entry: &[u8]) -> Error {
        let entry = String::from_utf8_lossy(entry);
        Error::malformed(format!("the {field} of `{}` is not a number", entry.escape_debug()))
    }
}

fn some(ready: &[u8]) -> Result<&[u8], Error> {
    let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "it ends in the middle");
    if ready.is_empty() { Err(Error::Damaged { source: cut() }) } else { Ok(ready) }
}

/// Sums a header's bytes, its checksum field taken as spaces.
fn checksum(header: &[u8; BLOCK]) -> u32 {
    let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
    sum(&header[..148]) + 8 * u32::from(b' ') + sum(&header[156..])
}

/// Returns what an entry is, of the few things that are unpacked.
fn known(header: &Header, sparse: bool) -> Result<EntryType, Refusal> {
    let special = |kind| Err(Refusal::Special { kind });
    match header.entry_type() {
        _ if sparse => Err(Refusal::Sparse),
        EntryType::GNUSparse => Err(Refusal::Sparse),
        EntryType::Regular | EntryType::Continuous => Ok(EntryType::Regular),
        kind @ (EntryType::Directory | EntryType::Symlink | EntryType::Link) => Ok(kind),
        EntryType::Char => special("character device"),
        EntryType::Block => special("block device"),
        EntryType::Fifo => special("named pipe"),
        other => Err(Refusal::UnknownType { flag: char::from(other.as_byte()).escape_debug().collect() }),
    }
}

fn without_contents(kind: EntryType) -> Option<&'static str> {
    match kind {
        EntryType::Directory => Some("folder"),
        EntryType::Symlink => Some("symbolic link"),
        EntryType::Link => Some("hard link"),
        _ => None,
    }
}
