//! The limits on the resources of a connection, and of all connections of an endpoint.

use crate::proto::Bounds;
use std::time::Duration;

/// Limits of a connection, and of all connections of a server or client together.
///
/// The defaults are safe for a server on the open internet. A value of 0 would block a connection forever in
/// `max_handlers_in_flight`, `max_held_bytes` and `max_outbound_bytes`, so it counts as 1 there; `write_timeout` is at
/// least 1 millisecond. With 0 `max_calls_in_flight` no request is sent.
///
/// Each limit has a method of its name that sets it. Later versions may add limits.
///
/// ```
/// use wswrapper::{Limits, Server};
///
/// let limits = Limits::default().max_message_size(64 * 1024).max_calls_in_flight(100);
/// let server = Server::builder().limits(limits);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// The size of an incoming message with all its fragments, in bytes. Default 4 MiB.
    ///
    /// A larger message closes the connection with status 1009 [P-07].
    ///
    /// Other implementations accept by default: `ws` on Node 100 MiB, the coder adapter of Go **32 KiB**.
    pub max_message_size: usize,
    /// The size of an outgoing message, in bytes. Default 4 MiB.
    ///
    /// A larger call, event, broadcast or item of an upload fails with [`TooLarge`](crate::error::SendError::TooLarge)
    /// and is not sent. A larger result becomes a rejection with the code `ws:TooLarge`, and a larger item of a
    /// returned stream finishes the stream with that rejection; [`on_error`](crate::server::ServerBuilder::on_error)
    /// receives both. The connection stays open.
    pub max_outgoing_message_size: usize,
    /// The rate at which a message must arrive that takes longer than 10 seconds, in bytes per second on average.
    /// Default 16 KiB per second.
    ///
    /// A slower message closes the connection with status 1008. Time in which the local endpoint does not read is not
    /// counted. 0 turns the limit off.
    pub min_message_rate: usize,
    /// The size of the head of an HTTP request or response, in bytes. Default 16 KiB.
    ///
    /// A larger request is answered with status 431. A larger response is an error of
    /// [`Client::connect`](crate::Client::connect), which has at least 8 KiB.
    pub max_head_bytes: usize,
    /// The time for the whole opening handshake, at both endpoints. Default 10 seconds.
    ///
    /// A slower client is answered with status 408. A slower server is an error of
    /// [`Client::connect`](crate::Client::connect).
    pub handshake_timeout: Duration,
    /// Handshakes that [`authenticate`](crate::server::ServerBuilder::authenticate) decides about at a time. Default
    /// 1,024.
    ///
    /// A further one is answered with status 503 and `Retry-After: 1`.
    pub max_handshakes_in_flight: usize,
    /// The time for the `on_open` hook. Default 30 seconds.
    ///
    /// When it has passed, the connection is closed with status 1011.
    pub open_timeout: Duration,
    /// The time for a call without a [timeout of its own](crate::Call::timeout). `None` waits forever. Default 2
    /// minutes.
    ///
    /// When it has passed, the call fails with [`TimedOut`](crate::CallError::TimedOut), and the peer is notified.
    /// After the response, a stream or a scoped service has no timeout. For an upload the time limits each
    /// [wait](crate::call::UploadCall::timeout) for the peer, not the whole call.
    pub call_timeout: Option<Duration>,
    /// The number of local calls that wait for a response, on one connection. Default 16,384.
    ///
    /// A further call fails with [`TooManyCalls`](crate::error::SendError::TooManyCalls), or
    /// [waits](crate::Call::wait_for_capacity) if it says so.
    pub max_calls_in_flight: usize,
    /// The number of unfinished handlers of one connection. Default 16,384.
    ///
    /// A handler that is ready at its first poll is not counted. A `#[ws(blocking)]` handler that waits for a
    /// [thread](Self::max_blocking_handlers) is counted.
    ///
    /// At the limit, further events and requests wait to start. They count against
    /// [`max_held_bytes`](Self::max_held_bytes).
    pub max_handlers_in_flight: usize,
    /// The number of threads that `#[ws(blocking)]` handlers of one connection occupy at the same time. Default 32. A
    /// value of 0 counts as 1.
    ///
    /// A thread is occupied until its handler returns, also after cancellation, which cannot stop it. Further handlers
    /// wait for a thread, in the order of their calls. If their calls have at least
    /// [`max_held_bytes`](Self::max_held_bytes), no further handlers of the connection start. A call that is cancelled
    /// while it waits never runs.
    ///
    /// All connections share the threads of the runtime, 512 by default.
    pub max_blocking_handlers: usize,
    /// The number of open anonymous channels that local handlers have opened on one connection: streams, uploads,
    /// scoped services. Default 16,384.
    ///
    /// A further request that opens a channel is rejected with `too many open channels`. A stream counts here and not
    /// against [`max_handlers_in_flight`](Self::max_handlers_in_flight).
    pub max_open_channels: usize,
    /// The number of untaken items of one incoming stream whose producer knows no flow control, such as JavaScript's
    /// `iterableHandler`. Default 16,384.
    ///
    /// An item beyond it aborts the stream, which finishes with [`CallError::Overflow`](crate::CallError::Overflow).
    /// Other producers never send more than the window of the stream.
    ///
    /// The limit also applies to an outgoing stream that drops items for a slow consumer: it holds at most this number,
    /// if the window is larger.
    pub max_stream_items: usize,
    /// The size of the untaken items of all incoming streams of one connection, in bytes, plus 32 bytes for each item.
    /// Default 64 MiB.
    ///
    /// An item beyond it aborts its stream, which finishes with [`CallError::Overflow`](crate::CallError::Overflow).
    ///
    /// The default fits one stream with the default window whose items all have the maximum size of a message. Many
    /// streams of such items need smaller windows.
    pub max_stream_bytes: usize,
    /// The size of the events and requests that wait until a handler can start, in bytes. Default 4 MiB.
    ///
    /// At the limit the connection is not read, so TCP slows down the peer. Every
    /// [`write_timeout`](Self::write_timeout) a probe checks that the peer is still connected. Responses and
    /// cancellations do not wait.
    pub max_held_bytes: usize,
    /// The size of everything that the connections of a server or client hold together, in bytes: begun messages, calls
    /// that wait to start, untaken stream items and unsent output. Default 256 MiB. A value of 0 counts as 1.
    ///
    /// While it is reached, no incoming stream gets credit, and requests of peers are rejected with the code
    /// `ws:TooMany`. An event that cannot start at once is dropped and reported. Broadcasts leave out the connections
    /// that hold something. A connection that has received more than 64 KiB of an unfinished message is not read.
    /// Responses, cancellations and messages of streams are handled as usual.
    ///
    /// If no memory is given back for [`write_timeout`](Self::write_timeout), the connection that holds the most is
    /// closed with status 1013.
    ///
    /// Each connection reports its part when its task goes to sleep, so the sum may exceed the limit by a turn of each
    /// connection. It is shown by [`Server::buffered_bytes`](crate::Server::buffered_bytes), and a warning is logged at
    /// most once a second.
    pub max_buffered_bytes: usize,
    /// The size of the output that waits to be written to one connection, in bytes. Frames that handles have queued
    /// behind it are limited to the same size. Default 4 MiB.
    ///
    /// At the limit, events, requests and streams to this peer wait until half of the output was written. Broadcasts
    /// leave out the peer with [`Full`](crate::error::SendError::Full). No further handlers start for it.
    ///
    /// At three times the limit the connection is not read either. Only a peer that reads nothing and sends frames
    /// which are answered automatically, such as pings, reaches that.
    pub max_outbound_bytes: usize,
    /// The time in which a peer has to read at least a part of its waiting output. Default 30 seconds.
    ///
    /// When it has passed without progress, the connection is aborted. The limit also applies to HTTP responses.
    pub write_timeout: Duration,
    /// The time for the closing handshake, including the output that was queued before. Default 5 seconds.
    ///
    /// When it has passed, the connection is dropped.
    pub close_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self {
            max_message_size: 4 << 20,
            max_outgoing_message_size: 4 << 20,
            min_message_rate: 16 << 10,
            max_head_bytes: 16 << 10,
            handshake_timeout: Duration::from_secs(10),
            max_handshakes_in_flight: 1_024,
            open_timeout: Duration::from_secs(30),
            call_timeout: Some(Duration::from_secs(120)),
            max_calls_in_flight: 16_384,
            max_handlers_in_flight: 16_384,
            max_blocking_handlers: 32,
            max_open_channels: bounds.open_channels,
            max_stream_items: bounds.stream_items,
            max_stream_bytes: bounds.stream_bytes,
            max_held_bytes: 4 << 20,
            max_buffered_bytes: 256 << 20,
            max_outbound_bytes: 4 << 20,
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(5),
        }
    }
}

