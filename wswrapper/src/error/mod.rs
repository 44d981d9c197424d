//! What can go wrong, for whom.

#[cfg(feature = "rustls")]
mod tls;

use crate::proto::{NameError, QueueError, Rejection};
use std::error::Error;
use std::fmt;
use std::io;

/// Why a call did not give a result. `E` is what the contract's error becomes at this end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The handler rejected it with an error of the contract.
    #[error("{0}")]
    Rejected(E),
    /// It was rejected with something else: no such event, wrong arguments, an internal error.
    #[error("{0}")]
    Refused(Rejection),
    /// No answer came in time; the peer was told that nobody waits any more [P-54].
    #[error("the call timed out")]
    TimedOut,
    /// The connection ended before an answer came [P-91], or the anonymous channel of the call did [P-63]. Whether the
    /// handler ran is not known.
    #[error("the connection was closed before an answer came")]
    Closed,
    /// An answer came that is not of the contract's type, or such an item of a stream, which then goes on.
    #[error("the answer is not of the expected type: {0}")]
    Decode(#[source] serde_json::Error),
    /// The producer of a stream has sent more than this end can hold; the stream was aborted [P-83].
    #[error("the stream was aborted: its items came faster than they were taken")]
    Overflow,
    /// It was never sent.
    #[error(transparent)]
    NotSent(#[from] SendError),
}

/// Why something was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The connection is closed.
    #[error("the connection is closed")]
    Closed,
    /// The peer reads too slowly: its [`outbound_bytes`](crate::Limits::outbound_bytes) are used up.
    #[error("the peer's queue is full")]
    Full,
    /// The channel was [closed](crate::Channel::close) at this end, or the anonymous channel has ended.
    #[error("the channel is closed")]
    ChannelClosed,
    /// The anonymous channel was not given to the other end yet: its handler has to return it first [P-69].
    #[error("the channel is not open yet: return it from the handler first")]
    ChannelNotOpen,
    /// [`calls_in_flight`](crate::Limits::calls_in_flight) calls wait for answers.
    #[error("too many calls are in flight")]
    TooManyCalls,
    /// The event or the channel cannot have this name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// An argument cannot be JSON.
    #[error("argument {position} cannot be encoded: {source}")]
    Encode {
        /// Which argument, from 1.
        position: usize,
        /// Why.
        source: serde_json::Error,
    },
    /// An item of an upload cannot be JSON.
    #[error("an item cannot be encoded: {0}")]
    EncodeItem(#[source] serde_json::Error),
}

impl From<QueueError> for SendError {
    fn from(refused: QueueError) -> Self {
        match refused {
            QueueError::Closed => Self::Closed,
            QueueError::QueueFull => Self::Full,
            QueueError::ChannelClosed => Self::ChannelClosed,
        }
    }
}

/// A service that cannot be mounted, told when the server is built or the client connects.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MountError {
    /// Two services handle the same event.
    #[error("event `{event}`{} is handled by two services: mount one on a channel of its own", On(.channel.as_deref()))]
    Duplicate {
        /// The event.
        event: String,
        /// The channel; none is the main one.
        channel: Option<String>,
    },
    /// A name that cannot be.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not the name of a subprotocol.
    #[error("`{0}` cannot be a subprotocol: it must be of ASCII letters, digits and !#$%&'*+-.^_`|~")]
    Subprotocol(String),
}

pub(crate) struct On<'n>(pub(crate) Option<&'n str>);

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |channel| write!(f, " on channel `{channel}`"))
    }
}

/// Why a server does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The services cannot be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// The address cannot be bound.
    #[error("cannot listen on {address}: {}", bind_help(.source))]
    Bind {
        /// The address as it was given.
        address: String,
        /// Why.
        source: io::Error,
    },
}

fn bind_help(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use; end the program that uses it, or take another port".into(),
        io::ErrorKind::PermissionDenied => format!("{error}; ports below 1024 need privileges"),
        io::ErrorKind::AddrNotAvailable => format!("{error}; this machine does not have that address"),
        _ => error.to_string(),
    }
}

/// Why a connection was not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AcceptError {
    /// It was an ordinary HTTP request, answered with this status.
    #[error("an HTTP request, answered with status {0}")]
    Http(u16),
    /// The request's head did not come in time.
    #[error("no request within the handshake's time")]
    TimedOut,
    /// The server is closing.
    #[error("the server is closing")]
    Closing,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Why a client does not go on over another transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// It is still connected: close the connection first, and wait for its end.
    #[error("the connection is still open")]
    StillOpen,
}

/// Why a client could not connect.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The services cannot be mounted.
    #[error(transparent)]
    Mount(#[from] MountError),
    /// Not the URL of a WebSocket.
    #[error("`{url}` is not a WebSocket URL: {reason}")]
    Url {
        /// The URL as it was given, without user and password.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Not a header that can be sent with the handshake.
    #[error("header `{name}` cannot be sent: {reason}")]
    Header {
        /// The header's name as it was given.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The server cannot be reached.
    #[error("cannot connect to {address}: {source}{}", connect_help(.source))]
    Connect {
        /// Host and port.
        address: String,
        /// Why.
        source: io::Error,
    },
    /// The server was reached, but not by TLS: its certificate is not trusted or is for another name, or it does not
    /// speak TLS.
    #[cfg(feature = "rustls")]
    #[error("no TLS connection to {address}: {}", tls::explain(.source))]
    Tls {
        /// Host and port.
        address: String,
        /// Why; a [`rustls::Error`](crate::rustls::Error) is its inner error.
        source: io::Error,
    },
    /// The server answered, but not as a WebSocket server.
    #[error("the server at {address} refused the handshake: {reason}")]
    Handshake {
        /// Host and port.
        address: String,
        /// What it answered.
        reason: String,
    },
    /// [`handshake_timeout`](crate::Limits::handshake_timeout) passed, or the client's
    /// [`connect_timeout`](crate::ClientBuilder::connect_timeout).
    #[error("{address} did not complete the handshake in time")]
    TimedOut {
        /// Host and port.
        address: String,
    },
}

fn connect_help(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "; is the server running, and on this port?",
        _ => "",
    }
}

/// What went wrong at this end while it served a peer; given to [`on_error`](crate::ServerBuilder::on_error).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeerError {
    /// An event was dropped: nobody handles it, or its arguments are wrong. (A request is rejected instead.)
    #[error("event `{event}`{} was dropped: {reason}", On(.channel.as_deref()))]
    EventDropped {
        /// The event.
        event: String,
        /// The channel; none is the main one.
        channel: Option<String>,
        /// What its rejection would have been.
        reason: Rejection,
    },
    /// A handler failed with an error that the peer must not see: it was told `internal error`, and this is the truth.
    #[error("handler of `{event}` failed: {source}")]
    Internal {
        /// The event.
        event: String,
        /// The handler's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An event's handler failed; nobody is told, as events have no answer [P-39].
    #[error("handler of event `{event}` failed: {reason}")]
    EventFailed {
        /// The event.
        event: String,
        /// Its error.
        reason: Rejection,
    },
    /// A handler panicked; its request was rejected with `internal error`.
    #[error("handler of `{event}` panicked: {message}")]
    Panicked {
        /// The event.
        event: String,
        /// What it panicked with.
        message: String,
    },
    /// A result could not be encoded; its request was rejected.
    #[error("the result of `{event}` cannot be encoded: {source}")]
    Encode {
        /// The event.
        event: String,
        /// Why.
        source: serde_json::Error,
    },
}
