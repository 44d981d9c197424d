//! What one connection may use.

use crate::proto::Bounds;
use std::time::Duration;

/// Bounds, each with what happens at it. The defaults are safe for a server on the open internet. Where 0 would stop a
/// connection for good (`handlers_in_flight`, `held_bytes`, `outbound_bytes`, the milliseconds of `write_timeout`) it counts as 1.
///
/// ```
/// use wswrapper::{Limits, Server};
///
/// let limits = Limits { frame_bytes: 64 * 1024, ..Limits::default() };
/// let server = Server::builder().limits(limits);
/// ```
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of an incoming message, all its fragments together. A larger one closes the connection with status 1009
    /// [P-07]. Default 1 MiB.
    ///
    /// What other peers take by default: `ws` on Node 100 MiB, Go's coder adapter **32 KiB**.
    pub frame_bytes: usize,
    /// Bytes of an HTTP request's head. A larger one is answered with status 431. Default 16 KiB.
    pub head_bytes: usize,
    /// Time for the whole handshake, on both ends. A slower peer is answered with status 408, a slower server is an
    /// error of [`Client::connect`](crate::Client::connect). Default 10 seconds.
    pub handshake_timeout: Duration,
    /// Time for a call, unless it has one [of its own](crate::Call::timeout): it ends as
    /// [`TimedOut`](crate::CallError::TimedOut) and the peer is told. `None` waits forever. Default 2 minutes.
    /// It is not for what comes after the answer, a stream or a scoped service, and for an upload it is for each
    /// [wait](crate::UploadCall::timeout) for the other end, not for the whole.
    pub call_timeout: Option<Duration>,
    /// Calls of ours that wait for an answer, on one connection. A further one fails with
    /// [`TooManyCalls`](crate::SendError::TooManyCalls). Default 16,384.
    pub calls_in_flight: usize,
    /// Handlers that run for one connection, not counting those that were ready at once, and as many again that block a
    /// thread and were cancelled, which cannot stop them. While there are so many, further events and requests wait
    /// their turn in the [`held_bytes`](Self::held_bytes). Default 16,384.
    pub handlers_in_flight: usize,
    /// Anonymous channels that handlers of this end have opened on one connection: streams, uploads, scoped services. A
    /// further request for one is rejected with `too many open channels`. The streams among them do not count toward
    /// [`handlers_in_flight`](Self::handlers_in_flight). Default 16,384.
    pub open_channels: usize,
    /// Items of one stream that came and were not taken, from a producer that knows no flow control, such as JavaScript's
    /// `iterableHandler`. Beyond it the stream is aborted and ends with [`CallError::Overflow`](crate::CallError::Overflow).
    /// From others there are never more than the stream's window. It also bounds what a stream of this end holds for a
    /// consumer that is behind, where it drops items beyond the window. Default 16,384.
    pub stream_items: usize,
    /// Bytes of the items of all streams of one connection that came and were not taken, and 32 for each. A stream whose
    /// item goes beyond it is aborted and ends with [`CallError::Overflow`](crate::CallError::Overflow). Default 64 MiB: as
    /// much as one stream has in its window, be each item a whole frame. Streams of such items want smaller windows if
    /// there are many.
    pub stream_bytes: usize,
    /// Bytes of events and requests that came while no further handler could start. When they are full the connection
    /// is not read, and TCP slows the peer down; whether it is still there is then found out each
    /// [`write_timeout`](Self::write_timeout). Responses and cancellations are not held. Default 4 MiB.
    pub held_bytes: usize,
    /// Bytes that wait to be written to one connection, and as many again that handles have queued behind them. While
    /// there are so many, events, requests and streams to this peer wait until half of it was written, broadcasts leave
    /// it out with [`Full`](crate::SendError::Full), and no further handlers start for it. At
    /// three times as many, which only a peer reaches that sends pings and the like and reads nothing, the connection is
    /// not read either. Default 4 MiB.
    pub outbound_bytes: usize,
    /// How long a peer may read nothing while something waits to be written to it, a page too; then it is cut off. Default
    /// 30 seconds.
    pub write_timeout: Duration,
    /// Time for the closing handshake, what was queued before included; then the connection is cut off. Default
    /// 5 seconds.
    pub close_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self {
            frame_bytes: 1 << 20,
            head_bytes: 16 << 10,
            handshake_timeout: Duration::from_secs(10),
            call_timeout: Some(Duration::from_mins(2)),
            calls_in_flight: 16_384,
            handlers_in_flight: 16_384,
            open_channels: bounds.open_channels,
            stream_items: bounds.stream_items,
            stream_bytes: bounds.stream_bytes,
            held_bytes: 4 << 20,
            outbound_bytes: 4 << 20,
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// With those raised to 1 without which nothing would ever move.
    pub(crate) fn with_minimums(self) -> Self {
        Self {
            handlers_in_flight: self.handlers_in_flight.max(1),
            held_bytes: self.held_bytes.max(1),
            outbound_bytes: self.outbound_bytes.max(1),
            write_timeout: self.write_timeout.max(Duration::from_millis(1)),
            ..self
        }
    }

    /// Those that the protocol's core keeps.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds { open_channels: self.open_channels, stream_items: self.stream_items, stream_bytes: self.stream_bytes }
    }
}
