//! Positions and gaps in the frames of a stream.

use super::Clock;
use serde_json::{Value, json};
use std::error::Error;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use wswrapper::client::Reconnect;
use wswrapper::error::{ConnectError, Rejection};
use wswrapper::stream::History;
use wswrapper::{CallError, Client, Server, Streaming};
use wswrapper_tests::{RawPeer, SECOND, let_others_run};

/// Connects a client to raw peers, one after the other.
async fn connected<const N: usize>() -> Result<([RawPeer; N], Client), ConnectError> {
    let (peers, connector) = RawPeer::in_turn();
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(connector).await?;
    Ok((peers, client))
}

/// Reads a resumable stream to its end, in a task.
fn read(client: &Client) -> JoinHandle<Vec<String>> {
    let call = client.request::<Streaming<u64, Rejection>>("ticks", (5,));
    tokio::spawn(async move {
        let mut ticks = call.resumable().await.expect("a stream");
        let mut events = Vec::new();
        while let Some(event) = ticks.next().await {
            events.push(match event {
                Ok(event) => format!("{event:?}"),
                Err(CallError::Decode(_)) => "Decode".to_owned(),
                Err(error) => error.to_string(),
            });
        }
        events
    })
}

/// Answers the request for a stream, and waits for its start. Returns the request.
async fn open_stream(raw: &mut RawPeer) -> Value {
    let request = raw.receive().await;
    raw.send(&json!({"i": request["i"], "h": 1}).to_string()).await;
    while raw.receive().await["a"][0] != "start" {}
    request
}

/// Sends a payload of a stream.
async fn send(raw: &mut RawPeer, request: &Value, payload: Value) {
    raw.send(&json!({"a": ["next", payload], "h": request["i"]}).to_string()).await;
}

/// Returns the payload of an item that tells its position.
fn at(value: impl Into<Value>, epoch: u64, offset: u64) -> Value {
    json!({"value": value.into(), "done": false, "at": [epoch, offset]})
}

/// Reads a stream from two peers. The first one is lost after its payloads. Returns the position in the second request,
/// and the events.
async fn events_of_two(first: Vec<Value>, second: Vec<Value>) -> Result<(Value, Vec<String>), Box<dyn Error>> {
    let ([mut one, mut two], client) = connected().await?;
    let reading = read(&client);
    let request = open_stream(&mut one).await;
    for payload in first {
        send(&mut one, &request, payload).await;
    }
    let_others_run().await;
    drop(one);
    let request = timeout(60 * SECOND, open_stream(&mut two)).await?;
    for payload in second {
        send(&mut two, &request, payload).await;
    }
    send(&mut two, &request, json!({"done": true})).await;
    Ok((request["m"]["r"].clone(), timeout(60 * SECOND, reading).await??))
}

