//! A thread that blocks so that the async thread need not, fed with chunks through a queue bounded in bytes.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use bytes::{Buf, Bytes};
use tokio::sync::{Semaphore, oneshot};

use super::Error;
use crate::model::{Explain, Kind};

/// How many bytes may wait: enough to outlast the creation of many small files, little compared with the decoder's window.
const QUEUE: u32 = 2 << 20;

enum Item {
    Chunk(Bytes),
    /// A sender that is gone without this word has vanished, which is not the end of the file.
    End,
}

/// A thread at work. Dropped, it is asked to stop and waited for: afterwards it writes nothing any more.
pub(super) struct Worker<T> {
    queue: Option<Sender<Item>>,
    /// One permit for each byte that may wait.
    capacity: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
    outcome: oneshot::Receiver<Result<T, Error>>,
    early: Option<Result<T, Error>>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Worker<T> {
    /// Starts `work` on a thread of its own.
    pub(super) fn start(
        name: &str,
        work: impl FnOnce(Arrivals) -> Result<T, Error> + Send + 'static,
    ) -> Result<Self, Error> {
        let (queue, chunks) = channel();
        let (sender, outcome) = oneshot::channel();
        let (capacity, stop) = (Arc::new(Semaphore::new(QUEUE as usize)), Arc::new(AtomicBool::new(false)));
        let arrivals = Arrivals {
            chunks,
            capacity: Arc::clone(&capacity),
            stop: Arc::clone(&stop),
            current: Bytes::new(),
            held: 0,
            ended: false,
        };
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Nobody waits for the outcome of a worker that was dropped.
                let _ = sender.send(work(arrivals));
            })
            .map_err(|source| Error::Thread { source })?;
        Ok(Self { queue: Some(queue), capacity, stop, outcome, early: None, thread: Some(thread) })
    }
}

impl<T> Worker<T> {
    /// Passes a chunk on, when there is room for it. A worker that has ended takes nothing, and that is fine.
    ///
    /// # Errors
    /// What the worker ended with, when this machine is at fault: then the rest is not worth receiving.
    pub(super) async fn pass(&mut self, chunk: Bytes) -> Result<(), Error> {
        let Some(queue) = self.queue.as_ref().filter(|_| !chunk.is_empty()) else { return Ok(()) };
        if let Ok(permits) = self.capacity.acquire_many(permits(&chunk)).await {
            permits.forget();
            // A worker that ends right now drops the chunk; the next one finds the queue closed.
            let _ = queue.send(Item::Chunk(chunk));
            return Ok(());
        }
        self.queue = None;
        match self.outcome().await {
            Err(error) if error.kind() == Kind::Machine => Err(error),
            outcome => {
                self.early = Some(outcome);
                Ok(())
            }
        }
    }

    /// Signals that all chunks were received.
    pub(super) fn end(&mut self) {
        if let Some(queue) = self.queue.take() {
            // As above: a worker that has ended need not know.
            let _ = queue.send(Item::End);
        }
    }

    /// Waits for the end of the work.
    pub(super) async fn outcome(&mut self) -> Result<T, Error> {
        match self.early.take() {
            Some(outcome) => outcome,
            None => (&mut self.outcome).await.expect("a worker tells its outcome before it ends, and once"),
        }
    }
}

impl<T> Drop for Worker<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A worker that panicked has said so on standard error; there is nothing to add here.
            let _ = thread.join();
        }
    }
}

fn permits(chunk: &Bytes) -> u32 {
    u32::try_from(chunk.len()).unwrap_or(u32::MAX).min(QUEUE)
}

/// The chunks, as a reader for the worker. Their end is the sender's word; without it they end in an error.
pub(super) struct Arrivals {
    chunks: Receiver<Item>,
    capacity: Arc<Semaphore>,
    stop: Arc<AtomicBool>,
    current: Bytes,
    /// Permits to give back for the current chunk.
    held: u32,
    ended: bool,
}

impl BufRead for Arrivals {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        stopped(&self.stop)?;
        while self.current.is_empty() && !self.ended {
            self.capacity.add_permits(std::mem::take(&mut self.held) as usize);
            match self.chunks.recv() {
                Ok(Item::Chunk(chunk)) => (self.held, self.current) = (permits(&chunk), chunk),
                Ok(Item::End) => self.ended = true,
                Err(_) => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the sender is gone")),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, count: usize) {
        self.current.advance(count);
    }
}

impl Read for Arrivals {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(buffer.len());
        buffer[..count].copy_from_slice(&ready[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        self.capacity.close();
    }
}

/// A file that fails when its worker is asked to stop.
pub(super) struct Stoppable {
    file: File,
    stop: Arc<AtomicBool>,
}

impl Stoppable {
    pub(super) fn new(file: File, arrivals: &Arrivals) -> Self {
        Self { file, stop: Arc::clone(&arrivals.stop) }
    }

    pub(super) fn into_inner(self) -> File {
        self.file
    }
}

impl Read for Stoppable {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        stopped(&self.stop)?;
        self.file.read(buffer)
    }
}

impl Seek for Stoppable {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

fn stopped(stop: &AtomicBool) -> io::Result<()> {
    if stop.load(Ordering::Relaxed) { Err(io::Error::other("the work was given up")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    fn reader() -> Worker<io::Result<Vec<u8>>> {
        let read_all = |mut arrivals: Arrivals| {
            let mut bytes = Vec::new();
            Ok(arrivals.read_to_end(&mut bytes).map(|_| bytes))
        };
        Worker::start("test", read_all).unwrap()
    }

    #[test]
    fn only_the_senders_word_is_an_end() {
        runtime().block_on(async {
            let mut whole = reader();
            whole.pass(Bytes::from_static(b"all ")).await.unwrap();
            whole.pass(Bytes::new()).await.unwrap();
            whole.pass(Bytes::from_static(b"of it")).await.unwrap();
            whole.end();
            assert_eq!(whole.outcome().await.unwrap().unwrap(), b"all of it");

            let mut cut = reader();
            cut.pass(Bytes::from_static(b"all ")).await.unwrap();
            cut.queue = None;
            assert_eq!(cut.outcome().await.unwrap().unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        });
    }

    #[test]
    fn more_than_may_wait_goes_through() {
        runtime().block_on(async {
            let mut worker = reader();
            for length in [1, QUEUE as usize, 3 * QUEUE as usize, 10] {
                worker.pass(vec![7; length].into()).await.unwrap();
            }
            worker.end();
            assert_eq!(worker.outcome().await.unwrap().unwrap().len(), 4 * QUEUE as usize + 11);
        });
    }

    #[test]
    fn a_worker_that_fails_because_of_this_machine_ends_the_receiving() {
        runtime().block_on(async {
            let full = || {
                Error::File(crate::fs::FileError::new("write", "/full", io::Error::from(io::ErrorKind::StorageFull)))
            };
            let mut worker = Worker::<()>::start("test", move |_| Err(full())).unwrap();
            let mut passed = 0;
            let error = loop {
                match worker.pass(Bytes::from_static(b"x")).await {
                    Ok(()) => passed += 1,
                    Err(error) => break error,
                }
                assert!(passed <= QUEUE, "it goes on for ever");
            };
            assert_eq!(error.kind(), Kind::Machine);
        });
    }
}
