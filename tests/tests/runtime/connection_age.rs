//! The maximal age of a connection, and the drain of a single connection.

mod clients;

use futures_util::stream;
use serde_json::{Value, json};
use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::server::ServerBuilder;
use wswrapper::transport::{Frame, memory};
use wswrapper::{CallError, Client, Context, Limits, Server, Stream, ws_handlers};
use wswrapper_tests::{Alive, Pair, RawPeer, SECOND, let_others_run, pair, pair_with};

/// Longer than any test takes on the paused clock.
const LONG: Duration = Duration::from_hours(1);

#[derive(Clone, Default)]
struct Desk(Alive);

#[ws_handlers]
impl Desk {
    pub async fn sleep(&self, seconds: u32) -> u32 {
        let _guard = self.0.guard();
        sleep(SECOND * seconds).await;
        seconds
    }

    pub async fn wait(&self) {
        let _guard = self.0.guard();
        pending::<()>().await;
    }

    /// A stream without end, which ends when the connection drains.
    pub async fn ticks(&self, ctx: Context) -> impl Stream<Item = u32> + Send {
        use futures_util::StreamExt;
        let ticks = stream::iter(0..).then(|n| async move {
            sleep(SECOND).await;
            n
        });
        ticks.take_until(Box::pin(ctx.draining()))
    }
}

/// Returns a server whose connections live for about this time.
fn aging(age: Duration) -> ServerBuilder {
    let limits = Limits::default().max_connection_age(Some(age)).connection_drain_timeout(30 * SECOND);
    Server::builder().limits(limits)
}

/// Connects a client whose calls have no timeout.
fn patient_pair(server: ServerBuilder) -> Pair {
    pair_with(server, Client::builder().limits(Limits::default().call_timeout(None)))
}

/// Returns the rejection of a request while the connection drains.
fn rejection(id: u64) -> Value {
    json!({"i": id, "e": {"message": "the server is about to close", "code": "ws:Draining"}, "_": 1})
}

async fn expect_close(raw: &mut RawPeer) {
    match raw.frame().await {
        Some(Frame::Close(close)) => {
            assert_eq!((close.code, close.reason.as_str()), (1001, "the connection was drained"));
        }
        other => panic!("expected a close frame, got {other:?}"),
    }
    raw.close(1001, "").await;
}

