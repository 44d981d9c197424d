//! Requests to each peer of an audience.

use super::listeners;
use futures_util::{FutureExt, StreamExt};
use std::collections::BTreeMap;
use std::error::Error;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::error::SendError;
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Peer, Server, Stream, ws_service};
use wswrapper_tests::{SECOND, let_others_run, until};

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: u64, b: u64) -> Result<u64, String>;
    #[ws(idempotent)]
    async fn twice(&self, a: u64) -> u64;
    #[ws(event)]
    fn clear(&self);
}

#[tokio::test(start_paused = true)]
async fn results_come_as_they_are_ready_with_their_peers() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let all = listeners::<4>(&server);
    for (listener, delay) in all.iter().zip([3, 1, 2, 0]) {
        listener.peer.join("tea")?;
        listener.client.channel("calc").on("add", move |a: u64, b: u64| async move {
            sleep(Duration::from_secs(delay)).await;
            if delay == 2 { Err("busy".to_owned()) } else { Ok(a + b + delay) }
        })?;
    }
    all[3].peer.leave("tea");
    let tea = CalcProxy::new(server.room("tea").each());
    let results: Vec<_> = tea.add(1, 2).collect().await;
    let [first, second, third] = &results[..] else { panic!("three results") };
    assert!(first.0 == all[1].peer && matches!(first.1, Ok(4)));
    assert!(second.0 == all[2].peer && matches!(&second.1, Err(CallError::Handler(text)) if text == "busy"));
    assert!(third.0 == all[0].peer && matches!(third.1, Ok(6)));
    // An event to each is one to the audience.
    assert_eq!(tea.clear().await?.sent, 3);
    // Nobody.
    assert_eq!(CalcProxy::new(server.room("milk").each()).twice(1).count().await, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_fails_at_the_deadline_and_one_that_closes_at_once() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let all = listeners::<3>(&server);
    all[0].client.on("load", || async { 7 })?;
    all[1].client.on("load", pending::<u32>)?;
    all[2].client.on("load", pending::<u32>)?;
    let mut loads = server.broadcast().each().request::<u32>("load", ()).timeout(10 * SECOND);
    assert_eq!(loads.size_hint(), (0, None));
    let (peer, load) = loads.next().await.expect("three results");
    assert_eq!((peer, load?, loads.size_hint()), (all[0].peer.clone(), 7, (2, Some(2))));
    all[2].client.close(4000, "bye");
    let (peer, load) = loads.next().await.expect("three results");
    assert!(peer == all[2].peer && matches!(load, Err(CallError::Closed(closed)) if closed.code == 4000));
    let (peer, load) = loads.next().await.expect("three results");
    assert!(peer == all[1].peer && matches!(load, Err(CallError::TimedOut)));
    assert!(loads.next().await.is_none());
    Ok(())
}

#[tokio::test]
async fn dropping_the_results_cancels_the_calls() -> Result<(), Box<dyn Error>> {
    struct Running(Arc<AtomicUsize>);
    impl Drop for Running {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::SeqCst);
        }
    }
    let server = Server::builder().build()?;
    let all = listeners::<5>(&server);
    let running = Arc::<AtomicUsize>::default();
    for listener in &all {
        let running = Arc::clone(&running);
        listener.client.channel("work").on("run", move || {
            running.fetch_add(1, Ordering::SeqCst);
            let running = Running(Arc::clone(&running));
            async move {
                pending::<()>().await;
                drop(running);
            }
        })?;
    }
    let mut calls = server.broadcast().channel("work").each().request::<()>("run", ());
    assert_eq!(all[0].peer.calls_in_flight(), 0, "nothing is sent before the first poll");
    assert!(calls.next().now_or_never().is_none());
    until(|| running.load(Ordering::SeqCst) == 5).await;
    drop(calls);
    until(|| running.load(Ordering::SeqCst) == 0).await;
    assert!(all.iter().all(|listener| listener.peer.calls_in_flight() == 0));
    Ok(())
}

#[tokio::test]
async fn a_request_that_cannot_be_encoded_is_one_error() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let all = listeners::<2>(&server);
    let not_json = BTreeMap::from([((1, 2), 3)]);
    let results: Vec<_> = server.broadcast().each().request::<()>("keep", (not_json,)).collect().await;
    let [(peer, Err(CallError::NotSent(SendError::Encode { position: 1, .. })))] = &results[..] else {
        panic!("one error: {results:?}")
    };
    assert_eq!(*peer, all[0].peer);
    Ok(())
}

/// Connects a client that never answers.
fn connect(server: &Server) -> (Client, Peer) {
    let (near, far) = memory::pair();
    let peer = server.accept_transport(far).expect("the server is open");
    let client = Client::connect_transport(near).expect("nothing is mounted");
    client.on("wait", pending::<u32>).expect("a valid name");
    (client, peer)
}

#[tokio::test(start_paused = true)]
async fn the_first_poll_sends_to_all_also_if_one_fails_at_once() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_calls_in_flight(1)).build()?;
    let all: Vec<_> = (0..4).map(|_| connect(&server)).collect();
    let running = tokio::spawn(all[0].1.request::<u32>("wait", ()));
    let_others_run().await;
    let mut calls = server.broadcast().each().request::<u32>("wait", ()).timeout(10 * SECOND);
    let first = calls.next().now_or_never().flatten();
    assert!(matches!(&first, Some((peer, Err(_))) if *peer == all[0].1), "{first:?}");
    let in_flight: Vec<_> = all[1..].iter().map(|(_, peer)| peer.calls_in_flight()).collect();
    assert_eq!(in_flight, [1, 1, 1], "the first poll sends to each peer");
    running.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_time_counts_from_the_first_poll_also_if_one_fails_at_once() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().max_calls_in_flight(1)).build()?;
    let all: Vec<_> = (0..3).map(|_| connect(&server)).collect();
    let running = tokio::spawn(all[0].1.request::<u32>("wait", ()));
    let_others_run().await;
    let began = Instant::now();
    let mut calls = server.broadcast().each().request::<u32>("wait", ()).timeout(10 * SECOND);
    while calls.next().await.is_some() {
        // The program does something with the result.
        sleep(3 * SECOND).await;
    }
    // The two others time out together, after 10 seconds.
    assert!(began.elapsed() < Duration::from_secs(17), "{:?}", began.elapsed());
    running.abort();
    Ok(())
}
