//! Calls and hooks while a client closes its connection.

use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::{ClientBuilder, Reconnect};
use wswrapper::error::SendError;
use wswrapper::transport::memory;
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
    assert_eq!(server.status().events_left_out, 0);
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

/// A flush behind a call that waits for capacity.
#[tokio::test(start_paused = true)]
async fn a_flush_after_a_close_waits_for_the_events_before() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_calls_in_flight(1);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let calls: Vec<_> = (0..2).map(|n| tokio::spawn(client.request::<()>("x", (n,)).wait_for_capacity())).collect();
    let_others_run().await;
    let before = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    client.emit("note", ()).await?;
    client.close(1000, "");
    client.flush().await?;
    before.await??;
    assert_eq!((raw.receive().await["a"][0].clone(), raw.receive().await["a"][0].clone()), ("x".into(), "note".into()));
    drop(raw);
    for call in calls {
        assert!(call.await?.is_err());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn senders_that_wait_for_capacity_fail_at_once() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().limits(Limits::default().max_outbound_bytes(2_000)).build()?;
    let (near, _far) = memory::builder().capacity(1_000).pair();
    client.rebind(near).await?;
    let filling: Vec<_> = (0..6)
        .map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.emit("fill", (n, "x".repeat(900))).await })
        })
        .collect();
    let_others_run().await;
    let began = Instant::now();
    client.close(4000, "enough");
    let mut failed = 0;
    for sent in filling {
        failed += usize::from(matches!(sent.await?, Err(SendError::Closed(closed)) if closed.code == 4000));
    }
    assert!(failed > 0);
    assert_eq!(began.elapsed(), Duration::ZERO);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn flushes_during_a_close_do_not_fill_the_queue() -> Result<(), Box<dyn Error>> {
    let network = Network::with(Server::builder().build()?);
    let limits = Limits::default().max_queued_calls(4);
    let builder = Client::builder().limits(limits).reconnect(Reconnect::default());
    let client = builder.connect_with(network.connector()).await?;
    network.last().stall();
    let restarting = tokio::spawn(client.restart());
    sleep(SECOND / 10).await;
    let mut waiting = Vec::new();
    for n in 0..4 {
        let mut event = Box::pin(client.emit("x", (n,)).queue(60 * SECOND));
        assert!(futures_util::FutureExt::now_or_never(&mut event).is_none(), "event {n}");
        waiting.push(event);
        let _ = futures_util::FutureExt::now_or_never(client.flush());
    }
    restarting.await??;
    for event in waiting {
        event.await?;
    }
    Ok(())
}