#[tokio::test(start_paused = true)]
async fn the_request_has_the_last_position_and_the_first_payload_decides_the_seam() -> Result<(), Box<dyn Error>> {
    let (peers, client) = connected::<8>().await?;
    let reading = read(&client);
    let mut requests = Vec::new();
    let payloads = [
        // A new stream.
        vec![at(1, 7, 10), json!({"value": 2, "done": false})],
        // Nothing arrives.
        vec![],
        // It continues, and a loss on the way counts.
        vec![at(3, 7, 12), json!({"value": 4, "done": false, "lost": 3})],
        // A gap.
        vec![at(5, 7, 20)],
        // The peer repeats items.
        vec![at(4, 7, 19), json!({"value": 5, "done": false}), json!({"value": 6, "done": false})],
        // Another history.
        vec![at(7, 8, 1)],
        // A peer that knows no positions.
        vec![json!({"value": 8, "done": false})],
        vec![at(9, 9, 1), json!({"done": true})],
    ];
    for (mut raw, payloads) in peers.into_iter().zip(payloads) {
        let request = open_stream(&mut raw).await;
        requests.push((request["a"].clone(), request["m"].clone()));
        for payload in payloads {
            send(&mut raw, &request, payload).await;
        }
        let_others_run().await;
        drop(raw);
    }
    let events = timeout(60 * SECOND, reading).await??;
    let positions = [
        json!([]),
        json!([7, 11]),
        json!([7, 11]),
        json!([7, 16]),
        json!([7, 20]),
        json!([7, 21]),
        json!([8, 1]),
        json!([]),
    ];
    let expected: Vec<_> = positions.into_iter().map(|r| (json!(["ticks", 5]), json!({"r": r}))).collect();
    assert_eq!(requests, expected);
    let expected = [
        "Item(1)",
        "Item(2)",
        "Seam(Resumed)",
        "Item(3)",
        "Seam(Gap { lost: Some(3) })",
        "Item(4)",
        "Seam(Gap { lost: Some(3) })",
        "Item(5)",
        "Seam(Resumed)",
        "Item(6)",
        "Seam(Fresh)",
        "Item(7)",
        "Seam(Gap { lost: None })",
        "Item(8)",
        "Seam(Fresh)",
        "Item(9)",
    ];
    assert_eq!(events, expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_producer_sends_its_position_only_if_it_is_asked() -> Result<(), Box<dyn Error>> {
    let history = History::new();
    let server = Server::builder().service(Clock(history.clone())).build()?;
    let (mut raw, _peer) = RawPeer::dial(&server);
    history.push(1);
    for (id, meta, expected) in [
        (1, json!({}), json!({"value": 2, "done": false})),
        (2, json!({"r": []}), json!({"value": 3, "done": false, "at": [history.epoch(), 3]})),
        (3, json!({"r": [history.epoch(), 2]}), json!({"value": 3, "done": false, "at": [history.epoch(), 3]})),
        (4, json!({"r": [history.epoch(), "2"]}), json!({"value": 5, "done": false})),
    ] {
        let request = json!({"a": ["ticks"], "c": "desk", "i": id, "m": meta});
        assert_eq!(raw.ask(&request.to_string()).await, json!({"i": id, "h": 1}));
        raw.send(&json!({"a": ["credit", 1], "h": id}).to_string()).await;
        raw.send(&json!({"a": ["start"], "h": id}).to_string()).await;
        let_others_run().await;
        history.push(history.last_offset() + 1);
        assert_eq!(raw.receive().await, json!({"a": ["next", expected], "h": id}), "{id}");
        raw.send(&json!({"h": id, "x": "enough", "_": 1}).to_string()).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_item_of_another_type_does_not_hide_the_seam_before_it() -> Result<(), Box<dyn Error>> {
    let (_, events) = events_of_two(vec![at(1, 7, 1)], vec![at("x", 7, 5), at(6, 7, 6)]).await?;
    assert_eq!(events, ["Item(1)", "Seam(Gap { lost: Some(3) })", "Decode", "Item(6)"]);
    let lost = json!({"value": "x", "done": false, "lost": 3});
    let (_, events) = events_of_two(vec![at(1, 7, 1)], vec![at(2, 7, 2), lost, at(7, 7, 7)]).await?;
    assert_eq!(events, ["Item(1)", "Seam(Resumed)", "Item(2)", "Seam(Gap { lost: Some(3) })", "Decode", "Item(7)"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_are_lost_before_the_end_are_a_gap() -> Result<(), Box<dyn Error>> {
    let ([mut raw], client) = connected().await?;
    let reading = read(&client);
    let request = open_stream(&mut raw).await;
    send(&mut raw, &request, at(1, 7, 1)).await;
    send(&mut raw, &request, json!({"done": true, "lost": 3})).await;
    let events = timeout(60 * SECOND, reading).await??;
    assert_eq!(events, ["Item(1)", "Seam(Gap { lost: Some(3) })"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_numbers_of_a_hostile_producer_do_not_overflow() -> Result<(), Box<dyn Error>> {
    const MAX: u64 = (1 << 53) - 1;
    let mut first = vec![at(1, 7, MAX)];
    first.extend((0..2_100).map(|_| json!({"value": 1, "done": false, "lost": MAX})));
    let (resumed, events) = events_of_two(first, vec![]).await?;
    assert!(resumed[1].as_u64().is_some_and(|offset| offset <= MAX), "{resumed}");
    assert_eq!(events.len(), 1 + 2 * 2_100);
    Ok(())
}
