//! Calls through proxies: results, errors, arguments, both directions.

#![allow(clippy::similar_names, reason = "a `call` goes to `calc`")]

mod support;

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use support::{Log, RawPeer, pair, pair_with};
use wswrapper::{Bytes, CallError, Client, Context, PeerError, Rejection, Server, WsError, ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
    fn negate(&self, a: i64) -> i64;
    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError>;
    async fn maybe(&self, a: i64, b: Option<i64>, c: Option<i64>) -> (i64, Option<i64>, Option<i64>);
    async fn length(&self, text: &str) -> usize;
    async fn sum(&self, bytes: &[u8]) -> u32;
    async fn flip(&self, bytes: Bytes) -> Bytes;
    async fn nothing(&self);
    async fn none(&self) -> Option<u8>;
    async fn twice(&self, a: i64) -> i64 {
        self.add(a, a).await
    }
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum CalcError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("{0} and {1} do not go together")]
    Odd(i64, i64),
    #[error("{by} is too small")]
    TooSmall { by: i64 },
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    fn negate(&self, a: i64) -> i64 {
        -a
    }

    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError> {
        match b {
            0 => Err(CalcError::DivisionByZero),
            1 => Err(CalcError::TooSmall { by: b }),
            b if a % b != 0 => Err(CalcError::Odd(a, b)),
            b => Ok(a / b),
        }
    }

    async fn maybe(&self, a: i64, b: Option<i64>, c: Option<i64>) -> (i64, Option<i64>, Option<i64>) {
        (a, b, c)
    }

    async fn length(&self, text: &str) -> usize {
        text.chars().count()
    }

    async fn sum(&self, bytes: &[u8]) -> u32 {
        bytes.iter().map(|byte| u32::from(*byte)).sum()
    }

    async fn flip(&self, bytes: Bytes) -> Bytes {
        bytes.iter().rev().copied().collect::<Vec<_>>().into()
    }

    async fn nothing(&self) {}

    async fn none(&self) -> Option<u8> {
        None
    }
}

fn calc() -> wswrapper::ServerBuilder {
    Server::builder().service(Desk)
}

#[tokio::test]
async fn a_proxy_calls_a_service() -> Result<(), Box<dyn Error>> {
    let pair = pair(calc());
    let calc = CalcProxy::new(&pair.client);
    assert_eq!(calc.add(1, 2).await?, 3);
    assert_eq!(calc.negate(7).await?, -7);
    assert_eq!(calc.twice(21).await?, 42);
    assert_eq!(calc.length("a \"quoted\" \u{1f600} line\n").await?, 18);
    assert_eq!(calc.sum(&[1, 2, 250]).await?, 253);
    assert_eq!(calc.flip(vec![1, 2, 3].into()).await?, [3, 2, 1]);
    calc.nothing().await?;
    assert_eq!(calc.none().await?, None);
    Ok(())
}

