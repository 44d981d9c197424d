//! Two ends of a connection in memory, for tests without sockets.
//!
//! ```
//! use wswrapper::transport::memory;
//! use wswrapper::{Client, Server, ws_service, ws_handlers};
//!
//! #[ws_service]
//! trait Greeter {
//!     async fn greet(&self, name: String) -> String;
//! }
//!
//! struct Polite;
//!
//! #[ws_handlers]
//! impl Greeter for Polite {
//!     async fn greet(&self, name: String) -> String {
//!         format!("good day, {name}")
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, far) = memory::pair();
//! let server = Server::builder().service(Polite).build()?;
//! server.accept_transport(far)?;
//! let client = Client::over(near)?;
//! assert_eq!(GreeterProxy::new(&client).greet("Ada").await?, "good day, Ada");
//! # Ok(())
//! # }
//! ```

use super::{Close, Frame, Output, Transport, TransportError};
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Bytes that may be under way in one direction.
const CAPACITY: usize = 64 * 1024;

/// Two transports that are connected with each other.
///
/// They behave as two ends of a socket: what one writes the other reads, in order; a writer waits while the reader is
/// 64 KiB behind; dropping one end ends the connection without a closing handshake.
pub fn pair() -> (Memory, Memory) {
    let (there, back) = (Arc::default(), Arc::default());
    (Memory::new(Arc::clone(&there), Arc::clone(&back)), Memory::new(back, there))
}

/// One end of a [`pair`].
#[derive(Debug)]
pub struct Memory {
    reading: Arc<Mutex<Pipe>>,
    writing: Arc<Mutex<Pipe>>,
    output: Output,
    close: Option<Close>,
    close_sent: bool,
    close_received: bool,
}

/// What is under way in one direction.
#[derive(Default, Debug)]
struct Pipe {
    frames: VecDeque<Frame>,
    bytes: usize,
    ended: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Memory {
    fn new(reading: Arc<Mutex<Pipe>>, writing: Arc<Mutex<Pipe>>) -> Self {
        Self { reading, writing, output: Output::texts(), close: None, close_sent: false, close_received: false }
    }
}

impl Transport for Memory {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        if self.close_received {
            return Poll::Ready(None);
        }
        let mut pipe = lock(&self.reading);
        let Some(frame) = pipe.frames.pop_front() else {
            if pipe.ended {
                return Poll::Ready(None);
            }
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        if let Frame::Text(text) = &frame {
            pipe.bytes -= text.len();
        }
        let writer = pipe.writer.take();
        drop(pipe);
        writer.into_iter().for_each(Waker::wake);
        if let Frame::Close(close) = &frame {
            self.close_received = true;
            self.close.get_or_insert_with(|| close.clone());
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.writing);
        if pipe.ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let mut wrote = false;
        while let Some(text) = {
            // A text larger than the whole pipe goes alone.
            let room = if pipe.bytes == 0 { usize::MAX } else { CAPACITY.saturating_sub(pipe.bytes) };
            self.output.take_text(room)
        } {
            pipe.bytes += text.len();
            pipe.frames.push_back(Frame::Text(Bytes::from(text)));
            wrote = true;
        }
        let drained = self.output.is_empty();
        if let (true, false, Some(close)) = (drained, self.close_sent, &self.close) {
            pipe.frames.push_back(Frame::Close(close.clone()));
            self.close_sent = true;
            wrote = true;
        }
        if !drained {
            pipe.writer = Some(cx.waker().clone());
        }
        let reader = if wrote { pipe.reader.take() } else { None };
        drop(pipe);
        reader.into_iter().for_each(Waker::wake);
        if drained { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn close(&mut self, close: &Close) {
        self.close.get_or_insert_with(|| close.clone());
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for pipe in [&self.reading, &self.writing] {
            let mut pipe = lock(pipe);
            pipe.ended = true;
            let wakers = [pipe.reader.take(), pipe.writer.take()];
            drop(pipe);
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}