#[tokio::test(start_paused = true)]
async fn idle_connections_close_at_an_age_that_differs_by_a_tenth() -> Result<(), Box<dyn Error>> {
    let server = aging(1_000 * SECOND).build()?;
    let began = Instant::now();
    let mut waits = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..300 {
        let (near, far) = memory::pair();
        server.accept_transport(far)?;
        let client = Client::connect_transport(near)?;
        let closed = client.closed();
        waits.push(tokio::spawn(async move {
            let closed = closed.await;
            (closed.code, began.elapsed().as_secs())
        }));
        clients.push(client);
    }
    let mut ages = Vec::new();
    for wait in waits {
        let (code, age) = wait.await?;
        assert_eq!(code, 1001);
        ages.push(age);
    }
    ages.sort_unstable();
    assert!(ages[0] >= 900 && ages[299] <= 1_101, "{ages:?}");
    assert!(ages[0] < 920 && ages[299] > 1_080 && (950..1_050).contains(&ages[150]), "{ages:?}");
    assert_eq!(server.status().connections, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn at_its_age_a_connection_drains_like_a_server_and_others_do_not() -> Result<(), Box<dyn Error>> {
    let desk = Desk::default();
    let server = aging(20 * SECOND).service(desk.clone()).drain_event("moving").build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    sleep(10 * SECOND).await;
    let (mut other, _) = RawPeer::dial(&server);
    raw.send(r#"{"i":2,"a":["sleep",20]}"#).await;
    let began = Instant::now();
    assert_eq!(raw.receive().await, json!({"a": ["moving"]}));
    assert!((8..=12).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(raw.ask(r#"{"i":4,"a":["sleep",1]}"#).await, rejection(4));
    assert!(!server.is_draining() && peer.is_open());
    assert_eq!(other.ask(r#"{"i":2,"a":["sleep",0]}"#).await, json!({"i": 2, "d": 0}));
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 20}));
    assert_eq!(began.elapsed().as_secs(), 20);
    expect_close(&mut raw).await;
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(server.peers().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_still_runs_after_the_time_of_the_drain_is_cut_off() -> Result<(), Box<dyn Error>> {
    let desk = Desk::default();
    let pair = patient_pair(aging(100 * SECOND).service(desk.clone()));
    let began = Instant::now();
    let call = tokio::spawn(DeskProxy::new(&pair.client).wait());
    assert!(matches!(call.await?, Err(CallError::Closed(closed)) if closed.code == 1001));
    assert!((120..=141).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    assert_eq!(desk.0.count(), 0);
    // It does not belong to the drain of the server.
    let report = pair.server.shutdown(LONG).await;
    assert_eq!((report.ended, report.cut_off, report.calls_cancelled), (0, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_by_the_draining_of_its_context() -> Result<(), Box<dyn Error>> {
    let pair = pair(aging(20 * SECOND).service(Desk::default()));
    let began = Instant::now();
    let mut ticks = DeskProxy::new(&pair.client).ticks().await?;
    let mut last = None;
    while let Some(tick) = ticks.next().await {
        last = Some(tick?);
    }
    assert!(last.is_some_and(|last| (16..=22).contains(&last)), "{last:?}");
    assert_eq!(pair.client.closed().await.code, 1001);
    assert!(began.elapsed() <= 22 * SECOND, "{:?}", began.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_drain_of_the_server_replaces_the_age() -> Result<(), Box<dyn Error>> {
    let desk = Desk::default();
    let pair = patient_pair(aging(20 * SECOND).service(desk.clone()));
    let call = tokio::spawn(DeskProxy::new(&pair.client).sleep(200));
    desk.0.becomes(1).await;
    let report = pair.server.shutdown(LONG).await;
    assert_eq!((report.ended, report.cut_off), (1, 0));
    assert_eq!(call.await??, 200);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_reaches_its_own_deadline_during_the_servers_drain_is_in_the_report()
-> Result<(), Box<dyn Error>> {
    let desk = Desk::default();
    let Pair { server, peer, client } = pair(Server::builder().service(desk.clone()));
    let call = tokio::spawn(DeskProxy::new(&client).wait());
    desk.0.becomes(1).await;
    let began = Instant::now();
    peer.drain(10 * SECOND);
    let report = server.shutdown(60 * SECOND).await;
    assert_eq!((report.ended, report.cut_off, report.calls_cancelled), (0, 1, 1));
    assert_eq!(began.elapsed().as_secs(), 10);
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_is_drained_by_hand_and_the_earliest_timeout_counts() -> Result<(), Box<dyn Error>> {
    let desk = Desk::default();
    let server = Server::builder().service(desk.clone()).drain_event("moving").build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"i":2,"a":["wait"]}"#).await;
    desk.0.becomes(1).await;
    let began = Instant::now();
    for seconds in [20, 5, 10] {
        peer.drain(seconds * SECOND);
    }
    assert_eq!(raw.receive().await, json!({"a": ["moving"]}));
    assert_eq!(raw.ask(r#"{"i":4,"a":["wait"]}"#).await, rejection(4));
    expect_close(&mut raw).await;
    assert_eq!((began.elapsed(), desk.0.count()), (5 * SECOND, 0));
    peer.closed().await;
    peer.drain(SECOND);
    Ok(())
}

/// A handler that drains its own connection is answered.
#[tokio::test(start_paused = true)]
async fn a_handler_may_drain_its_own_connection() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.on("leave", |ctx: Context| async move {
        ctx.peer().drain(LONG);
        ctx.draining().await;
        sleep(SECOND).await;
        7
    })?;
    assert_eq!(pair.client.request::<u32>("leave", ()).await?, 7);
    assert_eq!(pair.client.closed().await.reason, "the connection was drained");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn clients_ignore_the_age_and_a_drain_by_hand() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().limits(Limits::default().max_connection_age(Some(SECOND)));
    let pair = pair_with(Server::builder().service(Desk::default()), client);
    pair.client.peer().drain(Duration::ZERO);
    sleep(100 * SECOND).await;
    let_others_run().await;
    assert_eq!(DeskProxy::new(&pair.client).sleep(1).await?, 1);
    Ok(())
}
