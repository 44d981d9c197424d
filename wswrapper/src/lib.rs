#![doc = include_str!("lib.md")]

mod builder;
mod call;
mod catch_panic;
mod client;
mod close;
mod engine;
mod error;
mod handle;
mod handshake;
#[cfg(feature = "tungstenite")]
mod http;
mod limits;
mod lock;
pub mod observe;
mod registry;
mod rt;
mod server;
mod service;
mod stream;
pub mod test;
pub mod transport;
mod value;

#[cfg(doc)]
#[doc = include_str!("compatibility.md")]
pub mod compatibility {}
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
    call::{Call, Emit, FromResponse, IntoTarget, RequestTarget, Target, Text, UploadCall},
    client::{Client, ClientBuilder},
    close::{CloseCause, Closed},
    engine::{Counters, Extensions, PeerId},
    error::{
        AcceptError, CallError, ConnectError, MountError, OpenError, RebindError, SendError, ServeError, ServiceError,
    },
    handle::{AnonymousChannel, Channel, CloseSignal, Peer},
    handshake::Handshake,
    limits::Limits,
    registry::{Broadcast, BroadcastChannel, Delivery, EmitToAll},
    server::{Server, ServerBuilder, ServerChannel},
    service::{Context, Contract, HandlerFn, IntoArguments, IntoResponse, Json, Router, Scoped, Serve, Value},
    stream::{Streaming, Upload},
    value::{Base64, WsError},
};

/// The trait of streams from the crate `futures-core`.
pub use futures_core::Stream;

#[cfg(feature = "tungstenite")]
pub use server::Listener;

/// The crate `rustls`, whose [configurations](ClientBuilder::tls) a client takes.
#[cfg(feature = "rustls")]
pub use tokio_rustls::rustls;

#[cfg(feature = "macros")]
pub use wswrapper_macros::{WsError, ws_handlers, ws_service};
