//! Resumable streams of clients that pause, give up or are closed, and streams that are dropped.

use super::{Clock, TickerProxy, begun_stream, connected, item, nothing_arrives, seam};
use futures_util::FutureExt;
use std::error::Error;
use tokio::time::timeout;
use wswrapper::client::Reconnect;
use wswrapper::connection::{CloseCause, Counters};
use wswrapper::stream::{History, Seam};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::SECOND;
use wswrapper_tests::network::{Network, opened};

#[tokio::test(start_paused = true)]
async fn an_item_after_a_seam_is_held_during_a_pause() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut stream = begun_stream(&clock, &client).await?;
    network.cut();
    client.closed().await;
    clock.0.push(2);
    opened(&client, 2).await;
    assert_eq!(stream.try_next().await?, Some(seam(Seam::Resumed)));
    let pause = client.pause();
    assert!(stream.next().now_or_never().is_none(), "the client is paused");
    drop(pause);
    assert_eq!(stream.try_next().await?, Some(item(2)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_fails_with_the_cause_if_its_client_gives_up() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let network = Network::serving(Server::builder().service(clock.clone()));
    let policy = Reconnect::default().max_attempts(3);
    let client = network.client(policy).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    let mut plain = TickerProxy::new(&client).ticks().await?;
    network.lose_server();
    let failed = timeout(600 * SECOND, ticks.next()).await?;
    assert!(matches!(&failed, Some(Err(CallError::Closed(closed))) if closed.cause == CloseCause::Lost), "{failed:?}");
    assert!(ticks.next().await.is_none());
    // A plain stream ends with the cause at once.
    assert!(matches!(plain.next().await, Some(Err(CallError::Closed(closed))) if closed.cause == CloseCause::Lost));
    assert!(plain.next().await.is_none());
    // A client that never connects again.
    let server = Server::builder().service(clock).build()?;
    let (near, far) = memory::pair();
    server.accept_transport(far)?;
    let client = Client::connect_transport(near)?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    client.close(4001, "enough");
    assert!(matches!(ticks.next().await, Some(Err(CallError::Closed(closed))) if closed.code == 4001));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_while_it_waits_leaves_nothing() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    network.lose_server();
    nothing_arrives(&mut ticks).await;
    drop(ticks);
    assert_eq!(client.counters(), Counters::default());
    network.set_server(Some(Server::builder().service(clock).build()?));
    opened(&client, 2).await;
    assert!(client.request::<()>("x", ()).await.is_err());
    assert_eq!(client.counters(), Counters::default());
    Ok(())
}
