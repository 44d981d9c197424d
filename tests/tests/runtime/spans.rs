//! Spans of connections and calls.

mod recorder;

use futures_util::{FutureExt, StreamExt, stream};
use recorder::{Recorder, Span};
use serde_json::json;
use std::future::pending;
use std::time::Duration;
use wswrapper::error::Rejection;
use wswrapper::observe::Spans;
use wswrapper::service::layer::GuardCall;
use wswrapper::{Client, Context, Server, Stream, Upload, ws_handlers};
use wswrapper_tests::{Pair, RawPeer, pair, pair_with, until};

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn now(&self, n: u32) -> u32 {
        tracing::info!("now");
        n
    }
    pub async fn later(&self) -> u32 {
        tracing::info!("before");
        tokio::task::yield_now().await;
        tracing::info!("after");
        2
    }
    pub async fn rejects(&self) -> Result<(), Rejection> {
        Err(Rejection::new("no").with_code("No"))
    }
    pub async fn panics(&self) {
        panic!("of the test");
    }
    pub async fn waits(&self) {
        pending::<()>().await;
    }
    pub async fn count(&self) -> impl Stream<Item = u32> + Send {
        stream::iter([1, 2]).inspect(|_| tracing::info!("item"))
    }
    pub async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        tracing::info!("summed");
        sum
    }
    #[ws(spawn)]
    pub async fn spawned(&self) {
        tokio::task::yield_now().await;
        tracing::info!("in a task");
    }
    /// Starts work that calls the caller.
    pub async fn starts(&self, ctx: Context) {
        let caller = ctx.peer();
        let work = async move {
            tracing::info!("in the background");
            caller.request::<u32>("double", (4,)).await.expect("it is handled");
            tracing::info!("after a call");
        };
        ctx.spawn(work).expect("the server is open");
    }
    #[ws(event)]
    pub async fn note(&self) {}
    pub async fn asks(&self, ctx: Context) -> u32 {
        ctx.peer().request("double", (4,)).await.unwrap_or(0)
    }
}

fn observed() -> Pair {
    let pair = pair_with(Server::builder().service(Desk).spans(Spans::new()), Client::builder().spans(Spans::new()));
    pair.client.on("double", |n: u32| async move { 2 * n }).expect("a valid name");
    pair
}

/// The outcome, the type of the error and the status.
fn end(span: &Span) -> [&str; 3] {
    ["rpc.wswrapper.outcome", "error.type", "otel.status_code"].map(|field| span.field(field))
}

#[test]
fn a_guard_on_a_channel_without_a_service_is_warned_of() {
    let (recorder, _guard) = Recorder::start();
    let building = tracing::info_span!("building").entered();
    let pass = |_: &GuardCall<'_>| Ok::<_, String>(());
    let server =
        Server::builder().service(Desk).guard_on("desk", pass).guard_on("{any}", pass).guard_on("desk/{id}", pass);
    drop(server.build().expect("the service can be mounted"));
    drop(building);
    let warnings = recorder.span("building").events;
    assert_eq!(warnings, ["no service is mounted on the channel `desk/{id}` of a guard or a layer"]);
}

#[tokio::test]
async fn a_call_has_a_span_at_each_endpoint_with_names_kind_and_sizes() {
    let (recorder, _guard) = Recorder::start();
    let pair = observed();
    assert_eq!(DeskProxy::new(&pair.client).now(7).await.unwrap(), 7);
    let (call, handle) = (recorder.span("call now"), recorder.span("handle now"));
    let expected = |kind, peer: &wswrapper::Peer, request_id| {
        let fields = [
            ("otel.name", "desk/now"),
            ("otel.kind", kind),
            ("rpc.system", "wswrapper"),
            ("rpc.service", "desk"),
            ("rpc.method", "now"),
            ("rpc.wswrapper.outcome", "ok"),
        ];
        let mut fields: Vec<_> = fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        fields.push(("rpc.wswrapper.peer".to_owned(), peer.id().to_string()));
        fields.extend(request_id);
        fields
    };
    let sizes = |request: &str, response: &str| {
        [("rpc.request.size".to_owned(), request.to_owned()), ("rpc.response.size".to_owned(), response.to_owned())]
    };
    // The caller knows the call without its id and its braces, and the value of the response.
    let call_fields = [expected("client", pair.client.peer(), None), sizes("25", "1").into()].concat();
    assert_eq!(call.fields, call_fields.into_iter().collect());
    let id = Some(("rpc.wswrapper.request_id".to_owned(), "268435457".to_owned()));
    let handle_fields = [expected("server", &pair.peer, id), sizes("40", "21").into()].concat();
    assert_eq!(handle.fields, handle_fields.into_iter().collect());
    assert!(call.is_closed && handle.is_closed);
    assert_eq!((handle.parent, handle.follows), (None, Some("connection".to_owned())));
    assert_eq!(handle.events, ["now"]);
}

