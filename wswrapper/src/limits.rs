//! The limits on the resources of a connection, and of all connections of an endpoint.

use crate::proto::Bounds;
use std::time::Duration;

/// Limits of a connection, and of all connections of a server or client together.
///
/// The defaults are safe for a server on the open internet. A value of 0 would block a connection forever in
/// `max_handlers_in_flight`, `max_held_bytes` and `max_outbound_bytes`, so it counts as 1 there. `write_timeout`,
/// `heartbeat_interval` and `heartbeat_grace` are at least 1 millisecond. With 0 `max_calls_in_flight` no request is sent.
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
    /// The size of the head of an HTTP request or response, in bytes. Default 16 KiB, at least 8 KiB.
    ///
    /// A larger request is answered with status 431. A larger response is an error of
    /// [`Client::connect`](crate::Client::connect). A smaller limit than 8 KiB is an error when the server is built, and
    /// counts as 8 KiB at a client.
    pub max_head_size: usize,
    /// The time for the opening handshake. Default 10 seconds.
    ///
    /// At a server, the head of a request has this time to arrive, and
    /// [`authenticate`](crate::server::ServerBuilder::authenticate) has it again to decide. A connection whose request
    /// does not arrive is closed without a response; a request that is not decided about is answered with status 503.
    /// At a client, the whole handshake has this time. A slower server is an error of
    /// [`Client::connect`](crate::Client::connect).
    pub handshake_timeout: Duration,
    /// The number of connections of a server that are accepted by HTTP. Default three quarters of the file descriptors
    /// that the process may open, or no limit on systems without such a number.
    ///
    /// A further handshake is answered with status 503 and `Retry-After: 1`. Connections over
    /// [other transports](crate::Server::accept_transport) are counted, and not refused.
    pub max_connections: usize,
    /// The number of handshakes of a server that are under way at a time, from the head of the request until the
    /// connection is open. Default 1,024.
    ///
    /// A further one is answered with status 503 and `Retry-After: 1`.
    pub max_handshakes_in_flight: usize,
    /// The number of handshakes of a server in a second. Default no limit.
    ///
    /// A further one is answered with status 503 and `Retry-After: 1`.
    pub max_handshakes_per_second: Option<usize>,
    /// The number of connections and handshakes of a server from one IP address. Default no limit, because behind a
    /// proxy all clients have one [address](crate::server::ServerBuilder::remote_addr).
    ///
    /// A further handshake is answered with status 503 and `Retry-After: 1`.
    pub max_connections_per_address: Option<usize>,
    /// The number of rooms of a server. Default 1,000,000.
    ///
    /// A peer cannot [join](crate::Peer::join) a further one, which would have it as its first member.
    pub max_rooms: usize,
    /// The number of rooms that one peer is in. Default 1,024.
    ///
    /// It cannot [join](crate::Peer::join) a further one.
    pub max_rooms_per_peer: usize,
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
    /// The number of calls and events that wait until a client is connected for the first time [P-90]. Default 10.
    ///
    /// A further one fails with [`Full`](crate::error::SendError::Full). After a connection was lost, only calls with
    /// [`queue`](crate::Call::queue) wait for the next one.
    pub max_calls_before_open: usize,
    /// The number of calls and events that [wait](crate::Call::queue) while a client has no connection. Default 1,024.
    /// Together they have at most [`max_outbound_bytes`](Self::max_outbound_bytes), or there is only one.
    ///
    /// A further one fails with [`Full`](crate::error::SendError::Full).
    pub max_queued_calls: usize,
    /// The number of unfinished handlers of one connection. Default 16,384.
    ///
    /// A handler that is ready at its first poll is not counted. A `#[ws(blocking)]` handler that waits for a
    /// [thread](Self::max_blocking_handlers) is counted.
    ///
    /// At the limit, further events and requests wait to start. They count against
    /// [`max_held_bytes`](Self::max_held_bytes). With 1, handlers run one after the other, in the order of their calls;
    /// responses, cancellations and the messages of streams are read meanwhile.
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
    /// The number of channels with [hooks](crate::Router::on_enter) that one peer can be on at a time. Default 256. Their
    /// names together have at most 256 bytes for each.
    ///
    /// A call on a further channel is rejected with the code `ws:TooMany`, until the peer has
    /// [left](crate::Peer::leave_channel) one. Channels without hooks are not counted.
    pub max_channels_per_peer: usize,
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
    /// At the limit the connection is not read, so TCP slows down the peer. While the hook `on_open` runs, no handler
    /// starts, so it cannot receive a response that comes after more events than that. Every
    /// [`write_timeout`](Self::write_timeout), or [`heartbeat_interval`](Self::heartbeat_interval) if that is shorter, a
    /// ping checks that the peer is still connected, and shows it that this endpoint is. Responses and cancellations do
    /// not wait.
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
    /// The number of events that wait for one connection as the [newest](crate::call::OnFull::Latest) of their keys. Default
    /// 1,024. Together with their keys they have at most [`max_outbound_bytes`](Self::max_outbound_bytes), or there is only
    /// one.
    ///
    /// An event beyond it is not sent, and fails with [`Full`](crate::error::SendError::Full).
    pub max_latest_events: usize,
    /// The time in which a peer has to read at least a part of its waiting output. Default 30 seconds.
    ///
    /// When it has passed without progress, the connection is aborted. The limit also applies to HTTP responses,
    /// to events that [wait](crate::call::OnFull::Wait) for peers of an audience, and to each wait for the body of a request that a [fallback](crate::server::ServerBuilder::fallback) reads.
    pub write_timeout: Duration,
    /// The time without a received byte after which a peer is pinged. `None` sends no pings. Default 30 seconds.
    ///
    /// A client waits a third longer, 40 seconds by default. So if both endpoints have the same value, only the server
    /// pings. Each connection has an interval of its own, which differs from this by at most a tenth.
    ///
    /// Any byte counts, also a part of a message. Time in which the local endpoint does not read is no silence of the
    /// peer. While output waits to be written, [`write_timeout`](Self::write_timeout) applies instead.
    pub heartbeat_interval: Option<Duration>,
    /// The time in which a byte has to arrive after a ping. Default 15 seconds.
    ///
    /// When it has passed, the connection is aborted with the cause
    /// [`Heartbeat`](crate::connection::CloseCause::Heartbeat). The ping travels behind all output that the system holds
    /// for the connection, so peers behind very slow links need more time.
    pub heartbeat_grace: Duration,
    /// The time for the closing handshake, including the output that was queued before. Default 5 seconds.
    ///
    /// When it has passed, the connection is dropped.
    pub close_timeout: Duration,
    /// The time for running calls and streams after the signal of
    /// [`serve_until`](crate::server::Listener::serve_until). Default 10 seconds.
    ///
    /// When it has passed, they are cancelled. Together with `close_timeout` and a second for hooks it has to be shorter
    /// than the time after which the process is killed: 30 seconds in Kubernetes, 10 seconds in Docker.
    pub drain_timeout: Duration,
    /// The age at which a server closes a connection, give or take a tenth of it, which is chosen at random for each
    /// connection. `None`, the default, does not limit it.
    ///
    /// At this age, counted from its handshake, the connection alone is drained as in a
    /// [`shutdown`](crate::Server::shutdown) of the server: the peer receives the
    /// [drain event](crate::server::ServerBuilder::drain_event), new requests are rejected with the code `ws:Draining`,
    /// and the connection is closed with status 1001 as soon as nothing runs on it, at the latest after
    /// [`connection_drain_timeout`](Self::connection_drain_timeout). A client that connects again may come to another
    /// server behind a load balancer, with a fresh authentication. Clients ignore this limit.
    pub max_connection_age: Option<Duration>,
    /// The time for running calls and streams on a connection that has reached its
    /// [age](Self::max_connection_age). Default 30 seconds.
    ///
    /// When it has passed, they are cancelled, and the connection is closed.
    pub connection_drain_timeout: Duration,
    /// The number of background tasks of a server or client that run at a time, started by
    /// [`Context::spawn`](crate::Context::spawn) or [`Server::spawn`](crate::Server::spawn). Default 10,000.
    ///
    /// A further one fails with [`SpawnError::Full`](crate::error::SpawnError::Full).
    pub max_background_tasks: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let bounds = Bounds::default();
        Self {
            max_message_size: 4 << 20,
            max_outgoing_message_size: 4 << 20,
            min_message_rate: 16 << 10,
            max_head_size: 16 << 10,
            handshake_timeout: Duration::from_secs(10),
            max_connections: default_max_connections(),
            max_handshakes_in_flight: 1_024,
            max_handshakes_per_second: None,
            max_connections_per_address: None,
            max_rooms: 1_000_000,
            max_rooms_per_peer: 1024,
            open_timeout: Duration::from_secs(30),
            call_timeout: Some(Duration::from_secs(120)),
            max_calls_in_flight: 16_384,
            max_calls_before_open: 10,
            max_queued_calls: 1_024,
            max_handlers_in_flight: 16_384,
            max_blocking_handlers: 32,
            max_open_channels: bounds.open_channels,
            max_channels_per_peer: 256,
            max_stream_items: bounds.stream_items,
            max_stream_bytes: bounds.stream_bytes,
            max_held_bytes: 4 << 20,
            max_buffered_bytes: 256 << 20,
            max_outbound_bytes: 4 << 20,
            max_latest_events: 1_024,
            write_timeout: Duration::from_secs(30),
            heartbeat_interval: Some(Duration::from_secs(30)),
            heartbeat_grace: Duration::from_secs(15),
            close_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(10),
            max_connection_age: None,
            connection_drain_timeout: Duration::from_secs(30),
            max_background_tasks: 10_000,
        }
    }
}

