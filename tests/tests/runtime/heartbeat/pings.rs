//! Pings that a program sends, and the hooks for pings and pongs.

use super::HOUR;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::connection::CloseCause;
use wswrapper::observe::{ConnectionView, Interest, Observer};
use wswrapper::transport::{Frame, memory};
use wswrapper::{Client, Limits, Server, error::SendError};
use wswrapper_tests::load::wire::{Tally, wire};
use wswrapper_tests::{Log, Pair, RawPeer, let_others_run, pair, pair_with};

const LATENCY: Duration = Duration::from_millis(40);

#[tokio::test(start_paused = true)]
async fn a_ping_returns_its_round_trip_on_both_endpoints() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::builder().latency(LATENCY).pair();
    let server = Server::builder().build()?;
    let peer = server.accept_transport(far)?;
    let client = Client::connect_transport(near)?;
    assert_eq!(client.ping().await?, 2 * LATENCY);
    assert_eq!(peer.ping().await?, 2 * LATENCY);
    // One after the other, and at the same time.
    let first = tokio::spawn({
        let peer = peer.clone();
        async move { peer.ping().await }
    });
    sleep(LATENCY / 2).await;
    let together = futures_util::future::join_all((0..100).map(|_| peer.ping())).await;
    assert_eq!(first.await??, 2 * LATENCY);
    assert!(together.iter().all(|ping| matches!(ping, Ok(time) if *time == 2 * LATENCY)), "{together:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_ping_disturbs_no_other() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::builder().latency(LATENCY).pair();
    let server = Server::builder().build()?;
    let peer = server.accept_transport(far)?;
    let _client = Client::connect_transport(near)?;
    for _ in 0..1_000 {
        assert!(timeout(LATENCY, peer.ping()).await.is_err());
        assert_eq!(peer.ping().await?, 2 * LATENCY);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_ping_fails_when_the_connection_closes() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    let ping = tokio::spawn({
        let peer = peer.clone();
        async move { peer.ping().await }
    });
    assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    drop(raw);
    for failed in [timeout(HOUR, ping).await??, timeout(HOUR, peer.ping()).await?] {
        assert!(matches!(&failed, Err(SendError::Closed(closed)) if closed.cause == CloseCause::Lost), "{failed:?}");
    }
    // A peer that never answers.
    let (_raw, peer) = RawPeer::dial(&server);
    let failed = timeout(HOUR, peer.ping()).await?;
    assert!(matches!(&failed, Err(SendError::Closed(closed)) if closed.cause == CloseCause::Heartbeat), "{failed:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn as_many_pings_may_wait_as_calls() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_calls_in_flight(2)).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    let ping = || {
        let peer = peer.clone();
        tokio::spawn(async move { peer.ping().await })
    };
    let waiting = [ping(), ping()];
    let_others_run().await;
    assert!(matches!(peer.ping().await, Err(SendError::TooManyCalls)));
    let [first, second] = waiting;
    // A dropped one makes room.
    first.abort();
    let_others_run().await;
    let third = ping();
    let_others_run().await;
    assert!(matches!(peer.ping().await, Err(SendError::TooManyCalls)));
    // Two of them were sent together.
    for _ in 0..2 {
        assert!(matches!(raw.any_frame().await, Some(Frame::Ping(_))));
    }
    raw.silence().await;
    for answered in [second, third] {
        assert_eq!(answered.await??, Duration::ZERO);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_transport_without_pings_has_no_heartbeat() -> Result<(), Box<dyn Error>> {
    let (_feeder, transport) = wire(&Tally::default());
    let server = Server::builder().build()?;
    let peer = server.accept_transport(transport)?;
    assert!(matches!(peer.ping().await, Err(SendError::NoPings)));
    sleep(HOUR).await;
    assert!(peer.is_open());
    assert!(matches!(peer.ping().await, Err(SendError::NoPings)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn hooks_see_the_payload_of_each_ping_and_pong() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let (received, answered) = (log.clone(), log.clone());
    let server = Server::builder()
        .on_ping(move |peer, payload| received.add(format!("{} ping {payload:?}", peer.id())))
        .on_pong(move |peer, payload| answered.add(format!("{} pong {payload:?}", peer.id())));
    let server = server.build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ping(b"abc").await;
    assert_eq!(raw.any_frame().await, Some(Frame::Pong((&b"abc"[..]).into())));
    let answered = tokio::spawn({
        let peer = peer.clone();
        async move { peer.ping().await }
    });
    let Some(Frame::Ping(payload)) = raw.any_frame().await else { panic!("it is a ping") };
    raw.silence().await;
    answered.await??;
    let expected = [format!("{} ping [97, 98, 99]", peer.id()), format!("{} pong {:?}", peer.id(), &payload[..])];
    assert_eq!(log.entries(), expected);
    Ok(())
}

/// An observer that is interested in this.
struct Interested(Log, Interest);

impl Observer for Interested {
    fn interest(&self) -> Interest {
        self.1
    }

    fn ping_received(&self, _: &ConnectionView<'_>, _: &[u8]) {
        self.0.add("ping");
    }

    fn pong_received(&self, _: &ConnectionView<'_>, _: &[u8]) {
        self.0.add("pong");
    }
}

#[tokio::test(start_paused = true)]
async fn observers_without_interest_in_pings_see_none() -> Result<(), Box<dyn Error>> {
    let logs = [(); 3].map(|()| Log::default());
    let interests = [Interest::PINGS, Interest::ALL, Interest::CALLS | Interest::SENT_MESSAGES];
    let mut client = Client::builder();
    for (log, interest) in logs.iter().zip(interests) {
        client = client.observer(Interested(log.clone(), interest));
    }
    let Pair { peer, client, server } = pair_with(Server::builder(), client);
    peer.ping().await?;
    client.ping().await?;
    let seen = logs.map(|log| log.entries());
    assert_eq!(seen, [vec!["ping", "pong"], vec!["ping", "pong"], vec![]]);
    drop(server);
    Ok(())
}

#[tokio::test]
async fn a_ping_on_a_busy_connection_is_answered_between_messages() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.on("length", |text: String| async move { text.len() })?;
    let calls = (0..1_000).map(|_| tokio::spawn(pair.client.request::<usize>("length", ("x".repeat(1_000),))));
    let calls: Vec<_> = calls.collect();
    let began = Instant::now();
    let round_trip = pair.client.ping().await?;
    assert!(round_trip <= began.elapsed());
    for call in calls {
        assert_eq!(call.await??, 1_000);
    }
    Ok(())
}
