//! Streams that survive a lost connection.

use futures_util::StreamExt;
use serde_json::json;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::connection::{CloseCause, Counters, Handshake};
use wswrapper::error::{ConnectError, Rejection};
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::transport::memory::{self, Memory};
use wswrapper::{CallError, Client, Server, Stream, Streaming, ws_handlers, ws_service};
use wswrapper_tests::cable::{Chance, Delivery, Direction, Ending, Line, for_each_seed};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{RawPeer, let_others_run, nothing_is_left_of};

const SECOND: Duration = Duration::from_secs(1);

#[ws_service(channel = "desk")]
pub(super) trait Ticker {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send;
    async fn squares(&self) -> impl Stream<Item = u64> + Send;
    async fn even(&self) -> impl Stream<Item = u64> + Send;
    #[ws(on_full = "drop_oldest")]
    async fn latest(&self) -> impl Stream<Item = u64> + Send;
    async fn count_from(&self, first: u64) -> impl Stream<Item = u64> + Send;
}

#[derive(Clone)]
pub(super) struct Clock(pub(super) History<u64>);

#[ws_handlers]
impl Ticker for Clock {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }

    async fn squares(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream().map(|n| n * n)
    }

    async fn even(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream().filter(|n| std::future::ready(n % 2 == 0))
    }

    async fn latest(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }

    async fn count_from(&self, first: u64) -> impl Stream<Item = u64> + Send {
        futures_util::stream::iter(first..first + 3).chain(futures_util::stream::pending())
    }
}

fn item<T>(item: T) -> StreamEvent<T> {
    StreamEvent::Item(item)
}

fn seam<T>(seam: Seam) -> StreamEvent<T> {
    StreamEvent::Seam(seam)
}

/// A clock, and a client that connects to its server again.
async fn connected(clock: &Clock) -> Result<(Network, Client), Box<dyn Error>> {
    let network = Network::with(Server::builder().service(clock.clone()).build()?);
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    Ok((network, client))
}

