//! Services and handlers.
//!
//! A call starts a method of a [served](Serve) [`Contract`] or a [closure](HandlerFn). What it returns is the response.

mod arguments;
mod by_name;
pub(crate) mod channel_call;
mod closure;
pub(crate) mod context;
pub(crate) mod contract;
pub(crate) mod into_response;
pub(crate) mod invocation;
pub mod layer;
pub(crate) mod methods;
mod own_task;
mod resubscribe;
mod router;
pub(crate) mod scoped;
pub(crate) mod stream;
mod upload;

pub use by_name::IntoArguments;
pub(crate) use by_name::{add_closure, add_service, encode_call, handler_methods, serve_method};
pub use closure::{Blocking, HandlerFn, Spawned, blocking, spawned};
pub use context::Context;
pub use contract::{Contract, PlainContract, Serve};
pub use into_response::{IntoResponse, Json, Value};
pub use router::Router;
pub use scoped::Scoped;