#[tokio::test]
async fn background_work_has_a_span_that_follows_from_its_call_and_does_not_prolong_it() {
    let (recorder, _guard) = Recorder::start();
    let pair = observed();
    DeskProxy::new(&pair.client).starts().await.expect("it is handled");
    until(|| recorder.spans("background").iter().any(|span| span.is_closed)).await;
    let (work, handle) = (recorder.span("background"), recorder.span("handle starts"));
    assert_eq!(work.events, ["in the background", "after a call"]);
    assert_eq!((work.parent, work.follows), (None, Some("handle starts".to_owned())));
    assert_eq!(work.fields["rpc.wswrapper.peer"], pair.peer.id().to_string());
    assert_eq!(recorder.span("call double").parent.as_deref(), Some("background"));
    assert!(handle.is_closed && handle.events.is_empty());
}

#[tokio::test]
async fn a_handler_runs_in_its_span_from_its_first_poll_to_its_end() {
    let (recorder, _guard) = Recorder::start();
    let pair = observed();
    let desk = DeskProxy::new(&pair.client);
    assert_eq!(desk.later().await.unwrap(), 2);
    assert_eq!(recorder.span("handle later").events, ["before", "after"]);
    desk.spawned().await.expect("it is handled");
    assert_eq!(recorder.span("handle spawned").events, ["in a task"]);
    let items = desk.count().await.expect("it is handled").collect::<Vec<_>>().await;
    assert_eq!(items.len(), 2);
    until(|| recorder.span("handle count").is_closed).await;
    assert_eq!(recorder.span("handle count").events, ["item", "item"]);
    assert_eq!(recorder.span("call count").field("rpc.wswrapper.outcome"), "channel_opened");
    assert_eq!(desk.sum(stream::iter([1, 2])).await.unwrap(), 3);
    until(|| recorder.span("handle sum").is_closed).await;
    assert_eq!(recorder.span("handle sum").events, ["summed"]);
    assert_eq!(end(&recorder.span("handle sum")), ["ok", "", ""]);
}

