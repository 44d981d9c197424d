//! Leaving a channel: futures that are dropped, calls that wait meanwhile, and connections that end.

use super::hooks::logs;
use super::{DocProxy, Docs};
use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use wswrapper::observe::ChannelVisit;
use wswrapper::server::ServerBuilder;
use wswrapper::{Peer, Server};
use wswrapper_tests::{Alive, let_others_run, nothing_is_left, pair};

/// A server whose hook `on_leave` waits for a notice, and logs its begin and its end.
fn leaving(docs: &Docs, left: &Arc<Notify>) -> ServerBuilder {
    let (log, left) = (docs.0.clone(), Arc::clone(left));
    Server::builder().service(docs.clone()).on_leave("doc/{id}", move |visit: ChannelVisit| {
        let (log, left) = (log.clone(), Arc::clone(&left));
        async move {
            log.add("begins to leave");
            left.notified().await;
            log.add(format!("leaves {}", visit.name()));
        }
    })
}

/// Leaves document 7 in a task.
fn leave(peer: &Peer) -> JoinHandle<bool> {
    let peer = peer.clone();
    tokio::spawn(async move { peer.leave_channel("doc/7").await })
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_has_left_enters_again_after_the_hook_of_its_leaving() -> Result<(), Box<dyn Error>> {
    let (docs, left) = (Docs::default(), Arc::new(Notify::new()));
    let log = docs.0.clone();
    let pair = pair(leaving(&docs, &left).on_enter("doc/{id}", logs(&log, "enters")));
    let doc = DocProxy::new(&pair.client, 7);
    assert!(!pair.peer.leave_channel("doc/7").await, "it was not entered");
    doc.text(1).await?;
    let leaving = leave(&pair.peer);
    let_others_run().await;
    assert!(!pair.peer.leave_channel("doc/7").await, "it leaves already");
    let call = tokio::spawn(doc.text(2));
    let_others_run().await;
    assert_eq!(log.take(), ["enters doc/7", "text of 7", "begins to leave"]);
    left.notify_one();
    assert!(leaving.await?);
    call.await??;
    assert_eq!(log.take(), ["leaves doc/7", "enters doc/7", "text of 7"]);
    // If the future is dropped, the next call goes on with the hook.
    let leaving = leave(&pair.peer);
    let_others_run().await;
    leaving.abort();
    let call = tokio::spawn(doc.text(3));
    let_others_run().await;
    assert_eq!(log.take(), ["begins to leave"]);
    left.notify_one();
    call.await??;
    assert_eq!(log.take(), ["leaves doc/7", "enters doc/7", "text of 7"]);
    // So does the future, if the call is dropped.
    let leaving = leave(&pair.peer);
    let_others_run().await;
    let call = tokio::spawn(doc.text(4));
    let_others_run().await;
    call.abort();
    let_others_run().await;
    left.notify_one();
    assert!(leaving.await?);
    assert_eq!(log.take(), ["begins to leave", "leaves doc/7"]);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_leave_goes_on_at_the_end_of_its_connection() -> Result<(), Box<dyn Error>> {
    let (docs, left) = (Docs::default(), Arc::new(Notify::new()));
    let log = docs.0.clone();
    let pair = pair(leaving(&docs, &left));
    let peer = pair.peer.clone();
    pair.server.on("part", move || {
        let peer = peer.clone();
        async move { peer.leave_channel("doc/7").await }
    })?;
    DocProxy::new(&pair.client, 7).text(1).await?;
    let parting = tokio::spawn(pair.client.request::<bool>("part", ()));
    let_others_run().await;
    pair.client.close(1000, "");
    let_others_run().await;
    assert_eq!(log.take(), ["text of 7", "begins to leave"]);
    left.notify_one();
    pair.peer.closed().await;
    assert!(parting.await?.is_err());
    assert_eq!(log.take(), ["leaves doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_future_that_leaves_ends_with_its_connection() -> Result<(), Box<dyn Error>> {
    let (docs, left) = (Docs::default(), Arc::new(Notify::new()));
    let log = docs.0.clone();
    let pair = pair(leaving(&docs, &left));
    DocProxy::new(&pair.client, 7).text(1).await?;
    let leaving = leave(&pair.peer);
    let_others_run().await;
    pair.client.close(1000, "");
    let_others_run().await;
    assert_eq!(log.take(), ["text of 7", "begins to leave"]);
    left.notify_one();
    pair.peer.closed().await;
    assert!(leaving.await?);
    assert_eq!(log.take(), ["leaves doc/7"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_hangs_does_not_keep_those_of_other_channels_from_running() -> Result<(), Box<dyn Error>> {
    let docs = Docs::default();
    let log = docs.0.clone();
    let server = Server::builder().service(docs).on_leave("doc/{id}", {
        let log = log.clone();
        move |visit: ChannelVisit| {
            log.add(format!("leaves {}", visit.name()));
            async move {
                if visit.parameter("id") == Some(7) {
                    pending::<()>().await;
                }
            }
        }
    });
    let pair = pair(server);
    for id in [6, 7, 8] {
        DocProxy::new(&pair.client, id).text(1).await?;
    }
    assert_eq!(log.take().len(), 3);
    pair.client.close(1000, "");
    let_others_run().await;
    let mut left = log.take();
    left.sort();
    assert_eq!(left, ["leaves doc/6", "leaves doc/7", "leaves doc/8"]);
    Ok(())
}

#[test]
fn a_leave_that_was_given_up_is_dropped_with_its_runtime() -> Result<(), Box<dyn Error>> {
    let (alive, runtime) = (Alive::default(), Builder::new_current_thread().enable_time().build()?);
    let hooks = alive.clone();
    let pair = runtime.block_on(async {
        let server = Server::builder().service(Docs::default()).on_leave("doc/{id}", move |_| {
            let hook = hooks.guard();
            async move {
                let _hook = hook;
                pending::<()>().await;
            }
        });
        let pair = pair(server);
        DocProxy::new(&pair.client, 7).text(1).await?;
        let leaving = leave(&pair.peer);
        let_others_run().await;
        leaving.abort();
        let_others_run().await;
        assert_eq!(alive.count(), 1);
        Ok::<_, Box<dyn Error>>(pair)
    })?;
    drop(runtime);
    assert_eq!(alive.count(), 0);
    drop(pair);
    Ok(())
}
