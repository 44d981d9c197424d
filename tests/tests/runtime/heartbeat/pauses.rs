//! Heartbeats of endpoints that do not read, or whose output waits.

use super::{GRACE, HOUR, SECOND, assert_jittered, closed_after};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};
use wswrapper::connection::CloseCause;
use wswrapper::transport::{Frame, memory};
use wswrapper::{Client, Limits, Server, server::ServerBuilder};
use wswrapper_tests::{RawPeer, let_others_run};

/// A server that stops reading after two calls, until its first handler may return.
fn busy_server(limits: &Limits) -> Result<(Server, Arc<Semaphore>), Box<dyn Error>> {
    let limits = limits.clone().max_handlers_in_flight(1).max_held_bytes(1);
    let server = Server::builder().limits(limits).build()?;
    let gate = Arc::new(Semaphore::new(0));
    let opened = Arc::clone(&gate);
    server.on("wait", move || {
        let gate = Arc::clone(&opened);
        async move { gate.acquire().await.map(SemaphorePermit::forget).map_err(|error| error.to_string()) }
    })?;
    Ok((server, gate))
}

#[tokio::test(start_paused = true)]
async fn time_in_which_the_server_does_not_read_is_no_silence_of_the_client() -> Result<(), Box<dyn Error>> {
    let (server, gate) = busy_server(&Limits::default())?;
    let (mut raw, peer) = RawPeer::dial(&server);
    for id in 1..=3 {
        raw.send(&format!(r#"{{"a":["wait"],"i":{id}}}"#)).await;
    }
    sleep(HOUR).await;
    assert!(peer.is_open(), "{:?}", peer.close_info());
    gate.add_permits(3);
    let resumed = Instant::now();
    for _ in 1..=3 {
        raw.receive().await;
    }
    // From now on it is silent.
    let (closed, after) = closed_after(&peer, resumed).await?;
    assert_eq!(closed.cause, CloseCause::Heartbeat);
    assert_jittered(after.saturating_sub(GRACE), 30);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_read_shows_its_client_that_it_is_there() -> Result<(), Box<dyn Error>> {
    let short = Limits::default().heartbeat_interval(Some(SECOND)).heartbeat_grace(SECOND / 2);
    for limits in [Limits::default(), short] {
        let limits = limits.call_timeout(None);
        let (server, gate) = busy_server(&limits)?;
        let (near, far) = memory::pair();
        let peer = server.accept_transport(far)?;
        let client = Client::builder().limits(limits).connect_transport(near)?;
        let calls: Vec<_> = (0..3).map(|_| tokio::spawn(client.request::<()>("wait", ()))).collect();
        sleep(HOUR).await;
        assert!(client.is_open() && peer.is_open(), "{:?} {:?}", client.close_info(), peer.close_info());
        gate.add_permits(3);
        for call in calls {
            call.await??;
        }
    }
    Ok(())
}

fn patient_server() -> ServerBuilder {
    Server::builder().limits(Limits::default().write_timeout(Duration::from_mins(5)))
}

#[tokio::test(start_paused = true)]
async fn unsent_output_is_left_to_the_write_timeout() -> Result<(), Box<dyn Error>> {
    let (_raw, far) = memory::builder().capacity(100).pair();
    let server = patient_server().build()?;
    let peer = server.accept_transport(far)?;
    let began = Instant::now();
    peer.emit("x", ("y".repeat(200),)).await?;
    peer.emit("x", ("y".repeat(200),)).await?;
    let (closed, after) = closed_after(&peer, began).await?;
    assert_eq!((closed.cause, after.as_secs()), (CloseCause::Unread, 300));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_grace_of_a_ping_begins_when_it_can_be_sent() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::builder().capacity(100).pair();
    let server = patient_server().build()?;
    let peer = server.accept_transport(far)?;
    let mut raw = RawPeer::on(near);
    for _ in 0..2 {
        peer.emit("x", ("y".repeat(200),)).await?;
    }
    // Longer than interval and grace together.
    sleep(100 * SECOND).await;
    assert!(peer.is_open());
    for _ in 0..2 {
        assert!(matches!(raw.any_frame().await, Some(Frame::Text(_))));
    }
    let_others_run().await;
    let written = Instant::now();
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    let (closed, grace) = closed_after(&peer, written).await?;
    assert_eq!((closed.cause, grace.as_secs()), (CloseCause::Heartbeat, GRACE.as_secs()));
    Ok(())
}
