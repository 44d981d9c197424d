//! Frames of scoped services.

use super::{Observed, Office, OfficeProxy, OfficeService, office_server};
use serde_json::json;
use wswrapper::{CallError, Client, connection::Counters};
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn a_scoped_service_answers_with_the_frames_of_the_protocol() {
    let (observed, server) = office_server();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for (request, response) in [
        (r#"{"a":["register",40],"i":1}"#, r#"{"i":1,"h":1}"#),
        (r#"{"a":["add",2],"h":1,"i":2}"#, r#"{"i":2,"d":42}"#),
        // A numeric string names the same channel, and `c` is ignored.
        (r#"{"a":["add",1],"h":"1","c":"io","i":3}"#, r#"{"i":3,"d":43}"#),
        (
            r#"{"a":["register",0],"i":1}"#,
            r#"{"i":1,"e":{"message":"channel '1' is open already","code":"ws:BadArguments"},"_":1}"#,
        ),
        (r#"{"a":["below",0],"h":1,"i":4}"#, r#"{"i":4,"h":1}"#),
        (r#"{"a":["add",1],"h":4,"i":5}"#, r#"{"i":5,"d":1}"#),
        (
            r#"{"a":["add","x"],"h":4,"i":6}"#,
            r#"{"i":6,"e":{"message":"argument 1 (`n`) of `add`: invalid type: string \"x\", expected i64","code":"ws:BadArguments"},"_":1}"#,
        ),
        (
            r#"{"a":["register",1],"h":4,"i":7}"#,
            r#"{"i":7,"e":{"message":"No event listener for 'register' on channel '4'","code":"ws:UnknownEvent"},"_":1}"#,
        ),
        (
            r#"{"a":["close"],"h":4,"i":8}"#,
            r#"{"i":8,"e":{"message":"No event listener for 'close' on channel '4'","code":"ws:UnknownEvent"},"_":1}"#,
        ),
    ] {
        raw.send(request).await;
        assert_eq!(raw.receive_text().await, response);
    }
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.send(r#"{"h":"4","x":"bare"}"#).await;
    observed.services.becomes(0).await;
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_proxy_of_a_scoped_service_sends_the_frames_of_the_protocol() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(OfficeProxy::new(&client).register(40));
    assert_eq!(raw.receive_text().await, r#"{"a":["register",40],"i":268435457}"#);
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    let register = call.await.expect("no panic").expect("a scoped service");
    raw.silence().await;
    let call = tokio::spawn(register.add(2));
    assert_eq!(raw.receive_text().await, r#"{"a":["add",2],"h":268435457,"i":268435458}"#);
    raw.send(r#"{"i":268435458,"d":42}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 42);
    register.note("a".to_owned()).await.expect("it is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["note","a"],"h":268435457}"#);
    drop(register);
    assert_eq!(raw.receive_text().await, r#"{"h":268435457,"x":{"message":"Request aborted"},"_":1}"#);
    raw.silence().await;
}

#[tokio::test]
async fn a_value_instead_of_a_scoped_service_fails_the_call() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(OfficeProxy::new(&client).register(1));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"d":5}"#).await;
    let error = call.await.expect("no panic").map(|_| ());
    assert!(matches!(error, Err(CallError::Decode(_))), "{error:?}");
    assert_eq!(client.counters(), Counters::default());
    raw.silence().await;
}

#[tokio::test]
async fn channels_of_both_directions_with_equal_numbers_are_kept_apart() {
    let observed = Observed::default();
    let (mut raw, client) =
        RawPeer::accept(Client::builder().service_as::<dyn Office>(OfficeService(observed.clone())));
    // The client's call is answered first: a call of the peer with the same number is rejected.
    let call = tokio::spawn(OfficeProxy::new(&client).register(1));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    let clients_register = call.await.expect("no panic").expect("a scoped service");
    let taken = json!({"message": "channel '268435457' is open already", "code": "ws:BadArguments"});
    let same = r#"{"a":["register",5],"i":268435457}"#;
    assert_eq!(raw.ask(same).await, json!({"i": 268_435_457, "e": taken, "_": 1}));
    assert_eq!(observed.services.count(), 0);
    // The peer's channel is opened first: a later call of the client leaves out its number.
    assert_eq!(raw.ask(r#"{"a":["register",5],"i":268435458}"#).await, json!({"i": 268_435_458, "h": 1}));
    let add = r#"{"a":["add",1],"h":268435458,"i":9}"#;
    assert_eq!(raw.ask(add).await, json!({"i": 9, "d": 6}));
    let call = tokio::spawn(clients_register.add(1));
    assert_eq!(raw.receive().await, json!({"a": ["add", 1], "h": 268_435_457, "i": 268_435_459}));
    raw.send(r#"{"i":268435459,"d":2}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 2);
    assert_eq!(raw.ask(add).await, json!({"i": 9, "d": 7}));
    drop(clients_register);
    assert_eq!(raw.receive().await["h"], 268_435_457);
    assert_eq!(raw.ask(add).await, json!({"i": 9, "d": 8}));
}
