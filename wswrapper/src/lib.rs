#![doc = include_str!("lib.md")]

#[cfg(feature = "runtime")]
mod anonymous;
#[cfg(feature = "runtime")]
mod broadcast;
#[cfg(feature = "runtime")]
mod builder;
#[cfg(feature = "runtime")]
mod bytes;
#[cfg(feature = "runtime")]
mod call;
#[cfg(feature = "runtime")]
mod caught;
#[cfg(feature = "runtime")]
mod channel;
#[cfg(feature = "runtime")]
mod client;
#[cfg(feature = "runtime")]
mod closed;
#[cfg(feature = "runtime")]
mod data;
#[cfg(feature = "tungstenite")]
mod dial;
#[cfg(feature = "runtime")]
mod driver;
#[cfg(feature = "runtime")]
mod error;
#[cfg(feature = "runtime")]
mod handler;
#[cfg(feature = "runtime")]
mod handlers;
#[cfg(feature = "runtime")]
mod handshake;
#[cfg(feature = "runtime")]
mod hooks;
#[cfg(feature = "tungstenite")]
mod http;
#[cfg(feature = "runtime")]
mod hub;
#[cfg(feature = "runtime")]
mod limits;
#[cfg(feature = "runtime")]
mod link;
#[cfg(feature = "tungstenite")]
mod listen;
#[cfg(feature = "runtime")]
mod lock;
#[cfg(feature = "runtime")]
mod message_log;
#[cfg(feature = "runtime")]
mod peer;
#[cfg(feature = "runtime")]
mod rejected;
#[cfg(feature = "runtime")]
mod reply;
#[cfg(feature = "runtime")]
mod router;
#[cfg(feature = "runtime")]
mod scoped;
#[cfg(feature = "runtime")]
mod server;
#[cfg(feature = "runtime")]
mod signal;
#[cfg(feature = "runtime")]
mod stream;
#[cfg(feature = "runtime")]
mod target;
#[cfg(feature = "runtime")]
mod timer;
#[cfg(feature = "rustls")]
mod tls;
#[cfg(feature = "runtime")]
pub mod transport;
#[cfg(feature = "runtime")]
mod untyped;

#[cfg(all(doc, feature = "runtime"))]
#[doc = include_str!("performance.md")]
pub mod performance {}
#[cfg(all(doc, feature = "runtime"))]
#[doc = include_str!("values.md")]
pub mod values {}
#[cfg(all(doctest, feature = "macros", feature = "tungstenite"))]
#[doc = include_str!("../../README.md")]
mod readme {}

#[doc(hidden)]
#[cfg(feature = "runtime")]
#[path = "private.rs"]
pub mod __private;

#[doc(inline)]
pub use wswrapper_proto as proto;
#[doc(inline)]
pub use wswrapper_proto::protocol;
pub use wswrapper_proto::{NameError, Reason, Rejection};

#[cfg(feature = "runtime")]
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
#[cfg(feature = "runtime")]
pub use futures_core::Stream;

#[cfg(feature = "tungstenite")]
pub use listen::Listening;

/// The crate of that name, of which this one takes [configurations](ClientBuilder::tls).
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;

#[cfg(feature = "macros")]
pub use wswrapper_macros::{WsError, ws_handlers, ws_service};
