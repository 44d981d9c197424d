//! Observers, for logs, metrics and traces, and what they see.
//!
//! An [`Observer`] is told what happens on the connections of a server or a client. The hooks of a builder, such as
//! [`on_error`](crate::server::ServerBuilder::on_error), are observers too.

pub(crate) mod hooks;
mod open_result;
mod wire_log;

pub use crate::engine::{
    CallEnd, CallInfo, CallOutcome, ConnectionView, Interest, MessageKind, MessageLog, Observer, Propagator,
    RefusalReason, RefusedHandshake, Spans,
};
pub use crate::proto::{TraceContext, TraceContextError};
pub use open_result::OpenResult;
pub use wire_log::WireLog;
