//! `-0`, which some encoders write for an integer.

use serde_json::json;
use wswrapper::{Client, Server, Upload, ws_handlers, ws_service};
use wswrapper_tests::RawPeer;

#[ws_service]
trait Sums {
    async fn add(&self, a: i64, b: u8) -> i64;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
}

struct Service;

#[ws_handlers]
impl Sums for Service {
    async fn add(&self, a: i64, b: u8) -> i64 {
        a + i64::from(b)
    }
    async fn sum(&self, mut numbers: Upload<i64>) -> i64 {
        let mut sum = 0;
        while let Ok(Some(number)) = numbers.try_next().await {
            sum += number;
        }
        sum
    }
}

fn serve() -> (Server, RawPeer) {
    let server = Server::builder().service(Service).build().expect("it can be mounted");
    let (raw, _) = RawPeer::dial(&server);
    (server, raw)
}

#[tokio::test]
async fn every_argument_may_be_negative_zero() {
    let (_server, mut raw) = serve();
    let answer = raw.ask(r#"{"a":["add",-0,-0],"i":1}"#).await;
    assert_eq!(answer, json!({ "i": 1, "d": 0 }));
    let answer = raw.ask(r#"{"a":["add", -0 , 7 ],"i":2}"#).await;
    assert_eq!(answer, json!({ "i": 2, "d": 7 }));
}

#[tokio::test]
async fn an_argument_that_is_also_wrong_is_named_in_the_rejection() {
    let (_server, mut raw) = serve();
    let answer = raw.ask(r#"{"a":["add",-0,"x"],"i":1}"#).await;
    assert_eq!(answer["e"]["message"], "argument 2 (`b`) of `add`: invalid type: string \"x\", expected u8");
    let answer = raw.ask(r#"{"a":["add",-0,-0,-0],"i":2}"#).await;
    assert_eq!(answer["e"]["message"], "too many arguments for `add`: expected 2 (`a`, `b`), got 3");
}

#[tokio::test]
async fn a_malformed_frame_with_negative_zeros_is_ignored() {
    let (_server, mut raw) = serve();
    for frame in [r#"{"a":["add",-0,-0,"i":1}"#, r#"{"a":["add",-0,-0],"i":1"#, r#"{"a":["add",-00,0],"i":1}"#] {
        raw.send(frame).await;
    }
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"i":2}"#).await, json!({ "i": 2, "d": 3 }));
}

#[tokio::test]
async fn items_and_results_may_be_negative_zero() {
    let (_server, mut raw) = serve();
    raw.send(r#"{"a":["sum"],"i":1}"#).await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    for value in ["1", "-0", "2"] {
        raw.send(&format!(r#"{{"a":["next",{{"value":{value},"done":false}}],"h":1}}"#)).await;
    }
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    loop {
        let answer = raw.receive().await;
        if answer["i"] == 2 {
            assert_eq!(answer, json!({ "i": 2, "d": 3 }));
            break;
        }
    }
    // The result of an upload, at its caller.
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(async move { SumsProxy::new(&client).sum(futures_util::stream::empty()).await });
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    let asked = raw.receive().await;
    raw.send(&format!(r#"{{"i":{},"d":-0}}"#, asked["i"])).await;
    assert_eq!(call.await.expect("no panic").expect("a result"), 0);
}
