//! The close timeout, and the longest durations.

use super::GatedService;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::transport::{Frame, memory};
use wswrapper::{Client, Limits, connection::CloseCause};
use wswrapper_tests::{Log, RawPeer};

#[tokio::test(start_paused = true)]
async fn closing_takes_no_longer_than_its_timeout_while_output_is_queued() {
    let service = GatedService::new();
    let limits = Limits::default().close_timeout(Duration::from_secs(3));
    let server = service.serve(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 0..20 {
        raw.send(&format!(r#"{{"a":["large",{n}],"i":{}}}"#, n + 1)).await;
    }
    service.log.has(20).await;
    // One more peer that does not answer, and a client that does.
    let (silent, silent_peer) = RawPeer::dial(&server);
    let (local, remote) = memory::pair();
    let responsive_peer = server.accept_transport(remote).expect("the server is open");
    let responsive = Client::connect_transport(local).expect("nothing to mount");
    let began = Instant::now();
    let closing = tokio::spawn({
        let server = server.clone();
        async move {
            server.close();
            server.closed().await;
        }
    });
    assert_eq!(responsive.closed().await.code, 1001);
    assert_eq!(responsive_peer.closed().await.code, 1001);
    assert_eq!(began.elapsed(), Duration::ZERO);
    closing.await.expect("no panic");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!((peer.closed().await.cause, silent_peer.closed().await.cause), (CloseCause::Local, CloseCause::Local));
    assert!(server.peers().is_empty());
    drop((raw, silent));
}

#[tokio::test(start_paused = true)]
async fn on_close_is_called_for_a_connection_that_does_not_answer_the_close() {
    let log = Log::default();
    let hook = log.clone();
    let builder = GatedService::new().serve(Limits::default()).on_close(move |_, closed| {
        let log = hook.clone();
        async move { log.add(format!("{} {:?}", closed.code, closed.cause)) }
    });
    let server = builder.build().expect("it can be mounted");
    let (silent, peer) = RawPeer::dial(&server);
    server.close();
    server.closed().await;
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(log.entries(), ["1001 Local"]);
    drop(silent);
}

#[tokio::test]
async fn the_longest_duration_stands_for_no_timeout() {
    let (longest, service) = (Duration::MAX, GatedService::new());
    let limits = Limits::default()
        .handshake_timeout(longest)
        .call_timeout(Some(longest))
        .write_timeout(longest)
        .close_timeout(longest)
        .max_outbound_bytes(1_000);
    let server = service.serve(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let call = tokio::spawn(peer.request::<u8>("ask", ()));
    assert_eq!(raw.receive().await["a"], json!(["ask"]));
    // More than the transport holds, so that output is queued.
    for _ in 0..200 {
        let _ = server.broadcast().emit("news", ("x".repeat(1_000),)).await;
        tokio::task::yield_now().await;
    }
    peer.close(4000, "enough");
    while !matches!(raw.frame().await, Some(Frame::Close(_))) {}
    raw.close(4000, "enough").await;
    server.close();
    server.closed().await;
    assert_eq!(peer.closed().await.code, 4000);
    assert!(call.await.expect("no panic").is_err());
}
