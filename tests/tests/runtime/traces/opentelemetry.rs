//! Traces of `tracing-opentelemetry`.

use super::PARENT;
use ::opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider as _,
};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use serde_json::json;
use std::str::FromStr;
use tracing::Span;
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use wswrapper::observe::{Propagator, Spans, TraceContext};
use wswrapper::{Client, Context, Server, ws_handlers};
use wswrapper_tests::{RawPeer, pair_with};

/// The seam between spans and `tracing-opentelemetry`.
struct OpenTelemetry;

impl Propagator for OpenTelemetry {
    fn set_parent(&self, span: &Span, caller: &TraceContext) {
        let caller = SpanContext::new(
            TraceId::from(caller.trace_id().get()),
            SpanId::from(caller.span_id().get()),
            TraceFlags::new(caller.flags()),
            true,
            TraceState::from_str(caller.state().unwrap_or_default()).unwrap_or_default(),
        );
        span.set_parent(::opentelemetry::Context::new().with_remote_span_context(caller)).expect("it has not begun");
    }

    fn trace_context(&self, span: &Span) -> Option<TraceContext> {
        let context = span.context();
        let span = context.span();
        let span = span.span_context();
        let parent = format!("00-{}-{}-{:02x}", span.trace_id(), span.span_id(), span.trace_flags().to_u8());
        TraceContext::read(&parent, Some(&span.trace_state().header()))
    }
}

/// Collects the spans of this thread.
fn collector() -> (InMemorySpanExporter, SdkTracerProvider, DefaultGuard) {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let guard = set_default(tracing_subscriber::registry().with(layer));
    (exporter, provider, guard)
}

fn spans() -> Spans {
    Spans::new().propagator(OpenTelemetry)
}

/// Answers by a call to another server.
struct Front(Client);

#[ws_handlers(channel = "front")]
impl Front {
    pub async fn total(&self) -> u32 {
        let price: u32 = self.0.request("price", ()).await.unwrap_or(0);
        price + 1
    }
}

/// Returns the one span with this name and kind.
fn one(spans: &[SpanData], name: &str, kind: &SpanKind) -> SpanData {
    let found: Vec<_> = spans.iter().filter(|span| span.name == name && span.span_kind == *kind).collect();
    assert_eq!(found.len(), 1, "{name} {kind:?}: {spans:?}");
    found[0].clone()
}

#[tokio::test]
async fn a_trace_reaches_over_two_hops() {
    let (exporter, _provider, _guard) = collector();
    let back = pair_with(Server::builder().spans(spans()), Client::builder().spans(spans()));
    back.server.on("price", |ctx: Context| async move { ctx.trace_context().map_or(0, |_| 41) }).expect("a valid name");
    let front = pair_with(
        Server::builder().service(Front(back.client.clone())).spans(spans()),
        Client::builder().spans(spans()),
    );
    assert_eq!(FrontProxy::new(&front.client).total().await.unwrap(), 42);
    let spans = exporter.get_finished_spans().expect("it is open");
    // From the caller to the last handler; the name of the span at each endpoint is the same.
    let path = [
        one(&spans, "front/total", &SpanKind::Client),
        one(&spans, "front/total", &SpanKind::Server),
        one(&spans, "price", &SpanKind::Client),
        one(&spans, "price", &SpanKind::Server),
    ];
    assert_eq!(path[0].parent_span_id, SpanId::INVALID);
    for (parent, child) in path.iter().zip(&path[1..]) {
        assert_eq!(child.parent_span_id, parent.span_context.span_id());
        assert_eq!(child.span_context.trace_id(), path[0].span_context.trace_id());
    }
    let is_remote = path.each_ref().map(|span| span.parent_span_is_remote);
    assert_eq!(is_remote, [false, true, false, true]);
}

#[tokio::test]
async fn the_trace_of_a_page_is_the_parent_of_the_handler() {
    let (exporter, _provider, _guard) = collector();
    let server = Server::builder().spans(spans()).build().expect("nothing to mount");
    server.on("price", || async { 41 }).expect("a valid name");
    let (mut page, _) = RawPeer::dial(&server);
    let answer = page.ask(&json!({"a": ["price"], "i": 1, "m": {"tp": PARENT, "ts": "vendor=1"}}).to_string()).await;
    assert_eq!(answer, json!({"i": 1, "d": 41}));
    let span = one(&exporter.get_finished_spans().expect("it is open"), "price", &SpanKind::Server);
    assert_eq!(span.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_eq!(span.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span.span_context.trace_state().header(), "vendor=1");
    let attribute =
        |name: &str| span.attributes.iter().find(|it| it.key.as_str() == name).map(|it| it.value.to_string());
    assert_eq!(attribute("rpc.system").as_deref(), Some("wswrapper"));
    assert_eq!(attribute("rpc.method").as_deref(), Some("price"));
}

#[tokio::test]
async fn a_call_without_a_trace_begins_one_of_its_own() {
    let (exporter, _provider, _guard) = collector();
    let server = Server::builder().spans(spans()).build().expect("nothing to mount");
    server.on("price", || async { 41 }).expect("a valid name");
    let (mut page, _) = RawPeer::dial(&server);
    for id in [1, 2] {
        page.ask(&json!({"a": ["price"], "i": id}).to_string()).await;
    }
    let spans = exporter.get_finished_spans().expect("it is open");
    assert_eq!(spans.len(), 2);
    assert_eq!([spans[0].parent_span_id, spans[1].parent_span_id], [SpanId::INVALID; 2]);
    assert_ne!(spans[0].span_context.trace_id(), spans[1].span_context.trace_id());
}
