//! Invalid credit and repeated starts.

use super::{Fixture, item};
use serde_json::{Value, json};

/// Invalid arguments of `credit`, each with the comma before it.
pub(super) const INVALID_CREDIT: [&str; 16] = [
    ",0",
    ",-1",
    ",1.5",
    ",1e99",
    ",-0",
    ",65537",
    ",4294967297",
    ",18446744073709551616",
    ",\"5\"",
    ",null",
    ",true",
    ",[5]",
    ",{\"value\":5}",
    "",
    ",0,5",
    ",99999999999999999999999999",
];

#[tokio::test]
async fn invalid_first_credit_is_ignored() {
    for credit in INVALID_CREDIT {
        let mut fixture = Fixture::new();
        fixture.open_count(3).await;
        fixture.send_ignored(&format!(r#"{{"a":["credit"{credit}],"h":1}}"#)).await;
        let first = fixture.raw.ask(r#"{"a":["start"],"h":1}"#).await;
        assert!(first["i"].is_u64(), "after {credit}: {first}");
        fixture.finish(1).await;
    }
}

#[tokio::test]
async fn invalid_later_credit_is_ignored() {
    let mut fixture = Fixture::new();
    fixture.open_count(100).await;
    fixture.send_ignored(r#"{"a":["credit",2],"h":1}"#).await;
    // No item was sent yet, so this lifts the credit in hand above 65,536 and is ignored.
    fixture.send_ignored(r#"{"a":["credit",65535],"h":1}"#).await;
    fixture.raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!((fixture.raw.receive().await, fixture.raw.receive().await), (item(1, 1), item(1, 2)));
    for credit in INVALID_CREDIT.into_iter().chain([",65537", ",9007199254740991"]) {
        fixture.send_ignored(&format!(r#"{{"a":["credit"{credit}],"h":1}}"#)).await;
    }
    for broken in ["credit\",2,", "credit\",2 2", "credit\",{2}", "credit\",2]]"] {
        fixture.send_ignored(&format!(r#"{{"a":["{broken}],"h":1}}"#)).await;
    }
    fixture.raw.send(r#"{"a":["credit",2.0,"more"],"h":1}"#).await;
    assert_eq!((fixture.raw.receive().await, fixture.raw.receive().await), (item(1, 3), item(1, 4)));
    fixture.finish(1).await;
}

#[tokio::test]
async fn credit_without_a_start_sends_no_item() {
    let mut fixture = Fixture::new();
    fixture.open_count(100).await;
    for _ in 0..100 {
        fixture.raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    }
    fixture.send_ignored(r#"{"a":["credit",65536],"h":1}"#).await;
    fixture.finish(1).await;
}

#[tokio::test]
async fn first_credit_after_the_start_is_ignored() {
    let mut fixture = Fixture::new();
    fixture.open_count(100).await;
    let first = fixture.raw.ask(r#"{"a":["start"],"h":1}"#).await;
    fixture.send_ignored(r#"{"a":["credit",50],"h":1}"#).await;
    let second = fixture.raw.ask(&json!({"i": first["i"]}).to_string()).await;
    assert!(second["i"].is_u64(), "{second}");
    fixture.finish(1).await;
}

#[tokio::test]
async fn a_repeated_start_sends_no_item_twice() {
    let mut fixture = Fixture::new();
    fixture.open_count(4).await;
    fixture.raw.send(r#"{"a":["credit",3],"h":1}"#).await;
    fixture.raw.send(r#"{"a":["start"],"h":1}"#).await;
    fixture.raw.send(r#"{"a":["start",{"again":true}],"h":1}"#).await;
    for n in 1..=3 {
        assert_eq!(fixture.raw.receive().await, item(1, n));
    }
    fixture.send_ignored(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(fixture.raw.ask(r#"{"a":["start"],"h":1,"i":5}"#).await, json!({"i": 5}));
    fixture.finish(1).await;
}

#[tokio::test]
async fn a_hundred_thousand_requests_with_credit_are_answered() {
    let mut fixture = Fixture::new();
    fixture.open_count(100_001).await;
    fixture.raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    fixture.raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(fixture.raw.receive().await, item(1, 1));
    // Each credit is a request and is answered. Each accepted one releases an item.
    for id in 2..100_002 {
        fixture.raw.write(&format!(r#"{{"a":["credit",1],"h":1,"i":{id}}}"#));
    }
    fixture.raw.write(r#"{"a":["echo","behind"],"i":88}"#);
    let (mut answered, mut items) = (0, 0);
    loop {
        let frame = fixture.raw.receive().await;
        match (&frame["a"][0], &frame["i"]) {
            (Value::String(next), _) if next == "next" => items += 1,
            (_, id) if *id == 88 && !frame["d"].is_null() => break,
            _ => answered += 1,
        }
    }
    assert_eq!(answered, 100_000);
    assert!((1..=100_000).contains(&items), "{items} items");
    fixture.raw.send(r#"{"h":1,"x":1}"#).await;
    fixture.service.sources.becomes(0).await;
    while fixture.raw.ask(r#"{"a":["echo","done"],"i":66}"#).await["d"] != "done" {}
    drop(fixture);
}
