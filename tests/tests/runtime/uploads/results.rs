//! Results of uploads, and the polling of their sources.

use super::{Depot, DepotProxy, DepotService, Lost, WatchedSource, depot_server, nothing_is_left};
use futures_util::{FutureExt, StreamExt, stream};
use serde_json::json;
use std::error::Error;
use std::time::Duration;
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Server};
use wswrapper_tests::{RawPeer, pair, pair_with, until};

#[tokio::test]
async fn an_upload_can_be_passed_among_other_arguments() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    assert_eq!(depot.sum(100, stream::iter([1, 2, 3]), "metres").await?, "106 metres");
    assert_eq!(depot.sum(0, stream::iter(1..=1_000), "of many").await?, "500500 of many");
    assert_eq!(depot.sum(5, stream::empty(), "of none").await?, "5 of none");
    depot.store(stream::iter([1, 2, 3])).await?;
    assert_eq!(service.log.entries(), ["1", "2", "3"]);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_call_waits_for_a_pending_source() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = pair(server);
    let (sender, numbers) = tokio::sync::mpsc::unbounded_channel();
    let numbers = stream::unfold(numbers, async |mut numbers| Some((numbers.recv().await?, numbers)));
    let call = tokio::spawn(DepotProxy::new(&pair.client).store(numbers));
    for n in 1..=3 {
        sender.send(n)?;
        assert_eq!(service.log.has(n.try_into()?).await.len(), usize::try_from(n)?);
    }
    assert!(!call.is_finished());
    drop(sender);
    call.await??;
    Ok(())
}

#[tokio::test]
async fn the_server_uploads_to_the_client() -> Result<(), Box<dyn Error>> {
    let pair = pair_with(Server::builder(), Client::builder().service_as::<dyn Depot>(DepotService::default()));
    let depot = DepotProxy::new(&pair.peer);
    assert_eq!(depot.sum(0, stream::iter(1..=300), "back").await?, "45150 back");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn uploads_work_over_tcp() -> Result<(), Box<dyn Error>> {
    let listener = depot_server().1.bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());
    let client = Client::connect(&url).await?;
    assert_eq!(DepotProxy::new(&client).sum(0, stream::iter(1..=10_000), "").await?, "50005000 ");
    Ok(())
}

#[tokio::test]
async fn a_sources_error_finishes_the_upload_and_the_handler_still_answers() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot_server().1);
    let depot = DepotProxy::new(&pair.client);
    let parts = |at| [Ok("a".to_owned()), Ok("b".to_owned()), Err(Lost::At { at }), Ok("c".to_owned())];
    assert_eq!(depot.collect(stream::iter(parts(2))).await?, "ab and lost at 2");
    let error = depot.collect(stream::iter(parts(0))).await;
    assert!(matches!(error, Err(CallError::Handler(Lost::At { at: 2 }))), "{error:?}");
    let whole = stream::iter(parts(1)).filter(|part| std::future::ready(part.is_ok()));
    assert_eq!(depot.collect(whole).await?, "abc");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_response_before_the_finish_stops_the_source() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot_server().1);
    let depot = DepotProxy::new(&pair.client);
    let source = WatchedSource::default();
    let mut call = depot.first(3, source.numbers());
    assert_eq!((&mut call).await?, [1, 2, 3]);
    assert_eq!(source.alive.count(), 0);
    drop(call);
    let refused = depot.refuse(source.numbers()).await;
    assert!(matches!(refused, Err(CallError::Handler(Lost::At { at: 7 }))), "{refused:?}");
    assert_eq!(source.alive.count(), 0);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_handler_that_drops_its_upload_still_answers() -> Result<(), Box<dyn Error>> {
    let (service, server) = depot_server();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    for most in [0, 3, 1_000] {
        let source = WatchedSource::default();
        let call = tokio::spawn(depot.let_go(most, source.numbers()));
        until(|| source.polled() >= most).await;
        assert_eq!(depot.quick().await?, 1);
        service.permits.add_permits(1);
        assert_eq!(call.await??, most);
        source.alive.becomes(0).await;
    }
    let call = tokio::spawn(depot.let_go(10, stream::iter([1, 2, 3])));
    assert_eq!(depot.quick().await?, 1);
    service.permits.add_permits(1);
    assert_eq!(call.await??, 3);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_source_is_not_polled_while_the_handler_reads_nothing() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let source = WatchedSource::default();
    let call = tokio::spawn(DepotProxy::new(&pair.client).wait(source.numbers()));
    service.handlers.becomes(1).await;
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    assert_eq!((source.polled(), source.alive.count()), (0, 1));
    call.abort();
    service.handlers.becomes(0).await;
    assert_eq!((source.polled(), source.alive.count()), (0, 0));
}

#[tokio::test]
async fn a_slow_handler_limits_the_source_to_its_window() {
    let (service, server) = depot_server();
    let pair = pair(server);
    let source = WatchedSource::default();
    let call = tokio::spawn(DepotProxy::new(&pair.client).slow(4, source.numbers()));
    for taken in 1..=20 {
        service.permits.add_permits(1);
        assert_eq!(service.log.has(taken).await.len(), taken);
        DepotProxy::new(&pair.client).quick().await.expect("all credit has arrived");
        // Credit for two items is granted again after two were taken.
        assert!(source.polled() <= taken + 4, "{} polled, {taken} taken", source.polled());
    }
    assert!(source.polled() >= 20);
    call.abort();
    source.alive.becomes(0).await;
}

