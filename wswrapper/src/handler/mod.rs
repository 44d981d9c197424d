//! What answers: from a call in a frame to a handler's future and its answer.

mod answers;
mod closure;
mod context;
mod execution;
mod invocation;
mod label;
mod methods;
mod outcome;
mod running;

pub(crate) use answers::Answers;
pub(crate) use closure::closure_handler;
pub use closure::{Fallible, Gives, HandlerFn, Infallible, Json, Value};
pub(crate) use context::CallState;
pub use context::Context;
pub use invocation::{BadCall, Invocation, Started};
pub(crate) use invocation::{Sessions, Start, caller_waits};
pub(crate) use label::Label;
pub use methods::{Contract, Methods, Serves, check_channel};
pub(crate) use methods::{Handler, Method, PerPeer, Shared};
pub use outcome::{Argument, Decode, Encode, Plain, Probe, Response, Returns, WsError, reply};
pub(crate) use running::{RunningHandler, RunningKey, RunningSet};
