//! Wakers that use the connection when they are woken or dropped, as those of an executor may.

use futures_util::stream;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;
use wswrapper::{Client, Limits, Server, Streaming, Upload, ws_handlers};
use wswrapper_tests::{RawPeer, let_others_run, pair};

/// Locks the state of the connection when it is woken or dropped.
struct Hostile {
    client: Client,
    uses: Arc<AtomicUsize>,
}

impl Hostile {
    fn use_connection(&self) {
        self.client.counters();
        self.uses.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wake for Hostile {
    fn wake(self: Arc<Self>) {
        self.use_connection();
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.use_connection();
    }
}

/// Polls a future as a task that is moved: each time with another waker, which is dropped at once.
fn poll_hostile<F: Future + Unpin>(client: &Client, uses: &Arc<AtomicUsize>, future: &mut F) -> bool {
    (0..3).all(|_| {
        let waker = Waker::from(Arc::new(Hostile { client: client.clone(), uses: Arc::clone(uses) }));
        std::pin::Pin::new(&mut *future).poll(&mut Context::from_waker(&waker)).is_pending()
    })
}

/// Runs a test in a thread of its own, because a dead-lock blocks it.
fn without_dead_lock<F: Future<Output = usize>>(test: impl FnOnce() -> F + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("it starts");
        sender.send(runtime.block_on(test())).expect("the test waits");
    });
    let uses = receiver.recv_timeout(Duration::from_secs(20)).expect("no dead-lock and no panic");
    assert!(uses > 0, "the wakers were dropped or woken");
}

struct Service;

#[ws_handlers]
impl Service {
    pub async fn take(&self, numbers: Upload<u32>) {
        let _numbers = numbers;
        std::future::pending::<()>().await;
    }

    pub fn ticks(&self) -> impl wswrapper::Stream<Item = u32> + Send + use<> {
        stream::pending()
    }
}

#[test]
fn wakers_of_calls_may_use_the_connection() {
    without_dead_lock(|| async {
        let uses = Arc::default();
        let (mut raw, client) = RawPeer::accept(Client::builder().limits(Limits::default().max_calls_in_flight(2)));
        let mut sent = client.request::<u8>("x", ());
        let mut cancelled = client.request::<u8>("x", ());
        let mut waiting = client.request::<u8>("x", ()).wait_for_capacity();
        let mut dropped = client.request::<u8>("x", ()).wait_for_capacity();
        for call in [&mut sent, &mut cancelled, &mut waiting, &mut dropped] {
            assert!(poll_hostile(&client, &uses, call));
        }
        let request = raw.receive().await;
        raw.send(&json!({"i": request["i"], "d": 1}).to_string()).await;
        let_others_run().await;
        drop((cancelled, dropped));
        let_others_run().await;
        assert!(poll_hostile(&client, &uses, &mut waiting));
        assert_eq!(sent.await.expect("it was answered"), 1);
        drop(raw);
        client.closed().await;
        waiting.await.expect_err("the connection is closed");
        uses.load(Ordering::Relaxed)
    });
}

#[test]
fn wakers_of_senders_may_use_the_connection() {
    without_dead_lock(|| async {
        let uses = Arc::default();
        let limits = Limits::default().max_outbound_bytes(20_000);
        let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
        let text = "x".repeat(5_000);
        while timeout(Duration::from_millis(10), client.emit("x", (&text,))).await.is_ok() {}
        let mut first = client.emit("x", ());
        let mut dropped = client.emit("x", ());
        let mut call = client.request::<u8>("x", ());
        assert!(poll_hostile(&client, &uses, &mut first) && poll_hostile(&client, &uses, &mut dropped));
        assert!(poll_hostile(&client, &uses, &mut call));
        drop(dropped);
        let mut flush = Box::pin(client.flush());
        assert!(poll_hostile(&client, &uses, &mut flush));
        while timeout(Duration::from_millis(10), raw.receive()).await.is_ok() {}
        first.await.expect("there is capacity");
        flush.await.expect("all was written");
        let mut last = client.emit("x", ("x".repeat(100_000),));
        while !poll_hostile(&client, &uses, &mut last) {
            last = client.emit("x", ("x".repeat(100_000),));
        }
        drop(raw);
        client.closed().await;
        uses.load(Ordering::Relaxed)
    });
}

#[test]
fn wakers_of_streams_may_use_the_connection() {
    without_dead_lock(|| async {
        let uses = Arc::default();
        let pair = pair(Server::builder().service(Service));
        let service = ServiceProxy::new(&pair.client);
        let mut ticks: Streaming<_, _> = service.ticks().await.expect("it starts");
        let mut dropped = service.ticks().await.expect("it starts");
        let mut upload = service.take(stream::pending());
        assert!(poll_hostile(&pair.client, &uses, &mut upload));
        let_others_run().await;
        assert!(poll_hostile(&pair.client, &uses, &mut upload));
        assert!(poll_hostile(&pair.client, &uses, &mut Box::pin(ticks.next())));
        assert!(poll_hostile(&pair.client, &uses, &mut Box::pin(dropped.next())));
        drop(dropped);
        let_others_run().await;
        pair.client.abort_connection();
        pair.client.closed().await;
        let_others_run().await;
        uses.load(Ordering::Relaxed)
    });
}