#[tokio::test]
async fn concurrent_uploads_do_not_mix() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot_server().1);
    let depot = DepotProxy::new(&pair.client);
    let calls: Vec<_> =
        (0..20).map(|n| (n, tokio::spawn(depot.sum(0, stream::iter(vec![n; 500]), "together")))).collect();
    for (n, call) in calls {
        assert_eq!(call.await??, format!("{} together", 500 * n));
    }
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_upload_continues_while_no_further_handler_can_start() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_handlers_in_flight(1);
    let (service, server) = depot_server();
    let pair = pair(server.limits(limits));
    let depot = DepotProxy::new(&pair.client);
    let slow = tokio::spawn(depot.slow(2, stream::iter(1..=100)));
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    // These calls wait to start.
    let next = tokio::spawn(depot.sum(0, stream::iter(1..=100), "later"));
    let quick = tokio::spawn({
        let depot = depot.clone();
        async move { depot.quick().await }
    });
    service.permits.add_permits(50);
    service.log.has(50).await;
    assert!(!next.is_finished() && !quick.is_finished());
    service.permits.add_permits(51);
    assert_eq!(slow.await??, 100);
    assert_eq!(next.await??, "5050 later");
    assert_eq!(quick.await??, 1);
    Ok(())
}

#[tokio::test]
async fn uploads_beyond_the_limit_are_rejected() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_open_channels(1);
    let (service, server) = depot_server();
    let pair = pair(server.limits(limits));
    let depot = DepotProxy::new(&pair.client);
    let first = tokio::spawn(depot.wait(stream::empty()));
    service.handlers.becomes(1).await;
    let source = WatchedSource::default();
    let refused = depot.sum(0, source.numbers(), "").await;
    assert!(matches!(&refused, Err(CallError::Rejected(r)) if r.message() == Some("too many open channels")));
    assert_eq!((source.polled(), source.alive.count()), (0, 0));
    first.abort();
    service.handlers.becomes(0).await;
    assert_eq!(depot.sum(0, stream::iter([1]), "").await?, "1 ");
    Ok(())
}

#[tokio::test]
async fn an_always_ready_source_yields_to_other_tasks() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let source = WatchedSource::default();
    let mut call = DepotProxy::new(&client).store(source.numbers());
    assert!((&mut call).now_or_never().is_none());
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    raw.send(&json!({"a": ["credit", 10_000], "h": id}).to_string()).await;
    raw.send(&json!({"a": ["start"], "h": id}).to_string()).await;
    raw.silence().await;
    assert!((&mut call).now_or_never().is_none());
    assert!((1..=1_000).contains(&source.polled()), "{}", source.polled());
    let call = tokio::spawn(call);
    until(|| source.polled() == 10_000).await;
    call.abort();
}

#[tokio::test(start_paused = true)]
async fn a_source_waits_for_a_peer_that_does_not_read_and_then_continues() {
    let (local, remote) = memory::builder().capacity(1_000).pair();
    let client = Client::builder().limits(Limits::default().max_outbound_bytes(20_000));
    let (mut raw, client) = (RawPeer::on(local), client.connect_transport(remote).expect("nothing to mount"));
    let source = WatchedSource::default();
    let call = tokio::spawn(DepotProxy::new(&client).store(source.numbers()));
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    assert_eq!(raw.receive().await["a"], json!(["result"]));
    raw.send(&json!({"a": ["credit", 5_000], "h": id}).to_string()).await;
    raw.send(&json!({"a": ["start"], "h": id}).to_string()).await;
    // Until no task can make progress.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let item = |n| json!({"a": ["next", {"value": n, "done": false}], "h": id}).to_string().len();
    // At least two queues of 20,000 bytes are full: the output queue and the one behind it. At most, the latter moved
    // up once more before the former was full. Each may exceed its limit by a batch of 64 items. The transport holds
    // 1,000 bytes.
    let (least, most) = (2 * 20_000 / item(5_000), (3 * 20_000 + 1_000) / item(1) + 2 * 64);
    assert!((least..=most).contains(&source.polled()), "{least}..={most}: {}", source.polled());
    for n in 1..=5_000 {
        assert_eq!(raw.receive().await["a"][1]["value"], n);
    }
    assert_eq!(source.polled(), 5_000);
    call.abort();
}

#[tokio::test]
async fn an_upload_is_terminated_after_its_finish_or_error_was_returned() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot_server().1);
    let depot = DepotProxy::new(&pair.client);
    assert_eq!(depot.terminated(stream::iter([Ok(1), Ok(2)])).await?, [false, false, false, true]);
    assert_eq!(depot.terminated(stream::iter([Ok(1), Err(Lost::At { at: 1 })])).await?, [false, false, true, true]);
    Ok(())
}
