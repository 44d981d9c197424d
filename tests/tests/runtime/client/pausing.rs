//! Pauses of clients.

use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::client::{Pause, Reconnect};
use wswrapper::connection::{CloseCause, Counters};
use wswrapper::{
    AnonymousChannel, CallError, Client, Context, Limits, Server, Stream, Streaming, Upload, ws_handlers, ws_service,
};
use wswrapper_tests::network::{Network, only_peer, opened};
use wswrapper_tests::{Alive, Log, Pair, RawPeer, SECOND, let_others_run, nothing_is_left, pair, pair_with, until};

#[tokio::test(start_paused = true)]
async fn events_and_requests_are_held_and_handed_over_in_their_order() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let log = Log::default();
    pair.client.on("note", log.handler())?;
    let logged = log.clone();
    pair.client.on("ask", move |text: String| {
        logged.add(text.clone());
        async move { text }
    })?;
    pair.peer.emit("note", ("before",)).await?;
    let_others_run().await;
    let pause = pair.client.pause();
    let mut asking = Vec::new();
    for n in 0..5 {
        pair.peer.emit("note", (format!("event {n}"),)).await?;
        asking.push(tokio::spawn(pair.peer.request::<String>("ask", (format!("request {n}"),))));
        let_others_run().await;
    }
    sleep(SECOND).await;
    assert_eq!(log.entries(), ["before"]);
    // The client sends and receives, and a call that is cancelled is not handed over.
    asking.remove(3).abort();
    assert!(matches!(pair.client.request::<()>("unknown", ()).await, Err(CallError::Handler(_))));
    pair.client.ping().await?;
    let second = pair.client.pause();
    drop(pause);
    let_others_run().await;
    assert_eq!(log.entries(), ["before"]);
    drop(second);
    for (asked, n) in asking.into_iter().zip([0, 1, 2, 4]) {
        assert_eq!(asked.await??, format!("request {n}"));
    }
    let expected = [
        "before",
        "event 0",
        "request 0",
        "event 1",
        "request 1",
        "event 2",
        "request 2",
        "event 3",
        "event 4",
        "request 4",
    ];
    assert_eq!(log.entries(), expected);
    nothing_is_left(&pair).await;
    Ok(())
}

#[ws_service(channel = "source")]
trait Source {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<u32>) -> u32;
}

struct Numbers;

#[ws_handlers]
impl Source for Numbers {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        futures_util::stream::iter(0..to)
    }

    async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }
}

