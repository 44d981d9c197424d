//! The finish of a stream, which needs no credit.

use super::{done, item};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wswrapper::{Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::RawPeer;

#[ws_service]
trait Tallies {
    /// Returns `to` items. The last one is an error if `fails` is true.
    async fn tally(&self, to: u32, fails: bool) -> impl Stream<Item = Result<u32, String>> + Send;
    /// Returns `to` items in a stream of unknown length.
    async fn found(&self, to: u32) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "close")]
    async fn quick(&self, to: u32) -> impl Stream<Item = u32> + Send;
}

#[derive(Clone, Default)]
struct TallyService {
    produced: Arc<AtomicU32>,
}

impl TallyService {
    fn numbers(&self, to: u32) -> impl Stream<Item = u32> + Send + use<> {
        let produced = Arc::clone(&self.produced);
        stream::iter(1..=to).inspect(move |n| produced.store(*n, Ordering::SeqCst))
    }

    fn produced(&self) -> u32 {
        self.produced.load(Ordering::SeqCst)
    }
}

#[ws_handlers]
impl Tallies for TallyService {
    async fn tally(&self, to: u32, fails: bool) -> impl Stream<Item = Result<u32, String>> + Send {
        self.numbers(to).map(move |n| if fails && n == to { Err("lost count".to_owned()) } else { Ok(n) })
    }

    async fn found(&self, to: u32) -> impl Stream<Item = u32> + Send {
        self.numbers(u32::MAX).take_while(move |n| std::future::ready(*n <= to))
    }

    async fn quick(&self, to: u32) -> impl Stream<Item = u32> + Send {
        self.numbers(to)
    }
}

/// Calls a method, grants `credit` and starts the stream.
async fn start_stream(service: &TallyService, call: &str, credit: u32) -> (RawPeer, Server) {
    let server = Server::builder().service(service.clone()).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(&format!(r#"{{"a":[{call}],"i":1}}"#)).await, json!({"i": 1, "h": 1}));
    if credit > 0 {
        raw.send(&format!(r#"{{"a":["credit",{credit}],"h":1}}"#)).await;
    }
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    (raw, server)
}

#[tokio::test]
async fn an_error_instead_of_the_last_item_needs_no_credit() {
    let service = TallyService::default();
    let (mut raw, _server) = start_stream(&service, r#""tally",4,true"#, 3).await;
    for n in 1..=3 {
        assert_eq!(raw.receive().await, item(1, n));
    }
    assert_eq!(raw.receive().await, json!({"h": 1, "x": {"message": "lost count"}, "_": 1}));
    raw.silence().await;
}

#[tokio::test]
async fn a_last_item_that_is_no_error_waits_for_credit() {
    let service = TallyService::default();
    let (mut raw, _server) = start_stream(&service, r#""tally",5,false"#, 3).await;
    for n in 1..=3 {
        assert_eq!(raw.receive().await, item(1, n));
    }
    raw.silence().await;
    assert_eq!(service.produced(), 3);
    raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 4));
    raw.silence().await;
    assert_eq!(service.produced(), 5);
    raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    assert_eq!(raw.receive().await, item(1, 5));
    assert_eq!(raw.receive().await, done(1));
}

#[tokio::test]
async fn a_stream_of_unknown_length_is_polled_for_its_finish_only_with_credit() {
    let service = TallyService::default();
    let (mut raw, _server) = start_stream(&service, r#""found",3"#, 3).await;
    for n in 1..=3 {
        assert_eq!(raw.receive().await, item(1, n));
    }
    raw.silence().await;
    assert_eq!(service.produced(), 3);
    raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    assert_eq!(raw.receive().await, done(1));
}

#[tokio::test]
async fn the_finish_is_sent_after_the_response_to_the_last_item() {
    for (call, end) in [
        (r#""tally",1,false"#, done(1)),
        (r#""quick",9"#, json!({"h": 1, "x": {"message": "The consumer is too slow", "code": "ws:TooMany"}, "_": 1})),
    ] {
        let (mut raw, _server) = start_stream(&TallyService::default(), call, 0).await;
        let mut first = raw.receive().await;
        let id = first["i"].take();
        assert_eq!(first["a"][1], json!({"value": 1, "done": false}));
        raw.silence().await;
        raw.send(&json!({ "i": id }).to_string()).await;
        let mut last = raw.receive().await;
        if let Some(last) = last.as_object_mut() {
            last.remove("i");
        }
        assert_eq!(last, end, "{call}");
    }
}
