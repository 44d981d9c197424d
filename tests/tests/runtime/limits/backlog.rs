//! The limit of the bytes of calls that wait to start.

use super::GatedService;
use serde_json::json;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::Limits;
use wswrapper::transport::Frame;
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn a_full_backlog_pauses_reading_and_loses_nothing() {
    let service = GatedService::new();
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(10_000);
    let server = service.serve(limits).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait",0],"i":1}"#).await;
    service.running.becomes(1).await;
    // About ten times what the backlog and the transport hold.
    let padding = " ".repeat(1_000);
    let requests: Vec<_> = (1..1_000).map(|n| format!(r#"{{"a":["quick",{n}],{padding}"i":{}}}"#, n + 1)).collect();
    {
        let mut sending = pin!(async {
            for request in &requests {
                raw.send(request).await;
            }
        });
        for _ in 0..100 {
            let polled = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await;
            assert!(polled.is_pending(), "everything was read");
            tokio::task::yield_now().await;
        }
        assert_eq!(service.log.entries(), ["wait 0"]);
        service.gate.add_permits(1);
        // The responses are small enough for the transport.
        sending.await;
    }
    for n in 0..1_000 {
        assert_eq!(raw.receive().await, json!({"i": n + 1, "d": n}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_with_a_full_backlog_closes_without_delay() {
    let service = GatedService::new();
    let limits = Limits::default().max_handlers_in_flight(1).max_held_bytes(100);
    let server = service.serve(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 0..20 {
        raw.send(&format!(r#"{{"a":["wait",{n}],"i":{}}}"#, n + 1)).await;
    }
    service.running.becomes(1).await;
    let began = Instant::now();
    peer.close(4000, "enough");
    let closing = tokio::spawn(async move {
        assert!(matches!(raw.frame().await, Some(Frame::Close(close)) if close.code == 4000));
        raw.close(4000, "enough").await;
        raw.frame().await
    });
    assert_eq!(peer.closed().await.code, 4000);
    assert_eq!(began.elapsed(), Duration::ZERO, "the peer's close frame was not read");
    assert_eq!(service.running.count(), 0);
    assert!(closing.await.expect("no panic").is_none());
}
