//! The order of the `on_close` hook and of those who wait for the close.

use futures_util::FutureExt;
use std::error::Error;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::transport::memory;
use wswrapper::{Client, Server, client::ClientBuilder};
use wswrapper_tests::{Log, let_others_run, pair, pair_with};

const LONG: Duration = Duration::from_hours(1);

struct Name(&'static str);

/// Logs the start and the end of a slow `on_close` hook, and what is stored with the connection.
macro_rules! slow_close {
    ($builder:expr, $log:expr) => {{
        let log = $log.clone();
        $builder.on_close(move |peer, closed| {
            let log = log.clone();
            async move {
                assert_eq!(peer.close_info(), Some(closed));
                sleep(Duration::from_secs(1)).await;
                log.add(format!("closed {}", peer.extensions().get::<Name>().map_or("nobody", |name| name.0)));
            }
        })
    }};
}

#[tokio::test(start_paused = true)]
async fn stored_values_are_there_in_on_close_and_gone_afterwards() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = pair(slow_close!(Server::builder(), log));
    pair.peer.extensions().insert(Name("Ada"));
    pair.client.close(1000, "");
    pair.client.closed().await;
    timeout(LONG, pair.peer.closed()).await?;
    assert_eq!(log.entries(), ["closed Ada"]);
    assert!(pair.peer.extensions().get::<Name>().is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_close_waits_for_on_close() -> Result<(), Box<dyn Error>> {
    for kind in ["close", "closed", "abort", "server"] {
        let log = Log::default();
        let pair = pair(slow_close!(Server::builder(), log));
        match kind {
            "close" => {
                pair.peer.close(1000, "");
                timeout(LONG, pair.peer.closed()).await?;
            }
            "closed" => {
                pair.client.abort_connection();
                pair.client.closed().await;
                timeout(LONG, pair.peer.closed()).await?;
            }
            "abort" => {
                pair.peer.abort_connection();
                timeout(LONG, pair.peer.closed()).await?;
            }
            _ => {
                pair.server.close();
                timeout(LONG, pair.server.closed()).await?;
            }
        }
        assert_eq!(log.entries(), ["closed nobody"], "{kind}");
    }
    Ok(())
}

fn logging_client(log: &Log) -> ClientBuilder {
    let opens = log.clone();
    slow_close!(Client::builder(), log).on_open(move |peer| {
        opens.add(format!("open {}", peer.extensions().get::<Name>().map_or("nobody", |name| name.0)));
        async {}
    })
}

#[tokio::test(start_paused = true)]
async fn a_client_is_bound_again_after_on_close_and_before_on_open() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let pair = pair_with(Server::builder(), logging_client(&log));
    let client = &pair.client;
    client.peer().extensions().insert(Name("Ada"));
    let_others_run().await;
    pair.peer.abort_connection();
    let_others_run().await;
    // The hook runs.
    assert!(!client.is_open() && client.close_info().is_some());
    let (local, _remote) = memory::pair();
    let mut binding = pin!(client.rebind(local));
    assert!(binding.as_mut().now_or_never().is_none());
    let_others_run().await;
    assert!(client.closed().now_or_never().is_none());
    timeout(LONG, binding).await??;
    assert_eq!(log.has(3).await, ["open Ada", "closed Ada", "open nobody"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_on_close_is_cancelled_is_closed() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().on_close(|_, _| pending()));
    pair.peer.extensions().insert(Name("Ada"));
    pair.client.close(1000, "");
    pair.client.closed().await;
    let_others_run().await;
    assert!(pair.peer.closed().now_or_never().is_none());
    // It gives up on the hook.
    pair.server.close();
    timeout(LONG, pair.server.closed()).await?;
    assert_eq!(pair.peer.closed().await.code, 1000);
    assert!(pair.peer.extensions().get::<Name>().is_none());
    Ok(())
}

#[tokio::test]
async fn a_panicking_on_close_ends_the_wait() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().on_close(|_, _| async { panic!("in on_close") }));
    pair.client.close(1000, "");
    pair.client.closed().await;
    assert_eq!(pair.peer.closed().await.code, 1000);
    Ok(())
}

#[test]
fn closing_a_server_outside_a_runtime_panics_and_leaves_it_open() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    assert!(catch_unwind(AssertUnwindSafe(|| server.close())).is_err());
    assert!(!server.is_closing());
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        server.close();
        server.closed().await;
    });
    assert!(server.is_closing());
    Ok(())
}