#[tokio::test(start_paused = true)]
async fn items_of_streams_are_held_also_those_that_wait_in_the_consumer() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().service(Numbers));
    let mut items = SourceProxy::new(&pair.client).count(1_000).await?;
    // The consumer takes several items out of its inbox at once.
    assert_eq!(items.next().await.transpose()?, Some(0));
    for first in [1, 2, 3] {
        let pause = pair.client.pause();
        assert!(timeout(SECOND, items.next()).await.is_err());
        drop(pause);
        assert_eq!(items.next().await.transpose()?, Some(first));
    }
    let pause = pair.client.pause();
    let mut fresh = SourceProxy::new(&pair.client).count(3).await?;
    assert!(timeout(SECOND, fresh.next()).await.is_err());
    let reading = tokio::spawn(async move { fresh.next().await });
    let_others_run().await;
    std::thread::spawn(move || drop(pause)).join().expect("no panic");
    assert_eq!(reading.await?.transpose()?, Some(0));
    let mut next = 4;
    while let Some(item) = items.next().await.transpose()? {
        assert_eq!(item, next);
        next += 1;
    }
    assert_eq!(next, 1_000);
    drop(items);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_of_uploads_to_a_paused_client_are_held() -> Result<(), Box<dyn Error>> {
    let pair = pair_with(Server::builder(), Client::builder().service(Numbers));
    let (sender, receiver) = tokio::sync::mpsc::channel(8);
    let numbers = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let number: u32 = receiver.recv().await?;
        Some((number, receiver))
    });
    let sum = tokio::spawn(SourceProxy::new(&pair.peer).sum(numbers));
    sender.send(1).await?;
    let_others_run().await;
    let pause = pair.client.pause();
    sender.send(2).await?;
    drop(sender);
    sleep(SECOND).await;
    assert!(!sum.is_finished());
    drop(pause);
    assert_eq!(sum.await??, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_on_anonymous_channels_are_held() -> Result<(), Box<dyn Error>> {
    let Pair { client, server, .. } = pair(Server::builder());
    let (opened, mut channels) = tokio::sync::mpsc::unbounded_channel();
    server.on("channel", move |ctx: Context| {
        let channel = ctx.open_channel();
        opened.send(channel.clone()).expect("the test waits");
        async move { channel }
    })?;
    let logged = Log::default();
    let call = client.request::<AnonymousChannel>("channel", ()).on("note", logged.handler())?;
    let _channel = call.await?;
    let remote = channels.recv().await.expect("it is open");
    let pause = client.pause();
    remote.emit("note", ("held",)).await?;
    sleep(SECOND).await;
    assert_eq!(logged.entries().len(), 0);
    drop(pause);
    assert_eq!(logged.has(1).await, ["held"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_paused_client_stops_reading_at_its_limit_and_goes_on_after_the_pause() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_held_bytes(4_096).heartbeat_interval(None);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let handled = Arc::<AtomicUsize>::default();
    let counted = Arc::clone(&handled);
    client.on("note", move |_: String| {
        counted.fetch_add(1, Ordering::Relaxed);
        async {}
    })?;
    let pause = client.pause();
    let note = json!({"a": ["note", "x".repeat(1_000)]}).to_string();
    let mut sent = 0;
    // The transport fills when nobody reads.
    while timeout(SECOND, raw.send(&note)).await.is_ok() {
        sent += 1;
        assert!(sent < 10_000, "the client still reads");
    }
    assert_eq!(handled.load(Ordering::Relaxed), 0);
    let held = client.counters().buffered_bytes;
    assert!((4_096..16_384).contains(&held), "{held}");
    drop(pause);
    until(|| handled.load(Ordering::Relaxed) >= sent).await;
    assert_eq!(client.counters(), Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_is_too_long_for_the_server_ends_in_a_reconnect() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let limits = Limits::default().max_held_bytes(64 * 1024);
    let client =
        Client::builder().limits(limits).reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    let log = Log::default();
    client.on("note", log.handler())?;
    let pause = client.pause();
    let flooding = tokio::spawn({
        let peer = only_peer(&server);
        async move { while peer.emit("note", ("x".repeat(1_000),)).await.is_ok() {} }
    });
    let (began, handed) = (Instant::now(), log.entries().len());
    let peer = only_peer(&server);
    assert_eq!(peer.closed().await.cause, CloseCause::Unread);
    let elapsed = began.elapsed();
    assert!((29 * SECOND..32 * SECOND).contains(&elapsed), "{elapsed:?}");
    // The client notices although it does not read, and the pause holds for the next connection.
    opened(&client, 2).await;
    assert!(began.elapsed() < 90 * SECOND, "{:?}", began.elapsed());
    flooding.await?;
    let peer = only_peer(&server);
    peer.emit("note", ("of the second connection",)).await?;
    sleep(SECOND).await;
    assert!(client.counters().buffered_bytes < 128 * 1024);
    assert_eq!(log.entries().len(), handed);
    drop(pause);
    let entries = log.has(handed + 1).await;
    assert_eq!(entries[handed..], ["of the second connection"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_pause_does_not_keep_the_client() -> Result<(), Box<dyn Error>> {
    let Pair { client, peer, server: _server } = pair(Server::builder());
    let pause: Pause = client.pause();
    drop(client);
    assert_eq!(peer.closed().await.code, 1000);
    drop(pause);
    Ok(())
}

/// A consumer and the end of a pause race in two threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_wake_up_is_lost_at_the_end_of_a_pause() -> Result<(), Box<dyn Error>> {
    const ITEMS: u32 = 20_000;
    let pair = pair(Server::builder().service(Numbers));
    let mut items: Streaming<u32> = SourceProxy::new(&pair.client).count(ITEMS).await?;
    let client = pair.client.clone();
    let pausing = tokio::spawn(async move {
        loop {
            let pause = client.pause();
            tokio::task::yield_now().await;
            drop(pause);
            tokio::task::yield_now().await;
        }
    });
    let mut next = 0;
    while let Some(item) = timeout(20 * SECOND, items.next()).await?.transpose()? {
        assert_eq!(item, next);
        next += 1;
    }
    assert_eq!(next, ITEMS);
    pausing.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn handlers_run_one_after_the_other_with_a_limit_of_one() -> Result<(), Box<dyn Error>> {
    let limits = || Limits::default().max_handlers_in_flight(1);
    let pair = pair_with(Server::builder().limits(limits()), Client::builder().limits(limits()));
    let log = Log::default();
    let (logged, client) = (log.clone(), pair.client.clone());
    // Each handler calls the other endpoint, whose handler runs meanwhile.
    pair.peer.on("outer", {
        let peer = pair.peer.clone();
        move |n: u64| {
            let (peer, log) = (peer.clone(), logged.clone());
            async move {
                log.add(format!("begins {n}"));
                sleep(Duration::from_millis(10 - n)).await;
                let answer = peer.request::<u64>("inner", (n,)).await.map_err(|error| error.to_string());
                log.add(format!("ends {n}"));
                answer
            }
        }
    })?;
    pair.client.on("inner", |n: u64| async move {
        sleep(Duration::from_millis(1)).await;
        n
    })?;
    let calls: Vec<_> = (0..5).map(|n| tokio::spawn(client.request::<u64>("outer", (n,)))).collect();
    let inner: Vec<_> = (10..15).map(|n| tokio::spawn(pair.peer.request::<u64>("inner", (n,)))).collect();
    for (n, call) in (0..5).zip(calls) {
        assert_eq!(timeout(60 * SECOND, call).await???, n);
    }
    for (n, call) in (10..15).zip(inner) {
        assert_eq!(timeout(60 * SECOND, call).await???, n);
    }
    let expected: Vec<_> = (0..5).flat_map(|n| [format!("begins {n}"), format!("ends {n}")]).collect();
    assert_eq!(log.entries(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn cancellations_and_credit_are_read_while_the_only_handler_runs() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_handlers_in_flight(1);
    let pair = pair(Server::builder().service(Numbers).limits(limits));
    let dropped = Alive::default();
    let alive = dropped.clone();
    pair.server.on("never", move || {
        let guard = alive.guard();
        async move {
            let _guard = guard;
            std::future::pending::<()>().await;
        }
    })?;
    let mut items = SourceProxy::new(&pair.client).count(500).await?;
    let never = tokio::spawn(pair.client.request::<()>("never", ()));
    dropped.becomes(1).await;
    let mut count = 0;
    while items.next().await.transpose()?.is_some() {
        count += 1;
    }
    assert_eq!(count, 500);
    never.abort();
    dropped.becomes(0).await;
    Ok(())
}
