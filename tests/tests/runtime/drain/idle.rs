//! Connections on which nothing runs while a server drains.

use super::{LONG, WorkProxy, desk, expect_close, numbers};
use serde_json::json;
use std::error::Error;
use tokio::time::Instant;
use wswrapper::error::AcceptError;
use wswrapper::transport::memory;
use wswrapper::{Client, Limits, Server};
use wswrapper_tests::{ObservedTransport, RawPeer, let_others_run};

#[tokio::test(start_paused = true)]
async fn idle_connections_are_closed_at_once_after_the_drain_event() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.drain_event("moving").build()?;
    let (mut idle, _) = RawPeer::dial(&server);
    let (local, remote) = memory::pair();
    server.accept_transport(remote)?;
    let busy = Client::connect_transport(local)?;
    let running = tokio::spawn(WorkProxy::new(&busy).sleep(2_000));
    desk.handlers.becomes(1).await;
    let began = Instant::now();
    let shutdown = server.shutdown(LONG);
    assert_eq!(idle.receive().await, json!({"a": ["moving"]}));
    expect_close(&mut idle).await?;
    assert!(idle.frame().await.is_none());
    let_others_run().await;
    assert_eq!((server.peers().len(), began.elapsed().as_millis()), (1, 0));
    assert!(server.is_draining());
    assert_eq!(running.await??, 2_000);
    assert_eq!(numbers(shutdown.await), (2, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_without_connections_closes_at_once() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let began = Instant::now();
    let report = server.shutdown(LONG).await;
    assert_eq!((numbers(report), began.elapsed().as_millis()), ((0, 0, 0), 0));
    assert!(server.is_closing());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_draining_server_accepts_no_connection() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["sleep",1000],"i":1}"#).await;
    desk.handlers.becomes(1).await;
    let shutdown = server.shutdown(LONG);
    let refused = server.accept_transport(memory::pair().1);
    assert!(matches!(refused, Err(AcceptError::Closing)), "{refused:?}");
    assert_eq!((raw.receive().await["d"].as_u64(), server.peers().len()), (Some(1000), 1));
    expect_close(&mut raw).await?;
    shutdown.await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_drain_wakes_a_busy_connection_once_and_lets_it_sleep_until_its_call_finishes() -> Result<(), Box<dyn Error>>
{
    let (desk, server) = desk();
    // Heartbeats would flush too.
    let server = server.limits(Limits::default().heartbeat_interval(None)).build()?;
    let (local, remote) = memory::pair();
    let (transport, observed) = ObservedTransport::new(remote);
    server.accept_transport(transport)?;
    let mut raw = RawPeer::on(local);
    raw.send(r#"{"a":["sleep",60000],"i":1}"#).await;
    desk.handlers.becomes(1).await;
    let_others_run().await;
    let before = observed.flushes();
    let shutdown = server.shutdown(LONG);
    let_others_run().await;
    assert_eq!(observed.flushes(), before + 1, "once, to see that the server drains");
    tokio::time::sleep(std::time::Duration::from_secs(50)).await;
    assert_eq!(observed.flushes(), before + 1);
    assert_eq!(raw.receive().await["d"].as_u64(), Some(60_000));
    expect_close(&mut raw).await?;
    shutdown.await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_its_peer_closes_has_ended() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait"],"i":1}"#).await;
    desk.handlers.becomes(1).await;
    let shutdown = server.shutdown(LONG);
    let_others_run().await;
    raw.close(1000, "bye").await;
    drop(raw);
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    assert_eq!(desk.handlers.count(), 0);
    Ok(())
}
