#![doc = include_str!("lib.md")]

mod builder;
pub mod call;
mod catch_panic;
pub mod client;
mod close;
pub mod connection;
mod engine;
pub mod error;
pub mod guide;
mod handle;
mod handshake;
#[cfg(feature = "websocket")]
mod http;
mod json_size;
mod limits;
mod lock;
pub mod observe;
mod registry;
mod rt;
pub mod server;
pub mod service;
pub mod stream;
pub mod test;
pub mod transport;
mod value;

#[cfg(all(doctest, feature = "macros", feature = "websocket"))]
#[doc = include_str!("../../README.md")]
mod readme {}

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

#[doc(inline)]
pub use wswrapper_proto as proto;
#[doc(inline)]
pub use wswrapper_proto::protocol;

#[doc(inline)]
pub use self::{
    call::Call,
    client::Client,
    connection::{AnonymousChannel, Channel, Peer},
    error::CallError,
    limits::Limits,
    server::Server,
    service::{Context, Router, Scoped},
    stream::{Stream, Streaming, Upload},
    value::{Base64, WsError},
};
#[cfg(feature = "macros")]
pub use wswrapper_macros::{WsError, ws_handlers, ws_service};
