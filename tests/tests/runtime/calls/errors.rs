//! Handlers that fail or panic.

use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::error::Error;
use std::io;
use wswrapper::{
    CallError, Context, Server,
    error::{Rejection, ServiceError},
    ws_handlers,
};
use wswrapper_tests::{Log, RawPeer, pair};

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
    pub async fn text(&self) -> Result<(), String> {
        Err("only text".to_owned())
    }

    pub async fn literal(&self) -> Result<u8, &'static str> {
        Err("a literal")
    }

    pub async fn bare(&self) -> Result<(), Rejection> {
        Err(Rejection::value(json!({"code": 42})))
    }

    pub async fn io(&self) -> io::Result<String> {
        Err(io::Error::new(io::ErrorKind::NotFound, "/etc/secret"))
    }

    pub async fn internal(&self) -> Result<u8, Box<dyn Error + Send + Sync>> {
        Err("the password is 1234".into())
    }

    pub async fn panics(&self) -> u8 {
        panic!("oh no")
    }

    pub fn panics_at_once(&self) -> u8 {
        panic!("oh no, at once")
    }

    pub async fn panics_later(&self) -> u8 {
        tokio::task::yield_now().await;
        panic!("oh no, later")
    }

    pub async fn panics_when_dropped(&self) -> u8 {
        struct DropBomb;
        impl Drop for DropBomb {
            fn drop(&mut self) {
                panic!("boom");
            }
        }
        let _drop_bomb = DropBomb;
        tokio::task::yield_now().await;
        7
    }

    pub async fn not_json(&self) -> BTreeMap<UnencodableKey, u8> {
        BTreeMap::from([(UnencodableKey { a: 1 }, 1)])
    }

    pub async fn everything(&self, value: Everything) -> Everything {
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
struct UnencodableKey {
    a: u8,
}

fn failing_server(log: &Log) -> wswrapper::server::ServerBuilder {
    let errors = log.clone();
    Server::builder().service(Failing { log: log.clone() }).on_error(move |_, error: &ServiceError| {
        errors.add(error.to_string());
    })
}

#[tokio::test]
async fn errors_of_each_type_reach_the_caller() {
    let log = Log::default();
    let pair = pair(failing_server(&log));
    let failing = FailingProxy::new(&pair.client);
    assert!(matches!(failing.text().await, Err(CallError::Handler(text)) if text == "only text"));
    assert!(matches!(failing.literal().await, Err(CallError::Handler(text)) if text == "a literal"));
    assert!(matches!(failing.bare().await, Err(CallError::Handler(r)) if r.as_value() == Some(&json!({"code": 42}))));
    assert_eq!(log.entries(), [] as [&str; 0]);
}

#[tokio::test]
async fn details_of_an_io_error_are_reported_and_not_sent() {
    let (log, kinds) = (Log::default(), Log::default());
    let server = Server::builder().service(Failing { log: log.clone() }).on_error({
        let (log, kinds) = (log.clone(), kinds.clone());
        move |_, error: &ServiceError| {
            log.add(error.to_string());
            let ServiceError::Internal { source, .. } = error else { panic!("{error:?}") };
            kinds.add(format!("{:?}", source.downcast_ref::<io::Error>().map(io::Error::kind)));
        }
    });
    let error = FailingProxy::new(&pair(server).client).io().await;
    assert!(matches!(&error, Err(CallError::Handler(r)) if r.message() == Some("internal error")), "{error:?}");
    assert_eq!(log.entries(), ["handler of `io` failed: /etc/secret"]);
    assert_eq!(kinds.entries(), ["Some(NotFound)"]);
}

#[tokio::test]
async fn details_of_an_internal_error_are_reported_and_not_sent() {
    let log = Log::default();
    let pair = pair(failing_server(&log));
    let failing = FailingProxy::new(&pair.client);
    let error = failing.internal().await.expect_err("it fails");
    assert_eq!(error.to_string(), "internal error");
    let Err(CallError::Handler(rejection)) = failing.io().await else { panic!("it fails") };
    assert_eq!(
        serde_json::to_value(&rejection).expect("JSON"),
        json!({"message": "internal error", "code": "ws:Internal"})
    );
    assert_eq!(
        log.entries(),
        ["handler of `internal` failed: the password is 1234", "handler of `io` failed: /etc/secret"]
    );
}

#[tokio::test]
async fn a_panic_rejects_only_its_request() {
    let log = Log::default();
    let pair = pair(failing_server(&log));
    let failing = FailingProxy::new(&pair.client);
    for error in [failing.panics().await, failing.panics_at_once().await, failing.panics_later().await] {
        assert!(matches!(error, Err(CallError::Rejected(r)) if r.message() == Some("internal error")));
    }
    assert!(matches!(failing.panics_when_dropped().await, Err(CallError::Rejected(_)) | Ok(7)));
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
async fn a_result_that_cannot_be_encoded_rejects_its_request() {
    let log = Log::default();
    let server = failing_server(&log).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(
        raw.ask(r#"{"a":["not_json"],"i":1}"#).await,
        json!({"i": 1, "e": {"message": "internal error", "code": "ws:Internal"}, "_": 1})
    );
    assert_eq!(log.entries(), ["the result of `not_json` cannot be encoded: key must be a string"]);
}

#[tokio::test]
async fn values_are_returned_unchanged() -> Result<(), Box<dyn Error>> {
    let pair = pair(failing_server(&Log::default()));
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
async fn an_event_that_cannot_be_handled_is_dropped_and_reported() {
    let log = Log::default();
    let server = failing_server(&log).build().expect("it can be mounted");
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
    // A request to an event handler is answered.
    assert_eq!(raw.ask(r#"{"a":["note","asked"],"i":1}"#).await, json!({"i": 1}));
    assert_eq!(log.entries().last().map(String::as_str), Some("asked true"));
}
