//! Timeouts of uploads.

use super::{DepotProxy, WatchedSource, depot_server, nothing_is_left};
use futures_util::{FutureExt, Stream, StreamExt, stream};
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, connection::Counters, server::ServerBuilder};
use wswrapper_tests::{Pair, pair, pair_with, until};

fn impatient_pair(server: ServerBuilder) -> Pair {
    pair_with(server, Client::builder().limits(Limits::default().call_timeout(Some(Duration::from_secs(10)))))
}

/// Delays each number by `seconds`.
fn delayed(
    numbers: impl Stream<Item = i64> + Send + 'static,
    seconds: u64,
) -> impl Stream<Item = i64> + Send + 'static {
    let pause = move || sleep(Duration::from_secs(seconds));
    Box::pin(numbers.then(move |n| pause().map(move |()| n)))
}

#[tokio::test(start_paused = true)]
async fn an_explicit_timeout_covers_the_whole_upload() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    let began = Instant::now();
    let source = WatchedSource::default();
    let slow = source.numbers().then(async |n| {
        sleep(Duration::from_millis(400)).await;
        n
    });
    let error = depot.sum(0, Box::pin(slow), "").timeout(Duration::from_secs(3)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(source.polled(), 8);
    service.handlers.becomes(0).await;
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test(start_paused = true)]
async fn an_explicit_timeout_includes_the_opening_of_the_channel() {
    let (service, server) = depot_server();
    let (local, remote) = memory::builder().latency(Duration::from_secs(1)).pair();
    let server = server.build().expect("it can be mounted");
    server.accept_transport(remote).expect("the server is open");
    let client = Client::connect_transport(local).expect("nothing to mount");
    let began = Instant::now();
    let error = DepotProxy::new(&client).wait(stream::empty()).timeout(Duration::from_secs(5)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 5);
    service.handlers.becomes(0).await;
}

#[tokio::test(start_paused = true)]
async fn the_default_timeout_does_not_run_while_the_source_is_pending() -> Result<(), Box<dyn Error>> {
    let (_, server) = depot_server();
    let pair = impatient_pair(server);
    let began = Instant::now();
    let sum = DepotProxy::new(&pair.client).sum(0, delayed(stream::iter(1..=4), 60), "apples").await?;
    assert_eq!((sum.as_str(), began.elapsed().as_secs()), ("10 apples", 240));
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_default_timeout_restarts_with_each_item_that_the_handler_takes() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = impatient_pair(server);
    let began = Instant::now();
    let call = tokio::spawn(DepotProxy::new(&pair.client).slow(1, stream::iter(1..=4)));
    for _ in 0..4 {
        sleep(Duration::from_secs(9)).await;
        service.permits.add_permits(1);
    }
    service.permits.add_permits(1);
    assert_eq!((call.await??, began.elapsed().as_secs()), (4, 36));
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_to_a_handler_that_stops_taking_items_times_out() {
    // After the handler has taken an item, one more is sent ahead.
    for (taken, sent) in [(0, 0), (2, 3)] {
        let (service, server) = depot_server();
        let pair = impatient_pair(server);
        let source = WatchedSource::default();
        service.permits.add_permits(taken);
        let numbers = delayed(source.numbers(), 20);
        let began = Instant::now();
        let error = DepotProxy::new(&pair.client).slow(1, numbers).await;
        assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
        assert_eq!(began.elapsed().as_secs(), 20 * sent + 10, "after {taken}");
        source.alive.becomes(0).await;
        nothing_is_left(&pair).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_default_timeout_of_a_result_starts_after_the_last_item() {
    let (_, server) = depot_server();
    let pair = impatient_pair(server);
    let began = Instant::now();
    let error = DepotProxy::new(&pair.client).let_go(5, delayed(stream::iter(1..=3), 20)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 70);
    nothing_is_left(&pair).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_is_stopped_if_its_result_cannot_be_requested_in_time() {
    let (service, server) = depot_server();
    let (local, remote) = memory::builder().capacity(1).pair();
    let network = remote.control();
    let server = server.build().expect("it can be mounted");
    let peer = server.accept_transport(remote).expect("the server is open");
    let client = Client::builder().limits(Limits::default().max_outbound_bytes(100));
    let client = client.connect_transport(local).expect("nothing to mount");
    let mut call = DepotProxy::new(&client).wait(stream::pending()).timeout(Duration::from_secs(1));
    assert!((&mut call).now_or_never().is_none());
    until(|| client.counters().open_channels == 1).await;
    // The server does not read, and the queue has no capacity for the request.
    network.stall();
    while client.emit("note", ("x".repeat(200),)).now_or_never().is_some() {
        sleep(Duration::from_millis(1)).await;
    }
    assert!(matches!(call.await, Err(CallError::TimedOut)));
    network.resume();
    service.handlers.becomes(0).await;
    until(|| peer.counters() == Counters::default() && client.counters() == Counters::default()).await;
}
