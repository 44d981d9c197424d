//! Connections that are lost while their `on_open` hook runs, and what the next one takes over.

use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::error::ConnectError;
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Limits, Peer, Server};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{RawPeer, SECOND, let_others_run, rebinding};

#[tokio::test(start_paused = true)]
async fn first_attempts_are_repeated_after_a_close_during_the_hook() -> Result<(), Box<dyn Error>> {
    let logins = Arc::<AtomicUsize>::default();
    let (server, count) = (Server::builder().build()?, Arc::clone(&logins));
    server.on("login", move |ctx: Context| {
        let is_lost = count.fetch_add(1, Ordering::Relaxed) < 2;
        async move {
            if is_lost {
                ctx.peer().abort_connection();
                std::future::pending::<()>().await;
            }
        }
    })?;
    let network = Network::with(server);
    let client = Client::builder()
        .reconnect(Reconnect::default().first_connect(true))
        .on_open(|peer| async move { peer.request::<()>("login", ()).await })
        .connect_with(network.connector())
        .await?;
    assert_eq!((client.peer().epoch(), logins.load(Ordering::Relaxed)), (3, 3));
    Ok(())
}

/// Fills the queue of a peer that reads nothing, in tasks of their own.
fn fill(peer: &Peer, bytes: usize) {
    for _ in 0..5 {
        let peer = peer.clone();
        tokio::spawn(async move { peer.emit("fill", ("x".repeat(bytes),)).await });
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_a_hook_has_queued_do_not_pass_the_next_hook() -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .limits(Limits::default().max_outbound_bytes(1_000))
        .on_open(|peer| async move {
            if peer.epoch() == 1 {
                fill(&peer, 2_000);
                let leftover = peer.clone();
                tokio::spawn(async move {
                    let_others_run().await;
                    leftover.emit("leftover", ()).queue(600 * SECOND).await
                });
                std::future::pending::<()>().await;
            }
            peer.request::<()>("login", ()).await
        })
        .build()?;
    for epoch in 1..=2 {
        let (near, far) = memory::builder().capacity(1_000).pair();
        let binding = rebinding(&client, near);
        if epoch == 1 {
            sleep(SECOND).await;
            drop(far);
            assert!(binding.await?.is_err());
            client.closed().await;
        } else {
            assert_eq!(RawPeer::on(far).receive().await["a"], json!(["login"]));
            binding.abort();
        }
    }
    Ok(())
}

/// On the clock of the system, because two tasks that wake each other do not let a paused clock go on.
#[tokio::test]
async fn a_sender_of_an_earlier_hook_does_not_block_the_next_hook() -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .limits(Limits::default().max_outbound_bytes(1_000).close_timeout(Duration::from_millis(100)))
        .on_open(|peer| async move {
            if peer.epoch() == 1 {
                fill(&peer, 200_000);
                std::future::pending::<()>().await;
            }
            peer.request::<()>("login", ()).await?;
            peer.request::<()>("ready", ()).await
        })
        .build()?;
    let (near, _far) = memory::builder().capacity(1_000).pair();
    let first = client.clone();
    tokio::spawn(async move { first.rebind(near).await });
    sleep(Duration::from_millis(100)).await;
    let (near, far) = memory::pair();
    let binding = tokio::spawn(async move { client.rebind(near).await });
    let answering = async {
        let mut raw = RawPeer::on(far);
        loop {
            let frame = raw.receive().await;
            if frame["i"].is_u64() {
                raw.send(&json!({"i": frame["i"]}).to_string()).await;
            }
            if frame["a"][0] == "ready" {
                return raw;
            }
        }
    };
    let _raw = timeout(10 * SECOND, answering).await?;
    timeout(10 * SECOND, binding).await???;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_restarts_or_stops_its_client_is_no_failed_connection() -> Result<(), Box<dyn Error>> {
    let network = Network::with(Server::builder().build()?);
    for stops in [false, true] {
        let late = Arc::new(std::sync::Mutex::new(None::<Client>));
        let in_hook = Arc::clone(&late);
        let client = Client::builder()
            .on_open(move |peer| {
                let client = in_hook.lock().expect("no panic").take().filter(|_| peer.epoch() == 1);
                async move {
                    if let Some(client) = client {
                        if stops {
                            client.stop(SECOND).await;
                        } else {
                            drop(client.restart().await);
                        }
                    }
                }
            })
            .build()?;
        *late.lock().expect("no panic") = Some(client.clone());
        let error = client.connect_with(network.connector()).await.expect_err("another request came");
        let expected =
            if stops { matches!(*error, ConnectError::Stopped) } else { matches!(*error, ConnectError::Superseded) };
        assert!(expected, "{error:?}");
        if !stops {
            opened(&client, 2).await;
        }
    }
    Ok(())
}
