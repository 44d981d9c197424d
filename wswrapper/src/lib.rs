#![doc = include_str!("lib.md")]

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
#[cfg(feature = "tungstenite")]
mod dial;
#[cfg(feature = "runtime")]
mod driver;
#[cfg(feature = "runtime")]
mod error;
#[cfg(feature = "runtime")]
mod handler;
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
mod peer;
pub mod proto;
#[cfg(feature = "runtime")]
mod rejected;
#[cfg(feature = "runtime")]
mod router;
#[cfg(feature = "runtime")]
mod server;
#[cfg(feature = "runtime")]
mod target;
#[cfg(feature = "runtime")]
mod timer;
#[cfg(feature = "runtime")]
pub mod transport;

#[doc(hidden)]
#[cfg(feature = "runtime")]
#[path = "private.rs"]
pub mod __private;

pub use proto::{NameError, Reason, Rejection};

#[cfg(feature = "runtime")]
pub use self::{
    broadcast::{Broadcast, Delivery, EmitToAll},
    builder::Builder,
    bytes::Bytes,
    call::{Call, Emit},
    channel::Channel,
    client::{Client, ClientBuilder, Dialling},
    error::{AcceptError, CallError, ConnectError, MountError, PeerError, SendError, ServeError},
    handler::{Context, Contract, Serves, WsError},
    limits::Limits,
    link::{Closed, Handshake},
    peer::{Peer, PeerId},
    server::{Server, ServerBuilder, Serving},
    target::{Caller, IntoTarget, Target},
};

#[cfg(feature = "tungstenite")]
pub use listen::Listening;

#[cfg(feature = "macros")]
pub use wswrapper_macros::{WsError, ws_handlers, ws_service};
