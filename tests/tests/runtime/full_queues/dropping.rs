//! Events that are dropped.

use super::{MarketProxy, Reader, is_ready, limits, server};
use std::error::Error;
use wswrapper::call::OnFull;
use wswrapper::error::SendError;
use wswrapper_tests::let_others_run;

#[tokio::test(start_paused = true)]
async fn an_event_to_one_peer_succeeds_at_once_and_is_counted() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.proxy().moved(0).await?;
    let_others_run().await;
    reader.stall(&server).await;
    let before = server.status().events_left_out;
    for n in 1..10 {
        assert!(is_ready(&mut reader.proxy().moved(n)).await);
        reader.peer.emit("moved", (n,)).on_full(OnFull::Drop).await?;
    }
    assert_eq!(server.status().events_left_out - before, 18);
    assert_eq!(reader.resume().await, ["moved 0"]);
    reader.proxy().moved(10).await?;
    assert_eq!(reader.resume().await, ["moved 0", "moved 10"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_audience_names_the_peers_that_were_left_out() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let (slow, fast) = (Reader::of(&server), Reader::of(&server));
    slow.stall(&server).await;
    let before = server.status().events_left_out;
    let market = MarketProxy::new(server.broadcast());
    // That is also what happens to an event that says nothing.
    for delivery in [market.moved(1).await?, market.plain(2).await?] {
        assert_eq!((delivery.sent, delivery.waiting), (1, 0));
        assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == slow.peer.id()), "{delivery:?}");
    }
    assert_eq!(server.status().events_left_out - before, 2);
    assert_eq!(slow.resume().await, [""; 0]);
    assert_eq!(fast.screen.0.entries(), ["moved 1", "plain 2"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_is_left_out_while_others_wait_for_capacity() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    let mut plain = reader.proxy().plain(1);
    assert!(!is_ready(&mut plain).await);
    reader.proxy().moved(2).await?;
    let plain = tokio::spawn(plain);
    assert_eq!(reader.resume().await, ["plain 1"]);
    plain.await??;
    Ok(())
}
