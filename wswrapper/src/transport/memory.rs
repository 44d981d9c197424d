//! Two ends of a connection in memory, for tests without sockets.
//!
//! A whole server and client in one test, on tokio's paused clock:
//!
//! ```
//! use std::time::Duration;
//! use wswrapper::transport::memory;
//! use wswrapper::{CallError, Client, Server, ws_handlers};
//!
//! struct Desk;
//!
//! #[ws_handlers]
//! impl Desk {
//!     async fn greet(&self, name: &str) -> String {
//!         format!("good day, {name}")
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // #[tokio::test(start_paused = true)]
//! let (client_transport, server_transport) = memory::builder().latency(Duration::from_millis(40)).pair();
//! let network = client_transport.control();
//! let server = Server::builder().service(Desk).build()?;
//! server.accept_transport(server_transport)?;
//! let desk = DeskProxy::new(&Client::over(client_transport)?);
//!
//! let began = tokio::time::Instant::now();
//! assert_eq!(desk.greet("Ada").await?, "good day, Ada");
//! assert_eq!(began.elapsed(), Duration::from_millis(80));
//!
//! network.cut();
//! assert!(desk.greet("Ada").await.is_err());
//! # Ok(())
//! # }
//! ```

use super::output::Output;
use super::{Frame, Transport, TransportError};
use crate::close::Close;
use crate::lock::lock;
use crate::rt::Timer;
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

/// Two transports that are connected with each other.
///
/// They behave as two ends of a socket: what one writes the other reads, in order; a writer waits while the reader is
/// 64 KiB behind; dropping one end ends the connection without a closing handshake, after what it has written.
pub fn pair() -> (Memory, Memory) {
    builder().pair()
}

/// A [`pair`] with latency or another capacity.
pub fn builder() -> Builder {
    Builder { latency: Duration::ZERO, capacity: 64 * 1024 }
}

/// Builds pairs; begun by [`builder`].
#[derive(Clone, Debug)]
#[must_use = "it only describes a pair"]
pub struct Builder {
    latency: Duration,
    capacity: usize,
}

impl Builder {
    /// How long a frame is under way, in either direction, on tokio's clock; default zero. The end of the connection
    /// takes as long.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// How many bytes of text may be under way or unread in one direction; the writer then waits. A larger text goes
    /// alone. Default 64 KiB.
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Two transports that are connected with each other.
    pub fn pair(&self) -> (Memory, Memory) {
        let pipe = || Arc::new(Mutex::new(Pipe::new(self)));
        let (forward, backward) = (pipe(), pipe());
        let endpoint = |reading: &Arc<_>, writing: &Arc<_>| {
            Memory::new(Control { reading: Arc::clone(reading), writing: Arc::clone(writing) })
        };
        (endpoint(&backward, &forward), endpoint(&forward, &backward))
    }
}

/// One end of a [`pair`].
///
/// With latency it must be polled inside a tokio runtime that has a timer.
pub struct Memory {
    pipes: Control,
    output: Output,
    /// Whether to see at the next flush that nobody reads.
    probing: bool,
    /// Set while what comes next is still under way.
    arrival: Timer,
    close: Option<Close>,
    close_sent: bool,
    close_received: bool,
}

/// Bad weather for one end of a [`pair`], from outside; [`Memory::control`] gives it.
#[derive(Clone)]
pub struct Control {
    reading: Arc<Mutex<Pipe>>,
    writing: Arc<Mutex<Pipe>>,
}

impl Control {
    /// Cuts the connection, as when the network is lost: both ends see its end at once, and what is under way or unread
    /// never arrives.
    pub fn cut(&self) {
        for pipe in [&self.reading, &self.writing] {
            update_and_wake(pipe, Pipe::cut);
        }
    }

    /// This end reads nothing more, so that the other can write until the pair's capacity is used up. What this end
    /// writes still leaves.
    pub fn stall(&self) {
        lock(&self.reading).stalled = true;
    }

    /// This end reads again.
    pub fn resume(&self) {
        update_and_wake(&self.reading, |pipe| pipe.stalled = false);
    }
}

impl Memory {
    fn new(pipes: Control) -> Self {
        Self {
            pipes,
            output: Output::texts(),
            probing: false,
            arrival: Timer::default(),
            close: None,
            close_sent: false,
            close_received: false,
        }
    }

    /// What disturbs this end after it was given away.
    pub fn control(&self) -> Control {
        self.pipes.clone()
    }
}

