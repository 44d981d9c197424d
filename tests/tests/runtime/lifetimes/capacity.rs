//! Calls that wait for capacity in the output queue.

use serde_json::json;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::error::SendError;
use wswrapper::{CallError, Client, Limits, Peer};
use wswrapper_tests::{RawPeer, until};

const LONG: Duration = Duration::from_hours(1);

/// Returns limits with a small output queue and a write timeout that no test reaches.
fn small_capacity() -> Limits {
    Limits::default().max_outbound_bytes(20_000).write_timeout(10 * LONG)
}

/// Emits events until the output queue has no capacity left.
async fn fill_queue(peer: &Peer) {
    let text = "x".repeat(5_000);
    let queued = async || timeout(Duration::from_millis(100), peer.emit("fill", (&text,))).await;
    while let Ok(sent) = queued().await {
        sent.expect("the connection is open");
    }
}

/// Reads everything that was sent. Returns the names of the events other than `fill`.
async fn received_events(raw: &mut RawPeer) -> Vec<String> {
    let mut events = Vec::new();
    while let Ok(frame) = timeout(Duration::from_secs(1), raw.receive()).await {
        if let Some(event) = frame["a"][0].as_str().filter(|event| *event != "fill") {
            events.push(event.to_owned());
        }
    }
    events
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_call_includes_the_wait_for_capacity() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(small_capacity()));
    fill_queue(client.peer()).await;
    let began = Instant::now();
    let call = timeout(LONG, client.request::<()>("x", ()).timeout(Duration::from_secs(3))).await?;
    assert!(matches!(call, Err(CallError::NotSent(SendError::TimedOut))), "{call:?}");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(received_events(&mut raw).await, [""; 0], "the call was never sent");
    assert_eq!(client.calls_in_flight(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_default_timeout_includes_the_wait_for_capacity() -> Result<(), Box<dyn Error>> {
    let limits = small_capacity().call_timeout(Some(Duration::from_secs(10)));
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    fill_queue(client.peer()).await;
    let began = Instant::now();
    let call = timeout(LONG, client.request::<()>("x", ())).await?;
    assert!(matches!(call, Err(CallError::NotSent(SendError::TimedOut))), "{call:?}");
    assert_eq!(began.elapsed().as_secs(), 10);
    assert_eq!(received_events(&mut raw).await, [""; 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_for_capacity_has_the_rest_of_its_timeout() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(small_capacity()));
    fill_queue(client.peer()).await;
    let began = Instant::now();
    let call = tokio::spawn(client.request::<()>("x", ()).timeout(Duration::from_secs(3)));
    sleep(Duration::from_secs(2)).await;
    let frame = loop {
        let frame = timeout(LONG, raw.receive()).await?;
        if frame["a"][0] == "x" {
            break frame;
        }
    };
    let deadline = frame["m"]["t"].as_u64().expect("the deadline is sent");
    assert!((900..=1_000).contains(&deadline), "{deadline}");
    let call = timeout(LONG, call).await??;
    assert!(matches!(call, Err(CallError::TimedOut)), "{call:?}");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(raw.receive().await["i"], frame["i"], "the call is cancelled at the remote endpoint");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_timeout_waits_for_capacity_for_ever() -> Result<(), Box<dyn Error>> {
    let limits = small_capacity().call_timeout(None);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    fill_queue(client.peer()).await;
    let call = tokio::spawn(client.request::<u8>("x", ()));
    sleep(LONG).await;
    assert!(!call.is_finished());
    let id = loop {
        let frame = timeout(LONG, raw.receive()).await?;
        if frame["a"][0] == "x" {
            break frame["i"].clone();
        }
    };
    until(|| client.calls_in_flight() == 1).await;
    raw.send(&json!({"i": id, "d": 7}).to_string()).await;
    assert_eq!(timeout(LONG, call).await???, 7);
    Ok(())
}
