//! Frames of calls.

use super::{CalcProxy, calc_server};
use serde_json::json;
use wswrapper::{CallError, Client};
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn requests_and_responses_are_frames_of_the_protocol() {
    let server = calc_server().build().expect("it can be mounted");
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
async fn a_call_is_encoded_as_in_javascript() {
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
async fn a_malformed_call_is_ignored() {
    let server = calc_server().build().expect("it can be mounted");
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
async fn a_response_of_another_type_fails_only_its_call() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let calc = CalcProxy::new(&client);
    let call = tokio::spawn({
        let calc = calc.clone();
        async move { (calc.add(1, 2).await, calc.none().await) }
    });
    raw.receive().await;
    raw.send(r#"{"i":268435457,"d":"three"}"#).await;
    raw.receive().await;
    // A JavaScript peer may send this instead of null. The abort makes it free the channel.
    raw.send(r#"{"i":268435458,"h":1}"#).await;
    assert_eq!(raw.receive().await, json!({"h": 268_435_458, "x": {"message": "Request aborted"}, "_": 1}));
    let (add, none) = call.await.expect("no panic");
    assert!(matches!(add, Err(CallError::Decode(_))), "{add:?}");
    assert!(matches!(none, Ok(None)), "{none:?}");
}
