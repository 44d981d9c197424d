//! The limit of the size of an outgoing message.

use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};
use std::time::Duration;
use wswrapper::{
    CallError, Client, Limits, Server, Stream, Streaming, Upload,
    error::{Reason, Rejection, SendError},
    ws_handlers,
};
use wswrapper_tests::{Alive, Log, Pair, RawPeer, let_others_run, nothing_is_left, pair, pair_with};

const LIMIT: usize = 1_000;

fn limits() -> Limits {
    Limits::default().max_outgoing_message_size(LIMIT)
}

#[derive(Clone, Default)]
struct SizedService {
    running: Alive,
}

#[ws_handlers]
impl SizedService {
    pub fn ready(&self, length: usize) -> String {
        "x".repeat(length)
    }

    pub async fn late(&self, length: usize) -> String {
        tokio::task::yield_now().await;
        "x".repeat(length)
    }

    pub fn fail(&self, length: usize) -> Result<(), Rejection> {
        Err(Rejection::new("x".repeat(length)))
    }

    pub async fn texts(&self, lengths: Vec<usize>) -> impl Stream<Item = String> + Send {
        let alive = self.running.guard();
        stream::iter(lengths).map(move |length| {
            let _ = &alive;
            "x".repeat(length)
        })
    }

    pub async fn failing(&self, length: usize) -> impl Stream<Item = Result<u32, Rejection>> + Send {
        stream::iter([Ok(1), Err(Rejection::new("x".repeat(length)))])
    }

    pub async fn lengths(&self, mut texts: Upload<String>) -> usize {
        let _alive = self.running.guard();
        let mut sum = 0;
        while let Some(Ok(text)) = texts.next().await {
            sum += text.len();
        }
        sum
    }
}

fn limited_server() -> (SizedService, Pair) {
    let service = SizedService::default();
    let pair = pair(Server::builder().limits(limits()).service(service.clone()));
    (service, pair)
}

fn limited_client() -> (SizedService, Pair) {
    let service = SizedService::default();
    let pair = pair_with(Server::builder().service(service.clone()), Client::builder().limits(limits()));
    (service, pair)
}

/// Returns the rejection that is sent instead of a message of `size` bytes.
fn too_large(size: usize) -> Value {
    let message = format!("the message would have {size} bytes, and this endpoint sends at most 1000 bytes");
    json!({"message": message, "code": "ws:TooLarge"})
}

#[tokio::test(start_paused = true)]
async fn a_call_above_the_limit_is_not_sent_and_one_of_the_limit_is() {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits()));
    let overhead = r#"{"a":["f",""],"i":268435457}"#.len();
    let with_timeout = r#"{"a":["f",""],"i":268435457,"m":{"t":5000}}"#.len();
    for (timeout, overhead) in [(None, overhead), (Some(Duration::from_secs(5)), with_timeout)] {
        for (size, sent) in [(LIMIT - 1, true), (LIMIT, true), (LIMIT + 1, false), (10 * LIMIT, false)] {
            let mut call = client.request::<()>("f", ("x".repeat(size - overhead),));
            if let Some(timeout) = timeout {
                call = call.timeout(timeout);
            }
            if sent {
                let call = tokio::spawn(call);
                assert_eq!(raw.receive_text().await.len(), size);
                call.abort();
                // Its cancellation.
                raw.receive().await;
            } else {
                let failed = call.await;
                let expected = matches!(
                    failed,
                    Err(CallError::NotSent(SendError::TooLarge { size: actual, limit: LIMIT })) if actual == size
                );
                assert!(expected, "{failed:?}");
                raw.silence().await;
            }
        }
    }
    assert_eq!(client.calls_in_flight(), 0);
}

#[tokio::test]
async fn an_event_above_the_limit_is_not_sent_and_one_of_the_limit_is() {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits()));
    let overhead = r#"{"a":["e",""]}"#.len();
    client.emit("e", ("x".repeat(LIMIT - overhead),)).await.expect("it is not too large");
    assert_eq!(raw.receive_text().await.len(), LIMIT);
    let failed = client.emit("e", ("x".repeat(LIMIT - overhead + 1),)).await;
    assert!(matches!(failed, Err(SendError::TooLarge { size: 1_001, limit: LIMIT })), "{failed:?}");
    raw.silence().await;
    client.emit("e", ("small",)).await.expect("the connection is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["e","small"]}"#);
}

