//! Unrequested and malformed items, and responses to items.

use super::{Fixture, item, unknown_channel};
use futures_util::FutureExt;
use serde_json::json;
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn items_on_the_channel_of_a_producer_are_dropped_or_rejected() {
    let mut fixture = Fixture::new();
    fixture.open_count(3).await;
    fixture.send_ignored(&item(1, 5).to_string()).await;
    fixture.send_ignored(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    let answer = fixture.raw.ask(r#"{"a":["next",{"done":true}],"h":1,"i":7}"#).await;
    assert_eq!(answer["e"]["message"], "No event listener for 'next' on channel '1'");
    let first = fixture.raw.ask(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(first["a"], item(1, 1)["a"]);
    assert_eq!(fixture.finish(1).await.entries().len(), 2);
}

#[tokio::test]
async fn items_after_the_finish_are_rejected() {
    let mut fixture = Fixture::new();
    let (mut items, channel) = fixture.request_stream().await;
    fixture.raw.send(&item(channel, 1).to_string()).await;
    fixture.raw.send(&json!({"a": ["next", {"done": true}], "h": channel}).to_string()).await;
    for _ in 0..3 {
        assert_eq!(fixture.raw.ask(&item(channel, 2).to_string()).await, unknown_channel(channel));
    }
    fixture.send_ignored(&json!({"h": channel, "x": "late"}).to_string()).await;
    assert!(matches!(items.next().await, Some(Ok(1))));
    assert!(items.next().await.is_none());
    fixture.finish(0).await;
}

#[tokio::test]
async fn items_on_channels_of_other_connections_are_rejected() {
    let mut fixture = Fixture::new();
    let (mut other, _) = RawPeer::dial(&fixture.server);
    assert_eq!(other.ask(r#"{"a":["count",9],"i":1}"#).await, json!({"i": 1, "h": 1}));
    for channel in [1, 2, 268_435_457, 536_870_913, 536_870_999, 9_007_199_254_740_991] {
        assert_eq!(fixture.raw.ask(&item(channel, 1).to_string()).await, unknown_channel(channel));
        assert_eq!(fixture.raw.ask(&format!(r#"{{"a":["start"],"h":{channel}}}"#)).await, unknown_channel(channel));
        assert_eq!(
            fixture.raw.ask(&format!(r#"{{"a":["credit",5],"h":{channel},"i":3}}"#)).await,
            unknown_channel(channel)
        );
        assert_eq!(fixture.raw.receive().await["e"], unknown_channel(channel)["x"]);
    }
    other.silence().await;
    assert_eq!(fixture.service.sources.count(), 1);
    drop(other);
    fixture.service.sources.becomes(0).await;
    fixture.finish(0).await;
}

#[tokio::test]
async fn an_item_answered_with_a_channel_counts_as_taken() {
    let mut fixture = Fixture::new();
    fixture.open_count(2).await;
    let first = fixture.raw.ask(r#"{"a":["start"],"h":1}"#).await;
    let abort = fixture.raw.ask(&json!({"i": first["i"], "h": 1}).to_string()).await;
    assert_eq!((&abort["h"], &abort["x"]["message"]), (&first["i"], &json!("Request aborted")));
    assert_eq!(fixture.raw.receive().await["a"], item(1, 2)["a"]);
    fixture.finish(1).await;
}

#[tokio::test]
async fn malformed_items_are_ignored() {
    let mut fixture = Fixture::new();
    let (mut items, channel) = fixture.request_stream().await;
    for payload in [
        r#"{"value":1,"done":false"#,
        r#"{"value":,"done":false}"#,
        r#"{"value":1 2,"done":false}"#,
        r#"{"value":1}},"done":false}"#,
        r#"{"value":1,"done":false}]"#,
        r#"{"value":"1,"done":false}"#,
        "{\"value\":\"\u{1}\",\"done\":false}",
        r#"{"done":tru}"#,
        r#"{"done":true},"#,
        "{}}",
    ] {
        fixture.send_ignored(&format!(r#"{{"a":["next",{payload}],"h":{channel}}}"#)).await;
    }
    fixture
        .send_ignored(
            &json!({"a": ["next", {"value": 1, "done": false}], "h": channel, "ws-wrapper": false}).to_string(),
        )
        .await;
    assert!(items.next().now_or_never().is_none());
    for asked in ["credit", "start"] {
        assert_eq!(fixture.raw.receive().await["a"][0], asked);
    }
    // Further members and arguments are ignored.
    fixture
        .raw
        .send(&format!(
            r#"{{"a":["next",{{"value":2,"done":false,"value":3,"x":[{{}}]}},{{"done":true}}],"h":{channel}}}"#
        ))
        .await;
    assert!(matches!(items.next().await, Some(Ok(3))));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    fixture.send_ignored(&format!(r#"{{"a":["next",{{"value":{deep},"done":false}}],"h":{channel}}}"#)).await;
    drop(items);
    fixture.raw.receive().await;
    fixture.finish(0).await;
}
