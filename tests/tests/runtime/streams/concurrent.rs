//! Many streams at once, together with calls and other streams.

use super::sources::{Sources, SourcesProxy, SourcesService};
use super::{all, let_others_run, until_error};
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use serde_json::json;
use wswrapper::{
    CallError, Client, Context, Limits, Peer, Scoped, Server, Stream, connection::Counters, ws_handlers, ws_service,
};
use wswrapper_tests::{Log, pair, pair_with, until};

#[tokio::test]
async fn a_thousand_streams_share_a_connection() {
    let service = SourcesService::default();
    let pair = pair(Server::builder().service(service.clone()));
    let proxy = SourcesProxy::new(&pair.client);
    let streams = join_all((0..1_000).map(|n| proxy.counted(n % 100))).await;
    assert_eq!(service.alive.count(), 1_000);
    assert_eq!(pair.peer.counters().handlers_in_flight, 0);
    let consumers: Vec<_> = (0..)
        .zip(streams)
        .map(|(n, stream)| {
            let stream = stream.expect("a stream").window(n % 7);
            tokio::spawn(async move { assert_eq!(all(stream).await, (1..=n % 100).collect::<Vec<_>>()) })
        })
        .collect();
    for consumer in consumers {
        consumer.await.expect("all items");
    }
    service.alive.becomes(0).await;
    assert_eq!((pair.peer.counters(), pair.client.counters()), (Counters::default(), Counters::default()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_are_consumed_in_other_threads() {
    let service = SourcesService::default();
    let pair = pair(Server::builder().service(service.clone()));
    let proxy = SourcesProxy::new(&pair.client);
    let consumers: Vec<_> = (0..50)
        .map(|_| {
            let proxy = proxy.clone();
            tokio::spawn(async move { all(proxy.counted(500).await.expect("a stream").window(16)).await })
        })
        .collect();
    for consumer in consumers {
        assert_eq!(consumer.await.expect("no panic"), (1..=500).collect::<Vec<_>>());
    }
    service.alive.becomes(0).await;
}

#[ws_service]
trait Nested {
    /// Returns the sums of streams that the caller serves.
    async fn sums(&self, ctx: Context, to: u32) -> impl Stream<Item = u32> + Send;
}

struct NestedService;

async fn sum(peer: Peer, to: u32) -> u32 {
    let mut numbers = SourcesProxy::new(&peer).counted(to).await.expect("a stream").window(2);
    let mut sum = 0;
    while let Some(n) = numbers.next().await {
        sum += n.expect("a number");
    }
    sum
}

#[ws_handlers]
impl Nested for NestedService {
    async fn sums(&self, ctx: Context, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(1..=to).then(move |n| sum(ctx.peer(), n))
    }
}

#[tokio::test]
async fn streams_can_be_nested_in_items_of_other_streams() {
    let service = SourcesService::default();
    let server = Server::builder().service(service.clone()).service_at("nest", NestedService);
    let pair = pair_with(server, Client::builder().service(service.clone()));
    let mut sums = NestedProxy::new(pair.client.channel("nest")).sums(20).await.expect("a stream").window(3);
    let proxy = SourcesProxy::new(&pair.client);
    let mut taken = 0;
    while let Some(sum) = sums.next().await {
        let sum = sum.expect("a sum");
        taken += 1;
        // A stream and a call, while the first stream continues.
        assert_eq!(all(proxy.counted(sum).await.expect("a stream")).await, (1..=sum).collect::<Vec<_>>());
        assert_eq!(proxy.echo(json!(taken)).await.expect("an answer"), taken);
    }
    assert_eq!(taken, 20);
    service.alive.becomes(0).await;
}

#[tokio::test]
async fn streams_continue_while_no_handler_can_start() {
    let (service, log) = (SourcesService::default(), Log::default());
    let limits = Limits::default().max_handlers_in_flight(1);
    let server = Server::builder().limits(limits).service(service.clone());
    let pair = pair_with(server, Client::builder().service(service.clone()));
    let proxy = SourcesProxy::new(&pair.client);
    let items = proxy.counted(1_000).await.expect("a stream").window(8);
    let dropped = proxy.endless().await.expect("a stream");
    let servers_items = SourcesProxy::new(&pair.peer).counted(1_000).await.expect("a stream").window(8);
    assert_eq!((service.alive.count(), pair.peer.counters().handlers_in_flight), (3, 0));
    // The first call runs. The second and everything behind it wait to start.
    let waiting: Vec<_> = (0..2)
        .map(|n| {
            let (proxy, log) = (proxy.clone(), log.clone());
            tokio::spawn(async move { log.add(format!("{n} {}", proxy.wait().await.is_ok())) })
        })
        .collect();
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    let_others_run().await;
    assert_eq!(all(items).await.len(), 1_000);
    assert_eq!(all(servers_items).await.len(), 1_000);
    drop(dropped);
    // Only the waiting handler is left.
    service.alive.becomes(1).await;
    for call in waiting {
        call.abort();
    }
    service.alive.becomes(0).await;
    assert_eq!((proxy.echo(json!(1)).await.expect("an answer"), log.entries().len()), (json!(1), 0));
}

#[ws_service]
trait ScopedSources {
    async fn enter(&self) -> Scoped<dyn Sources>;
}

struct ScopedSourcesService(SourcesService);

#[ws_handlers]
impl ScopedSources for ScopedSourcesService {
    async fn enter(&self) -> Scoped<dyn Sources> {
        Scoped::new(self.0.clone())
    }
}

#[tokio::test]
async fn streams_of_a_scoped_service_are_aborted_when_it_is_dropped() {
    let service = SourcesService::default();
    let pair = pair(Server::builder().service(ScopedSourcesService(service.clone())));
    let sources = ScopedSourcesProxy::new(&pair.client).enter().await.expect("a scoped service");
    assert_eq!(all(sources.counted(5).await.expect("a stream")).await, [1, 2, 3, 4, 5]);
    let mut items = sources.endless().await.expect("a stream").window(2);
    assert!(matches!(items.next().await, Some(Ok(1))));
    drop(sources);
    service.alive.becomes(0).await;
    assert_eq!(service.log.has(1).await, ["Request aborted"]);
    let (_, error) = until_error(items).await;
    assert!(matches!(&error, Some(CallError::Rejected(it)) if it.message() == Some("Request aborted")), "{error:?}");
    until(|| pair.peer.counters() == Counters::default()).await;
}

#[tokio::test]
async fn a_stream_is_delivered_while_on_message_observes_it() {
    let (service, log) = (SourcesService::default(), Log::default());
    let server = Server::builder().service(service.clone()).on_message({
        let log = log.clone();
        move |_, message| log.add(message.event.unwrap_or("none"))
    });
    let pair = pair(server);
    let items = SourcesProxy::new(&pair.client).counted(8).await.expect("a stream").window(4);
    assert_eq!(all(items).await, (1..=8).collect::<Vec<_>>());
    let entries = log.entries();
    assert_eq!(entries[..4], ["counted", "credit", "start", "credit"], "{entries:?}");
}