/// Defines a method for each limit that sets it.
macro_rules! setters {
    ($($limit:ident: $value:ty,)*) => {
        impl Limits {
            $(
                #[doc = concat!("Sets [`", stringify!($limit), "`](#structfield.", stringify!($limit), ").")]
                #[must_use]
                pub fn $limit(mut self, value: $value) -> Self {
                    self.$limit = value;
                    self
                }
            )*
        }
    };
}

setters! {
    max_message_size: usize,
    max_outgoing_message_size: usize,
    min_message_rate: usize,
    max_head_bytes: usize,
    handshake_timeout: Duration,
    max_handshakes_in_flight: usize,
    open_timeout: Duration,
    call_timeout: Option<Duration>,
    max_calls_in_flight: usize,
    max_handlers_in_flight: usize,
    max_blocking_handlers: usize,
    max_open_channels: usize,
    max_stream_items: usize,
    max_stream_bytes: usize,
    max_held_bytes: usize,
    max_buffered_bytes: usize,
    max_outbound_bytes: usize,
    write_timeout: Duration,
    close_timeout: Duration,
}

impl Limits {
    /// Raises the limits that would block a connection if they were 0.
    pub(crate) fn with_minimums(self) -> Self {
        Self {
            max_handlers_in_flight: self.max_handlers_in_flight.max(1),
            max_held_bytes: self.max_held_bytes.max(1),
            max_outbound_bytes: self.max_outbound_bytes.max(1),
            write_timeout: self.write_timeout.max(Duration::from_millis(1)),
            ..self
        }
    }

    /// Returns the limits that the protocol core enforces.
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            open_channels: self.max_open_channels,
            stream_items: self.max_stream_items,
            stream_bytes: self.max_stream_bytes,
        }
    }
}