#[tokio::test]
async fn the_server_calls_the_client_with_the_same_proxy() -> Result<(), Box<dyn Error>> {
    let pair = pair_with(Server::builder(), Client::builder().service(Desk));
    assert_eq!(CalcProxy::new(&pair.peer).add(20, 22).await?, 42);
    assert_eq!(CalcProxy::new(pair.peer).div(9, 3).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_contracts_error_comes_back_as_itself() {
    let pair = pair(calc());
    let calc = CalcProxy::new(&pair.client);
    for (a, b, expected) in
        [(1, 0, CalcError::DivisionByZero), (1, 1, CalcError::TooSmall { by: 1 }), (3, 2, CalcError::Odd(3, 2))]
    {
        match calc.div(a, b).await {
            Err(CallError::Rejected(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn frames_are_those_of_the_protocol() {
    let server = calc().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (request, response) in [
        (r#"{"a":["add",1,2],"c":"calc","i":1}"#, r#"{"i":1,"d":3}"#),
        (r#"{"i":2,"c":"calc","a":["negate",1]}"#, r#"{"i":2,"d":-1}"#),
        (r#"{"a":["nothing"],"c":"calc","i":3}"#, r#"{"i":3}"#),
        (r#"{"a":["none"],"c":"calc","i":4}"#, r#"{"i":4,"d":null}"#),
        (r#"{"a":["maybe",1],"c":"calc","i":5}"#, r#"{"i":5,"d":[1,null,null]}"#),
        (r#"{"a":["maybe",1,null,3],"c":"calc","i":6}"#, r#"{"i":6,"d":[1,null,3]}"#),
        (r#"{"a":["sum","AQI="],"c":"calc","i":7}"#, r#"{"i":7,"d":3}"#),
        (r#"{"a":["sum",[1,2]],"c":"calc","i":8}"#, r#"{"i":8,"d":3}"#),
        (r#"{"a":["flip","AQI="],"c":"calc","i":9}"#, r#"{"i":9,"d":"AgE="}"#),
        (r#"{"a":["length","\u003c\"\u003e"],"c":"calc","i":10}"#, r#"{"i":10,"d":3}"#),
        (
            r#"{"a":["div",1,0],"c":"calc","i":11}"#,
            r#"{"i":11,"e":{"message":"division by zero","code":"DivisionByZero"},"_":1}"#,
        ),
        (
            r#"{"a":["div",1,1],"c":"calc","i":12}"#,
            r#"{"i":12,"e":{"message":"1 is too small","code":"TooSmall","data":{"by":1}},"_":1}"#,
        ),
    ] {
        raw.send(request).await;
        assert_eq!(raw.receive_text().await, response);
    }
}

#[tokio::test]
async fn a_call_is_sent_as_javascript_writes_it() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let calc = CalcProxy::new(&client);
    let call = tokio::spawn({
        let calc = calc.clone();
        async move { calc.maybe(1, Some(2), None).await }
    });
    assert_eq!(raw.receive_text().await, r#"{"a":["maybe",1,2],"c":"calc","i":268435457}"#);
    raw.send(r#"{"i":268435457,"d":[1,2,null]}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), (1, Some(2), None));

    let call = tokio::spawn(async move { calc.maybe(1, None, Some(3)).await });
    assert_eq!(raw.receive_text().await, r#"{"a":["maybe",1,null,3],"c":"calc","i":268435458}"#);
    drop(call);
}

#[tokio::test]
async fn wrong_arguments_are_rejected_with_position_name_and_reason() {
    let server = calc().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (arguments, message) in [
        (r#""add",1,"x""#, "argument 2 (`b`) of `add`: invalid type: string \"x\", expected i64"),
        (r#""add",1,null"#, "argument 2 (`b`) of `add`: invalid type: null, expected i64"),
        (r#""add",1.5,2"#, "argument 1 (`a`) of `add`: invalid type: floating point `1.5`, expected i64"),
        (r#""add",1"#, "too few arguments for `add`: expected 2 (`a`, `b`), got 1"),
        (r#""add",1,2,3,4"#, "too many arguments for `add`: expected 2 (`a`, `b`), got 4"),
        (r#""nothing",1"#, "too many arguments for `nothing`: expected 0, got 1"),
        (r#""sum","?""#, "argument 1 (`bytes`) of `sum`: not base64: Invalid symbol 63, offset 0."),
    ] {
        let request = format!(r#"{{"a":[{arguments}],"c":"calc","i":5}}"#);
        assert_eq!(raw.ask(&request).await, json!({"i": 5, "e": {"message": message}, "_": 1}), "{arguments}");
    }
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"c":"calc","i":6}"#).await, json!({"i": 6, "d": 3}));
}

#[tokio::test]
async fn what_nobody_handles_is_rejected_with_the_texts_of_javascript() {
    let server = calc().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (frame, message) in [
        (r#"{"a":["nope"],"i":1}"#, "No event listener for 'nope'"),
        (r#"{"a":["nope"],"c":"calc","i":1}"#, "No event listener for 'nope' on channel 'calc'"),
        (r#"{"a":["add",1,2],"c":"other","i":1}"#, "Channel 'other' does not exist"),
    ] {
        assert_eq!(raw.ask(frame).await, json!({"i": 1, "e": {"message": message}, "_": 1}));
    }
    let refused = CalcProxy::new(&pair(Server::builder()).client).add(1, 2).await;
    assert!(
        matches!(refused, Err(CallError::Refused(rejection)) if rejection.message() == Some("Channel 'calc' does not exist"))
    );
}

#[tokio::test]
async fn a_frame_that_only_looks_like_a_call_is_ignored() {
    let server = calc().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for frame in [
        r#"{"a":["add",1,2,"c":"calc","i":1}"#,
        r#"{"a":["add",1,x],"c":"calc","i":1}"#,
        r#"{"a":["add",1,2]],"c":"calc","i":1}"#,
        r#"{"a":["nope",],"c":"calc","i":1}"#,
        r#"{"a":["add",1,2],"c":"calc","i":01}"#,
    ] {
        raw.send(frame).await;
    }
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"c":"calc","i":2}"#).await, json!({"i": 2, "d": 3}));
}

#[tokio::test]
async fn an_answer_of_another_type_is_an_error_of_the_call_alone() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let calc = CalcProxy::new(&client);
    let call = tokio::spawn({
        let calc = calc.clone();
        async move { (calc.add(1, 2).await, calc.none().await) }
    });
    raw.receive().await;
    raw.send(r#"{"i":268435457,"d":"three"}"#).await;
    raw.receive().await;
    // A peer with JavaScript's defect means null by this, and is told to free the channel.
    raw.send(r#"{"i":268435458,"h":1}"#).await;
    assert_eq!(raw.receive().await, json!({"h": 268_435_458, "x": {"message": "Request aborted"}, "_": 1}));
    let (add, none) = call.await.expect("no panic");
    assert!(matches!(add, Err(CallError::Decode(_))), "{add:?}");
    assert!(matches!(none, Ok(None)), "{none:?}");
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
struct Everything {
    small: u8,
    large: u64,
    map: BTreeMap<String, Vec<Option<f64>>>,
    shape: Shape,
}

#[derive(Serialize, Deserialize, PartialEq, Debug, Clone)]
enum Shape {
    Point,
    Circle { radius: f64 },
    Line(i32, i32),
}

struct Failing {
    log: Log,
}

#[ws_handlers]
impl Failing {
    async fn text(&self) -> Result<(), String> {
        Err("only text".to_owned())
    }

    async fn literal(&self) -> Result<u8, &'static str> {
        Err("a literal")
    }

    async fn bare(&self) -> Result<(), Rejection> {
        Err(Rejection::value(json!({"code": 42})))
    }

    async fn io(&self) -> io::Result<String> {
        Err(io::Error::new(io::ErrorKind::NotFound, "/etc/secret"))
    }

    async fn internal(&self) -> Result<u8, Box<dyn Error + Send + Sync>> {
        Err("the password is 1234".into())
    }

    async fn panics(&self) -> u8 {
        panic!("oh no")
    }

    fn panics_at_once(&self) -> u8 {
        panic!("oh no, at once")
    }

    async fn panics_later(&self) -> u8 {
        tokio::task::yield_now().await;
        panic!("oh no, later")
    }

    async fn panics_when_dropped(&self) -> u8 {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("boom");
            }
        }
        let _bomb = Bomb;
        tokio::task::yield_now().await;
        7
    }

    async fn not_json(&self) -> BTreeMap<Shape2, u8> {
        BTreeMap::from([(Shape2 { a: 1 }, 1)])
    }

    async fn everything(&self, value: Everything) -> Everything {
        value
    }

    #[ws(event)]
    async fn note(&self, ctx: Context, entry: String) {
        self.log.add(format!("{entry} {}", ctx.is_request()));
    }

    #[ws(event)]
    async fn fails(&self) {
        panic!("in an event");
    }
}

#[derive(Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Shape2 {
    a: u8,
}

fn failing(log: &Log) -> wswrapper::ServerBuilder {
    let errors = log.clone();
    Server::builder().service(Failing { log: log.clone() }).on_error(move |_, error: &PeerError| {
        errors.add(error.to_string());
    })
}

#[tokio::test]
async fn errors_of_each_kind_come_as_what_they_are() {
    let log = Log::default();
    let pair = pair(failing(&log));
    let failing = FailingProxy::new(&pair.client);
    assert!(matches!(failing.text().await, Err(CallError::Rejected(text)) if text == "only text"));
    assert!(matches!(failing.literal().await, Err(CallError::Rejected(text)) if text == "a literal"));
    assert!(matches!(failing.bare().await, Err(CallError::Rejected(r)) if r.as_value() == Some(&json!({"code": 42}))));
    assert!(matches!(failing.io().await, Err(CallError::Rejected(r)) if r.message() == Some("entity not found")));
    assert_eq!(log.entries(), [] as [&str; 0]);
}

#[tokio::test]
async fn details_of_an_internal_error_stay_in_the_process() {
    let log = Log::default();
    let pair = pair(failing(&log));
    let error = FailingProxy::new(&pair.client).internal().await.expect_err("it fails");
    assert_eq!(error.to_string(), "internal error");
    assert_eq!(log.entries(), ["handler of `internal` failed: the password is 1234"]);
}

#[tokio::test]
async fn a_panic_rejects_its_request_and_nothing_else() {
    let log = Log::default();
    let pair = pair(failing(&log));
    let failing = FailingProxy::new(&pair.client);
    for error in [failing.panics().await, failing.panics_at_once().await, failing.panics_later().await] {
        assert!(matches!(error, Err(CallError::Refused(r)) if r.message() == Some("internal error")));
    }
    assert!(matches!(failing.panics_when_dropped().await, Err(CallError::Refused(_)) | Ok(7)));
    assert!(failing.text().await.is_err());
    assert_eq!(
        log.entries(),
        [
            "handler of `panics` panicked: oh no",
            "handler of `panics_at_once` panicked: oh no, at once",
            "handler of `panics_later` panicked: oh no, later",
            "handler of `panics_when_dropped` panicked: boom",
        ]
    );
}

#[tokio::test]
async fn a_result_that_cannot_be_json_is_a_rejection() {
    let log = Log::default();
    let server = failing(&log).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(
        raw.ask(r#"{"a":["not_json"],"i":1}"#).await,
        json!({"i": 1, "e": {"message": "internal error"}, "_": 1})
    );
    assert_eq!(log.entries(), ["the result of `not_json` cannot be encoded: key must be a string"]);
}

#[tokio::test]
async fn values_come_through_whole() -> Result<(), Box<dyn Error>> {
    let pair = pair(failing(&Log::default()));
    let value = Everything {
        small: 255,
        large: u64::MAX,
        map: BTreeMap::from([("\u{1f600}\"\\\n".to_owned(), vec![Some(0.1), None])]),
        shape: Shape::Circle { radius: 1e300 },
    };
    assert_eq!(FailingProxy::new(&pair.client).everything(value.clone()).await?, value);
    Ok(())
}

#[tokio::test]
async fn an_event_that_cannot_be_handled_is_dropped_where_it_can_be_seen() {
    let log = Log::default();
    let server = failing(&log).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["note",5]}"#).await;
    raw.send(r#"{"a":["nobody"],"c":"there"}"#).await;
    raw.send(r#"{"a":["fails"]}"#).await;
    raw.send(r#"{"a":["note","good"]}"#).await;
    assert_eq!(
        log.has(4).await,
        [
            "event `note` was dropped: argument 1 (`entry`) of `note`: invalid type: integer `5`, expected a string",
            "event `nobody` on channel `there` was dropped: Channel 'there' does not exist",
            "handler of `fails` panicked: in an event",
            "good false",
        ]
    );
    raw.silence().await;
    // A request for it is answered all the same.
    assert_eq!(raw.ask(r#"{"a":["note","asked"],"i":1}"#).await, json!({"i": 1}));
    assert_eq!(log.entries().last().map(String::as_str), Some("asked true"));
}

#[tokio::test]
async fn ten_thousand_calls_at_once_each_get_their_own_answer() {
    let pair = pair(calc());
    let calc = CalcProxy::new(&pair.client);
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..10_000 {
        let calc = calc.clone();
        calls.spawn(async move { (n, calc.add(n, n).await) });
    }
    while let Some(call) = calls.join_next().await {
        let (n, sum) = call.expect("no panic");
        assert_eq!(sum.expect("an answer"), 2 * n);
    }
    assert_eq!(pair.client.calls_in_flight(), 0);
}
