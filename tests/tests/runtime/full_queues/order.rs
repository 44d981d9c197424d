//! The order of events with a treatment, and of what waits beside them.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use tokio::task::{JoinHandle, yield_now};
use wswrapper::call::OnFull;
use wswrapper::connection::Counters;
use wswrapper::transport::memory::{self, Control};
use wswrapper::{Client, Limits, Peer, Server};
use wswrapper_tests::cable::for_each_seed;
use wswrapper_tests::{Log, let_others_run, until};

/// Polls once. Goes on in a task if it is pending.
async fn begin<F: Future + Send + 'static>(future: F) -> JoinHandle<F::Output>
where
    F::Output: Send + 'static,
{
    let mut future = Box::pin(future);
    let mut ready = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            ready = Some(output);
        }
        Poll::Ready(())
    })
    .await;
    match ready {
        Some(output) => tokio::spawn(async move { output }),
        None => tokio::spawn(future),
    }
}

/// All that arrives is in the order in which it was sent, and what is counted is what is missing.
#[test]
fn all_that_is_sent_arrives_in_its_order_or_is_counted() {
    in_order(false);
}

/// The same, but woken senders always run before the next event is sent.
#[test]
fn all_that_is_sent_arrives_in_its_order_if_all_others_run_between() {
    in_order(true);
}

/// Records the numbers of the events and requests that a client gets.
fn recorded(client: &Client) -> Arc<Mutex<Vec<u32>>> {
    let got = Arc::<Mutex<Vec<u32>>>::default();
    for (event, channel) in [("plain", ""), ("price", ""), ("index", ""), ("plain", "c"), ("price", "c")] {
        let got = Arc::clone(&got);
        let handler = move |n: u32, _pad: String| {
            got.lock().unwrap().push(n);
            async {}
        };
        if channel.is_empty() {
            client.on(event, handler).expect("ok");
        } else {
            client.channel(channel).on(event, handler).expect("ok");
        }
    }
    let asked = Arc::clone(&got);
    client
        .on("ask", move |n: u32| {
            asked.lock().unwrap().push(n);
            async move { n }
        })
        .expect("ok");
    got
}

fn in_order(others_run: bool) {
    for_each_seed(0..100, |mut chance| async move {
        let limits = Limits::default().max_outbound_bytes(chance.between(1, 500)).heartbeat_interval(None);
        let server = Server::builder().limits(limits.write_timeout(Duration::from_hours(5))).build().expect("ok");
        let (near, far) = memory::builder().capacity(chance.between(1, 200)).pair();
        let control = near.control();
        let peer = server.accept_transport(far).expect("open");
        let client = Client::connect_transport(near).expect("ok");
        let got = recorded(&client);
        peer.join("r").expect("ok");
        let mut surely = Vec::new();
        let mut newest = std::collections::HashMap::<(bool, &str, Option<&str>), u32>::new();
        let mut tasks = Vec::new();
        let total = 200;
        for n in 0..total {
            let pad = "x".repeat(chance.between(0, 60));
            let event = chance.one_of(&["plain", "price", "index"]);
            let key = chance.one_of(&["a", "b", "c"]);
            let args = (n, pad);
            let kind = chance.between(0, 9);
            match kind {
                0 => peer.emit(event, args).on_full(OnFull::Drop).await.expect("ok"),
                1 => {
                    if peer.emit(event, args).on_full(OnFull::Latest).await.is_ok() {
                        newest.insert((false, event, None), n);
                    }
                }
                2 => {
                    let event = if event == "index" { "plain" } else { event };
                    let sent = peer.channel("c").emit(event, args);
                    if sent.on_full(OnFull::LatestOf(key.into())).await.is_ok() {
                        newest.insert((true, event, Some(key)), n);
                    }
                }
                3 => drop(server.room("r").emit(event, args).await.expect("ok")),
                4 => {
                    if server.room("r").emit(event, args).on_full(OnFull::Latest).await.expect("ok").failed.is_empty() {
                        newest.insert((false, event, None), n);
                    }
                }
                5 => {
                    let event_sent = server.room("r").emit(event, args).on_full(OnFull::LatestOf(key.into()));
                    if event_sent.await.expect("ok").failed.is_empty() {
                        newest.insert((false, event, Some(key)), n);
                    }
                }
                6 => {
                    let task = begin(server.room("r").emit(event, args).on_full(OnFull::Wait)).await;
                    tasks.push(tokio::spawn(async move { assert!(task.await.unwrap().unwrap().failed.is_empty()) }));
                    surely.push(n);
                }
                7 => {
                    let task = begin(peer.emit(event, args)).await;
                    tasks.push(tokio::spawn(async move { task.await.unwrap().unwrap() }));
                    surely.push(n);
                }
                8 => {
                    let task = begin(peer.request::<u32>("ask", (n,)).timeout(Duration::from_hours(3))).await;
                    tasks.push(tokio::spawn(async move { assert_eq!(task.await.unwrap().unwrap(), n) }));
                    surely.push(n);
                }
                _ => {
                    // Started and dropped.
                    let mut event = pin!(peer.emit(event, args));
                    let sent = poll_fn(|cx| Poll::Ready(event.as_mut().poll(cx).is_ready())).await;
                    if sent {
                        surely.push(n);
                    }
                }
            }
            match chance.between(0, 5) {
                0 => control.stall(),
                1 => control.resume(),
                2 => {
                    for _ in 0..chance.between(1, 10) {
                        yield_now().await;
                    }
                }
                _ => {}
            }
            if chance.one_in(2) || others_run {
                let_others_run().await;
            }
        }
        control.resume();
        for task in tasks {
            task.await.expect("it succeeds");
        }
        until(|| peer.counters() == Counters::default()).await;
        let_others_run().await;
        let got = got.lock().unwrap().clone();
        assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "out of order: {got:?}");
        for n in surely.into_iter().chain(newest.into_values()) {
            assert!(got.binary_search(&n).is_ok(), "{n} is lost: {got:?}");
        }
        let status = server.status();
        assert_eq!((status.queued_bytes, status.buffered_bytes), (0, 0));
        client.close(1000, "");
        client.closed().await;
        peer.closed().await;
        assert!(server.rooms().is_empty());
    });
}

