//! The deadline of a drain, and that which cuts it short.

use super::{LONG, WorkProxy, desk, expect_close, numbers};
use futures_util::FutureExt;
use serde_json::json;
use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Server};
use wswrapper_tests::{RawPeer, let_others_run, pair};

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[tokio::test(start_paused = true)]
async fn the_deadline_cuts_off_what_still_runs_and_the_report_counts_it() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.build()?;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let (local, remote) = memory::pair();
        server.accept_transport(remote)?;
        clients.push(Client::connect_transport(local)?);
    }
    let [waiting, streaming, quick, _idle] = &clients[..] else { unreachable!("there are four") };
    let waits: Vec<_> = (0..3).map(|_| tokio::spawn(WorkProxy::new(waiting).wait())).collect();
    let mut items = WorkProxy::new(streaming).count(u32::MAX).await?;
    assert_eq!(items.next().await.transpose()?, Some(0));
    let ends = tokio::spawn(WorkProxy::new(quick).sleep(5_000));
    desk.handlers.becomes(5).await;
    let began = Instant::now();
    let shutdown = server.shutdown(seconds(10));
    assert_eq!(ends.await??, 5_000);
    let report = shutdown.await;
    assert_eq!((numbers(report), began.elapsed().as_secs()), ((2, 2, 4), 10));
    for wait in waits {
        assert!(matches!(wait.await?, Err(CallError::Closed(closed)) if closed.code == 1001));
    }
    assert_eq!((desk.handlers.count(), desk.log.has(3).await.len()), (0, 3));
    while let Some(Ok(_)) = items.next().await {}
    assert_eq!(streaming.closed().await.code, 1001);
    // Each future returns the same report.
    assert_eq!(server.shutdown(LONG).await, report);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_time_for_a_drain_idle_connections_are_still_not_cut_off() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server.drain_event("moving"));
    let (mut idle, _) = RawPeer::dial(&pair.server);
    let call = tokio::spawn(WorkProxy::new(&pair.client).wait());
    desk.handlers.becomes(1).await;
    let shutdown = pair.server.shutdown(Duration::ZERO);
    assert_eq!(idle.receive().await, json!({"a": ["moving"]}));
    expect_close(&mut idle).await?;
    assert_eq!(numbers(shutdown.await), (1, 1, 1));
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_goes_on_although_its_future_and_the_server_are_dropped() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.build()?;
    let (local, remote) = memory::pair();
    server.accept_transport(remote)?;
    let client = Client::connect_transport(local)?;
    let call = tokio::spawn(WorkProxy::new(&client).sleep(2_000));
    desk.handlers.becomes(1).await;
    server.shutdown(LONG);
    drop(server);
    assert_eq!(call.await??, 2_000);
    assert_eq!(timeout(LONG, client.closed()).await?.code, 1001);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_cuts_the_drain_short() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let call = tokio::spawn(WorkProxy::new(&pair.client).wait());
    desk.handlers.becomes(1).await;
    let began = Instant::now();
    let shutdown = pair.server.shutdown(LONG);
    sleep(seconds(3)).await;
    pair.server.close();
    assert!(pair.server.is_closing() && !pair.server.is_draining());
    assert_eq!(numbers(shutdown.await), (0, 1, 1));
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    assert_eq!(began.elapsed().as_secs(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_several_deadlines_the_earliest_counts() -> Result<(), Box<dyn Error>> {
    for (first, second, expected) in [(20, 5, 5), (5, 20, 5), (20, 0, 0)] {
        let (desk, server) = desk();
        let pair = pair(server);
        let _call = tokio::spawn(WorkProxy::new(&pair.client).wait());
        desk.handlers.becomes(1).await;
        let began = Instant::now();
        let shutdowns = [pair.server.shutdown(seconds(first)), pair.server.shutdown(seconds(second))];
        for shutdown in shutdowns {
            assert_eq!(numbers(shutdown.await), (0, 1, 1));
        }
        assert_eq!(began.elapsed().as_secs(), expected);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_after_a_close_reports_what_the_close_cut_off() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let _call = tokio::spawn(WorkProxy::new(&pair.client).wait());
    let (local, remote) = memory::pair();
    pair.server.accept_transport(remote)?;
    let _idle = Client::connect_transport(local)?;
    desk.handlers.becomes(1).await;
    pair.server.close();
    let mut shutdown = pair.server.shutdown(LONG);
    assert!((&mut shutdown).now_or_never().is_none() && !pair.server.is_draining());
    assert_eq!(numbers(shutdown.await), (1, 1, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_holds_up_the_drain_until_its_deadline_at_most() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().write_timeout(LONG).close_timeout(seconds(2));
    let server = Server::builder().limits(limits).drain_event("moving").build()?;
    let (local, remote) = memory::builder().capacity(16).pair();
    local.control().stall();
    let peer = server.accept_transport(remote)?;
    let_others_run().await;
    // The output is full before the drain.
    peer.emit("large", ("x".repeat(1_000),)).await?;
    let_others_run().await;
    let began = Instant::now();
    let report = server.shutdown(seconds(10)).await;
    // Nothing was cancelled, and the peer did not get what was sent to it.
    assert_eq!(numbers(report), (0, 1, 0));
    assert_eq!(began.elapsed().as_secs(), 12, "the deadline and the close timeout");
    assert_eq!(server.peers().len(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_the_close_is_given_up_after_the_close_timeout() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let (_raw, _) = RawPeer::dial(&server);
    let began = Instant::now();
    let report = server.shutdown(LONG).await;
    assert_eq!((numbers(report), began.elapsed().as_secs()), ((1, 0, 0), 5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_open_hook_that_hangs_is_cut_off_at_the_deadline() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().on_open(|_| pending::<()>()));
    let_others_run().await;
    let began = Instant::now();
    assert_eq!(numbers(pair.server.shutdown(seconds(10)).await), (0, 1, 0));
    assert_eq!(began.elapsed().as_secs(), 10);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_hook_that_hangs_is_cancelled_after_the_drain() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder().on_close(|_, _| pending()));
    let began = Instant::now();
    assert_eq!(numbers(pair.server.shutdown(LONG).await), (1, 0, 0));
    assert_eq!(began.elapsed().as_secs(), 6, "the close timeout and a second");
    assert_eq!(pair.client.closed().await.code, 1001);
    Ok(())
}