impl Transport for Memory {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        if self.close_received {
            return Poll::Ready(None);
        }
        let mut pipe = lock(&self.pipes.reading);
        let next = match pipe.read() {
            Next::Frame(frame) => frame,
            Next::Finished => return Poll::Ready(None),
            Next::Pending(arrival) => {
                pipe.reader = Some(cx.waker().clone());
                drop(pipe);
                if self.arrival.set(arrival, cx) {
                    // It arrived while the timer was set.
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        };
        let writer = pipe.writer.take();
        drop(pipe);
        writer.into_iter().for_each(Waker::wake);
        if let Frame::Close(close) = &next {
            self.close_received = true;
            self.close.get_or_insert_with(|| close.clone());
        }
        Poll::Ready(Some(Ok(next)))
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.pipes.writing);
        let mut wrote = false;
        if std::mem::take(&mut self.probing) && pipe.has_visibly_closed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        while let Some(text) = self.output.take_text(pipe.free_capacity()) {
            if pipe.has_visibly_closed() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            pipe.write(Frame::Text(Bytes::from(text)));
            wrote = true;
        }
        let drained = self.output.is_empty();
        if let (true, false, Some(close)) = (drained, self.close_sent, &self.close) {
            pipe.write(Frame::Close(close.clone()));
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

    fn probe(&mut self) {
        self.probing = true;
    }

    fn close(&mut self, close: &Close) {
        self.close.get_or_insert_with(|| close.clone());
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        for pipe in [&self.pipes.reading, &self.pipes.writing] {
            update_and_wake(pipe, Pipe::close);
        }
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("unsent", &self.output.len()).field("pipes", &self.pipes).finish_non_exhaustive()
    }
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("reading", &*lock(&self.reading)).finish_non_exhaustive()
    }
}

/// What is under way in one direction.
#[derive(Debug)]
struct Pipe {
    latency: Duration,
    capacity: usize,
    /// In the order in which they arrive.
    frames: VecDeque<(Arrival, Frame)>,
    bytes: usize,
    /// Set when an end is gone: when the other sees it.
    closed: Option<Arrival>,
    stalled: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// When something is there to be read.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    AtOnce,
    At(Instant),
}

impl Arrival {
    fn after(latency: Duration) -> Self {
        if latency.is_zero() { Self::AtOnce } else { Self::At(Instant::now() + latency) }
    }

    /// How long it will not be there yet.
    fn pending_until(self) -> Option<Instant> {
        match self {
            Self::At(instant) if instant > Instant::now() => Some(instant),
            Self::At(_) | Self::AtOnce => None,
        }
    }
}

/// What a reader finds.
enum Next {
    Frame(Frame),
    Finished,
    /// Nothing before then, if that is known.
    Pending(Option<Instant>),
}

/// Changes a pipe and wakes both who wait for it.
fn update_and_wake(pipe: &Mutex<Pipe>, update: impl FnOnce(&mut Pipe)) {
    let mut pipe = lock(pipe);
    update(&mut pipe);
    let wakers = [pipe.reader.take(), pipe.writer.take()];
    drop(pipe);
    wakers.into_iter().flatten().for_each(Waker::wake);
}

impl Pipe {
    fn new(builder: &Builder) -> Self {
        Self {
            latency: builder.latency,
            capacity: builder.capacity,
            frames: VecDeque::new(),
            bytes: 0,
            closed: None,
            stalled: false,
            reader: None,
            writer: None,
        }
    }

    fn read(&mut self) -> Next {
        if self.stalled {
            return Next::Pending(None);
        }
        let arrival = self.frames.front().map(|(arrival, _)| *arrival).or(self.closed);
        let Some(arrival) = arrival else { return Next::Pending(None) };
        if let Some(instant) = arrival.pending_until() {
            return Next::Pending(Some(instant));
        }
        let Some((_, frame)) = self.frames.pop_front() else { return Next::Finished };
        if let Frame::Text(text) = &frame {
            self.bytes -= text.len();
        }
        Next::Frame(frame)
    }

    /// Bytes that the next text may have.
    fn free_capacity(&self) -> usize {
        // Nothing to wait for: a text larger than the whole pipe goes alone, and what nobody reads goes nowhere.
        if self.bytes == 0 || self.closed.is_some() { usize::MAX } else { self.capacity.saturating_sub(self.bytes) }
    }

    fn write(&mut self, frame: Frame) {
        // Its reader is gone, or the network is.
        if self.closed.is_some() {
            return;
        }
        if let Frame::Text(text) = &frame {
            self.bytes += text.len();
        }
        self.frames.push_back((Arrival::after(self.latency), frame));
    }

    fn has_visibly_closed(&self) -> bool {
        self.closed.is_some_and(|arrival| arrival.pending_until().is_none())
    }

    fn close(&mut self) {
        if self.closed.is_none() {
            self.closed = Some(Arrival::after(self.latency));
        }
    }

    fn cut(&mut self) {
        self.frames.clear();
        self.bytes = 0;
        self.stalled = false;
        self.closed = Some(Arrival::AtOnce);
    }
}
