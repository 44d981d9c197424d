//! Events to audiences that wait for slow peers.

use super::{MINUTE, MarketProxy, Reader, is_ready, limits, server};
use std::error::Error;
use wswrapper::call::OnFull;
use wswrapper::connection::Counters;
use wswrapper::error::SendError;
use wswrapper_tests::{RawPeer, SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn a_slow_peer_gets_its_events_later_in_their_order_and_delays_no_other() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let (slow, fast) = (Reader::of(&server), Reader::of(&server));
    slow.stall(&server).await;
    let market = MarketProxy::new(server.broadcast());
    let before = server.status().events_left_out;
    let mut events = Vec::new();
    for n in 0..10 {
        let mut event = market.notice(n);
        assert!(!is_ready(&mut event).await);
        events.push(event);
    }
    let_others_run().await;
    let all: Vec<_> = (0..10).map(|n| format!("notice {n}")).collect();
    assert_eq!(fast.screen.0.entries(), all);
    assert_eq!(slow.resume().await, all);
    for event in events {
        let delivery = event.await?;
        assert_eq!((delivery.sent, delivery.failed.len()), (2, 0));
    }
    assert_eq!(server.status().events_left_out, before);
    assert_eq!(slow.peer.counters(), Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_full_queue_the_event_is_ready_at_once() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let readers = [Reader::of(&server), Reader::of(&server)];
    let mut event = MarketProxy::new(server.broadcast()).notice(1);
    assert!(is_ready(&mut event).await);
    let_others_run().await;
    for reader in &readers {
        assert_eq!(reader.screen.0.entries(), ["notice 1"]);
    }
    // Also one to nobody.
    assert_eq!(server.room("empty").emit("notice", (2,)).on_full(OnFull::Wait).await?.sent, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_leaves_out_the_peers_that_still_wait() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let (slow, fast) = (Reader::of(&server), Reader::of(&server));
    slow.stall(&server).await;
    let full = slow.peer.counters();
    let mut event = MarketProxy::new(server.broadcast()).notice(1);
    assert!(!is_ready(&mut event).await);
    assert!(slow.peer.counters().queued_bytes > full.queued_bytes);
    drop(event);
    assert_eq!(slow.peer.counters(), full);
    assert_eq!(slow.resume().await, [""; 0]);
    assert_eq!(fast.screen.0.entries(), ["notice 1"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_closes_ends_the_wait() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let slow = Reader::of(&server);
    slow.stall(&server).await;
    let event = tokio::spawn(MarketProxy::new(server.broadcast()).notice(1));
    let_others_run().await;
    slow.control.cut();
    let delivery = event.await??;
    assert_eq!(delivery.sent, 0);
    assert!(matches!(&delivery.failed[..], [(_, SendError::Closed(_))]), "{delivery:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_too_slowly_is_left_out_after_the_write_timeout() -> Result<(), Box<dyn Error>> {
    let limits = limits().max_outbound_bytes(50_000).write_timeout(10 * SECOND);
    let server = server(limits);
    let (near, far) = wswrapper::transport::memory::builder().capacity(16).pair();
    let peer = server.accept_transport(far)?;
    let mut raw = RawPeer::on(near);
    super::fill(&server, &peer).await;
    let reading = tokio::spawn(async move {
        loop {
            assert_eq!(raw.receive().await["a"][0], "fill");
            tokio::time::sleep(SECOND).await;
        }
    });
    let before = server.status().events_left_out;
    let began = tokio::time::Instant::now();
    let delivery = tokio::time::timeout(MINUTE, MarketProxy::new(server.broadcast()).notice(1)).await??;
    assert_eq!(began.elapsed().as_secs(), 10);
    assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == peer.id()), "{delivery:?}");
    assert_eq!(server.status().events_left_out - before, 1);
    assert!(peer.is_open(), "it has read something");
    reading.abort();
    Ok(())
}
