//! Channels that are unknown, of another connection, or too many.

use super::{Fixture, item};
use serde_json::json;
use wswrapper::{CallError, Limits};

#[tokio::test]
async fn unknown_events_on_the_channel_of_a_stream_are_rejected() {
    let mut fixture = Fixture::new();
    fixture.open_count(3).await;
    let (items, remote_channel) = fixture.request_stream().await;
    for event in ["echo", "count", "result", "next ", "Start", "", "disconnect", "error"] {
        fixture.send_ignored(&format!(r#"{{"a":["{event}",1],"h":1}}"#)).await;
        for channel in [1, remote_channel] {
            let answer = fixture.raw.ask(&format!(r#"{{"a":["{event}",1],"h":{channel},"i":7}}"#)).await;
            let message = format!("No event listener for '{event}' on channel '{channel}'");
            assert_eq!(answer, json!({"i": 7, "e": {"message": message, "code": "ws:UnknownEvent"}, "_": 1}));
        }
    }
    for event in ["start", "credit"] {
        let answer = fixture.raw.ask(&format!(r#"{{"a":["{event}",1],"h":{remote_channel},"i":7}}"#)).await;
        assert_eq!(answer["e"]["message"], format!("No event listener for '{event}' on channel '{remote_channel}'"));
    }
    assert_eq!(fixture.raw.ask(r#"{"a":[5],"h":1,"i":7}"#).await["e"]["message"], "The event's name is not a string");
    drop(items);
    assert_eq!(fixture.raw.receive().await["h"], remote_channel);
    fixture.finish(1).await;
}

#[tokio::test]
async fn messages_with_invalid_channel_numbers_are_rejected_or_ignored() {
    let mut fixture = Fixture::new();
    fixture.open_count(3).await;
    let bad = ["true", "false", "[1]", "{}", "{\"1\":1}", "-1", "0", "1.5", "\"one\"", "\"\"", "\" 1\"", "1e400"];
    for channel in bad {
        for event in ["start", "credit", "next"] {
            fixture.send_ignored(&format!(r#"{{"a":["{event}",5],"h":{channel}}}"#)).await;
            fixture.raw.send(&format!(r#"{{"a":["{event}",5],"h":{channel},"i":7}}"#)).await;
            let answer = fixture.raw.receive().await;
            let message = answer["e"]["message"].as_str().unwrap_or_default();
            assert!(message.starts_with("Anonymous channel '"), "{channel}: {answer}");
        }
        fixture.send_ignored(&format!(r#"{{"h":{channel},"x":1}}"#)).await;
    }
    // A numeric string is a channel number.
    let first = fixture.raw.ask(r#"{"a":["start"],"h":"1"}"#).await;
    assert_eq!(first["a"], item(1, 1)["a"]);
    fixture.raw.send(r#"{"h":"1","x":1}"#).await;
    fixture.service.sources.becomes(0).await;
    fixture.finish(0).await;
}

#[tokio::test]
async fn an_abort_of_an_unknown_channel_and_a_repeated_abort_are_ignored() {
    let mut fixture = Fixture::new();
    fixture.send_ignored(r#"{"h":1,"x":{"message":"no"},"_":1}"#).await;
    fixture.open_count(3).await;
    fixture.send_ignored(r#"{"h":2,"x":{"message":"no"},"_":1}"#).await;
    assert_eq!(fixture.service.sources.count(), 1);
    for _ in 0..2 {
        fixture.send_ignored(r#"{"h":1,"x":{"message":"no"},"_":1}"#).await;
        assert_eq!(fixture.service.sources.count(), 0);
    }
    // The number is free again.
    fixture.open_count(3).await;
    fixture.send_ignored(r#"{"h":1,"x":null}"#).await;
    fixture.finish(0).await;
}

#[tokio::test]
async fn aborts_of_a_hundred_thousand_channel_numbers_finish_only_the_streams() {
    let mut fixture = Fixture::new();
    for id in 1..=500 {
        fixture.raw.send(&format!(r#"{{"a":["count",9],"i":{id}}}"#)).await;
        fixture.raw.send(&format!(r#"{{"a":["start"],"h":{id}}}"#)).await;
    }
    for _ in 0..1_000 {
        fixture.raw.receive().await;
    }
    let (mut items, channel) = fixture.request_stream().await;
    assert_eq!(fixture.service.sources.count(), 500);
    for id in (0..100_000).chain([channel]) {
        fixture.raw.write(&format!(r#"{{"h":{id},"x":{{"message":"all of you"}},"_":1}}"#));
    }
    fixture.send_ignored(r#"{"h":1,"x":1}"#).await;
    let Some(Err(CallError::Handler(reason))) = items.next().await else { panic!("expected the reason of the abort") };
    assert_eq!(reason.message(), Some("all of you"));
    fixture.service.sources.becomes(0).await;
    // Responses to items that were sent as requests on channels that are closed now.
    for id in 536_870_913..536_871_500_u64 {
        fixture.raw.write(&format!(r#"{{"i":{id}}}"#));
    }
    fixture.finish(0).await;
}

#[tokio::test]
async fn each_stream_beyond_the_channel_limit_is_rejected() {
    let mut fixture = Fixture::with(Limits::default().max_open_channels(100));
    for id in 1..=10_000 {
        fixture.raw.write(&format!(r#"{{"a":["count",9],"i":{id}}}"#));
    }
    for id in 1..=10_000 {
        let expected = match id {
            1..=100 => json!({"i": id, "h": 1}),
            _ => json!({"i": id, "e": {"message": "too many open channels", "code": "ws:TooMany"}, "_": 1}),
        };
        assert_eq!(fixture.raw.receive().await, expected);
    }
    fixture.service.sources.becomes(100).await;
    fixture.send_ignored(r#"{"h":50,"x":1}"#).await;
    assert_eq!(fixture.raw.ask(r#"{"a":["count",9],"i":10001}"#).await, json!({"i": 10_001, "h": 1}));
    let refused = fixture.raw.ask(r#"{"a":["count",9],"i":10002}"#).await;
    assert_eq!(refused["e"]["message"], "too many open channels");
    fixture.finish(100).await;
}

#[tokio::test]
async fn each_upload_or_scoped_service_beyond_the_channel_limit_is_rejected() {
    // A call, and the number of events that follow its channel: an upload sends `credit` and `start`, because its caller
    // listens.
    for (call, sent) in [("sum", 2), ("tap", 0)] {
        let mut fixture = Fixture::with(Limits::default().max_open_channels(100));
        for id in 1..=10_000 {
            fixture.raw.write(&json!({"a": [call], "i": id, "m": {"u": 1}}).to_string());
        }
        let (mut answers, mut events) = (Vec::new(), 0);
        while answers.len() < 10_000 || events < 100 * sent {
            let frame = fixture.raw.receive().await;
            if frame["a"].is_null() { answers.push(frame) } else { events += 1 }
        }
        for (answer, id) in answers.into_iter().zip(1..) {
            let expected = match id {
                1..=100 => json!({"i": id, "h": 1}),
                _ => json!({"i": id, "e": {"message": "too many open channels", "code": "ws:TooMany"}, "_": 1}),
            };
            assert_eq!(answer, expected);
        }
        assert_eq!((fixture.peer.counters().open_channels, fixture.service.sources.count()), (100, 100));
        // A channel that is closed makes room for another.
        fixture.send_ignored(r#"{"h":50,"x":1}"#).await;
        assert_eq!(
            fixture.raw.ask(&json!({"a": [call], "i": 50, "m": {"u": 1}}).to_string()).await,
            json!({"i": 50, "h": 1})
        );
        for _ in 0..sent {
            assert_eq!(fixture.raw.receive().await["h"], 50);
        }
        let refused = fixture.raw.ask(&json!({"a": [call], "i": 101}).to_string()).await;
        assert_eq!(refused["e"]["message"], "too many open channels");
        for id in 1..=100 {
            fixture.raw.write(&json!({"h": id, "x": 1}).to_string());
        }
        fixture.finish(0).await;
    }
}

#[tokio::test]
async fn a_stream_on_the_number_of_an_open_channel_is_rejected() {
    let mut fixture = Fixture::new();
    fixture.open_count(3).await;
    for _ in 0..3 {
        let refused = fixture.raw.ask(r#"{"a":["count",5],"i":1}"#).await;
        assert_eq!(
            refused,
            json!({"i": 1, "e": {"message": "channel '1' is open already", "code": "ws:BadArguments"}, "_": 1})
        );
    }
    // A call that returns a value may use the number.
    assert_eq!(fixture.raw.ask(r#"{"a":["echo",5],"i":1}"#).await, json!({"i": 1, "d": 5}));
    fixture.raw.send(r#"{"a":["credit",9],"h":1}"#).await;
    fixture.raw.send(r#"{"a":["start"],"h":1}"#).await;
    for n in 1..=3 {
        assert_eq!(fixture.raw.receive().await, item(1, n));
    }
    assert_eq!(fixture.raw.receive().await, json!({"a": ["next", {"done": true}], "h": 1}));
    fixture.open_count(0).await;
    fixture.finish(1).await;
}

#[tokio::test]
async fn cancelling_the_request_of_an_open_stream_is_ignored() {
    let mut fixture = Fixture::new();
    fixture.open_count(3).await;
    fixture.send_ignored(r#"{"i":1,"x":{"message":"no"},"_":1}"#).await;
    assert_eq!(fixture.raw.ask(r#"{"a":["start"],"h":1}"#).await["a"], item(1, 1)["a"]);
    fixture.finish(1).await;
}

#[tokio::test]
async fn unrequested_channels_are_aborted_or_ignored() {
    let mut fixture = Fixture::new();
    // Ids of requests that were never sent.
    for id in [1, 2, 536_870_913, 9_007_199_254_740_991_u64] {
        fixture.send_ignored(&format!(r#"{{"i":{id},"h":1}}"#)).await;
    }
    let (mut items, channel) = fixture.request_stream().await;
    // Further responses while the channel is open.
    for h in ["1", "true", "\"x\"", "0"] {
        fixture.send_ignored(&format!(r#"{{"i":{channel},"h":{h}}}"#)).await;
    }
    fixture.send_ignored(&format!(r#"{{"i":{channel},"d":1}}"#)).await;
    fixture.send_ignored(&format!(r#"{{"i":{channel},"e":1}}"#)).await;
    fixture.send_ignored(&item(channel, 1).to_string()).await;
    assert!(matches!(items.next().await, Some(Ok(1))));
    drop(items);
    let aborted = json!({"h": channel, "x": {"message": "Request aborted"}, "_": 1});
    assert_eq!(fixture.raw.receive().await, aborted);
    for _ in 0..2 {
        assert_eq!(fixture.raw.ask(&format!(r#"{{"i":{channel},"h":1}}"#)).await, aborted);
    }
    fixture.finish(0).await;
}

#[tokio::test]
async fn streams_that_are_never_started_are_dropped_with_the_connection() {
    let mut fixture = Fixture::new();
    for id in 1..=1_000 {
        fixture.raw.send(&format!(r#"{{"a":["count",9],"i":{id}}}"#)).await;
    }
    for _ in 0..1_000 {
        fixture.raw.receive().await;
    }
    fixture.finish(1_000).await;
}
