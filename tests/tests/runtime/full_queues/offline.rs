//! Clients without a connection, and clients whose connection opens.

use super::{MarketProxy, limits};
use serde_json::json;
use std::error::Error;
use wswrapper::Client;
use wswrapper::call::OnFull;
use wswrapper::error::SendError;
use wswrapper::transport::memory;
use wswrapper_tests::{RawPeer, SECOND, let_others_run};

/// Fills the queue of a client whose peer reads nothing.
async fn fill(client: &Client) {
    for _ in 0..100 {
        let event = client.emit("fill", ("x".repeat(100),)).on_full(OnFull::Drop);
        event.await.expect("it is open");
        let_others_run().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_that_waits_is_lost_with_its_connection() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::builder().capacity(16).pair();
    let client = Client::builder().limits(limits()).connect_transport(near)?;
    let raw = RawPeer::on(far);
    fill(&client).await;
    client.emit("price", (1,)).on_full(OnFull::Latest).await?;
    let_others_run().await;
    assert!(client.peer().counters().buffered_bytes > 0);
    drop(raw);
    client.closed().await;
    assert_eq!(client.peer().counters(), wswrapper::connection::Counters::default());
    // Without a connection the treatment does not matter.
    for on_full in [OnFull::Wait, OnFull::Drop, OnFull::Latest, OnFull::Close] {
        let event = client.emit("price", (2,)).on_full(on_full);
        assert!(matches!(event.await, Err(SendError::Closed(_))));
    }
    let queued = tokio::spawn(client.emit("price", (3,)).on_full(OnFull::Drop).queue(60 * SECOND));
    let_others_run().await;
    let mut raw = RawPeer::rebind(&client).await?;
    assert_eq!(raw.receive().await["a"], json!(["price", 3]));
    queued.await??;
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_was_not_connected_yet_keeps_a_few_events() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().limits(limits().max_calls_before_open(3)).build()?;
    let market = MarketProxy::new(&client);
    market.index(1).await?;
    market.moved(2).await?;
    market.traded(3).await?;
    for event in [market.index(4), market.moved(4), market.traded(4)] {
        assert!(matches!(event.await, Err(SendError::Full)));
    }
    let mut raw = RawPeer::rebind(&client).await?;
    for event in [json!(["index", 1]), json!(["moved", 2]), json!(["traded", 3])] {
        assert_eq!(raw.receive().await["a"], event);
    }
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn while_the_hook_of_a_client_runs_the_newest_event_waits_and_others_are_dropped() -> Result<(), Box<dyn Error>> {
    let (near, far) = memory::pair();
    let client = Client::builder()
        .limits(limits())
        .on_open(|peer| async move {
            // The hook's own events are sent.
            peer.emit("hello", ()).on_full(OnFull::Drop).await?;
            peer.request::<()>("login", ()).await
        })
        .connect_transport(near)?;
    let mut raw = RawPeer::on(far);
    assert_eq!(raw.receive().await["a"], json!(["hello"]));
    let login = raw.receive().await;
    let market = MarketProxy::new(&client);
    for n in 0..10 {
        market.index(n).await?;
        market.moved(n).await?;
    }
    let traded = tokio::spawn(market.traded(10));
    let_others_run().await;
    assert!(!traded.is_finished(), "it is no reason to close the connection");
    raw.send(&json!({"i": login["i"], "d": null}).to_string()).await;
    assert_eq!(raw.receive().await["a"], json!(["index", 9]));
    assert_eq!(raw.receive().await["a"], json!(["traded", 10]));
    traded.await??;
    raw.silence().await;
    Ok(())
}