#[tokio::test(start_paused = true)]
async fn a_stream_continues_behind_the_last_item_that_was_taken() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let ticker = TickerProxy::new(&client);
    let mut ticks = ticker.ticks().resumable().await?;
    let mut squares = ticker.squares().resumable().await?;
    assert!(timeout(SECOND, ticks.next()).await.is_err() && timeout(SECOND, squares.next()).await.is_err());
    for n in 1..=5 {
        clock.0.push(n);
    }
    // Items 2 to 5 have arrived and are not taken. They come once.
    assert_eq!((ticks.try_next().await?, squares.try_next().await?), (Some(item(1)), Some(item(1))));
    for epoch in 2..5 {
        network.cut();
        opened(&client, epoch).await;
    }
    for n in 6..=7 {
        clock.0.push(n);
    }
    let mut seen = Vec::new();
    while seen.last() != Some(&StreamEvent::Item(7)) {
        seen.extend(timeout(SECOND, ticks.try_next()).await??);
    }
    let items: Vec<_> =
        seen.iter().filter_map(|event| if let StreamEvent::Item(n) = event { Some(*n) } else { None }).collect();
    assert_eq!(items, [2, 3, 4, 5, 6, 7]);
    assert!(seen.contains(&StreamEvent::Seam(Seam::Resumed)), "{seen:?}");
    let mut last = None;
    while last != Some(item(49)) {
        last = timeout(SECOND, squares.try_next()).await??;
        assert!(!matches!(last, Some(StreamEvent::Seam(Seam::Gap { .. } | Seam::Fresh))), "{last:?}");
    }
    drop((ticks, squares));
    nothing_is_left_of(client.peer()).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_gap_has_the_number_of_the_items_that_the_history_has_lost() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new().max_items(3));
    let (network, client) = connected(&clock).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    assert!(timeout(SECOND, ticks.next()).await.is_err());
    clock.0.push(1);
    assert_eq!(ticks.try_next().await?, Some(item(1)));
    network.cut();
    client.closed().await;
    for n in 2..=10 {
        clock.0.push(n);
    }
    opened(&client, 2).await;
    assert_eq!(ticks.try_next().await?, Some(seam(Seam::Gap { lost: Some(6) })));
    assert_eq!(ticks.try_next().await?, Some(item(8)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_history_is_fresh() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    assert!(timeout(SECOND, ticks.next()).await.is_err());
    clock.0.push(1);
    assert_eq!(ticks.try_next().await?, Some(item(1)));
    let restarted = Clock(History::new());
    for n in 100..103 {
        restarted.0.push(n);
    }
    network.set_server(Some(Server::builder().service(restarted.clone()).build()?));
    network.cut();
    assert_eq!(ticks.try_next().await?, Some(seam(Seam::Fresh)));
    for n in 100..103 {
        assert_eq!(ticks.try_next().await?, Some(item(n)));
    }
    // From then on that history counts.
    network.cut();
    client.closed().await;
    restarted.0.push(103);
    assert_eq!(ticks.try_next().await?, Some(seam(Seam::Resumed)));
    assert_eq!(ticks.try_next().await?, Some(item(103)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn combinators_that_leave_items_out_keep_the_position() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut even = TickerProxy::new(&client).even().resumable().await?;
    assert!(timeout(SECOND, even.next()).await.is_err());
    for n in 1..=4 {
        clock.0.push(n);
    }
    assert_eq!((even.try_next().await?, even.try_next().await?), (Some(item(2)), Some(item(4))));
    network.cut();
    client.closed().await;
    for n in 5..=8 {
        clock.0.push(n);
    }
    // Item 5 was left out, so the next one is 6.
    assert_eq!(even.try_next().await?, Some(seam(Seam::Gap { lost: Some(1) })));
    assert_eq!((even.try_next().await?, even.try_next().await?), (Some(item(6)), Some(item(8))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_are_dropped_on_the_way_are_gaps() -> Result<(), Box<dyn Error>> {
    // The history is faster than its consumer, and does not wait for it.
    let clock = Clock(History::new().max_items(4));
    let (_network, client) = connected(&clock).await?;
    let ticker = TickerProxy::new(&client);
    let mut ticks = ticker.ticks().window(2).resumable().await?;
    let mut latest = ticker.latest().window(2).resumable().await?;
    assert!(timeout(SECOND, ticks.next()).await.is_err() && timeout(SECOND, latest.next()).await.is_err());
    for n in 1..=100 {
        clock.0.push(n);
        let_others_run().await;
    }
    for stream in [&mut ticks, &mut latest] {
        let (mut next, mut gaps) = (1, 0);
        while next <= 100 {
            match timeout(SECOND, stream.try_next()).await?? {
                Some(StreamEvent::Item(n)) => {
                    assert_eq!(n, next);
                    next += 1;
                }
                Some(StreamEvent::Seam(Seam::Gap { lost: Some(lost) })) => {
                    (next, gaps) = (next + lost, gaps + 1);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(gaps > 0);
    }
    Ok(())
}

/// Returns a connector to these transports, one after the other.
fn one_after_the_other(
    transports: Vec<Memory>,
) -> impl Fn(u64) -> std::future::Ready<Result<(Memory, Handshake), ConnectError>> + Send + Sync {
    let transports = Mutex::new(transports.into_iter());
    move |_| {
        let next = transports.lock().expect("no panic").next();
        std::future::ready(next.map(|it| (it, Handshake::default())).ok_or_else(|| ConnectError::other("no more")))
    }
}

/// Answers the request for a stream, and waits for its start. Returns the request.
async fn open_stream(raw: &mut RawPeer) -> serde_json::Value {
    let request = raw.receive().await;
    raw.send(&json!({"i": request["i"], "h": 1}).to_string()).await;
    while raw.receive().await["a"][0] != "start" {}
    request
}

fn payload(channel: &serde_json::Value, payload: &serde_json::Value) -> String {
    json!({"a": ["next", payload], "h": channel}).to_string()
}

#[tokio::test(start_paused = true)]
async fn the_request_tells_the_last_position_and_the_first_payload_the_seam() -> Result<(), Box<dyn Error>> {
    let (near, far): (Vec<_>, Vec<_>) = (0..8).map(|_| memory::pair()).unzip();
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(one_after_the_other(near)).await?;
    let events = Arc::new(Mutex::new(Vec::new()));
    let reading = tokio::spawn({
        let (events, call) = (Arc::clone(&events), client.request::<Streaming<u64, Rejection>>("ticks", (5,)));
        async move {
            let mut ticks = call.resumable().await.map_err(|error| error.to_string())?;
            while let Some(event) = ticks.next().await {
                events.lock().expect("no panic").push(format!("{:?}", event.map_err(|error| error.to_string())?));
            }
            Ok::<_, String>(())
        }
    });
    let mut requests = Vec::new();
    let payloads = [
        // A new stream.
        vec![json!({"value": 1, "done": false, "at": [7, 10]}), json!({"value": 2, "done": false})],
        // Nothing arrives.
        vec![],
        // It continues, and a loss on the way counts.
        vec![json!({"value": 3, "done": false, "at": [7, 12]}), json!({"value": 4, "done": false, "lost": 3})],
        // A gap.
        vec![json!({"value": 5, "done": false, "at": [7, 20]})],
        // The peer repeats items.
        vec![
            json!({"value": 4, "done": false, "at": [7, 19]}),
            json!({"value": 5, "done": false}),
            json!({"value": 6, "done": false}),
        ],
        // Another history.
        vec![json!({"value": 7, "done": false, "at": [8, 1]})],
        // A peer that knows no positions.
        vec![json!({"value": 8, "done": false})],
        vec![json!({"value": 9, "done": false, "at": [9, 1]}), json!({"done": true})],
    ];
    for (far, payloads) in far.into_iter().zip(payloads) {
        let mut raw = RawPeer::on(far);
        let request = open_stream(&mut raw).await;
        requests.push((request["a"].clone(), request["m"].clone()));
        for it in payloads {
            raw.send(&payload(&request["i"], &it)).await;
        }
        let_others_run().await;
        drop(raw);
    }
    timeout(60 * SECOND, reading).await???;
    let positions = [
        json!([]),
        json!([7, 11]),
        json!([7, 11]),
        json!([7, 16]),
        json!([7, 20]),
        json!([7, 21]),
        json!([8, 1]),
        json!([]),
    ];
    let expected: Vec<_> = positions.into_iter().map(|r| (json!(["ticks", 5]), json!({"r": r}))).collect();
    assert_eq!(requests, expected);
    let expected = [
        "Item(1)",
        "Item(2)",
        "Seam(Resumed)",
        "Item(3)",
        "Seam(Gap { lost: Some(3) })",
        "Item(4)",
        "Seam(Gap { lost: Some(3) })",
        "Item(5)",
        "Seam(Resumed)",
        "Item(6)",
        "Seam(Fresh)",
        "Item(7)",
        "Seam(Gap { lost: None })",
        "Item(8)",
        "Seam(Fresh)",
        "Item(9)",
    ];
    assert_eq!(*events.lock().expect("no panic"), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_producer_says_where_it_begins_only_if_it_is_asked() -> Result<(), Box<dyn Error>> {
    let history = History::new();
    let server = Server::builder().service(Clock(history.clone())).build()?;
    let (mut raw, _peer) = RawPeer::dial(&server);
    history.push(1);
    for (id, meta, expected) in [
        (1, json!({}), json!({"value": 2, "done": false})),
        (2, json!({"r": []}), json!({"value": 3, "done": false, "at": [history.epoch(), 3]})),
        (3, json!({"r": [history.epoch(), 2]}), json!({"value": 3, "done": false, "at": [history.epoch(), 3]})),
        (4, json!({"r": [history.epoch(), "2"]}), json!({"value": 5, "done": false})),
    ] {
        let request = json!({"a": ["ticks"], "c": "desk", "i": id, "m": meta});
        assert_eq!(raw.ask(&request.to_string()).await, json!({"i": id, "h": 1}));
        raw.send(&json!({"a": ["credit", 1], "h": id}).to_string()).await;
        raw.send(&json!({"a": ["start"], "h": id}).to_string()).await;
        let_others_run().await;
        history.push(history.last_offset() + 1);
        assert_eq!(raw.receive().await, json!({"a": ["next", expected], "h": id}), "{id}");
        raw.send(&json!({"h": id, "x": "enough", "_": 1}).to_string()).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn arguments_may_depend_on_the_last_item() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let call = TickerProxy::new(&client).count_from(0);
    let mut numbers = call.resubscribe(|last: Option<&u64>| (last.map_or(0, |last| last + 1),)).await?;
    for n in 0..3 {
        assert_eq!(numbers.try_next().await?, Some(item(n)));
    }
    for first in [3, 6] {
        network.cut();
        assert_eq!(numbers.try_next().await?, Some(seam(Seam::Gap { lost: None })));
        for n in first..first + 3 {
            assert_eq!(numbers.try_next().await?, Some(item(n)));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_fails_with_the_cause_if_its_client_gives_up() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let network = Network::with(Server::builder().service(clock.clone()).build()?);
    let policy = Reconnect::default().max_attempts(3);
    let client = Client::builder().reconnect(policy).connect_with(network.connector()).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    let mut plain = TickerProxy::new(&client).ticks().await?;
    network.set_server(None);
    network.cut();
    let failed = timeout(600 * SECOND, ticks.next()).await?;
    assert!(matches!(&failed, Some(Err(CallError::Closed(closed))) if closed.cause == CloseCause::Lost), "{failed:?}");
    assert!(ticks.next().await.is_none());
    // A plain stream ends with the cause at once.
    assert!(matches!(plain.next().await, Some(Err(CallError::Closed(closed))) if closed.cause == CloseCause::Lost));
    assert!(plain.next().await.is_none());
    // A client that never connects again.
    let server = Server::builder().service(clock).build()?;
    let (near, far) = memory::pair();
    server.accept_transport(far)?;
    let client = Client::connect_transport(near)?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    client.close(4001, "enough");
    assert!(matches!(ticks.next().await, Some(Err(CallError::Closed(closed))) if closed.code == 4001));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_is_dropped_while_it_waits_leaves_nothing() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
    network.set_server(None);
    network.cut();
    assert!(timeout(SECOND, ticks.next()).await.is_err());
    drop(ticks);
    assert_eq!(client.counters(), Counters::default());
    network.set_server(Some(Server::builder().service(clock).build()?));
    opened(&client, 2).await;
    assert!(client.request::<()>("x", ()).await.is_err());
    assert_eq!(client.counters(), Counters::default());
    Ok(())
}

/// A counting stream whose connections are cut at random bytes: all numbers come once and in their order, or a gap tells
/// how many are missing.
async fn run(mut chance: Chance) {
    const LAST: u64 = 60;
    let kept = chance.between(1, 30);
    let history = History::new().max_items(kept);
    let server = Server::builder().any_origin().service(Clock(history.clone())).build().expect("it can be mounted");
    let delivery = if chance.one_in(3) { Delivery::Whole } else { Delivery::Pieces { seed: chance.next_seed() } };
    let cuts: Vec<_> = (0..chance.between(1, 6))
        .map(|_| (chance.one_of(&Direction::BOTH), chance.between(0, 1_500) as u64, chance.one_of(&Ending::BOTH)))
        .collect();
    let connector = Line::connector(&server, delivery, move |cable, number| {
        if let Some((direction, bytes, ending)) = usize::try_from(number).ok().and_then(|number| cuts.get(number)) {
            cable.cut_after(*direction, *bytes, *ending);
        }
    });
    let policy = Reconnect::default().seed(chance.next_seed()).base_delay(Duration::from_millis(20));
    let client = Client::builder().reconnect(policy).connect_with(connector).await.expect("the server is there");
    let window = chance.one_of(&[1, 4, 64]);
    let (pace, rest) = (chance.one_of(&[0, 1, 5]), chance.one_of(&[0, 0, 3]));
    // The first call is not sent again: until it has an answer, there is no stream.
    let mut ticks = loop {
        let call = TickerProxy::new(&client).ticks().window(window).queue(600 * SECOND).resumable();
        match timeout(600 * SECOND, call).await.expect("it has an end") {
            Ok(ticks) => break ticks,
            Err(error) => assert!(matches!(error, CallError::Closed(_)), "{error:?}"),
        }
    };
    let pushing = tokio::spawn(async move {
        for n in 1.. {
            // A stream of which nothing was taken begins anew, so there must be items to come.
            sleep(Duration::from_millis(if n < LAST { pace } else { 100 })).await;
            history.push(n);
        }
    });
    let (mut last, mut expected) = (None, None);
    while last < Some(LAST) {
        let event = timeout(600 * SECOND, ticks.try_next()).await.expect("there is no silence").expect("no error");
        match event.expect("the stream has no end") {
            StreamEvent::Item(n) => {
                if let Some(expected) = expected {
                    assert_eq!(n, expected, "after {last:?}");
                }
                (last, expected) = (Some(n), Some(n + 1));
                if rest > 0 {
                    sleep(Duration::from_millis(rest)).await;
                }
            }
            StreamEvent::Seam(Seam::Resumed) => {}
            StreamEvent::Seam(Seam::Gap { lost: Some(missing) }) => {
                assert!(missing > 0);
                expected = expected.map(|expected| expected + missing);
            }
            // Nothing was taken before.
            StreamEvent::Seam(Seam::Fresh) => assert_eq!(last, None),
            StreamEvent::Seam(Seam::Gap { lost: None }) => panic!("the peer tells positions"),
        }
    }
    drop(ticks);
    pushing.abort();
    nothing_is_left_of(client.peer()).await;
}

#[test]
fn a_counting_stream_survives_cuts_at_random_bytes() {
    for_each_seed(0..1_000, run);
}
