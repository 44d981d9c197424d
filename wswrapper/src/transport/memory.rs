//! Connections in memory, for tests without sockets.
//!
//! A server and a client in one test, on tokio's paused clock:
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
//!     pub async fn greet(&self, name: &str) -> String {
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
//! let desk = DeskProxy::new(&Client::connect_transport(client_transport)?);
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
use super::{Frame, MAX_CONTROL_PAYLOAD, Transport, TransportError};
use crate::close::Close;
use crate::limits::Limits;
use crate::lock::lock;
use crate::rt::{Instant, Timer};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// Returns two transports that are connected with each other.
///
/// They behave like the two sides of a socket. Each reads the frames that the other wrote, in order. A writer waits
/// while 64 KiB of text are unread. A transport answers pings when it is polled. Dropping one transport closes the
/// connection without a closing handshake, after the frames that it has written. Messages and close frames have the same
/// limits as over TCP: each transport takes those of the endpoint that uses it.
///
/// ```
/// use wswrapper::{Client, Server, transport::memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (client_transport, server_transport) = memory::pair();
/// let server = Server::builder().build()?;
/// server.on("add", |a: i64, b: i64| async move { a + b })?;
/// server.accept_transport(server_transport)?;
/// let client = Client::connect_transport(client_transport)?;
/// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
/// # Ok(())
/// # }
/// ```
pub fn pair() -> (Memory, Memory) {
    builder().pair()
}

/// Returns a builder of pairs with latency or another capacity.
pub fn builder() -> Builder {
    Builder { latency: Duration::ZERO, capacity: 64 * 1024 }
}

/// Builds pairs of transports. Created by [`builder`].
#[derive(Clone, Debug)]
#[must_use = "it only describes a pair"]
pub struct Builder {
    latency: Duration,
    capacity: usize,
}

impl Builder {
    /// Sets the time from writing a frame to reading it, in both directions, on tokio's clock. Default zero.
    ///
    /// The close of the connection takes the same time.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the bytes of text that may be unread in one direction. Default 64 KiB.
    ///
    /// The writer of a further text waits. A text larger than the capacity is sent alone.
    pub fn capacity(mut self, bytes: usize) -> Self {
        self.capacity = bytes;
        self
    }

    /// Returns two transports that are connected with each other.
    pub fn pair(&self) -> (Memory, Memory) {
        let pipe = || Arc::new(Mutex::new(Pipe::new(self)));
        let (forward, backward) = (pipe(), pipe());
        let endpoint = |reading: &Arc<_>, writing: &Arc<_>| {
            Memory::new(Control { reading: Arc::clone(reading), writing: Arc::clone(writing) })
        };
        (endpoint(&backward, &forward), endpoint(&forward, &backward))
    }
}

/// One transport of a [`pair`].
///
/// If the pair has latency, it must be polled inside a tokio runtime with a timer.
pub struct Memory {
    pipes: Control,
    output: Output,
    /// The size of a text that can be read, in bytes.
    max_message_size: usize,
    reading: Reading,
    /// The ping and the pong that the next flush sends, behind the output. A later one replaces an earlier one, which may
    /// stay without an answer (RFC 6455, 5.5.3).
    ping: Option<Frame>,
    pong: Option<Frame>,
    /// Set while the next frame has not arrived.
    arrival: Timer,
    close: Option<Close>,
    close_sent: bool,
}

/// The progress of reading.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// Frames are returned.
    Open,
    /// A text was too large. Further frames are discarded, so that the close frame can reach the peer.
    Draining,
    /// The close frame of the peer was returned.
    Closed,
}

/// Simulates network faults at one transport of a [`pair`]. Returned by [`Memory::control`].
#[derive(Clone)]
pub struct Control {
    reading: Arc<Mutex<Pipe>>,
    writing: Arc<Mutex<Pipe>>,
}

impl Control {
    /// Cuts the connection, like a lost network. Both transports see it closed at once; unread frames are lost.
    pub fn cut(&self) {
        for pipe in [&self.reading, &self.writing] {
            update_and_wake(pipe, Pipe::cut);
        }
    }

    /// Stops reading at this transport. The other can then write until the capacity of the pair is used.
    ///
    /// Frames written by this transport are still sent.
    pub fn stall(&self) {
        lock(&self.reading).stalled = true;
    }

    /// Resumes reading at this transport.
    pub fn resume(&self) {
        update_and_wake(&self.reading, |pipe| pipe.stalled = false);
    }
}

impl Memory {
    fn new(pipes: Control) -> Self {
        Self {
            pipes,
            output: Output::texts(),
            max_message_size: usize::MAX,
            reading: Reading::Open,
            ping: None,
            pong: None,
            arrival: Timer::default(),
            close: None,
            close_sent: false,
        }
    }

    /// Returns a control of this transport, to use after the transport was moved.
    pub fn control(&self) -> Control {
        self.pipes.clone()
    }

