//! The span of a handler.

use super::current_trace::{EnteredTrace, current_trace};
use super::{Spans, span_name};
use crate::catch_panic::catch_panic;
use crate::engine::call_log::{CallEnd, CallInfo};
use crate::engine::message_log::MessageKind;
use crate::engine::outcome::CallOutcome;
use crate::engine::shared::Shared;
use crate::proto::{Call, TraceContext, code};
use pin_project_lite::pin_project;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tracing::Span;
use tracing::field::Empty;
use tracing::span::Entered;

/// The surroundings in which a handler runs, in its connection's task or in its own: its span, and the trace of its
/// caller, if it has them.
#[derive(Clone, Default)]
pub(crate) struct CallScope {
    span: Option<Span>,
    trace: Option<Arc<TraceContext>>,
}

/// A part of a handler's run. Its end leaves the surroundings.
pub(crate) struct EnteredScope<'s> {
    _span: Option<Entered<'s>>,
    _trace: Option<EnteredTrace>,
}

pin_project! {
    /// A future that runs in the surroundings of a handler.
    pub(crate) struct InScope<F> {
        scope: CallScope,
        #[pin]
        future: F,
    }
}

impl<F> InScope<F> {
    pub(crate) fn new(scope: CallScope, future: F) -> Self {
        Self { scope, future }
    }
}

impl<F: Future> Future for InScope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.scope.enter();
        this.future.poll(cx)
    }
}

impl CallScope {
    /// Creates the surroundings of a call of the peer.
    pub(crate) fn new(shared: &Shared, call: &Call<'_>, info: &CallInfo<'_>) -> Self {
        let trace = call.trace_context().map(Arc::new);
        Self { span: shared.handler_span(call, info, trace.as_deref()), trace }
    }

    /// Returns the surroundings of the handler that runs now.
    pub(crate) fn current() -> Self {
        let span = Span::current();
        Self { span: if span.is_none() { None } else { Some(span) }, trace: current_trace() }
    }

    /// Creates the surroundings of background work that a call with this place in a trace starts.
    pub(crate) fn background(shared: &Shared, trace: Option<&TraceContext>) -> Self {
        Self { span: shared.background_span(trace), trace: trace.cloned().map(Arc::new) }
    }

    /// Begins a part of the handler's run.
    pub(crate) fn enter(&self) -> EnteredScope<'_> {
        EnteredScope { _span: self.span.as_ref().map(Span::enter), _trace: self.trace.as_ref().map(EnteredTrace::new) }
    }

    /// Records the end of the call.
    pub(crate) fn record_end(&self, end: &CallEnd<'_>) {
        let Some(span) = &self.span else { return };
        let (outcome, error) = match end.outcome {
            CallOutcome::Ok => ("ok", None),
            CallOutcome::ChannelOpened => ("channel_opened", None),
            CallOutcome::Rejected { code } => ("rejected", Some(code.unwrap_or("rejected"))),
            CallOutcome::Panicked => ("panicked", Some("panicked")),
            CallOutcome::Cancelled => ("cancelled", Some("cancelled")),
        };
        span.record("rpc.wswrapper.outcome", outcome);
        span.record("rpc.response.size", end.response_bytes);
        if let Some(error) = error {
            span.record("error.type", error);
        }
        if matches!(error, Some("panicked" | code::INTERNAL)) {
            span.record("otel.status_code", "ERROR");
        }
    }
}

impl Shared {
    /// Creates the span of a call of the peer, if spans are mounted and wanted.
    fn handler_span(&self, call: &Call<'_>, info: &CallInfo<'_>, caller: Option<&TraceContext>) -> Option<Span> {
        let spans = self.endpoint.observers.spans()?;
        let CallInfo { kind, channel, channel_name, anonymous_channel, event, id, bytes, .. } = *info;
        let is_request = kind == MessageKind::Request;
        let span = tracing::info_span!(
            target: "wswrapper::call",
            parent: None,
            "handle",
            otel.name = %span_name(channel, event),
            otel.kind = if is_request { "server" } else { "consumer" },
            rpc.system = "wswrapper",
            rpc.service = channel_name,
            rpc.method = event,
            rpc.wswrapper.peer = self.id.get(),
            rpc.wswrapper.anonymous_channel = anonymous_channel,
            rpc.wswrapper.request_id = id,
            rpc.wswrapper.arguments = Empty,
            rpc.request.size = bytes,
            rpc.response.size = Empty,
            rpc.wswrapper.outcome = Empty,
            error.type = Empty,
            otel.status_code = Empty,
        );
        if span.is_disabled() {
            return None;
        }
        self.set_parent(spans, &span, caller);
        // The span of the connection, whose task is running.
        span.follows_from(Span::current());
        if let Some(arguments) = spans.recorded_arguments(&call.arguments) {
            span.record("rpc.wswrapper.arguments", arguments);
        }
        Some(span)
    }

    /// Creates the span of background work, if spans are mounted and wanted. It is no child of the present one, which would
    /// last as long as the work.
    fn background_span(&self, caller: Option<&TraceContext>) -> Option<Span> {
        let spans = self.endpoint.observers.spans()?;
        let span = tracing::info_span!(
            target: "wswrapper::background",
            parent: None,
            "background",
            rpc.system = "wswrapper",
            rpc.wswrapper.peer = self.id.get(),
        );
        if span.is_disabled() {
            return None;
        }
        self.set_parent(spans, &span, caller);
        // The span of the handler that starts the work.
        span.follows_from(Span::current());
        Some(span)
    }

    /// Connects a span with the trace of a caller in another process.
    fn set_parent(&self, spans: &Spans, span: &Span, caller: Option<&TraceContext>) {
        if let (Some(propagator), Some(caller)) = (&spans.propagator, caller)
            && let Err(message) = catch_panic(|| propagator.set_parent(span, caller))
        {
            self.report_hook_panic("propagator", &message);
        }
    }
}
