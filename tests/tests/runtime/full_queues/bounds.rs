//! The bounds of the events that wait.

use super::{MarketProxy, Reader, limits, server};
use std::error::Error;
use wswrapper::call::OnFull;
use wswrapper::connection::Counters;
use wswrapper::error::SendError;
use wswrapper_tests::let_others_run;

#[tokio::test(start_paused = true)]
async fn an_event_of_one_key_too_many_is_not_sent() -> Result<(), Box<dyn Error>> {
    let server = server(limits().max_latest_events(2));
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    let before = server.status().events_left_out;
    let market = MarketProxy::new(server.broadcast());
    reader.proxy().price(1, "tea").await?;
    assert_eq!(market.price(1, "milk").await?.waiting, 1);
    assert!(matches!(reader.proxy().price(1, "rice").await, Err(SendError::Full)));
    let delivery = market.price(1, "rice").await?;
    assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == reader.peer.id()), "{delivery:?}");
    // Those that wait can still be replaced.
    assert_eq!(market.price(2, "tea").await?.waiting, 1);
    assert_eq!(server.status().events_left_out - before, 2);
    assert_eq!(reader.resume().await, ["milk 1", "tea 2"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_events_that_wait_have_at_most_the_bytes_of_a_queue() -> Result<(), Box<dyn Error>> {
    let server = server(limits());
    let reader = Reader::of(&server);
    reader.stall(&server).await;
    let full = reader.peer.counters();
    let mut waiting = 0;
    // Each has about 500 bytes, half of them for its key.
    for n in 0..100 {
        match reader.proxy().price(n, format!("{n:250}")).await {
            Ok(()) => waiting += 1,
            Err(SendError::Full) => {}
            Err(error) => return Err(error.into()),
        }
    }
    assert_eq!(waiting, 3);
    let_others_run().await;
    assert!(reader.peer.counters().buffered_bytes <= full.buffered_bytes + 2_000);
    assert_eq!(reader.resume().await.len(), 3);
    assert_eq!(reader.peer.counters(), Counters::default());
    // One may always wait.
    reader.stall(&server).await;
    reader.proxy().price(0, "x".repeat(10_000)).await?;
    assert_eq!(reader.resume().await.len(), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn while_memory_is_short_an_event_to_many_only_replaces_another() -> Result<(), Box<dyn Error>> {
    let server = server(limits().max_buffered_bytes(20_000));
    let (slow, greedy) = (Reader::of(&server), Reader::of(&server));
    slow.stall(&server).await;
    let market = MarketProxy::new(server.broadcast());
    assert_eq!(market.price(1, "tea").await?.waiting, 1);
    // One large event exceeds the memory.
    greedy.control.stall();
    greedy.proxy().fill("x".repeat(30_000)).await?;
    let_others_run().await;
    assert!(server.buffered_bytes() >= 20_000);
    assert_eq!(market.price(2, "tea").await?.waiting, 1);
    let delivery = market.price(3, "milk").await?;
    assert_eq!((delivery.waiting, delivery.failed.len()), (0, 2));
    let delivery = market.traded(4).await?;
    assert_eq!(delivery.failed.len(), 2);
    assert!(slow.peer.is_open() && greedy.peer.is_open(), "memory is short, which is no fault of the peers");
    greedy.resume().await;
    assert_eq!(slow.resume().await, ["tea 2"]);
    let_others_run().await;
    assert_eq!(server.buffered_bytes(), 0);
    assert_eq!(market.price(5, "milk").await?.sent, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_too_large_or_has_no_name_fails_whatever_the_queue_does() -> Result<(), Box<dyn Error>> {
    let server = server(limits().max_outgoing_message_size(1_000));
    let reader = Reader::of(&server);
    for on_full in [OnFull::Wait, OnFull::Drop, OnFull::Latest, OnFull::Close] {
        let event = reader.peer.emit("fill", ("x".repeat(2_000),)).on_full(on_full.clone());
        assert!(matches!(event.await, Err(SendError::TooLarge { limit: 1_000, .. })));
        let event = server.broadcast().emit("fill", ("x".repeat(2_000),)).on_full(on_full.clone());
        assert!(matches!(event.await, Err(SendError::TooLarge { limit: 1_000, .. })));
        let event = reader.peer.emit("open", ()).on_full(on_full);
        assert!(matches!(event.await, Err(SendError::Name(_))));
    }
    Ok(())
}
