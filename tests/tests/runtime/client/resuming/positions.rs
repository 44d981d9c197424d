//! The positions at which streams go on.

use super::{Clock, TickerProxy, begun_stream, connected, item, items, nothing_arrives, seam};
use std::error::Error;
use tokio::time::timeout;
use wswrapper::Server;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper_tests::network::opened;
use wswrapper_tests::{SECOND, nothing_is_left_of};

#[tokio::test(start_paused = true)]
async fn a_stream_continues_after_the_last_item_that_was_taken() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let ticker = TickerProxy::new(&client);
    let mut ticks = ticker.ticks().resumable().await?;
    let mut squares = ticker.squares().resumable().await?;
    nothing_arrives(&mut ticks).await;
    nothing_arrives(&mut squares).await;
    clock.push_all(1..=5);
    // Items 2 to 5 have arrived and are not taken. They come once.
    assert_eq!((ticks.try_next().await?, squares.try_next().await?), (Some(item(1)), Some(item(1))));
    for epoch in 2..5 {
        network.cut();
        opened(&client, epoch).await;
    }
    clock.push_all(6..=7);
    let mut seen = Vec::new();
    while seen.last() != Some(&item(7)) {
        seen.extend(timeout(SECOND, ticks.try_next()).await??);
    }
    assert_eq!(items(&seen), [2, 3, 4, 5, 6, 7]);
    assert!(seen.contains(&seam(Seam::Resumed)), "{seen:?}");
    let mut last = None;
    while last != Some(item(49)) {
        last = timeout(SECOND, squares.try_next()).await??;
        assert!(!matches!(last, Some(StreamEvent::Seam(Seam::Gap { .. } | Seam::Fresh))), "{last:?}");
    }
    drop((ticks, squares));
    nothing_is_left_of(client.peer()).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_another_history_begins_with_a_fresh_seam() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut ticks = begun_stream(&clock, &client).await?;
    let restarted = Clock(History::new());
    restarted.push_all(100..103);
    network.set_server(Some(Server::builder().service(restarted.clone()).build()?));
    network.cut();
    assert_eq!(ticks.try_next().await?, Some(seam(Seam::Fresh)));
    for n in 100..103 {
        assert_eq!(ticks.try_next().await?, Some(item(n)));
    }
    // From then on that history counts.
    network.cut();
    client.closed().await;
    restarted.0.push(103);
    assert_eq!(ticks.try_next().await?, Some(seam(Seam::Resumed)));
    assert_eq!(ticks.try_next().await?, Some(item(103)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn arguments_may_depend_on_the_last_item() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let call = TickerProxy::new(&client).count_from(0);
    let mut numbers = call.resubscribe(|last: Option<&u64>| (last.map_or(0, |last| last + 1),)).await?;
    for n in 0..3 {
        assert_eq!(numbers.try_next().await?, Some(item(n)));
    }
    for first in [3, 6] {
        network.cut();
        assert_eq!(numbers.try_next().await?, Some(seam(Seam::Gap { lost: None })));
        for n in first..first + 3 {
            assert_eq!(numbers.try_next().await?, Some(item(n)));
        }
    }
    Ok(())
}
