//! A second thread for the decoder: blocks go one way, and come back empty.

use std::io::{self, BufRead, Read};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// How many blocks are on their way at most: enough to outlast the creation of some files, small enough for the cache.
const DEPTH: usize = 8;

enum Message {
    Block {
        bytes: Vec<u8>,
        length: usize,
    },
    Failed(io::Error),
    /// A writer that is gone without this word has died, which is not the end of the file.
    End,
}

/// The end that the decoder fills.
pub(super) struct Filler {
    full: SyncSender<Message>,
    empty: Receiver<Vec<u8>>,
    made: usize,
}

/// The end that is read.
pub(super) struct Pipe {
    full: Receiver<Message>,
    empty: Sender<Vec<u8>>,
    block: Vec<u8>,
    length: usize,
    at: usize,
    ended: bool,
}

pub(super) fn pipe() -> (Filler, Pipe) {
    let (full, from_full) = sync_channel(DEPTH);
    let (empty, from_empty) = channel();
    let pipe = Pipe { full: from_full, empty, block: Vec::new(), length: 0, at: 0, ended: false };
    (Filler { full, empty: from_empty, made: 0 }, pipe)
}

impl Filler {
    /// Reads the decoder to its end. Stops early, without a word, when nobody reads the pipe any more.
    pub(super) fn fill_from(mut self, decoder: io::Result<Box<dyn Read + '_>>) {
        let outcome = decoder.and_then(|mut decoder| {
            while self.pass_block(&mut decoder)? {}
            Ok(())
        });
        let last = outcome.map_or_else(Message::Failed, |()| Message::End);
        // Nobody listens any more: then nobody wants to know.
        let _ = self.full.send(last);
    }

    /// Passes one block on; false at the end.
    fn pass_block(&mut self, decoder: &mut impl Read) -> io::Result<bool> {
        let Some(mut bytes) = self.block() else { return Ok(false) };
        let mut length = 0;
        let mut outcome = Ok(true);
        while length < bytes.len() {
            match decoder.read(&mut bytes[length..]) {
                Ok(0) => {
                    outcome = Ok(false);
                    break;
                }
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    outcome = Err(error);
                    break;
                }
            }
        }
        let listening = self.full.send(Message::Block { bytes, length }).is_ok();
        outcome.map(|more| more && listening)
    }

    /// Takes a block that came back, or makes one of the first few.
    fn block(&mut self) -> Option<Vec<u8>> {
        if let Ok(block) = self.empty.try_recv() {
            return Some(block);
        }
        if self.made < DEPTH {
            self.made += 1;
            return Some(vec![0; super::BLOCK]);
        }
        self.empty.recv().ok()
    }
}

impl BufRead for Pipe {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.length && !self.ended {
            let block = std::mem::take(&mut self.block);
            if !block.is_empty() {
                // The decoder may have ended already; then the block is dropped.
                let _ = self.empty.send(block);
            }
            (self.at, self.length) = (0, 0);
            match self.full.recv() {
                Ok(Message::Block { bytes, length }) => (self.block, self.length) = (bytes, length),
                Ok(Message::End) => self.ended = true,
                Ok(Message::Failed(error)) => {
                    self.ended = true;
                    return Err(error);
                }
                Err(_) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the decoder is gone")),
            }
        }
        Ok(&self.block[self.at..self.length])
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::new(io::ErrorKind::UnexpectedEof, "cut"))
        }
    }

    fn received(decoder: Box<dyn Read + Send>) -> io::Result<Vec<u8>> {
        let (filler, mut pipe) = pipe();
        let thread = std::thread::spawn(move || filler.fill_from(Ok(decoder)));
        let mut bytes = Vec::new();
        let outcome = pipe.read_to_end(&mut bytes);
        thread.join().unwrap();
        outcome.map(|_| bytes)
    }

    #[test]
    fn all_bytes_arrive_in_order() {
        let bytes: Vec<u8> = (0..5_000_000u32).map(|n| (n % 251) as u8).collect();
        assert!(received(Box::new(io::Cursor::new(bytes.clone()))).unwrap() == bytes);
    }

    #[test]
    fn a_failing_decoder_is_no_end_of_file() {
        let decoder = io::Cursor::new(vec![1; 300_000]).chain(Failing);
        assert_eq!(received(Box::new(decoder)).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_decoder_that_vanishes_is_no_end_of_file() {
        let (filler, mut pipe) = pipe();
        drop(filler);
        assert_eq!(pipe.fill_buf().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn the_decoder_stops_when_nobody_reads() {
        let (filler, pipe) = pipe();
        drop(pipe);
        filler.fill_from(Ok(Box::new(io::repeat(1))));
    }
}
