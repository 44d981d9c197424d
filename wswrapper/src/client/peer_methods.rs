//! The methods of the peer that a client has too, so that most programs need no other handle.

use super::Client;
use crate::call::{Call, Emit, FromResponse};
use crate::close::Closed;
use crate::engine::{Counters, PeerId};
use crate::error::SendError;
use crate::handshake::Handshake;
use crate::proto::Rejection;
use crate::service::{IntoArguments, handler_methods, serve_method};
use std::future::Future;
use std::time::Duration;

impl Client {
    /// Sends an event by name, on the main channel: `client.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        self.peer().emit(event, arguments)
    }

    /// Sends a request by name, on the main channel: `client.request::<i64>("add", (1, 2)).await`.
    ///
    /// Every rejection is returned as [`CallError::Handler`](crate::CallError::Handler).
    pub fn request<T: FromResponse>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        self.peer().request(event, arguments)
    }

    handler_methods!(
        "of the server on the main channel",
        self => self.peer().shared().handlers(), None, self.peer().shared().event_names(None)
    );
    serve_method!("to the server", self => self.peer().shared().handlers(), None);

    /// Returns the number of the client, which is unique in this process.
    pub fn id(&self) -> PeerId {
        self.peer().id()
    }

    /// Returns the request that opened the present or last connection, with the headers of its response.
    pub fn handshake(&self) -> Handshake {
        self.peer().handshake()
    }

    /// Returns true if the connection is open and was not told to close.
    pub fn is_open(&self) -> bool {
        self.peer().is_open()
    }

    /// Returns the numbers of calls, handlers, channels and bytes that the connection has now.
    pub fn counters(&self) -> Counters {
        self.peer().counters()
    }

    /// Returns the number of local calls that wait for a response.
    pub fn calls_in_flight(&self) -> usize {
        self.peer().calls_in_flight()
    }

    /// Waits until everything that was queued before was written to the socket; see
    /// [`Peer::flush`](crate::Peer::flush). Cancel-safe.
    pub async fn flush(&self) -> Result<(), SendError> {
        self.peer().flush().await
    }

    /// Pings the server, and returns the time until its answer came; see [`Peer::ping`](crate::Peer::ping). Cancel-safe.
    pub async fn ping(&self) -> Result<Duration, SendError> {
        self.peer().ping().await
    }

    /// Starts to close the connection; see [`Peer::close`](crate::Peer::close). [`closed`](Self::closed) waits for it.
    ///
    /// A client that was not connected yet fails what waits for its first connection, and may still be connected.
    pub fn close(&self, code: u16, reason: impl Into<String>) {
        self.peer().close(code, reason);
    }

    /// Closes the connection at once, without a closing handshake; see
    /// [`Peer::abort_connection`](crate::Peer::abort_connection).
    pub fn abort_connection(&self) {
        self.peer().abort_connection();
    }

    /// Waits until the connection is closed, and returns how; see [`Peer::closed`](crate::Peer::closed). Cancel-safe.
    ///
    /// At a client that was not connected yet it waits for the end of the first connection, or for a close or a stop.
    pub fn closed(&self) -> impl Future<Output = Closed> + Send + 'static {
        self.peer().closed()
    }

    /// Returns how the connection was closed, or `None` while it is open or closing.
    pub fn close_info(&self) -> Option<Closed> {
        self.peer().close_info()
    }
}