/// Connects a client that reads nothing, and fills the queue of its peer.
async fn full(server: &Server, client: impl FnOnce(&Client)) -> (Client, Peer, Control) {
    let (near, far) = memory::builder().capacity(100).pair();
    let control = near.control();
    let peer = server.accept_transport(far).expect("the server is open");
    let connected = Client::connect_transport(near).expect("nothing is mounted");
    client(&connected);
    control.stall();
    for _ in 0..50 {
        peer.emit("fill", ("x".repeat(100),)).on_full(OnFull::Drop).await.expect("the connection is open");
        yield_now().await;
    }
    (connected, peer, control)
}

/// A newest event is sent after all that was sent to the peer before it, also if other tasks send meanwhile.
#[tokio::test(start_paused = true)]
async fn a_newest_event_does_not_overtake_a_sender_that_has_waited_longer() -> Result<(), Box<dyn Error>> {
    let mut overtaken = Vec::new();
    for turns in 0..10 {
        let limits = Limits::default().max_outbound_bytes(300).heartbeat_interval(None);
        let server = Server::builder().limits(limits).build()?;
        let log = Log::default();
        let (_client, peer, control) = full(&server, |client| {
            for event in ["first", "newest"] {
                client.on(event, log.handler()).expect("a valid name");
            }
        })
        .await;
        // It waits for capacity.
        let first = begin(peer.emit("first", ("first",))).await;
        let_others_run().await;
        assert!(!first.is_finished());
        // Sent after it, so it should arrive after it.
        peer.emit("newest", ("newest",)).on_full(OnFull::Latest).await?;
        assert!(!first.is_finished());
        // Another task sends events now and then, two at a time.
        let other = tokio::spawn({
            let peer = peer.clone();
            async move {
                loop {
                    for _ in 0..2 {
                        peer.emit("moved", ()).on_full(OnFull::Drop).await.expect("open");
                    }
                    for _ in 0..=turns {
                        run_again().await;
                    }
                }
            }
        });
        let_others_run().await;
        control.resume();
        let_others_run().await;
        first.await??;
        let_others_run().await;
        other.abort();
        let log = log.entries();
        assert_eq!(log.len(), 2);
        if log[0] == "newest" {
            overtaken.push(turns);
        }
    }
    assert!(overtaken.is_empty(), "overtaken after {overtaken:?} turns");
    Ok(())
}

/// Lets the tasks that are ready run, and then this one.
async fn run_again() {
    let mut is_first = true;
    poll_fn(|cx| {
        if std::mem::take(&mut is_first) {
            cx.waker().wake_by_ref();
            Poll::Pending
        } else {
            Poll::Ready(())
        }
    })
    .await;
}

/// Other tasks that send without end do not keep a sender waiting that was there first.
#[tokio::test(start_paused = true)]
async fn a_sender_that_waits_is_not_overtaken_without_end() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_outbound_bytes(300).heartbeat_interval(None);
    let server = Server::builder().limits(limits).build()?;
    let seen = Log::default();
    let (_client, peer, control) =
        full(&server, |client| client.on("state", seen.handler()).expect("a valid name")).await;
    let first = begin(peer.emit("first", ())).await;
    let_others_run().await;
    let other = tokio::spawn({
        let server = server.clone();
        async move {
            loop {
                for n in 0..20 {
                    let event = server.broadcast().emit("state", ("y".repeat(50),));
                    event.on_full(OnFull::LatestOf(format!("{n}"))).await.expect("ok");
                }
                run_again().await;
            }
        }
    });
    let_others_run().await;
    control.resume();
    let mut turns = 0;
    while !first.is_finished() && turns < 3_000 {
        yield_now().await;
        turns += 1;
    }
    other.abort();
    assert!(
        first.is_finished() && seen.entries().len() < 100,
        "{} later events were received before it",
        seen.entries().len()
    );
    Ok(())
}
