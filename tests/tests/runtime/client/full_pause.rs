//! Pauses during which the client holds as much as it may, so that it does not read.

use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::client::{ClientBuilder, Pause, Reconnect};
use wswrapper::{Client, Limits, Server, Stream, Streaming, ws_handlers, ws_service};
use wswrapper_tests::SECOND;
use wswrapper_tests::network::{Network, opened};

#[ws_service(channel = "source")]
trait Source {
    async fn items(&self) -> impl Stream<Item = String> + Send;
}

struct Endless;

#[ws_handlers]
impl Source for Endless {
    async fn items(&self) -> impl Stream<Item = String> + Send {
        futures_util::stream::repeat_with(|| "x".repeat(1_000))
    }
}

/// A paused client, and what it holds.
struct Paused {
    client: Client,
    network: Network,
    items: Streaming<String>,
    pause: Pause,
}

async fn paused(builder: ClientBuilder) -> Result<Paused, Box<dyn Error>> {
    let server = Server::builder().service(Endless).build()?;
    server.on("login", || async {})?;
    let network = Network::with(server);
    let builder = builder.limits(Limits::default().max_held_bytes(5_000)).reconnect(Reconnect::default());
    let client = builder.connect_with(network.connector()).await?;
    let mut items = SourceProxy::new(&client).items().await?;
    items.next().await.transpose()?;
    let pause = client.pause();
    sleep(SECOND).await;
    assert!(timeout(SECOND, client.request::<()>("login", ())).await.is_err(), "the client still reads");
    Ok(Paused { client, network, items, pause })
}

#[tokio::test(start_paused = true)]
async fn a_close_and_a_stop_do_not_wait_for_the_end_of_the_pause() -> Result<(), Box<dyn Error>> {
    let Paused { client, items: _items, pause: _pause, .. } = paused(Client::builder()).await?;
    let began = Instant::now();
    client.close(1000, "done");
    assert_eq!((client.closed().await.code, began.elapsed()), (1000, Duration::ZERO));
    let Paused { client, items: _items, pause: _pause, .. } = paused(Client::builder()).await?;
    let began = Instant::now();
    client.stop(60 * SECOND).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_pause_for_the_consumers_of_streams() -> Result<(), Box<dyn Error>> {
    let Paused { client, mut items, pause, .. } = paused(Client::builder()).await?;
    let consuming = tokio::spawn(async move {
        while let Some(Ok(_)) = items.next().await {}
        items
    });
    sleep(SECOND).await;
    assert!(!consuming.is_finished());
    client.stop(SECOND).await;
    drop(timeout(SECOND, consuming).await??);
    // A later pause has no effect.
    let second = client.pause();
    drop(pause);
    drop(second);
    assert_eq!(client.counters(), wswrapper::connection::Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_lost_connection_has_left_does_not_keep_the_next_one_from_reading() -> Result<(), Box<dyn Error>> {
    let login = |peer: wswrapper::Peer| async move { peer.request::<()>("login", ()).await };
    for builder in [Client::builder(), Client::builder().on_open(login)] {
        let Paused { client, network, items: _items, pause: _pause } = paused(builder).await?;
        network.cut();
        timeout(300 * SECOND, opened(&client, 2)).await?;
        client.request::<()>("login", ()).await?;
    }
    Ok(())
}
