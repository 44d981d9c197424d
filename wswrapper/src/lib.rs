#![doc = include_str!("lib.md")]

mod anonymous;
mod broadcast;
mod builder;
mod bytes;
mod call;
mod caught;
mod channel;
mod client;
mod closed;
mod data;
#[cfg(feature = "tungstenite")]
mod dial;
mod driver;
mod error;
mod handler;
mod handlers;
mod handshake;
mod hooks;
#[cfg(feature = "tungstenite")]
mod http;
mod hub;
mod limits;
mod link;
#[cfg(feature = "tungstenite")]
mod listen;
mod lock;
mod message_log;
mod peer;
mod rejected;
mod reply;
mod router;
mod scoped;
mod server;
mod signal;
mod stream;
mod target;
mod timer;
#[cfg(feature = "rustls")]
mod tls;
pub mod transport;
mod untyped;

#[cfg(doc)]
#[doc = include_str!("performance.md")]
pub mod performance {}
#[cfg(doc)]
#[doc = include_str!("values.md")]
pub mod values {}
#[cfg(all(doctest, feature = "macros", feature = "tungstenite"))]
#[doc = include_str!("../../README.md")]
mod readme {}

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[doc(inline)]
pub use wswrapper_proto as proto;
#[doc(inline)]
pub use wswrapper_proto::protocol;
pub use wswrapper_proto::{NameError, Reason, Rejection};

pub use self::{
    anonymous::{AnonymousChannel, CloseSignal},
    broadcast::{Broadcast, Delivery, EmitToAll},
    builder::Builder,
    bytes::Bytes,
    call::{Call, Emit},
    channel::Channel,
    client::{Client, ClientBuilder, Dialling},
    closed::Closed,
    error::{AcceptError, BindError, CallError, ConnectError, MountError, PeerError, SendError, ServeError},
    handler::{Context, Contract, Gives, HandlerFn, Json, Serves, Value, WsError},
    handshake::Handshake,
    limits::Limits,
    message_log::{MessageKind, MessageLog},
    peer::{Closing, Counters, Peer, PeerId},
    reply::Reply,
    scoped::Scoped,
    server::{Server, ServerBuilder, ServerChannel, Serving},
    stream::{Streaming, Upload, UploadCall},
    target::{Caller, IntoTarget, Target},
    untyped::IntoArguments,
};

/// The trait of streams, of the crate `futures-core`.
pub use futures_core::Stream;

#[cfg(feature = "tungstenite")]
pub use listen::Listening;

/// The crate of that name, of which this one takes [configurations](ClientBuilder::tls).
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;

#[cfg(feature = "macros")]
pub use wswrapper_macros::{WsError, ws_handlers, ws_service};