/// Returns three quarters of the file descriptors that the process may open.
fn default_max_connections() -> usize {
    #[cfg(all(unix, feature = "websocket"))]
    if let Ok((descriptors, _)) = rlimit::Resource::NOFILE.get() {
        return usize::try_from(descriptors / 4 * 3).unwrap_or(usize::MAX);
    }
    usize::MAX
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
    max_head_size: usize,
    handshake_timeout: Duration,
    max_connections: usize,
    max_handshakes_in_flight: usize,
    max_handshakes_per_second: Option<usize>,
    max_connections_per_address: Option<usize>,
    max_rooms: usize,
    max_rooms_per_peer: usize,
    open_timeout: Duration,
    call_timeout: Option<Duration>,
    max_calls_in_flight: usize,
    max_calls_before_open: usize,
    max_queued_calls: usize,
    max_handlers_in_flight: usize,
    max_blocking_handlers: usize,
    max_open_channels: usize,
    max_channels_per_peer: usize,
    max_stream_items: usize,
    max_stream_bytes: usize,
    max_held_bytes: usize,
    max_buffered_bytes: usize,
    max_outbound_bytes: usize,
    max_latest_events: usize,
    write_timeout: Duration,
    heartbeat_interval: Option<Duration>,
    heartbeat_grace: Duration,
    close_timeout: Duration,
    drain_timeout: Duration,
    max_connection_age: Option<Duration>,
    connection_drain_timeout: Duration,
    max_background_tasks: usize,
}

impl Limits {
    /// Raises the limits that would block a connection if they were 0.
    pub(crate) fn with_minimums(self) -> Self {
        const SHORTEST: Duration = Duration::from_millis(1);
        Self {
            max_handlers_in_flight: self.max_handlers_in_flight.max(1),
            max_held_bytes: self.max_held_bytes.max(1),
            max_outbound_bytes: self.max_outbound_bytes.max(1),
            write_timeout: self.write_timeout.max(SHORTEST),
            heartbeat_interval: self.heartbeat_interval.map(|interval| interval.max(SHORTEST)),
            heartbeat_grace: self.heartbeat_grace.max(SHORTEST),
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