    /// Takes the next frame from the pipe, or `None` after the last one.
    fn poll_pipe(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame>> {
        let mut pipe = lock(&self.pipes.reading);
        let next = match pipe.read() {
            Next::Frame(frame) => frame,
            Next::Finished => return Poll::Ready(None),
            Next::Pending(arrival) => {
                let replaced = pipe.reader.replace(cx.waker().clone());
                drop(pipe);
                // Outside the lock: the task that it belongs to may own the other end.
                drop(replaced);
                if self.arrival.set(arrival, cx) {
                    // The frame arrived while the timer was set.
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        };
        let writer = pipe.writer.take();
        drop(pipe);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready(Some(next))
    }
}

impl Transport for Memory {
    fn set_limits(&mut self, limits: &Limits) {
        self.max_message_size = limits.max_message_size;
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        while self.reading != Reading::Closed {
            match ready!(self.poll_pipe(cx)) {
                None => return Poll::Ready(None),
                Some(_) if self.reading == Reading::Draining => {}
                Some(Frame::Text(text)) if text.len() > self.max_message_size => {
                    self.reading = Reading::Draining;
                    return Poll::Ready(Some(Err(TransportError::too_large(self.max_message_size))));
                }
                Some(frame) => {
                    match &frame {
                        Frame::Close(close) => {
                            self.reading = Reading::Closed;
                            self.close.get_or_insert_with(|| close.clone());
                        }
                        Frame::Ping(payload) => self.pong = Some(Frame::Pong(payload.clone())),
                        _ => {}
                    }
                    return Poll::Ready(Some(Ok(frame)));
                }
            }
        }
        Poll::Ready(None)
    }

    fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut pipe = lock(&self.pipes.writing);
        let mut wrote = false;
        if self.ping.is_some() && pipe.has_visibly_closed() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        while let Some(text) = self.output.take_text(pipe.free_capacity()) {
            if pipe.has_visibly_closed() {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            // The output holds what a user of `plain_text` has written, which may be no text.
            pipe.write(match String::from_utf8(text) {
                Ok(text) => Frame::Text(text.into()),
                Err(error) => Frame::Binary(error.into_bytes().into()),
            });
            wrote = true;
        }
        let mut drained = self.output.is_empty();
        for control in [&mut self.pong, &mut self.ping] {
            drained = drained && control.as_ref().is_none_or(|frame| size(frame) <= pipe.free_capacity());
            if drained
                && let Some(frame) = control.take()
                && !self.close_sent
            {
                pipe.write(frame);
                wrote = true;
            }
        }
        if let (true, false, Some(close)) = (drained, self.close_sent, &self.close) {
            pipe.write(Frame::Close(close.clone()));
            self.close_sent = true;
            wrote = true;
        }
        let replaced = if drained { None } else { pipe.writer.replace(cx.waker().clone()) };
        let reader = if wrote { pipe.reader.take() } else { None };
        drop(pipe);
        drop(replaced);
        reader.into_iter().for_each(Waker::wake);
        if drained { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        let payload = &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)];
        self.ping = Some(Frame::Ping(Bytes::copy_from_slice(payload)));
        true
    }

    fn close(&mut self, close: &Close) {
        self.close.get_or_insert_with(|| sent_close(close));
    }
}

/// Returns a close as a close frame holds it. One without a status has no reason.
fn sent_close(close: &Close) -> Close {
    Close::new(close.code, if close.code == Close::NO_STATUS { "" } else { close.sent_reason() })
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

/// Returns the part of the capacity that a frame takes.
fn size(frame: &Frame) -> usize {
    match frame {
        Frame::Text(text) => text.len(),
        // With the header, so that pings without a payload are bounded too.
        Frame::Ping(payload) | Frame::Pong(payload) => payload.len() + 2,
        Frame::Binary(_) | Frame::Close(_) => 0,
    }
}

/// The frames in one direction.
#[derive(Debug)]
struct Pipe {
    latency: Duration,
    capacity: usize,
    /// Unread frames in the order of their arrival.
    frames: VecDeque<(Arrival, Frame)>,
    bytes: usize,
    /// The time at which the other side sees the close; none while the pipe is open.
    closed: Option<Arrival>,
    stalled: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The time at which a frame or a close can be read.
#[derive(Clone, Copy, Debug)]
enum Arrival {
    AtOnce,
    At(Instant),
}

impl Arrival {
    fn after(latency: Duration) -> Self {
        if latency.is_zero() { Self::AtOnce } else { Self::At(Instant::now() + latency) }
    }

    /// Returns the arrival if it is in the future.
    fn pending_until(self) -> Option<Instant> {
        match self {
            Self::At(instant) if instant > Instant::now() => Some(instant),
            Self::At(_) | Self::AtOnce => None,
        }
    }
}

/// The state of a pipe for its reader.
enum Next {
    Frame(Frame),
    Finished,
    /// Nothing to read before this time, if it is known.
    Pending(Option<Instant>),
}

/// Updates a pipe and wakes its reader and its writer.
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
        self.bytes -= size(&frame);
        Next::Frame(frame)
    }

    /// Returns the size that the next text may have, in bytes.
    fn free_capacity(&self) -> usize {
        // A text larger than the whole pipe is written alone, and a closed pipe discards all.
        if self.bytes == 0 || self.closed.is_some() { usize::MAX } else { self.capacity.saturating_sub(self.bytes) }
    }

    fn write(&mut self, frame: Frame) {
        // The reader or the network is gone.
        if self.closed.is_some() {
            return;
        }
        self.bytes += size(&frame);
        self.frames.push_back((Arrival::after(self.latency), frame));
    }

    /// Returns true if the writer can see that the pipe is closed.
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
