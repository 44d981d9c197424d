//! The span of a local call.

use super::current_trace::current_trace;
use super::span_name;
use crate::catch_panic::catch_panic;
use crate::engine::message_log::MessageKind;
use crate::engine::shared::Shared;
use crate::engine::slot::Completion;
use crate::error::SendError;
use crate::proto::{Address, Call, EncodedCall, RawReason, TraceContext, cut_name};
use tracing::Span;
use tracing::field::Empty;

/// The span of a local call or event. A call that is dropped before its end was cancelled.
pub(crate) struct CallerSpan {
    span: Span,
    has_ended: bool,
}

impl CallerSpan {
    /// Starts the span of a call that is sent now, as a child of the present one. `None` if spans are not mounted or not
    /// wanted. Boxed, because most calls have none.
    #[inline]
    pub(crate) fn start(shared: &Shared, call: &EncodedCall, kind: MessageKind) -> Option<Box<Self>> {
        if shared.endpoint.observers.spans().is_some() { shared.caller_span(call, kind) } else { None }
    }

    /// Returns the place in a trace that is sent with a call: that of its span, or else of the handler that calls.
    #[inline]
    pub(crate) fn trace_context(span: Option<&Self>, shared: &Shared) -> Option<TraceContext> {
        let propagated = span.and_then(|span| shared.propagated(&span.span));
        propagated.or_else(|| current_trace().map(|trace| TraceContext::clone(&trace)))
    }

    /// Records the end of a request.
    pub(crate) fn finish(mut self, result: &Result<Completion, SendError>) {
        match result {
            Ok(Completion::Result(json)) => {
                self.span.record("rpc.response.size", json.as_ref().map_or(0, bytes::Bytes::len));
                self.end("ok", None);
            }
            Ok(Completion::Channel | Completion::Opened { .. }) => self.end("channel_opened", None),
            Ok(Completion::Rejected { value, error }) => {
                self.span.record("rpc.response.size", value.len());
                let value = std::str::from_utf8(value).unwrap_or_default();
                let rejection = RawReason { value, error: *error }.read();
                self.end("rejected", Some(rejection.code().unwrap_or("rejected")));
            }
            Ok(Completion::TimedOut) => self.end("timed_out", Some("timed_out")),
            Ok(Completion::Closed(_) | Completion::ChannelClosed(_)) => self.end("closed", Some("closed")),
            Ok(Completion::NotSent(_)) | Err(_) => self.end("not_sent", Some("not_sent")),
        }
    }

    /// Records the end of an event.
    pub(crate) fn finish_event(mut self, sent: &Result<(), SendError>) {
        match sent {
            Ok(()) => self.end("ok", None),
            Err(_) => self.end("not_sent", Some("not_sent")),
        }
    }

    fn end(&mut self, outcome: &str, error: Option<&str>) {
        self.has_ended = true;
        self.span.record("rpc.wswrapper.outcome", outcome);
        if let Some(error) = error {
            self.span.record("error.type", error);
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

impl Drop for CallerSpan {
    fn drop(&mut self) {
        if !self.has_ended {
            self.end("cancelled", Some("cancelled"));
        }
    }
}

impl Shared {
    /// Returns the place of a span in its trace.
    #[cold]
    fn propagated(&self, span: &Span) -> Option<TraceContext> {
        let propagator = self.endpoint.observers.spans()?.propagator.as_ref()?;
        catch_panic(|| propagator.trace_context(span)).unwrap_or_else(|message| {
            self.report_hook_panic("propagator", &message);
            None
        })
    }

    #[cold]
    fn caller_span(&self, call: &EncodedCall, kind: MessageKind) -> Option<Box<CallerSpan>> {
        let spans = self.endpoint.observers.spans()?;
        let is_request = kind == MessageKind::Request;
        let create = |decoded: &Call<'_>| {
            let (event, service) = (
                cut_name(&decoded.event),
                match &decoded.address {
                    Address::Named(name) => Some(cut_name(name)),
                    _ => None,
                },
            );
            let span = tracing::info_span!(
                target: "wswrapper::call",
                "call",
                otel.name = %span_name(service, event),
                otel.kind = if is_request { "client" } else { "producer" },
                rpc.system = "wswrapper",
                rpc.service = service,
                rpc.method = event,
                rpc.wswrapper.peer = self.id.get(),
                rpc.wswrapper.anonymous_channel = call.channel().map(|channel| channel.id().get()),
                rpc.wswrapper.arguments = Empty,
                rpc.request.size = call.len(),
                rpc.response.size = Empty,
                rpc.wswrapper.outcome = Empty,
                error.type = Empty,
                otel.status_code = Empty,
            );
            if let Some(arguments) = spans.recorded_arguments(&decoded.arguments).filter(|_| !span.is_disabled()) {
                span.record("rpc.wswrapper.arguments", arguments);
            }
            span
        };
        let span = call.inspect(create).filter(|span| !span.is_disabled())?;
        Some(Box::new(CallerSpan { span, has_ended: false }))
    }
}
