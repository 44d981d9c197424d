//! Handlers: a call starts a method of a service or a closure, whose result is its answer.

mod arguments;
mod by_name;
mod closure;
mod context;
mod contract;
mod into_response;
mod invocation;
mod methods;
mod own_task;
mod router;
mod scoped;
mod stream;
mod upload;

pub use by_name::IntoArguments;
pub(crate) use by_name::{add_closure, add_service, handler_methods, serve_method};
pub use closure::HandlerFn;
pub use context::{Context, ContextArgument};
pub use contract::{Contract, Serve, check_channel};
pub use into_response::{Fallible, Infallible, IntoResponse, Json, Value};
pub use invocation::Invocation;
pub use methods::Methods;
pub use router::Router;
pub use scoped::Scoped;
pub use stream::{IntoStream, OnFull, Producer};
