//! The status of a server, and the pages that show it.

use super::{Phase, Server};
use crate::engine::Counters;
use crate::rt::Instant;
use serde::{Serialize, Serializer};
use std::time::Duration;

/// The status of a server at one moment.
///
/// As JSON, it has the names of the fields; `uptime` is in seconds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[non_exhaustive]
pub struct ServerStatus {
    /// The version of this crate.
    pub version: &'static str,
    /// The time since the server was built.
    #[serde(serialize_with = "seconds")]
    pub uptime: Duration,
    /// True once the server [drains](Server::shutdown) or closes.
    pub draining: bool,
    /// Open connections.
    pub connections: usize,
    /// Rooms that have a member.
    pub rooms: usize,
    /// Users that have a connection.
    pub users: usize,
    /// Unfinished handlers of the peers' calls, without those that send streams.
    pub handlers_in_flight: usize,
    /// Calls to peers that wait for a response.
    pub calls_in_flight: usize,
    /// Open anonymous channels: streams, uploads and scoped services.
    pub open_channels: usize,
    /// Those of them that carry a stream or an upload.
    pub open_streams: usize,
    /// Threads that `#[ws(blocking)]` handlers occupy.
    pub blocked_threads: usize,
    /// Tasks of [background work](Server::spawn).
    pub background_tasks: usize,
    /// Bytes that wait to be written.
    pub queued_bytes: usize,
    /// Bytes that the connections hold together; see [`Server::buffered_bytes`].
    pub buffered_bytes: usize,
    /// Messages of peers since the server was built.
    pub received_messages: u64,
    /// Their bytes, without the headers of frames.
    pub received_bytes: u64,
    /// Messages to peers since the server was built.
    pub sent_messages: u64,
    /// Their bytes, without the headers of frames.
    pub sent_bytes: u64,
    /// Events of peers that were dropped since the server was built, because nothing handled them, their arguments were
    /// wrong, or memory was short.
    pub events_dropped: u64,
    /// The number of times that an event left out a peer with a full queue, since the server was built: an event to an
    /// [audience](Server::broadcast), or one that is [dropped](crate::call::OnFull::Drop) then.
    pub events_left_out: u64,
    /// Events to peers that newer ones have replaced while they waited, since the server was built; see
    /// [`OnFull::Latest`](crate::call::OnFull::Latest).
    pub events_replaced: u64,
    /// Connections that were closed because their queues were full, since the server was built; see
    /// [`OnFull::Close`](crate::call::OnFull::Close).
    pub closed_for_full_queue: u64,
}

impl Server {
    /// Returns the numbers of connections, calls, streams, bytes and lost messages.
    ///
    /// The connections are asked one after the other, which locks each for a moment, so it is meant to be called once a
    /// second and not for each message. A connection that works has the numbers of its last pause.
    ///
    /// ```
    /// # use wswrapper::{Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().build()?;
    /// # let (_client_transport, server_transport) = memory::pair();
    /// server.accept_transport(server_transport)?;
    /// let status = server.status();
    /// assert_eq!((status.connections, status.open_streams), (1, 0));
    /// # Ok(())
    /// # }
    /// ```
    pub fn status(&self) -> ServerStatus {
        self.inner.entrance.status()
    }
}

impl super::entrance::Entrance {
    pub(crate) fn status(&self) -> ServerStatus {
        let totals = &self.endpoint.totals;
        let (mut events_dropped, mut events_left_out) = (totals.events_dropped(), totals.events_left_out());
        let (mut events_replaced, mut closed_for_full_queue) =
            (totals.events_replaced(), totals.closed_for_full_queue());
        let (mut sum, mut moved) = (Counters::default(), totals.moved());
        let members = self.registry.all();
        let (rooms, users) = self.registry.group_counts();
        for shared in &*members {
            let (counters, drops) = shared.counters_and_drops();
            sum.handlers_in_flight += counters.handlers_in_flight;
            sum.calls_in_flight += counters.calls_in_flight;
            sum.open_channels += counters.open_channels;
            sum.open_streams += counters.open_streams;
            sum.blocked_threads += counters.blocked_threads;
            sum.queued_bytes += counters.queued_bytes;
            moved += shared.moved.get();
            events_dropped += u64::from(drops.events);
            events_left_out += u64::from(drops.left_out);
            events_replaced += u64::from(drops.replaced);
            closed_for_full_queue += u64::from(drops.closed_for_full_queue);
        }
        ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            uptime: Instant::now().saturating_duration_since(self.started),
            draining: self.phase() > Phase::Open,
            connections: members.len(),
            rooms,
            users,
            handlers_in_flight: sum.handlers_in_flight,
            calls_in_flight: sum.calls_in_flight,
            open_channels: sum.open_channels,
            open_streams: sum.open_streams,
            blocked_threads: sum.blocked_threads,
            background_tasks: self.endpoint.background.running(),
            queued_bytes: sum.queued_bytes,
            buffered_bytes: self.endpoint.budget.held(),
            received_messages: moved.received_messages,
            received_bytes: moved.received_bytes,
            sent_messages: moved.sent_messages,
            sent_bytes: moved.sent_bytes,
            events_dropped,
            events_left_out,
            events_replaced,
            closed_for_full_queue,
        }
    }
}

fn seconds<S: Serializer>(uptime: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(uptime.as_secs())
}
