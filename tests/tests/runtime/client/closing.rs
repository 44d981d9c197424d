//! Calls and hooks while a client closes its connection.

use std::error::Error;
use std::future::pending;
use tokio::time::{Instant, sleep};
use wswrapper::client::{ClientBuilder, Reconnect};
use wswrapper::error::SendError;
use wswrapper::{CallError, Client, Limits, Server};
use wswrapper_tests::network::Network;
use wswrapper_tests::{Log, RawPeer, SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn what_may_wait_for_a_connection_is_sent_after_a_restart_and_the_rest_fails() -> Result<(), Box<dyn Error>> {
    let (server, log) = (Server::builder().build()?, Log::default());
    server.on("note", {
        let log = log.clone();
        move |text: String| {
            log.add(text);
            async {}
        }
    })?;
    let network = Network::with(server);
    let client = network.client(Reconnect::default()).await?;
    // The server does not answer the close.
    network.last().stall();
    let restarting = tokio::spawn(client.restart());
    sleep(SECOND).await;
    assert!(!client.is_open());
    let event = client.emit("note", ("lost",)).await;
    assert!(matches!(&event, Err(SendError::Closed(closed)) if closed.code == 1001), "{event:?}");
    let call = client.request::<()>("note", ("lost",)).await;
    assert!(matches!(&call, Err(CallError::NotSent(SendError::Closed(closed))) if closed.code == 1001), "{call:?}");
    assert!(matches!(client.ping().await, Err(SendError::Closed(_))));
    let (event, call) = tokio::join!(
        client.emit("note", ("event",)).queue(60 * SECOND),
        client.request::<()>("note", ("call",)).queue(60 * SECOND),
    );
    event?;
    call?;
    assert_eq!(log.entries(), ["event", "call"]);
    restarting.await??;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn after_a_close_was_requested_calls_and_events_fail_with_it() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    client.emit("before", ()).await?;
    client.close(4000, "enough");
    // The task of the client has not run.
    let event = client.emit("after", ()).await;
    assert!(matches!(&event, Err(SendError::Closed(closed)) if closed.code == 4000), "{event:?}");
    let call = client.request::<()>("after", ()).await;
    assert!(matches!(&call, Err(CallError::NotSent(SendError::Closed(closed))) if closed.reason == "enough"));
    assert_eq!(raw.receive().await["a"][0], "before");
    raw.close(4000, "").await;
    client.closed().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_during_a_close_fails_as_closed_and_is_not_counted_as_left_out() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (raw, peer) = RawPeer::dial(&server);
    peer.close(4000, "enough");
    let delivery = server.broadcast().emit("news", ()).await?;
    assert!(matches!(&delivery.failed[..], [(_, SendError::Closed(_))]), "{delivery:?}");
    assert_eq!(server.status().broadcasts_left_out, 0);
    drop(raw);
    Ok(())
}

/// A client whose `on_close` hook does not return, on a server that answers closes.
async fn hanging(builder: ClientBuilder) -> Result<(Client, Network), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = builder.on_close(|_, _| pending()).connect_with(network.connector()).await?;
    Ok((client, network))
}

#[tokio::test(start_paused = true)]
async fn of_several_stops_the_shortest_counts_also_for_the_hooks() -> Result<(), Box<dyn Error>> {
    let (client, _network) = hanging(Client::builder()).await?;
    let long = tokio::spawn(client.stop(3_600 * SECOND));
    sleep(10 * SECOND).await;
    let began = Instant::now();
    client.stop(2 * SECOND).await;
    assert_eq!(began.elapsed(), 2 * SECOND);
    long.await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_after_a_restart_has_its_own_time() -> Result<(), Box<dyn Error>> {
    let limits = |close_timeout| Limits::default().close_timeout(close_timeout);
    let (client, _network) = hanging(Client::builder().limits(limits(3_600 * SECOND))).await?;
    let restarting = tokio::spawn(client.restart());
    sleep(10 * SECOND).await;
    let began = Instant::now();
    client.stop(2 * SECOND).await;
    assert_eq!(began.elapsed(), 2 * SECOND);
    assert!(restarting.await?.is_err());
    // The hook has the whole time of the stop.
    let (network, log) = (Network::serving(Server::builder()), Log::default());
    let logged = log.clone();
    let client = Client::builder()
        .limits(limits(2 * SECOND))
        .on_close(move |_, _| {
            let log = logged.clone();
            async move {
                sleep(20 * SECOND).await;
                log.add("saved");
            }
        })
        .connect_with(network.connector())
        .await?;
    let restarting = tokio::spawn(client.restart());
    let_others_run().await;
    client.stop(60 * SECOND).await;
    assert_eq!(log.entries(), ["saved"]);
    assert!(restarting.await?.is_err());
    Ok(())
}
