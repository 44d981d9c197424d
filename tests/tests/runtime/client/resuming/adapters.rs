//! Streams of a history with combinators behind it.

use super::{Clock, TickerProxy, connected, item, items, nothing_arrives, seam, seams, until_quiet};
use std::error::Error;
use wswrapper::stream::{History, Seam};
use wswrapper_tests::network::opened;

#[tokio::test(start_paused = true)]
async fn combinators_that_leave_items_out_keep_the_position() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut even = TickerProxy::new(&client).even().resumable().await?;
    nothing_arrives(&mut even).await;
    clock.push_all(1..=4);
    assert_eq!((even.try_next().await?, even.try_next().await?), (Some(item(2)), Some(item(4))));
    network.cut();
    client.closed().await;
    clock.push_all(5..=8);
    // Item 5 was left out, so the next one is 6.
    assert_eq!(even.try_next().await?, Some(seam(Seam::Gap { lost: Some(1) })));
    assert_eq!((even.try_next().await?, even.try_next().await?), (Some(item(6)), Some(item(8))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_of_another_source_do_not_move_the_position() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut stream = TickerProxy::new(&client).with_beats().resumable().await?;
    nothing_arrives(&mut stream).await;
    clock.0.push(1);
    assert_eq!(stream.try_next().await?, Some(item(1)));
    for _ in 0..3 {
        assert_eq!(stream.try_next().await?, Some(item(0)));
    }
    network.cut();
    client.closed().await;
    clock.push_all(2..=6);
    opened(&client, 2).await;
    let seen = until_quiet(&mut stream).await?;
    assert_eq!((seams(&seen), items(&seen)), (vec![Seam::Resumed], vec![2, 3, 4, 5, 6]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn several_items_made_of_one_move_the_position_once() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut stream = TickerProxy::new(&client).twice().resumable().await?;
    nothing_arrives(&mut stream).await;
    clock.push_all(1..=3);
    let seen = until_quiet(&mut stream).await?;
    assert_eq!(items(&seen), [1, 1, 2, 2, 3, 3]);
    network.cut();
    client.closed().await;
    clock.push_all(4..=10);
    opened(&client, 2).await;
    let seen = until_quiet(&mut stream).await?;
    let expected: Vec<u64> = (4..=10).flat_map(|n| [n, n]).collect();
    assert_eq!((seams(&seen), items(&seen)), (vec![Seam::Resumed], expected));
    Ok(())
}
