//! Heartbeats: silent peers are pinged, and disconnected if they do not answer.

mod pauses;
mod pings;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, advance, sleep, timeout};
use wswrapper::connection::{CloseCause, Closed};
use wswrapper::transport::{Frame, memory};
use wswrapper::{Client, Limits, Peer, Server};
use wswrapper_tests::{Log, ObservedTransport, RawPeer, SECOND, let_others_run, pair_with};

const HOUR: Duration = Duration::from_hours(1);
const GRACE: Duration = Duration::from_secs(15);

/// Waits until a connection is closed. Returns how, and when after `began`.
async fn closed_after(peer: &Peer, began: Instant) -> Result<(Closed, Duration), Box<dyn Error>> {
    let closed = timeout(HOUR, peer.closed()).await?;
    Ok((closed, began.elapsed()))
}

/// Asserts that a time is `seconds` or at most a tenth more or less. A grace after it is rounded up by half a second.
fn assert_jittered(time: Duration, seconds: u64) {
    let middle = Duration::from_secs(seconds);
    let latest = middle * 11 / 10 + Duration::from_millis(500);
    assert!(time >= middle * 9 / 10 && time <= latest, "{time:?} instead of {middle:?}");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_is_pinged_and_disconnected_after_the_grace() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let hook_log = log.clone();
    let server = Server::builder().on_close(move |_, closed| {
        let log = hook_log.clone();
        async move { log.add(closed.to_string()) }
    });
    let server = server.build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    let began = Instant::now();
    let call = tokio::spawn(peer.request::<()>("never", ()).timeout(HOUR));
    assert!(matches!(raw.any_frame().await, Some(Frame::Text(_))));
    // The answer is not sent, because the peer stops here.
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert_jittered(began.elapsed(), 30);
    let pinged = Instant::now();
    let (closed, grace) = closed_after(&peer, pinged).await?;
    assert_eq!((closed.code, closed.cause, grace.as_secs()), (1006, CloseCause::Heartbeat, GRACE.as_secs()));
    let shown = "the peer did not answer a ping (status 1006): nothing was received for 15s after a ping";
    assert_eq!(log.entries(), [shown]);
    let error = call.await?.expect_err("the connection is closed");
    assert_eq!(error.to_string(), format!("the connection was closed before an answer came: {shown}"));
    assert!(server.peers().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_pinged_later_than_a_silent_client() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let began = Instant::now();
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert_jittered(began.elapsed(), 40);
    let (closed, grace) = closed_after(client.peer(), Instant::now()).await?;
    assert_eq!((closed.code, closed.cause, grace.as_secs()), (1006, CloseCause::Heartbeat, GRACE.as_secs()));
    // The client continues over another transport, which has a heartbeat of its own.
    let (transport, far) = memory::pair();
    client.rebind(transport).await?;
    let rebound = Instant::now();
    let mut raw = RawPeer::on(far);
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert_jittered(rebound.elapsed(), 40);
    assert_eq!(closed_after(client.peer(), rebound).await?.0.cause, CloseCause::Heartbeat);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_stays_connected_and_only_the_server_pings() -> Result<(), Box<dyn Error>> {
    let pings = [(); 2].map(|()| Arc::<AtomicUsize>::default());
    let [of_server, of_client] = pings.clone();
    let server = Server::builder().on_ping(move |_, _| {
        of_client.fetch_add(1, Ordering::Relaxed);
    });
    let client = Client::builder().on_ping(move |_, _| {
        of_server.fetch_add(1, Ordering::Relaxed);
    });
    let pair = pair_with(server, client);
    sleep(HOUR).await;
    assert!(pair.peer.is_open() && pair.client.is_open());
    let [of_server, of_client] = pings.map(|pings| pings.load(Ordering::Relaxed));
    assert!((109..=133).contains(&of_server), "{of_server} pings in an hour");
    assert_eq!(of_client, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stalled_client_is_found_although_its_task_runs() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::pair();
    let network = near.control();
    let server = Server::builder().build()?;
    let peer = server.accept_transport(far)?;
    let client = Client::builder().limits(Limits::default().heartbeat_interval(None)).connect_transport(near)?;
    network.stall();
    let (closed, after) = closed_after(&peer, Instant::now()).await?;
    assert_eq!(closed.cause, CloseCause::Heartbeat);
    assert_jittered(after.saturating_sub(GRACE), 30);
    network.resume();
    assert_eq!(timeout(HOUR, client.closed()).await?.cause, CloseCause::Lost);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn messages_without_answers_to_pings_are_signs_of_life() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    for _ in 0..100 {
        sleep(20 * SECOND).await;
        raw.send(r#"{"a":["unknown"]}"#).await;
    }
    assert!(peer.is_open());
    // Not one ping was necessary.
    let last = Instant::now();
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert_jittered(last.elapsed(), 30);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_single_byte_is_a_sign_of_life() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::pair();
    let (transport, observed) = ObservedTransport::new(far);
    let server = Server::builder().build()?;
    let peer = server.accept_transport(transport)?;
    let mut raw = RawPeer::on(near);
    for bytes in 1..=100 {
        sleep(20 * SECOND).await;
        observed.set_received_bytes(bytes);
        // Something wakes the task, as the arrival of bytes does.
        peer.flush().await?;
    }
    let last = Instant::now();
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert_jittered(last.elapsed(), 30);
    sleep(GRACE.saturating_sub(SECOND)).await;
    observed.set_received_bytes(101);
    assert!(timeout(20 * SECOND, peer.closed()).await.is_err());
    assert_eq!(closed_after(&peer, last).await?.0.cause, CloseCause::Heartbeat);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_an_interval_a_silent_peer_stays_connected() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().heartbeat_interval(None);
    let server = Server::builder().limits(limits.clone()).build()?;
    let (mut client, peer) = RawPeer::dial(&server);
    let (mut server, endpoint) = RawPeer::accept(Client::builder().limits(limits));
    sleep(HOUR).await;
    assert!(peer.is_open() && endpoint.is_open());
    for raw in [&mut client, &mut server] {
        raw.silence().await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn intervals_and_graces_of_zero_are_very_short() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().heartbeat_interval(Some(Duration::ZERO)).heartbeat_grace(Duration::ZERO);
    let server = Server::builder().limits(limits.clone()).build()?;
    let (_raw, peer) = RawPeer::dial(&server);
    let (closed, after) = closed_after(&peer, Instant::now()).await?;
    assert_eq!(closed.cause, CloseCause::Heartbeat);
    assert!(after <= Duration::from_millis(10), "{after:?}");
    // A peer in the same process answers in time.
    let pair = pair_with(Server::builder().limits(limits.clone()), Client::builder().limits(limits));
    sleep(SECOND).await;
    assert!(pair.peer.is_open() && pair.client.is_open());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_slept_reads_before_it_decides() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    // The answer is on its way when the machine falls asleep.
    raw.send(r#"{"a":["unknown"]}"#).await;
    advance(HOUR).await;
    let_others_run().await;
    assert!(peer.is_open());
    let woken = Instant::now();
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert_jittered(woken.elapsed(), 30);
    // A silent peer gets another grace, because its answer may be in a buffer of the system.
    advance(HOUR).await;
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    assert!(peer.is_open());
    let (closed, grace) = closed_after(&peer, Instant::now()).await?;
    assert_eq!((closed.cause, grace.as_secs()), (CloseCause::Heartbeat, GRACE.as_secs()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn connections_of_the_same_age_ping_at_different_times() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let peers: Vec<_> = (0..200).map(|_| RawPeer::dial(&server)).collect();
    let began = Instant::now();
    let mut times = Vec::new();
    for (_, peer) in &peers {
        times.push(tokio::spawn({
            let closed = peer.closed();
            async move {
                closed.await;
                began.elapsed()
            }
        }));
    }
    let times = futures_util::future::join_all(times).await.into_iter().collect::<Result<Vec<_>, _>>()?;
    for time in &times {
        assert_jittered(time.saturating_sub(GRACE), 30);
    }
    let early = times.iter().filter(|time| **time < 45 * SECOND).count();
    assert!((60..140).contains(&early), "{early} of 200 are before the middle");
    Ok(())
}
