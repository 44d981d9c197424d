//! Observers, for logs, metrics and traces, and what they see.
//!
//! An [`Observer`] is told what happens on the connections of a server or a client. The hooks of a builder, such as
//! [`on_error`](crate::server::ServerBuilder::on_error), are observers too.

mod channel_visit;
pub(crate) mod hooks;
#[cfg(feature = "metrics")]
mod metrics;
mod open_result;
mod wire_log;

#[cfg(feature = "metrics")]
pub use self::metrics::Metrics;
pub use crate::engine::{
    CallEnd, CallInfo, CallOutcome, ConnectionView, Interest, MessageKind, MessageLog, Observer, Propagator,
    RefusalReason, RefusedHandshake, Spans, Traffic,
};
pub use crate::proto::{TraceContext, TraceContextError};
pub use channel_visit::{ChannelVisit, EnterResult};
pub(crate) use channel_visit::{enter_hook, leave_hook};
pub use open_result::OpenResult;
pub use wire_log::WireLog;
