//! The transport in memory: latency, capacity, stalls and cuts.

use super::{ChaosProxy, TaskBaseline, chaos_server, connect};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, connection::CloseCause, error::SendError};

#[tokio::test(start_paused = true)]
async fn frames_arrive_after_the_latency_and_in_order() {
    let (service, builder) = chaos_server();
    let (_server, _, client, _) = connect(builder, &memory::builder().latency(Duration::from_millis(300)));
    let proxy = ChaosProxy::new(&client);
    let began = Instant::now();
    for n in 0..100 {
        proxy.note(n.to_string()).await.expect("the queue has capacity");
    }
    tokio::time::sleep(Duration::from_millis(299)).await;
    assert!(service.log.entries().is_empty());
    proxy.echo(Value::Null).await.expect("an answer");
    assert_eq!(began.elapsed(), Duration::from_millis(299 + 600));
    assert_eq!(service.log.entries(), (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn frames_written_before_a_client_is_dropped_arrive_before_the_close() {
    let (service, builder) = chaos_server();
    let (local, remote) = memory::builder().latency(Duration::from_millis(300)).pair();
    let server = builder.build().expect("it can be mounted");
    let peer = server.accept_transport(remote).expect("the server is open");
    let client = Client::connect_transport(local).expect("nothing to mount");
    ChaosProxy::new(&client).note("the last").await.expect("the queue has capacity");
    let began = Instant::now();
    drop(client);
    assert_eq!(peer.closed().await.code, 1000);
    assert_eq!(began.elapsed(), Duration::from_millis(300));
    assert_eq!(service.log.entries(), ["the last"]);
}

#[tokio::test(start_paused = true)]
async fn a_pair_carries_no_more_than_its_capacity_at_a_time() {
    let (service, builder) = chaos_server();
    let network = memory::builder().latency(Duration::from_millis(100)).capacity(1_000);
    let (_server, _, client, _) = connect(builder, &network);
    let proxy = ChaosProxy::new(&client);
    let began = Instant::now();
    let text = "x".repeat(400 - r#"{"a":["note",""]}"#.len());
    for _ in 0..10 {
        proxy.note(&text).await.expect("the queue has capacity");
    }
    service.log.has(10).await;
    // Two messages fit at a time.
    assert_eq!(began.elapsed().as_millis() / 100, 5);
    // A larger message is sent alone.
    proxy.note("x".repeat(5_000)).await.expect("the queue has capacity");
    service.log.has(11).await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_endpoint_reads_nothing_until_it_resumes() {
    let (service, builder) = chaos_server();
    let (_server, peer, client, control) = connect(builder.limits(Limits::default()), &memory::builder());
    control.stall();
    let call = tokio::spawn({
        let proxy = ChaosProxy::new(&client);
        async move { proxy.sleep(5).await }
    });
    // The other direction is open: the call arrives, its response does not.
    service.handlers.becomes(1).await;
    service.handlers.becomes(0).await;
    // Less than the interval of a heartbeat.
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert!(!call.is_finished());
    assert!(peer.is_open());
    control.resume();
    assert_eq!(call.await.expect("no panic").expect("an answer"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_cut_closes_both_endpoints_at_once_and_loses_frames_in_transit() {
    let baseline = TaskBaseline::now();
    let (service, builder) = chaos_server();
    let (server, peer, client, control) = connect(builder, &memory::builder().latency(Duration::from_millis(300)));
    let proxy = ChaosProxy::new(&client);
    let began = Instant::now();
    let call = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.wait().await }
    });
    service.handlers.becomes(1).await;
    proxy.note("never arrives").await.expect("the queue has capacity");
    tokio::task::yield_now().await;
    control.cut();
    for closed in [client.closed().await, peer.closed().await] {
        assert_eq!((closed.code, closed.cause), (1006, CloseCause::Lost));
    }
    assert!(began.elapsed() < Duration::from_millis(600));
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed(_))));
    assert!(matches!(proxy.note("too late").await, Err(SendError::Closed(_))));
    assert!(service.log.entries().is_empty());
    // The client's task ends with its last handle.
    drop((client, proxy));
    baseline.is_restored(&server, &service).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_closes_a_stalled_connection() {
    let (_, builder) = chaos_server();
    let (_server, peer, client, control) = connect(builder, &memory::builder());
    control.stall();
    control.cut();
    assert_eq!((client.closed().await.code, peer.closed().await.code), (1006, 1006));
}
