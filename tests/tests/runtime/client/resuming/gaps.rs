//! Gaps: items that a stream has lost.

use super::{Clock, TickerProxy, begun_stream, connected, item, items, nothing_arrives, seam, seams, until_quiet};
use std::error::Error;
use tokio::time::timeout;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper_tests::network::opened;
use wswrapper_tests::{SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn a_gap_has_the_number_of_the_items_that_the_history_has_lost() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new().max_items(3));
    let (network, client) = connected(&clock).await?;
    let mut ticks = begun_stream(&clock, &client).await?;
    network.cut();
    client.closed().await;
    clock.push_all(2..=10);
    opened(&client, 2).await;
    assert_eq!(ticks.try_next().await?, Some(seam(Seam::Gap { lost: Some(6) })));
    assert_eq!(ticks.try_next().await?, Some(item(8)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_are_dropped_for_a_slow_consumer_are_gaps() -> Result<(), Box<dyn Error>> {
    // The history is faster than its consumer, and does not wait for it.
    let clock = Clock(History::new().max_items(4));
    let (_network, client) = connected(&clock).await?;
    let ticker = TickerProxy::new(&client);
    let mut ticks = ticker.ticks().window(2).resumable().await?;
    let mut latest = ticker.latest().window(2).resumable().await?;
    nothing_arrives(&mut ticks).await;
    nothing_arrives(&mut latest).await;
    for n in 1..=100 {
        clock.0.push(n);
        let_others_run().await;
    }
    for stream in [&mut ticks, &mut latest] {
        let (mut next, mut gaps) = (1, 0);
        while next <= 100 {
            match timeout(SECOND, stream.try_next()).await?? {
                Some(StreamEvent::Item(n)) => {
                    assert_eq!(n, next);
                    next += 1;
                }
                Some(StreamEvent::Seam(Seam::Gap { lost: Some(lost) })) => {
                    (next, gaps) = (next + lost, gaps + 1);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(gaps > 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_are_removed_before_the_first_poll_of_a_new_stream_are_a_gap() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new().max_items(3));
    let (_network, client) = connected(&clock).await?;
    let mut stream = TickerProxy::new(&client).ticks().resumable().await?;
    clock.push_all(1..=10);
    let seen = until_quiet(&mut stream).await?;
    assert_eq!((seams(&seen), items(&seen)), (vec![Seam::Gap { lost: Some(7) }], vec![8, 9, 10]));
    Ok(())
}
