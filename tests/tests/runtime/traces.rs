//! Distributed traces: from a caller to a handler, and on to the handler's own calls.

mod opentelemetry;

use futures_util::stream;
use serde_json::{Value, json};
use std::future::poll_fn;
use std::pin::pin;
use std::time::Duration;
use wswrapper::error::Rejection;
use wswrapper::observe::{Propagator, Spans, TraceContext};
use wswrapper::{Client, Context, Peer, Server, Stream, Upload, ws_handlers};
use wswrapper_tests::{RawPeer, pair, pair_with};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn trace() -> TraceContext {
    TraceContext::read(PARENT, Some("vendor=1")).expect("it is valid")
}

/// The `traceparent` and the `tracestate` of the call.
fn seen(ctx: &Context) -> Option<String> {
    ctx.trace_context().map(|trace| format!("{trace} {}", trace.state().unwrap_or("-")))
}

fn sent() -> String {
    format!("{PARENT} vendor=1")
}

async fn ask(peer: &Peer) -> Option<String> {
    peer.request("seen", ()).await.expect("it is handled")
}

/// Each handler asks its caller for the trace that it sees.
struct Desk;

#[ws_handlers]
impl Desk {
    pub async fn passes(&self, ctx: Context) -> [Option<String>; 2] {
        let first = ask(&ctx.peer()).await;
        tokio::task::yield_now().await;
        [first, ask(&ctx.peer()).await]
    }
    #[ws(spawn)]
    pub async fn spawned(&self, ctx: Context) -> [Option<String>; 2] {
        tokio::task::yield_now().await;
        [seen(&ctx), ask(&ctx.peer()).await]
    }
    pub async fn streams(&self, ctx: Context) -> impl Stream<Item = Option<String>> + Send {
        stream::once(async move { ask(&ctx.peer()).await })
    }
    pub async fn uploads(&self, ctx: Context, mut items: Upload<u32>) -> Option<String> {
        while let Some(Ok(_)) = items.next().await {}
        ask(&ctx.peer()).await
    }
    /// Its own task is outside the handler.
    pub async fn detaches(&self, ctx: Context) -> [Option<String>; 2] {
        let (peer, trace) = (ctx.peer(), ctx.trace_context().cloned());
        let asking = tokio::spawn(async move {
            let call = || peer.request("seen", ());
            let without = call().await.expect("it is handled");
            let with = match trace {
                Some(trace) => call().trace_context(trace).await.expect("it is handled"),
                None => None,
            };
            [without, with]
        });
        asking.await.expect("it has not panicked")
    }
}

fn client_of(server: wswrapper::server::ServerBuilder) -> (wswrapper_tests::Pair, DeskProxy) {
    let pair = pair(server.service(Desk));
    pair.client.on("seen", |ctx: Context| async move { seen(&ctx) }).expect("a valid name");
    let desk = DeskProxy::new(&pair.client);
    (pair, desk)
}

#[tokio::test]
async fn calls_of_a_handler_carry_the_trace_of_its_caller() {
    let (_pair, desk) = client_of(Server::builder());
    let both = [Some(sent()), Some(sent())];
    assert_eq!(desk.passes().trace_context(trace()).await.unwrap(), both);
    assert_eq!(desk.spawned().trace_context(trace()).timeout(Duration::from_secs(9)).await.unwrap(), both);
    assert_eq!(desk.uploads(stream::iter([1, 2])).trace_context(trace()).await.unwrap(), Some(sent()));
    assert_eq!(desk.detaches().trace_context(trace()).await.unwrap(), [None, Some(sent())]);
    let mut items = pin!(desk.streams().trace_context(trace()).await.unwrap());
    let item = poll_fn(|cx| items.as_mut().poll_next(cx)).await.expect("one item").unwrap();
    assert_eq!(item, Some(sent()));
}

#[tokio::test]
async fn a_handler_does_not_inherit_the_trace_of_another_call() {
    let (_pair, desk) = client_of(Server::builder());
    let (with, without) = futures_util::join!(desk.passes().trace_context(trace()), desk.passes());
    assert_eq!((with.unwrap(), without.unwrap()), ([Some(sent()), Some(sent())], [None, None]));
    assert_eq!(desk.spawned().await.unwrap(), [None, None]);
}

#[tokio::test]
async fn a_page_that_sends_a_trace_gets_it_back_with_the_calls_of_the_handler() {
    let server = Server::builder().service(Desk).build().expect("it can be mounted");
    let (mut page, _) = RawPeer::dial(&server);
    let asked = |id: u64, meta: &Value| json!({"a": ["seen"], "i": id, "m": meta});
    let call = json!({"a": ["passes"], "i": 1, "m": {"tp": PARENT, "ts": "vendor=1", "other": [1]}});
    let expected = json!({"tp": PARENT, "ts": "vendor=1"});
    let first = page.ask(&call.to_string()).await;
    let id = first["i"].as_u64().expect("a request");
    assert_eq!(first, asked(id, &expected));
    let second = page.ask(&json!({"i": id, "d": null}).to_string()).await;
    assert_eq!(second, asked(id + 1, &expected));
    // An invalid one is ignored, and the call is handled.
    for meta in [json!({"tp": "00-x"}), json!({"tp": 7}), json!({"ts": "vendor=1"}), json!(7)] {
        let call = json!({"a": ["passes"], "i": 2, "m": meta});
        let asked = page.ask(&call.to_string()).await;
        assert_eq!((&asked["a"], &asked["m"]), (&json!(["seen"]), &Value::Null), "{meta}");
        page.send(&json!({"i": 2, "x": "enough"}).to_string()).await;
        page.receive().await;
    }
}

#[tokio::test]
async fn events_carry_no_trace() {
    let server = Server::builder().build().expect("nothing to mount");
    let notes =
        |ctx: Context| async move { ctx.peer().emit("noted", ()).await.map_err(|_| Rejection::new("not sent")) };
    server.on("note", notes).expect("a valid name");
    let (mut page, _) = RawPeer::dial(&server);
    let event = page.ask(&json!({"a": ["note"], "i": 1, "m": {"tp": PARENT}}).to_string()).await;
    assert_eq!(event, json!({"a": ["noted"]}));
}

#[tokio::test]
async fn a_trace_makes_no_call_too_large_by_surprise() {
    let limits = wswrapper::Limits::default().max_outgoing_message_size(200);
    let pair = pair_with(Server::builder(), Client::builder().limits(limits));
    pair.server.on("text", |text: String| async move { text.len() }).expect("a valid name");
    let text = "t".repeat(50);
    let call = || pair.client.request::<usize>("text", (&text,));
    assert_eq!(call().await.expect("it is handled"), 50);
    let state = "s".repeat(100);
    let trace = trace().with_state(&state);
    let error = call().trace_context(trace).await.expect_err("it is too large");
    assert!(error.to_string().contains("bytes"), "{error}");
}

struct Panics;

impl Propagator for Panics {
    fn set_parent(&self, _: &tracing::Span, _: &TraceContext) {
        panic!("of the test");
    }

    fn trace_context(&self, _: &tracing::Span) -> Option<TraceContext> {
        panic!("of the test");
    }
}

#[tokio::test]
async fn a_propagator_that_panics_is_left_out() {
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry());
    let (_pair, desk) = client_of(Server::builder().spans(Spans::new().propagator(Panics)));
    assert_eq!(desk.passes().trace_context(trace()).await.unwrap(), [Some(sent()), Some(sent())]);
}
