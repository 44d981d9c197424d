//! The end of background work with its server or client.

use super::{Desk, DeskProxy, LONG, desk};
use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::error::SpawnError;
use wswrapper::server::ShutdownReport;
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Limits, Server};
use wswrapper_tests::{Alive, Log, SECOND, let_others_run, pair, pair_with, tasks, until};

/// The numbers of a report: ended, cut off, cancelled calls, cut off background tasks.
fn numbers(report: ShutdownReport) -> (usize, usize, usize, usize) {
    (report.ended, report.cut_off, report.calls_cancelled, report.background_cut_off)
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_work_also_without_connections() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.build()?;
    server.spawn(desk.work(3))?;
    let began = Instant::now();
    let shutdown = server.shutdown(LONG);
    sleep(SECOND).await;
    assert!(server.is_draining());
    // What runs may start more.
    server.spawn(desk.work(4))?;
    assert_eq!((numbers(shutdown.await), began.elapsed().as_secs()), ((0, 0, 0, 0), 5));
    assert_eq!((desk.log.entries().len(), desk.works.count()), (2, 0));
    assert_eq!(server.spawn(desk.work(1)), Err(SpawnError::Closed));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_drain_does_not_keep_the_connection_of_work_open_but_waits_for_its_calls() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let service = DeskProxy::new(&pair.client);
    pair.client.on("double", |n: u32| async move {
        sleep(2 * SECOND).await;
        2 * n
    })?;
    service.asks().await?;
    assert!(service.start(5).await?);
    let began = Instant::now();
    let shutdown = pair.server.shutdown(LONG);
    assert_eq!(pair.client.closed().await.code, 1001);
    assert_eq!((desk.log.entries(), began.elapsed().as_secs()), (vec!["Ok(8)".to_owned()], 2));
    assert_eq!((numbers(shutdown.await), began.elapsed().as_secs()), ((1, 0, 0, 0), 5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_drain_cuts_work_off_at_once() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let service = DeskProxy::new(&pair.client);
    for seconds in [1, 100, 200] {
        assert!(service.start(seconds).await?);
    }
    let began = Instant::now();
    let report = pair.server.shutdown(10 * SECOND).await;
    assert_eq!((numbers(report), began.elapsed()), ((1, 0, 0, 2), 10 * SECOND));
    assert_eq!((desk.works.count(), desk.log.entries()), (0, vec!["done".to_owned()]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_waits_for_work_as_long_as_for_hooks() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.limits(Limits::default().close_timeout(4 * SECOND)).build()?;
    server.spawn(desk.work(2))?;
    server.spawn(desk.work(100))?;
    let began = Instant::now();
    server.close();
    server.closed().await;
    assert_eq!((began.elapsed(), desk.works.count()), (5 * SECOND, 0));
    assert_eq!(desk.log.entries(), ["done"]);
    assert_eq!(server.shutdown(LONG).await.background_cut_off, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_during_a_drain_leaves_work_the_time_of_a_close() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let server = server.build()?;
    server.spawn(desk.work(100))?;
    let began = Instant::now();
    let shutdown = server.shutdown(LONG);
    sleep(SECOND).await;
    server.close();
    assert_eq!((numbers(shutdown.await), began.elapsed()), ((0, 0, 0, 1), 7 * SECOND));
    assert_eq!(desk.works.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn work_in_a_loop_ends_itself_when_the_server_drains() -> Result<(), Box<dyn Error>> {
    let alive = Alive::default();
    let works = alive.clone();
    let pair = pair(Server::builder());
    pair.server.on("loop", move |ctx: Context| {
        let guard = works.guard();
        let draining = ctx.draining();
        let started = ctx.spawn(async move {
            let _guard = guard;
            draining.await;
        });
        async move { started.is_ok() }
    })?;
    assert!(pair.client.request::<bool>("loop", ()).await?);
    let_others_run().await;
    assert_eq!(alive.count(), 1);
    let began = Instant::now();
    assert_eq!(numbers(pair.server.shutdown(LONG).await), (1, 0, 0, 0));
    assert_eq!((alive.count(), began.elapsed().as_secs()), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_of_a_server_drops_work_and_all_that_it_holds() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let (desk, alive) = (Desk::default(), Alive::default());
    let kept = alive.guard();
    // The endpoint of the server holds the handler, and the handler the guard.
    let server = Server::builder().service(desk.clone()).build()?;
    server.on("hold", move |ctx: Context| {
        let (_kept, held) = (&kept, ctx.clone());
        let started = ctx.spawn(async move {
            let _held = held;
            pending::<()>().await;
        });
        async move { started.is_ok() }
    })?;
    let (near, far) = memory::pair();
    server.accept_transport(far)?;
    let client = Client::connect_transport(near)?;
    assert!(client.request::<bool>("hold", ()).await?);
    assert!(DeskProxy::new(&client).start(100).await?);
    server.spawn(desk.work(100))?;
    let_others_run().await;
    drop(server);
    desk.works.becomes(0).await;
    client.closed().await;
    drop(client);
    until(|| tasks() == before && alive.count() == 0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn work_that_holds_the_server_does_not_prevent_its_end() -> Result<(), Box<dyn Error>> {
    for closes in [false, true] {
        let before = tasks();
        let alive = Alive::default();
        let kept = alive.guard();
        let server = Server::builder().build()?;
        server.on("keeps", move || {
            let _kept = &kept;
            async {}
        })?;
        let holds = server.clone();
        server.spawn(async move {
            // It waits for its own end.
            holds.closed().await;
            pending::<()>().await;
        })?;
        let_others_run().await;
        if closes {
            server.close();
            server.closed().await;
        } else {
            assert_eq!(server.shutdown(SECOND).await.background_cut_off, 1);
        }
        drop(server);
        until(|| tasks() == before && alive.count() == 0).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_work_of_a_client_outlives_its_connection_and_is_waited_for_by_stop() -> Result<(), Box<dyn Error>> {
    let (desk, log) = (Desk::default(), Log::default());
    let closed = log.clone();
    let client = Client::builder().service(desk.clone()).on_close(move |_, _| {
        closed.add("closed");
        async {}
    });
    let pair = pair_with(Server::builder(), client);
    let service = DeskProxy::new(&pair.peer);
    assert!(service.start(2).await? && service.start(100).await?);
    pair.peer.close(1000, "");
    pair.client.closed().await;
    let began = Instant::now();
    let stopping = tokio::spawn(pair.client.stop(10 * SECOND));
    assert_eq!(desk.log.has(1).await, ["done"]);
    assert!(pair.client.emit("x", ()).await.is_err(), "it has stopped");
    stopping.await?;
    assert_eq!((began.elapsed(), desk.works.count(), log.entries().len()), (10 * SECOND, 0, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_work_of_a_client_in_a_loop_ends_itself_when_the_client_stops() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let log = Log::default();
    let logged = log.clone();
    pair.client.on("loop", move |ctx: Context| {
        let (draining, logged) = (ctx.draining(), logged.clone());
        let started = ctx.spawn(async move {
            draining.await;
            logged.add("ended");
        });
        async move { started.is_ok() }
    })?;
    assert!(pair.peer.request::<bool>("loop", ()).await?);
    let_others_run().await;
    assert!(log.entries().is_empty());
    let began = Instant::now();
    pair.client.stop(LONG).await;
    assert_eq!((log.entries(), began.elapsed().as_secs()), (vec!["ended".to_owned()], 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stop_goes_on_without_its_future_and_a_shorter_one_counts() -> Result<(), Box<dyn Error>> {
    for (first, second, expected) in [(10, None, 10), (100, Some(5), 5), (5, Some(100), 5)] {
        let before = tasks();
        let desk = Desk::default();
        let pair = pair_with(Server::builder(), Client::builder().service(desk.clone()));
        assert!(DeskProxy::new(&pair.peer).start(1_000).await?);
        let began = Instant::now();
        let stopping = tokio::spawn(pair.client.stop(Duration::from_secs(first)));
        let_others_run().await;
        stopping.abort();
        let second = second.map(|seconds| tokio::spawn(pair.client.stop(Duration::from_secs(seconds))));
        desk.works.becomes(0).await;
        assert_eq!(began.elapsed().as_secs(), expected);
        if let Some(second) = second {
            second.await?;
        }
        drop(pair);
        until(|| tasks() == before).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_of_a_client_drops_its_work() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let desk = Desk::default();
    let pair = pair_with(Server::builder(), Client::builder().service(desk.clone()));
    assert!(DeskProxy::new(&pair.peer).start(100).await?);
    drop(pair.client);
    desk.works.becomes(0).await;
    assert!(desk.log.entries().is_empty());
    drop((pair.server, pair.peer));
    until(|| tasks() == before).await;
    Ok(())
}

#[test]
fn work_is_dropped_with_its_runtime() -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build()?;
    let desk = Desk::default();
    let server = runtime.block_on(async {
        let server = Server::builder().build()?;
        server.spawn(desk.work(100))?;
        // It was never polled.
        Ok::<_, Box<dyn Error>>(server)
    })?;
    drop(runtime);
    assert_eq!((desk.works.count(), server.status().background_tasks), (0, 0));
    Ok(())
}