#[tokio::test]
async fn a_result_above_the_limit_becomes_a_rejection_and_the_connection_continues() {
    let (_, pair) = limited_server();
    let (mut raw, _) = RawPeer::dial(&pair.server);
    let overhead = r#"{"i":1,"d":""}"#.len();
    for event in ["ready", "late"] {
        let call = |length: usize| format!(r#"{{"a":["{event}",{length}],"i":1}}"#);
        raw.send(&call(LIMIT - overhead)).await;
        assert_eq!(raw.receive_text().await.len(), LIMIT);
        let answer = raw.ask(&call(LIMIT - overhead + 1)).await;
        assert_eq!(answer, json!({"i": 1, "e": too_large(LIMIT + 1), "_": 1}));
        assert_eq!(raw.ask(&call(1)).await, json!({"i": 1, "d": "x"}));
    }
    // A rejection is a message, too.
    let answer = raw.ask(r#"{"a":["fail",5000],"i":1}"#).await;
    let size = r#"{"i":1,"e":{"message":""},"_":1}"#.len() + 5_000;
    assert_eq!(answer, json!({"i": 1, "e": too_large(size), "_": 1}));
    match pair.client.request::<String>("ready", (5_000,)).await {
        Err(CallError::Handler(rejection)) => assert_eq!(rejection.code(), Some("ws:TooLarge")),
        other => panic!("expected a rejection, got {other:?}"),
    }
}

#[tokio::test]
async fn results_and_items_above_the_limit_are_reported_to_their_own_endpoint() {
    let log = Log::default();
    let errors = log.clone();
    let server = Server::builder().limits(limits()).service(SizedService::default());
    let pair = pair(server.on_error(move |_, error| errors.add(error.to_string())));
    pair.client.request::<String>("ready", (5_000,)).await.expect_err("it is too large");
    let texts = pair.client.request::<Streaming<String, Rejection>>("texts", (vec![5_000],)).await;
    texts.expect("a stream").next().await.expect("an error").expect_err("it is too large");
    let entries = log.has(2).await;
    for (entry, event) in entries.iter().zip(["ready", "texts"]) {
        assert!(entry.starts_with(&format!("the response of `{event}` has 50")), "{entry}");
        assert!(entry.ends_with(" bytes, and `max_outgoing_message_size` is 1000"), "{entry}");
    }
}

#[tokio::test]
async fn a_result_above_the_limit_is_rejected_behind_a_full_output() {
    let limits = limits().max_outbound_bytes(1);
    let pair = pair(Server::builder().limits(limits).service(SizedService::default()));
    let (mut raw, _) = RawPeer::dial(&pair.server);
    for n in 1..=200 {
        raw.send(&format!(r#"{{"a":["late",900],"i":{n}}}"#)).await;
    }
    raw.send(r#"{"a":["late",5000],"i":201}"#).await;
    for n in 1..=200 {
        assert_eq!(raw.receive().await["i"], n);
    }
    let size = r#"{"i":201,"d":""}"#.len() + 5_000;
    assert_eq!(raw.receive().await, json!({"i": 201, "e": too_large(size), "_": 1}));
}

#[tokio::test]
async fn an_item_above_the_limit_ends_its_stream_with_the_error() {
    let (_, pair) = limited_server();
    let call = pair.client.request::<Streaming<String, Rejection>>("texts", (vec![10, 20, 5_000, 10],));
    let mut texts = call.await.expect("a stream");
    assert_eq!(texts.next().await.expect("an item").expect("a text").len(), 10);
    assert_eq!(texts.next().await.expect("an item").expect("a text").len(), 20);
    match texts.next().await {
        Some(Err(CallError::Handler(rejection))) => assert_eq!(rejection.code(), Some("ws:TooLarge")),
        other => panic!("expected the error, got {other:?}"),
    }
    assert!(texts.next().await.is_none());
    nothing_is_left(&pair).await;
    assert_eq!(pair.client.request::<String>("ready", (1,)).await.expect("it is open"), "x");
}

#[tokio::test]
async fn an_item_above_the_limit_aborts_the_stream_of_a_consumer_without_credit() {
    let (service, pair) = limited_server();
    let (mut raw, _) = RawPeer::dial(&pair.server);
    assert_eq!(raw.ask(r#"{"a":["texts",[1,5000]],"i":1}"#).await, json!({"i": 1, "h": 1}));
    let first = raw.ask(r#"{"a":["start"],"h":1}"#).await;
    let request = r#"{"a":["next",{"value":"","done":false}],"h":1,"i":536870914}"#.len();
    raw.send(&format!(r#"{{"i":{}}}"#, first["i"])).await;
    assert_eq!(raw.receive().await, json!({"h": 1, "x": too_large(request + 5_000), "_": 1}));
    service.running.becomes(0).await;
    assert_eq!(raw.ask(r#"{"a":["ready",1],"i":2}"#).await, json!({"i": 2, "d": "x"}));
}

#[tokio::test]
async fn the_error_of_a_stream_above_the_limit_is_replaced() {
    let (_, pair) = limited_server();
    let mut items = pair.client.request::<Streaming<u32, Rejection>>("failing", (5_000,)).await.expect("a stream");
    assert!(matches!(items.next().await, Some(Ok(1))));
    match items.next().await {
        Some(Err(CallError::Handler(rejection))) => assert_eq!(rejection.code(), Some("ws:TooLarge")),
        other => panic!("expected the error, got {other:?}"),
    }
}

#[tokio::test]
async fn an_upload_with_an_item_above_the_limit_fails_and_stops_its_handler() {
    let (service, pair) = limited_client();
    let sized = SizedServiceProxy::new(&pair.client);
    assert_eq!(sized.lengths(stream::iter(["a".repeat(900), "b".repeat(10)])).await.expect("they fit"), 910);
    let failed = sized.lengths(stream::iter(["a".repeat(10), "b".repeat(5_000), "c".to_owned()])).await;
    assert!(matches!(failed, Err(CallError::NotSent(SendError::TooLarge { limit: LIMIT, .. }))), "{failed:?}");
    service.running.becomes(0).await;
    nothing_is_left(&pair).await;
    assert_eq!(sized.ready(3).await.expect("the connection is open"), "xxx");
}

#[tokio::test]
async fn an_item_of_an_upload_that_is_sent_as_a_request_may_have_exactly_the_limit() {
    for (size, sent) in [(LIMIT, true), (LIMIT + 1, false)] {
        let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits()));
        let overhead = r#"{"a":["next",{"value":"","done":false}],"h":268435457,"i":268435459}"#.len();
        let text = "x".repeat(size - overhead);
        let call = tokio::spawn(SizedServiceProxy::new(&client).lengths(stream::iter([text])));
        raw.receive().await;
        raw.send(r#"{"i":268435457,"h":1}"#).await;
        raw.receive().await;
        raw.send(r#"{"a":["start"],"h":268435457}"#).await;
        if sent {
            assert_eq!(raw.receive_text().await.len(), size);
        } else {
            let failed = call.await.expect("no panic");
            let expected = matches!(failed, Err(CallError::NotSent(SendError::TooLarge { size: 1_001, limit: LIMIT })));
            assert!(expected, "{failed:?}");
        }
    }
}

#[tokio::test]
async fn a_broadcast_above_the_limit_fails_as_a_whole() {
    let (_, pair) = limited_server();
    let (mut raw, _) = RawPeer::dial(&pair.server);
    let overhead = r#"{"a":["news",""]}"#.len();
    let broadcast = pair.server.broadcast();
    let failed = broadcast.emit("news", ("x".repeat(LIMIT - overhead + 1),)).await;
    assert!(matches!(failed, Err(SendError::TooLarge { size: 1_001, limit: LIMIT })), "{failed:?}");
    raw.silence().await;
    let delivery = broadcast.emit("news", ("x".repeat(LIMIT - overhead),)).await.expect("it is not too large");
    assert_eq!(delivery.sent, 2);
    assert_eq!(raw.receive_text().await.len(), LIMIT);
}

#[tokio::test]
async fn a_reason_above_the_limit_is_replaced_and_the_call_is_cancelled() {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits()));
    let mut call = client.request::<()>("wait", ());
    assert!((&mut call).now_or_never().is_none());
    raw.receive().await;
    call.cancel(&Reason::new("x".repeat(5_000)));
    let cancellation = raw.receive().await;
    assert_eq!(cancellation["x"]["code"], "ws:TooLarge");
    let_others_run().await;
    assert_eq!(client.calls_in_flight(), 0);
}
