//! Codes of rejections that the library has made.

use serde_json::json;
use std::sync::atomic::{AtomicUsize, Ordering};
use wswrapper::{CallError, Client, WsError, error::Rejection, ws_service};
use wswrapper_tests::RawPeer;

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum StoreError {
    #[error("{size} is too large")]
    TooLarge { size: u32 },
    #[error("closed")]
    Closing,
}

/// Counts how often it is asked about a rejection, and accepts each.
#[derive(Debug)]
struct Greedy;

static ASKED: AtomicUsize = AtomicUsize::new(0);

impl WsError for Greedy {
    type Remote = Self;

    fn into_rejection(self) -> Rejection {
        Rejection::new("greedy")
    }

    fn from_rejection(_: Rejection) -> Result<Self, Rejection> {
        ASKED.fetch_add(1, Ordering::SeqCst);
        Ok(Self)
    }
}

#[ws_service]
trait Store {
    async fn put(&self) -> Result<(), StoreError>;
    async fn keep(&self) -> Result<(), Greedy>;
    async fn text(&self) -> Result<(), String>;
    async fn any(&self) -> Result<(), Rejection>;
}

/// Answers the next request with a rejection.
async fn reject(raw: &mut RawPeer, error: &serde_json::Value) {
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "e": error, "_": 1}).to_string()).await;
}

#[tokio::test]
async fn an_error_type_does_not_take_a_code_of_the_library_for_its_own() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let store = StoreProxy::new(&client);
    for code in ["ws:TooLarge", "ws:Closing", "ws:StoreError", "ws:"] {
        let call = tokio::spawn(store.put());
        reject(&mut raw, &json!({"message": "no", "code": code, "data": {"size": 7}})).await;
        let Err(CallError::Rejected(rejection)) = call.await.expect("no panic") else { panic!("{code}") };
        assert_eq!((rejection.code(), rejection.is_from_library()), (Some(code), true));
    }
    for (error, expected) in [
        (
            json!({"message": "7 is too large", "code": "TooLarge", "data": {"size": 7}}),
            StoreError::TooLarge { size: 7 },
        ),
        (json!({"message": "closed", "code": "Closing"}), StoreError::Closing),
    ] {
        let call = tokio::spawn(store.put());
        reject(&mut raw, &error).await;
        let Err(CallError::Handler(error)) = call.await.expect("no panic") else { panic!("{expected:?}") };
        assert_eq!(error, expected);
    }
}

#[tokio::test]
async fn an_implementation_of_an_error_is_not_asked_about_a_rejection_of_the_library() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let store = StoreProxy::new(&client);
    let call = tokio::spawn(store.keep());
    reject(&mut raw, &json!({"message": "no", "code": "ws:UnknownEvent"})).await;
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Rejected(_))));
    assert_eq!(ASKED.load(Ordering::SeqCst), 0);
    for error in
        [json!({"message": "no"}), json!({"message": "no", "code": "WS:Own"}), json!({"message": "no", "code": 1})]
    {
        let asked = ASKED.load(Ordering::SeqCst);
        let call = tokio::spawn(store.keep());
        reject(&mut raw, &error).await;
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Handler(Greedy))));
        assert_eq!(ASKED.load(Ordering::SeqCst), asked + 1);
    }
}

#[tokio::test]
async fn an_error_type_that_holds_any_rejection_holds_those_of_the_library() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let store = StoreProxy::new(&client);
    let error = json!({"message": "no", "code": "ws:TooMany"});
    let call = tokio::spawn(store.text());
    reject(&mut raw, &error).await;
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Handler(text)) if text == "no"));
    let call = tokio::spawn(store.any());
    reject(&mut raw, &error).await;
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Handler(r)) if r.code() == Some("ws:TooMany")));
}
