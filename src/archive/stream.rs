//! Decompression of tar archives: one reader for each compression, and one that counts.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::error::Error;
use super::{Compression, Limits};

/// The largest window that a decoder may ask for: `xz -9` needs 64 MiB and its own tables.
const XZ_MEMORY_KIB: u32 = 72 << 10;
/// `zstd -22 --ultra` needs 2^27 bytes; `--long=31` is refused.
const ZSTD_WINDOW_LOG: u32 = 27;

/// Opens the decoder of a compression. Every one of them reads its input to the end and refuses what does not belong there.
pub(super) fn decoder<'r, R: BufRead + 'r>(compression: Compression, reader: R) -> io::Result<Box<dyn Read + 'r>> {
    Ok(match compression {
        Compression::None => Box::new(reader),
        Compression::Gzip => Box::new(Gzip { state: State::Between(reader), members: 0 }),
        Compression::Xz => Box::new(XzReader::new_mem_limit(reader, true, XZ_MEMORY_KIB)),
        Compression::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(reader)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
    })
}

/// Reads gzip: all members (RFC 1952 §2.2), then zero padding or nothing. Anything else after a member is an error: a
/// reader that skips it and one that does not would see different archives.
struct Gzip<R> {
    state: State<R>,
    members: u64,
}

enum State<R> {
    Between(R),
    Inside(Box<GzDecoder<R>>),
    Ended,
}

/// More members than 16 GiB in blocks of 64 KiB have; each one costs a new window.
const MEMBERS: u64 = 300_000;

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let State::Inside(member) = &mut self.state {
                let count = member.read(buffer)?;
                if count > 0 || buffer.is_empty() {
                    return Ok(count);
                }
            }
            self.state = match std::mem::replace(&mut self.state, State::Ended) {
                State::Inside(member) => State::Between(member.into_inner()),
                State::Between(reader) => self.next_member(reader)?,
                State::Ended => return Ok(0),
            };
        }
    }
}

impl<R: BufRead> Gzip<R> {
    fn next_member(&mut self, mut reader: R) -> io::Result<State<R>> {
        let bad = |what| Err(io::Error::new(io::ErrorKind::InvalidData, what));
        match reader.fill_buf()?.first() {
            None if self.members == 0 => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file is empty")),
            None => Ok(State::Ended),
            Some(0) if self.members > 0 => only_zeros(&mut reader).map(|()| State::Ended),
            Some(0x1f) if self.members < MEMBERS => {
                self.members += 1;
                Ok(State::Inside(Box::new(GzDecoder::new(reader))))
            }
            Some(0x1f) => bad("it has too many gzip members"),
            Some(_) if self.members == 0 => bad("it is not gzip"),
            Some(_) => bad("something that is not gzip follows the last gzip member"),
        }
    }
}

fn only_zeros(reader: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        if buffer.iter().any(|byte| *byte != 0) {
            let what = "something that is not zero follows the padding after the last gzip member";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        let count = buffer.len();
        reader.consume(count);
    }
}

/// Counts what is read, for the ratio of unpacked to packed bytes.
#[derive(Debug)]
pub(super) struct Counted<R> {
    pub(super) inner: R,
    pub(super) count: Arc<AtomicU64>,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.count.fetch_add(count as u64, Ordering::Relaxed);
        self.inner.consume(count);
    }
}

/// The decompressed bytes, with the limits on how many they may be.
pub(super) struct Metered<'r> {
    inner: &'r mut dyn BufRead,
    packed: Arc<AtomicU64>,
    /// What was taken before this stream, which counts for the limits.
    before: u64,
    taken: u64,
    limits: Limits,
}

impl<'r> Metered<'r> {
    pub(super) fn new(inner: &'r mut dyn BufRead, packed: Arc<AtomicU64>, before: u64, limits: Limits) -> Self {
        Self { inner, packed, before, taken: 0, limits }
    }

    /// Returns the next bytes; empty at the end.
    pub(super) fn fill(&mut self) -> Result<&[u8], Error> {
        self.check()?;
        loop {
            match self.inner.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::reading(error)),
                Ok(_) => break,
            }
        }
        // Asked for twice because the first loan would last over the retries: the buffer is full, nothing is read again.
        self.inner.fill_buf().map_err(Error::reading)
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.taken += count as u64;
        self.inner.consume(count);
    }

    /// Reports how many bytes were unpacked, those before this stream included.
    pub(super) fn unpacked(&self) -> u64 {
        self.before + self.taken
    }

    /// Reports how many bytes they were unpacked from.
    pub(super) fn packed(&self) -> u64 {
        self.packed.load(Ordering::Relaxed)
    }

    /// Returns how many bytes of this stream were consumed.
    pub(super) fn position(&self) -> u64 {
        self.taken
    }

    /// Refuses contents whose stated size is larger than what is left of the limit.
    pub(super) fn announce(&self, size: u64) -> Result<(), Error> {
        if self.unpacked().saturating_add(size) > self.limits.bytes { Err(self.too_much()) } else { Ok(()) }
    }

    fn check(&self) -> Result<(), Error> {
        if self.unpacked() > self.limits.bytes {
            return Err(self.too_much());
        }
        self.limits.check_ratio(self.unpacked(), self.packed())
    }

    fn too_much(&self) -> Error {
        Error::Limit { what: "bytes when unpacked", allowed: self.limits.bytes }
    }
}

/// Wraps a decoder for the walk on the same thread.
pub(super) fn buffered<'r>(decoder: Box<dyn Read + 'r>) -> BufReader<Box<dyn Read + 'r>> {
    BufReader::with_capacity(super::BLOCK, decoder)
}
