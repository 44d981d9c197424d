//! The limit of queued output, and the write timeout.

use super::{GatedService, GatedServiceProxy, let_others_run};
use serde_json::json;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::{Limits, connection::CloseCause, error::SendError};
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn no_handler_starts_for_a_peer_that_does_not_read_its_responses() {
    let service = GatedService::new();
    let server = service.serve(Limits::default().max_outbound_bytes(50_000)).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for n in 0..1_000 {
        raw.send(&format!(r#"{{"a":["large",{n}],"i":{}}}"#, n + 1)).await;
    }
    let_others_run().await;
    // Responses in transit, responses in the queue, and the response that filled it.
    let started = service.log.entries().len();
    assert!((5..=13).contains(&started), "{started} handlers were started");
    for n in 0..1_000 {
        let answer = raw.receive().await;
        assert_eq!((&answer["i"], &answer["d"][0]), (&json!(n + 1), &json!(n)));
    }
}

#[tokio::test]
async fn calls_and_events_wait_for_capacity_and_a_broadcast_does_not() {
    let service = GatedService::new();
    let server = service.serve(Limits::default().max_outbound_bytes(50_000)).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let proxy = GatedServiceProxy::new(&peer);
    let text = "x".repeat(10_000);
    // Fills the transport, the output queue, and the queue of senders behind it.
    let mut queued_events = 0;
    let mut failed_attempts = 0;
    while failed_attempts < 100 {
        let full = {
            let mut note = pin!(proxy.note(&text));
            poll_fn(|cx| Poll::Ready(note.as_mut().poll(cx))).await.is_pending()
        };
        if full {
            failed_attempts += 1;
        } else {
            queued_events += 1;
        }
        tokio::task::yield_now().await;
    }
    assert!((10..=20).contains(&queued_events), "{queued_events} events fit");
    let delivery = GatedServiceProxy::new(server.broadcast()).note("to all").await.expect("it can be encoded");
    assert_eq!(delivery.sent, 0);
    assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == peer.id()), "{delivery:?}");
    let call = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.quick(1).await }
    });
    let_others_run().await;
    assert_eq!(peer.calls_in_flight(), 0, "it waits for capacity");
    for _ in 0..queued_events {
        assert_eq!(raw.receive().await["a"][0], "note");
    }
    let request = raw.receive().await;
    assert_eq!(request["a"], json!(["quick", 1]));
    raw.send(&json!({"i": request["i"], "d": 1}).to_string()).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 1);
    assert_eq!(GatedServiceProxy::new(server.broadcast()).note("to all").await.expect("it can be encoded").sent, 1);
    assert_eq!(raw.receive().await["a"], json!(["note", "to all"]));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_disconnected_after_the_write_timeout_and_a_slow_one_is_not() {
    let service = GatedService::new();
    // The slow peer would answer a ping too late, behind responses that it has not read.
    let limits = Limits::default().write_timeout(Duration::from_secs(7)).heartbeat_interval(None);
    let server = service.serve(limits).build().expect("it can be mounted");
    let request = |n: u32| format!(r#"{{"a":["large",{n}],"i":{}}}"#, n + 1);
    let (mut raw, peer) = RawPeer::dial(&server);
    let (mut slow, slow_peer) = RawPeer::dial(&server);
    for n in 0..20 {
        raw.send(&request(n)).await;
        slow.send(&request(n)).await;
    }
    let began = Instant::now();
    let slow_reader = tokio::spawn(async move {
        for n in 0..20 {
            tokio::time::sleep(Duration::from_secs(6)).await;
            assert_eq!(slow.receive().await["i"], n + 1);
        }
        slow
    });
    let closed = peer.closed().await;
    assert_eq!(
        (closed.code, closed.reason.as_str(), closed.cause),
        (1006, "the peer does not read", CloseCause::Unread)
    );
    assert_eq!(began.elapsed().as_secs(), 7);
    let slow = slow_reader.await.expect("all responses arrive");
    assert!(slow_peer.is_open());
    assert_eq!(server.peers(), [slow_peer]);
    drop((raw, slow));
}
