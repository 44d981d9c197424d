//! Clients of a server that drains.

use serde_json::json;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::Reconnect;
use wswrapper::error::SendError;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{CallError, Client, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Log, RawPeer, SECOND, let_others_run};

#[ws_service(channel = "ticker")]
trait Ticker {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send;
}

#[derive(Clone)]
struct Clock(History<u64>);

#[ws_handlers]
impl Ticker for Clock {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }
}

/// A server with a ticker, and a handler that logs its texts.
fn server(clock: &Clock, log: &Log) -> Result<Server, Box<dyn Error>> {
    let server = Server::builder().service(clock.clone()).build()?;
    server.on("note", log.handler())?;
    server.on("slow", || sleep(5 * SECOND))?;
    Ok(server)
}

#[tokio::test(start_paused = true)]
async fn what_may_wait_is_sent_to_the_next_server_and_a_resumable_stream_goes_on_there() -> Result<(), Box<dyn Error>> {
    let (clock, log) = (Clock(History::new()), Log::default());
    let (first, second) = (server(&clock, &log)?, server(&clock, &log)?);
    let network = Network::with(first.clone());
    let client = network.client(Reconnect::default()).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    let reading = tokio::spawn(async move {
        let mut events = Vec::new();
        while let Some(event) = ticks.next().await {
            events.push(event);
            if events.len() == 3 {
                break;
            }
        }
        events
    });
    let_others_run().await;
    clock.0.push(1);
    let slow = tokio::spawn(client.request::<()>("slow", ()));
    let_others_run().await;
    let began = Instant::now();
    network.set_server(Some(second));
    let draining = tokio::spawn(first.shutdown(60 * SECOND));
    let_others_run().await;
    let rejected = client.request::<()>("note", ("rejected",)).await.expect_err("it drains");
    assert_eq!(rejected.to_string(), "the server is about to close");
    // The stream does not hold up the drain, and its call waits with the others.
    let (queued, again) = tokio::join!(
        client.request::<()>("note", ("queued",)).queue(60 * SECOND),
        client.request::<()>("note", ("idempotent",)).idempotent(),
    );
    queued?;
    again?;
    slow.await??;
    draining.await?;
    assert!((5..8).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    let mut entries = log.entries();
    entries.sort();
    assert_eq!(entries, ["idempotent", "queued"]);
    clock.0.push(2);
    let events = reading.await?;
    assert!(
        matches!(
            &events[..],
            [Ok(StreamEvent::Item(1)), Ok(StreamEvent::Seam(Seam::Resumed)), Ok(StreamEvent::Item(2))]
        ),
        "{events:?}"
    );
    opened(&client, 2).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_connect_again_is_told() -> Result<(), Box<dyn Error>> {
    let (clock, log) = (Clock(History::new()), Log::default());
    let server = server(&clock, &log)?;
    let network = Network::with(server.clone());
    let client = Client::builder().connect_with(network.connector()).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    let slow = tokio::spawn(client.request::<()>("slow", ()));
    let_others_run().await;
    let draining = tokio::spawn(server.shutdown(60 * SECOND));
    let ended = ticks.next().await;
    assert!(matches!(&ended, Some(Err(CallError::Rejected(rejection))) if rejection.code() == Some("ws:Draining")));
    let again = client.request::<()>("note", ("x",)).idempotent().await;
    assert_eq!(again.expect_err("there is no next connection").to_string(), "the server is about to close");
    // The program may connect it.
    let waited = client.request::<()>("note", ("x",)).queue(2 * SECOND).await;
    assert!(matches!(waited, Err(CallError::NotSent(SendError::Closed(_)))), "{waited:?}");
    slow.await??;
    draining.await?;
    assert_eq!(log.entries(), [""; 0]);
    Ok(())
}

/// Uploads go on during a drain, so their second request is not held with the calls for the next connection.
#[tokio::test(start_paused = true)]
async fn plain_calls_are_still_sent_while_others_wait_for_the_next_connection() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let queued = tokio::spawn(client.request::<u32>("queued", ()).queue(60 * SECOND));
    let id = raw.receive().await["i"].clone();
    let draining = json!({"i": id, "e": {"message": "closing", "code": "ws:Draining"}, "_": 1});
    raw.send(&draining.to_string()).await;
    let_others_run().await;
    let plain = tokio::spawn(client.request::<u32>("plain", ()));
    let frame = raw.receive().await;
    assert_eq!(frame["a"], json!(["plain"]));
    raw.send(&json!({"i": frame["i"], "d": 1}).to_string()).await;
    assert_eq!(plain.await??, 1);
    client.emit("event", ()).await?;
    assert_eq!(raw.receive().await["a"], json!(["event"]));
    raw.silence().await;
    drop(raw);
    client.closed().await;
    let mut raw = RawPeer::rebind(&client).await?;
    let frame = raw.receive().await;
    assert_eq!(frame["a"], json!(["queued"]));
    raw.send(&json!({"i": frame["i"], "d": 2}).to_string()).await;
    assert_eq!(queued.await??, 2);
    Ok(())
}

/// A peer that rejects each call in this way does not keep a client busy.
#[tokio::test(start_paused = true)]
async fn a_queued_call_is_sent_once_on_each_connection() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let began = Instant::now();
    let queued = tokio::spawn(client.request::<u32>("queued", ()).queue(10 * SECOND));
    for _ in 0..3 {
        let id = raw.receive().await["i"].clone();
        let draining = json!({"i": id, "e": {"message": "closing", "code": "ws:Draining"}, "_": 1});
        raw.send(&draining.to_string()).await;
        raw.silence().await;
        drop(raw);
        client.closed().await;
        raw = RawPeer::rebind(&client).await?;
    }
    raw.receive().await;
    drop(raw);
    assert!(matches!(queued.await?, Err(CallError::Closed(_))));
    assert!(began.elapsed() < Duration::from_secs(10));
    Ok(())
}
