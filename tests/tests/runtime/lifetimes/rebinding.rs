//! A client that is rebound while tasks still observe the close of the previous connection.

use futures_util::FutureExt;
use std::error::Error;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{Client, Server, connection::CloseCause};
use wswrapper_tests::{Log, RawPeer, let_others_run, pair};

const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn all_tasks_that_await_the_close_are_notified_although_one_rebinds_at_once() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let (_local, remote) = memory::pair();
    let wait = || {
        let client = client.clone();
        tokio::spawn(async move { client.closed().await })
    };
    let early = wait();
    let binding = tokio::spawn({
        let client = client.clone();
        async move {
            client.closed().await;
            client.rebind(remote).await
        }
    });
    let late = wait();
    let_others_run().await;
    raw.close(4001, "enough").await;
    timeout(LONG, binding).await???;
    for waiting in [early, late] {
        let closed = timeout(LONG, waiting).await??;
        assert_eq!((closed.code, closed.reason.as_str(), closed.cause), (4001, "enough", CloseCause::Remote));
    }
    assert!(client.is_open());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_polled_after_a_rebind_returns_how_its_connection_closed() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let client = &pair.client;
    client.close(4001, "enough");
    let waiting = client.closed();
    client.close(4002, "more than enough");
    timeout(LONG, client.closed()).await?;
    client.close(1000, "");
    let waiting_afterwards = client.closed();
    let (_local, remote) = memory::pair();
    client.rebind(remote).await?;
    for waiting in [waiting, waiting_afterwards] {
        let closed = timeout(LONG, waiting).await?;
        assert_eq!((closed.code, closed.reason.as_str(), closed.cause), (4001, "enough", CloseCause::Local));
    }
    // A task that starts to wait now waits for the next close.
    assert!(client.closed().now_or_never().is_none());
    assert!(client.is_open());
    client.abort_connection();
    let closed = timeout(LONG, client.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1006, CloseCause::Local));
    Ok(())
}

/// Runs a closure inside `wake`, like an executor that polls in place.
struct RunOnWake<F>(Mutex<Option<F>>);

impl<F: FnOnce() + Send + 'static> Wake for RunOnWake<F> {
    fn wake(self: Arc<Self>) {
        let action = self.0.lock().expect("no panic").take();
        if let Some(action) = action {
            action();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn extensions_inserted_after_a_rebind_outlive_the_previous_connection() -> Result<(), Box<dyn Error>> {
    struct Name(&'static str);
    let (raw, client) = RawPeer::accept(Client::builder());
    let (_local, remote) = memory::pair();
    client.peer().extensions().insert(Name("Ada"));
    client.peer().extensions().insert(1_u8);
    let log = Log::default();
    let rebind = {
        let (client, log) = (client.clone(), log.clone());
        move || {
            tokio::spawn(async move {
                let bound = client.rebind(remote).await.is_ok();
                client.peer().extensions().insert(Name("Bob"));
                log.add(format!("bound: {bound}"));
            });
        }
    };
    let waker = Waker::from(Arc::new(RunOnWake(Mutex::new(Some(rebind)))));
    let mut closed = pin!(client.closed());
    assert!(closed.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(raw);
    assert_eq!(log.has(1).await, ["bound: true"]);
    let_others_run().await;
    assert_eq!(client.peer().extensions().get::<Name>().map(|name| name.0), Some("Bob"));
    assert!(client.peer().extensions().get::<u8>().is_none(), "it belonged to the previous connection");
    assert!(client.is_open());
    Ok(())
}
