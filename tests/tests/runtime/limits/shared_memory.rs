//! Uploads while the connections of a server hold as much as they may.

use futures_util::stream;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Peer, Server, Upload, error::Rejection, ws_handlers};
use wswrapper_tests::until;

#[derive(Clone)]
struct Store {
    gate: Arc<Semaphore>,
}

#[ws_handlers]
impl Store {
    /// Counts the bytes of an upload, slowly.
    pub async fn count(&self, mut texts: Upload<String>) -> Result<usize, Rejection> {
        let mut bytes = 0;
        while let Some(text) = texts.next().await {
            bytes += text.map_err(Rejection::from_display)?.len();
            yield_now().await;
        }
        Ok(bytes)
    }

    /// Takes one item, and keeps the others.
    pub async fn keep(&self, mut texts: Upload<String>) -> Result<usize, Rejection> {
        let first = texts.next().await;
        self.gate.acquire().await.map_err(Rejection::from_display)?.forget();
        Ok(first.map_or(0, |text| text.map_or(0, |text| text.len())))
    }
}

fn server(limits: Limits) -> (Store, Server) {
    let store = Store { gate: Arc::new(Semaphore::new(0)) };
    let server = Server::builder().limits(limits).service(store.clone()).build().expect("it can be mounted");
    (store, server)
}

fn connect(server: &Server) -> (Client, Peer) {
    let (local, remote) = memory::pair();
    let peer = server.accept_transport(remote).expect("the server is open");
    (Client::connect_transport(local).expect("nothing to mount"), peer)
}

fn texts(count: usize, bytes: usize) -> impl stream::Stream<Item = String> + Send + Unpin + 'static {
    stream::iter((0..count).map(move |_| "x".repeat(bytes)))
}

/// Uploads until the call is accepted. Returns the number of uploads that were rejected.
async fn upload(client: &Client, count: usize) -> usize {
    let proxy = StoreProxy::new(client);
    for rejected in 0.. {
        match proxy.count(texts(count, 1_000)).await {
            Ok(bytes) => {
                assert_eq!(bytes, count * 1_000);
                return rejected;
            }
            Err(CallError::Rejected(rejection) | CallError::Handler(rejection)) => {
                assert_eq!(rejection.code(), Some("ws:TooMany"));
                sleep(Duration::from_millis(1)).await;
            }
            Err(other) => panic!("{other}"),
        }
    }
    unreachable!("the upload is accepted some time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn uploads_that_together_exceed_the_memory_all_complete() {
    let limits = Limits::default().max_buffered_bytes(50_000);
    let (_, server) = server(limits);
    let uploads = (0..20).map(|_| {
        let (client, _) = connect(&server);
        tokio::spawn(async move { upload(&client, 2_000).await })
    });
    for upload in uploads.collect::<Vec<_>>() {
        timeout(Duration::from_mins(1), upload).await.expect("no upload waits for ever").expect("no panic");
    }
    until(|| server.buffered_bytes() == 0).await;
}

#[tokio::test]
async fn an_upload_that_its_handler_keeps_counts_until_the_handler_returns() {
    let (store, server) = server(Limits::default().max_buffered_bytes(40_000));
    let ((greedy, peer), (other, _)) = (connect(&server), connect(&server));
    let kept = tokio::spawn(StoreProxy::new(&greedy).keep(texts(8, 7_500)));
    until(|| server.buffered_bytes() > 52_000).await;
    assert_eq!(peer.counters().buffered_bytes, server.buffered_bytes());
    let refused = StoreProxy::new(&other).count(texts(1, 1_000)).await.expect_err("memory is short");
    assert!(refused.to_string().contains("too much unfinished work is waiting"), "{refused}");
    store.gate.add_permits(1);
    assert_eq!(kept.await.expect("no panic").expect("a result"), 7_500);
    until(|| server.buffered_bytes() == 0).await;
    assert_eq!(upload(&other, 100).await, 0);
}