#[tokio::test]
async fn calls_of_a_handler_are_children_of_its_span() {
    let (recorder, _guard) = Recorder::start();
    let pair = observed();
    let outer = tracing::info_span!("outer");
    let asking = DeskProxy::new(&pair.client).asks();
    assert_eq!(tracing::Instrument::instrument(asking, outer).await.unwrap(), 8);
    assert_eq!(recorder.span("call asks").parent.as_deref(), Some("outer"));
    assert_eq!(recorder.span("call double").parent.as_deref(), Some("handle asks"));
    assert_eq!(recorder.span("handle double").parent, None);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_is_in_both_spans() {
    let (recorder, _guard) = Recorder::start();
    let pair = observed();
    let desk = DeskProxy::new(&pair.client);
    desk.rejects().await.expect_err("it rejects");
    desk.panics().await.expect_err("it panics");
    desk.waits().timeout(Duration::from_secs(1)).await.expect_err("it never ends");
    pair.client.request::<()>("unknown", ()).await.expect_err("nobody handles it");
    desk.note().await.expect("there is capacity");
    assert_eq!(desk.now(1).await.unwrap(), 1);
    let ends = |title: &str| [format!("call {title}"), format!("handle {title}")].map(|title| recorder.span(&title));
    let cases = [
        ("rejects", ["rejected", "No", "ERROR"], ["rejected", "No", ""]),
        ("panics", ["rejected", "ws:Internal", "ERROR"], ["panicked", "panicked", "ERROR"]),
        ("waits", ["timed_out", "timed_out", "ERROR"], ["cancelled", "cancelled", ""]),
        ("unknown", ["rejected", "ws:UnknownEvent", "ERROR"], ["rejected", "ws:UnknownEvent", ""]),
        ("note", ["ok", "", ""], ["ok", "", ""]),
    ];
    for (method, caller, handler) in cases {
        let [call, handle] = ends(method);
        assert_eq!((end(&call), end(&handle)), (caller, handler), "{method}");
    }
    let kinds = ends("note").map(|span| span.field("otel.kind").to_owned());
    assert_eq!(kinds, ["producer", "consumer"]);
}

#[tokio::test]
async fn a_call_that_is_dropped_or_loses_its_connection_has_an_end() {
    let (recorder, _guard) = Recorder::start();
    let pair = observed();
    let desk = DeskProxy::new(&pair.client);
    let mut dropped = Box::pin(desk.waits());
    assert!(dropped.as_mut().now_or_never().is_none());
    drop(dropped);
    assert_eq!(end(&recorder.span("call waits")), ["cancelled", "cancelled", "ERROR"]);
    let mut lost = Box::pin(desk.sum(stream::pending()));
    assert!(lost.as_mut().now_or_never().is_none());
    desk.now(1).await.expect("it is handled");
    pair.peer.abort_connection();
    lost.await.expect_err("its connection is lost");
    assert_eq!(end(&recorder.span("call sum")), ["channel_opened", "", ""]);
    until(|| recorder.spans("connection").iter().all(|span| span.is_closed)).await;
    let errors: Vec<_> = recorder.spans("connection").iter().map(|span| span.field("error.type").to_owned()).collect();
    assert_eq!(errors, ["", "lost"], "the server has aborted the connection itself");
}

#[tokio::test]
async fn a_connection_has_a_span_around_its_hooks_and_with_its_close() {
    let (recorder, _guard) = Recorder::start();
    let server = Server::builder().spans(Spans::new());
    let server = server.on_open(|_| async { tracing::info!("opened") });
    let server = server.on_close(|_, _| async { tracing::info!("closed") });
    let pair = pair(server);
    pair.client.request::<()>("x", ()).await.expect_err("nobody handles it");
    let connection = recorder.span("connection");
    assert_eq!(connection.field("rpc.wswrapper.side"), "server");
    assert_eq!(connection.field("rpc.wswrapper.peer"), pair.peer.id().to_string());
    pair.client.close(4000, "bye");
    pair.peer.closed().await;
    until(|| recorder.span("connection").is_closed).await;
    let connection = recorder.span("connection");
    assert_eq!(connection.events.first().map(String::as_str), Some("opened"));
    assert_eq!(connection.events.last().map(String::as_str), Some("closed"));
    let close = ["code", "reason"].map(|field| connection.field(&format!("rpc.wswrapper.close.{field}")));
    assert_eq!(close, ["4000", "bye"]);
    assert_eq!(connection.field("error.type"), "");
}

#[tokio::test]
async fn arguments_are_recorded_only_if_asked_for_and_are_cut() {
    let (recorder, _guard) = Recorder::start();
    let spans = Spans::new().arguments(8);
    let pair = pair_with(Server::builder().spans(spans.clone()), Client::builder().spans(spans));
    pair.server.on("greet", |name: String| async move { name }).expect("a valid name");
    pair.server.on("none", || async {}).expect("a valid name");
    pair.client.request::<String>("greet", ("Ada",)).await.expect("it is handled");
    pair.client.request::<()>("none", ()).await.expect("it is handled");
    let long = "n".repeat(1_000);
    pair.client.emit("greet", (long,)).await.expect("there is capacity");
    pair.client.request::<()>("none", ()).await.expect("it is handled");
    for side in ["call", "handle"] {
        let arguments = |event: &str| {
            let spans = recorder.spans(&format!("{side} {event}"));
            spans.iter().map(|span| span.field("rpc.wswrapper.arguments").replace('\\', "")).collect::<Vec<_>>()
        };
        assert_eq!(arguments("greet"), [r#"["Ada"]"#, r#"["nnnnnnn]"#], "{side}");
        assert_eq!(arguments("none"), ["[]", "[]"], "{side}");
    }
}

#[tokio::test]
async fn a_peer_that_sends_made_up_names_gets_short_fields() {
    let (recorder, _guard) = Recorder::start();
    let server = Server::builder().spans(Spans::new()).build().expect("nothing to mount");
    let (mut peer, _) = RawPeer::dial(&server);
    let long = "n".repeat(10_000);
    peer.ask(&json!({"a": [long], "c": long, "i": 1}).to_string()).await;
    let cut = "n".repeat(64);
    let span = recorder.span(&format!("handle {cut}"));
    assert_eq!((span.field("rpc.service"), span.field("otel.name")), (&*cut, &*format!("{cut}/{cut}")));
}

#[tokio::test]
async fn nothing_is_created_without_spans() {
    let (recorder, _guard) = Recorder::start();
    let pair = pair(Server::builder().service(Desk));
    assert_eq!(DeskProxy::new(&pair.client).now(7).await.unwrap(), 7);
    assert_eq!(recorder.spans("connection").len() + recorder.spans("handle now").len(), 0);
}
