//! The connection between spans and the traces of other processes.

use crate::proto::TraceContext;
use tracing::Span;

/// Connects spans with those of other processes: the place of a span in its trace travels with each request.
///
/// It is the seam to a library for distributed traces, such as `tracing-opentelemetry`; the
/// [guide](crate::guide::observation) has it for that one. A panic is logged and changes nothing else.
pub trait Propagator: Send + Sync + 'static {
    /// Makes the caller's span the parent of the span of a handler. Called before the span is entered.
    fn set_parent(&self, span: &Span, caller: &TraceContext);

    /// Returns the place of the span of a local call in its trace, which is sent with the call.
    ///
    /// After `None` the call is sent with the trace of the handler that calls, if there is one.
    fn trace_context(&self, span: &Span) -> Option<TraceContext>;
}
