//! Observers that are told of calls.

use super::{Service, ServiceProxy, recorder};
use futures_util::{FutureExt, stream};
use std::time::Duration;
use wswrapper::observe::Interest;
use wswrapper::{Limits, Server};
use wswrapper_tests::{RawPeer, pair};

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_calls_from_start_to_end() {
    let (recorder, log) = recorder(Interest::CALLS);
    let server = Server::builder().service(Service).observer(recorder).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let mut sent = Vec::new();
    for call in [r#""now","x""#, r#""later""#, r#""rejects""#, r#""now",1"#, r#""nobody""#] {
        raw.send(&format!(r#"{{"a":[{call}],"i":{}}}"#, sent.len() + 1)).await;
        sent.push(raw.receive_text().await.len());
    }
    raw.send(r#"{"a":["waits"]}"#).await;
    raw.silence().await;
    peer.close(1000, "");
    peer.closed().await;
    let expected = [
        "opened, open: true".to_owned(),
        "Request now Some(1) started".to_owned(),
        format!("now Ok {} of 23", sent[0]),
        "Request later Some(2) started".to_owned(),
        format!("later Ok {} of 21", sent[1]),
        "Request rejects Some(3) started".to_owned(),
        format!(r#"rejects Rejected {{ code: Some("No") }} {} of 23"#, sent[2]),
        format!(r#"now Rejected {{ code: Some("ws:BadArguments") }} {} of 21"#, sent[3]),
        format!(r#"nobody Rejected {{ code: Some("ws:UnknownEvent") }} {} of 22"#, sent[4]),
        "Event waits None started".to_owned(),
        "waits Cancelled 0 of 15".to_owned(),
        "closed 1000".to_owned(),
    ];
    assert_eq!(log.entries(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_one_call_with_the_bytes_of_all_its_items() {
    let (recorder, log) = recorder(Interest::CALLS | Interest::SENT_MESSAGES);
    let server = Server::builder().service(Service).observer(recorder).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["count"],"i":1}"#).await;
    raw.send(r#"{"a":["credit",9],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    let entries = log.has(7).await;
    assert_eq!(entries[1], "Request count Some(1) started");
    let sent = entries.iter().filter_map(|entry| entry.strip_prefix("sent ")).map(str::len).sum::<usize>();
    assert_eq!(entries[6], format!("count Ok {sent} of 21"));
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_to_start_are_observed_when_they_arrive_and_when_they_are_dropped() {
    let (recorder, log) = recorder(Interest::RECEIVED_MESSAGES | Interest::CALLS);
    let limits = Limits::default().max_handlers_in_flight(1);
    let server = Server::builder().service(Service).limits(limits).observer(recorder).build();
    let server = server.expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let frames = [
        r#"{"a":["waits"]}"#,
        r#"{"a":["waits",2],"i":2}"#,
        r#"{"a":["waits",3],"i":3}"#,
        r#"{"i":2,"x":{"message":"no"},"_":1}"#,
    ];
    for frame in frames {
        raw.send(frame).await;
    }
    raw.silence().await;
    let received = frames.map(|frame| format!("received {frame}"));
    let mut expected: Vec<_> = received.into_iter().collect();
    expected.insert(1, "Event waits None started".to_owned());
    expected.push("waits Cancelled 0 of 23".to_owned());
    assert_eq!(log.entries()[1..], expected);
    peer.close(1000, "");
    raw.close(1000, "").await;
    peer.closed().await;
    let ended = log.entries().split_off(expected.len() + 1);
    assert_eq!(ended, ["waits Cancelled 0 of 15", "waits Cancelled 0 of 23", "closed 1000"]);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_caller_no_longer_waits_is_cancelled_and_was_not_started() {
    let (recorder, log) = recorder(Interest::CALLS);
    let limits = Limits::default().max_handlers_in_flight(1);
    let server = Server::builder().service(Service).limits(limits).observer(recorder);
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["waits"],"i":1}"#).await;
    raw.send(r#"{"a":["later"],"i":2,"m":{"t":10}}"#).await;
    raw.silence().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    // Now the held call may start.
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.silence().await;
    assert_eq!(
        log.entries(),
        ["opened, open: true", "Request waits Some(1) started", "waits Cancelled 0 of 21", "later Cancelled 0 of 34",]
    );
}

#[tokio::test]
async fn the_outcome_of_a_stream_and_of_an_upload_is_known_at_their_end() {
    let (recorder, log) = recorder(Interest::CALLS);
    let pair = pair(Server::builder().service(Service).observer(recorder));
    let service = ServiceProxy::new(&pair.client);
    let mut failed = service.fails().await.expect("a stream");
    assert!(failed.next().await.expect("an item").is_ok());
    assert!(failed.next().await.expect("an error").is_err());
    assert!(log.has(3).await[2].starts_with(r#"fails Rejected { code: Some("Broken") }"#));
    let mut dropped = service.numbers().await.expect("a stream");
    dropped.next().await.expect("an item").expect("a number");
    drop(dropped);
    assert!(log.has(5).await[4].starts_with("numbers Cancelled"), "{:?}", log.entries());
    assert_eq!(service.sum(stream::iter([1, 2])).await.expect("a sum"), 3);
    assert!(log.has(7).await[6].starts_with("sum Ok"));
    let mut cancelled = Box::pin(service.sum(stream::pending()));
    assert!((&mut cancelled).now_or_never().is_none());
    log.has(8).await;
    drop(cancelled);
    assert!(log.has(9).await[8].starts_with("sum Cancelled"), "{:?}", log.entries());
}
