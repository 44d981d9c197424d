//! Streams that survive a lost connection: adapters of the history, and what must not hide a seam.

use futures_util::{FutureExt, StreamExt, stream};
use serde_json::{Value, json};
use std::error::Error;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::connection::Handshake;
use wswrapper::error::{ConnectError, Rejection};
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::transport::memory::{self, Memory};
use wswrapper::{CallError, Client, Server, Stream, Streaming, ws_handlers, ws_service};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{RawPeer, let_others_run};

const SECOND: Duration = Duration::from_secs(1);

#[ws_service(channel = "desk")]
trait Adapted {
    /// The items, and a 0 each second.
    async fn with_beats(&self) -> impl Stream<Item = u64> + Send;
    /// Each item twice.
    async fn twice(&self) -> impl Stream<Item = u64> + Send;
    async fn plain(&self) -> impl Stream<Item = u64> + Send;
}

#[derive(Clone)]
struct Clock(History<u64>);

#[ws_handlers]
impl Adapted for Clock {
    async fn with_beats(&self) -> impl Stream<Item = u64> + Send {
        let beats = stream::unfold((), |()| async {
            sleep(SECOND).await;
            Some((0, ()))
        });
        stream::select(self.0.stream(), Box::pin(beats))
    }

    async fn twice(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream().flat_map(|n| stream::iter([n, n]))
    }

    async fn plain(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }
}

async fn connected(clock: &Clock) -> Result<(Network, Client), Box<dyn Error>> {
    let network = Network::with(Server::builder().service(clock.clone()).build()?);
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    Ok((network, client))
}

/// Takes events until nothing comes for a while.
macro_rules! until_quiet {
    ($stream:expr, $wait:expr) => {{
        let mut seen = Vec::new();
        while let Ok(event) = timeout($wait, $stream.next()).await {
            seen.push(event.expect("it has not finished")?);
        }
        seen
    }};
}

fn items(events: &[StreamEvent<u64>]) -> Vec<u64> {
    events.iter().filter_map(|event| if let StreamEvent::Item(n) = event { Some(*n) } else { None }).collect()
}

fn seams(events: &[StreamEvent<u64>]) -> Vec<Seam> {
    events.iter().filter_map(|event| if let StreamEvent::Seam(seam) = event { Some(*seam) } else { None }).collect()
}

#[tokio::test(start_paused = true)]
async fn items_beside_a_history_do_not_move_its_position() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut stream = AdaptedProxy::new(&client).with_beats().resumable().await?;
    assert!(timeout(SECOND / 2, stream.next()).await.is_err());
    clock.0.push(1);
    assert_eq!(stream.try_next().await?, Some(StreamEvent::Item(1)));
    for _ in 0..3 {
        assert_eq!(stream.try_next().await?, Some(StreamEvent::Item(0)));
    }
    network.cut();
    client.closed().await;
    (2..=6).for_each(|n| _ = clock.0.push(n));
    opened(&client, 2).await;
    let seen = until_quiet!(stream, SECOND / 2);
    assert_eq!((seams(&seen), items(&seen)), (vec![Seam::Resumed], vec![2, 3, 4, 5, 6]));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_were_made_of_one_do_not_move_its_position() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut stream = AdaptedProxy::new(&client).twice().resumable().await?;
    assert!(timeout(SECOND / 2, stream.next()).await.is_err());
    (1..=3).for_each(|n| _ = clock.0.push(n));
    let seen = until_quiet!(stream, SECOND / 2);
    assert_eq!(items(&seen), [1, 1, 2, 2, 3, 3]);
    network.cut();
    client.closed().await;
    (4..=10).for_each(|n| _ = clock.0.push(n));
    opened(&client, 2).await;
    let seen = until_quiet!(stream, SECOND / 2);
    let expected: Vec<u64> = (4..=10).flat_map(|n| [n, n]).collect();
    assert_eq!((seams(&seen), items(&seen)), (vec![Seam::Resumed], expected));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_are_removed_before_the_first_poll_of_a_new_stream_are_a_gap() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new().max_items(3));
    let (_network, client) = connected(&clock).await?;
    let mut stream = AdaptedProxy::new(&client).plain().resumable().await?;
    (1..=10).for_each(|n| _ = clock.0.push(n));
    let seen = until_quiet!(stream, SECOND / 2);
    assert_eq!((seams(&seen), items(&seen)), (vec![Seam::Gap { lost: Some(7) }], vec![8, 9, 10]));
    Ok(())
}

fn one_after_the_other(
    transports: Vec<Memory>,
) -> impl Fn(u64) -> std::future::Ready<Result<(Memory, Handshake), ConnectError>> + Send + Sync {
    let transports = Mutex::new(transports.into_iter());
    move |_| {
        let next = transports.lock().expect("no panic").next();
        std::future::ready(next.map(|it| (it, Handshake::default())).ok_or_else(|| ConnectError::other("no more")))
    }
}

async fn open_stream(raw: &mut RawPeer) -> Value {
    let request = raw.receive().await;
    raw.send(&json!({"i": request["i"], "h": 1}).to_string()).await;
    while raw.receive().await["a"][0] != "start" {}
    request
}

async fn send(raw: &mut RawPeer, request: &Value, payload: Value) {
    raw.send(&json!({"a": ["next", payload], "h": request["i"]}).to_string()).await;
}

/// A client of two raw peers, one after the other.
async fn two_peers() -> Result<(Client, [RawPeer; 2]), Box<dyn Error>> {
    let (near, far): (Vec<_>, Vec<_>) = (0..2).map(|_| memory::pair()).unzip();
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(one_after_the_other(near)).await?;
    let mut far = far.into_iter().map(RawPeer::on);
    Ok((client, [far.next().expect("two"), far.next().expect("two")]))
}

/// Reads the events of a stream from the first peer, which has sent item 1 at [7, 1] and is gone.
async fn events_of_two(payloads: Vec<Value>, first: Vec<Value>) -> Result<(Value, Vec<String>), Box<dyn Error>> {
    let (client, [mut one, mut two]) = two_peers().await?;
    let call = client.request::<Streaming<u64, Rejection>>("ticks", ());
    let reading = tokio::spawn(async move {
        let mut ticks = call.resumable().await.expect("a stream");
        let mut events = Vec::new();
        while let Some(event) = ticks.next().await {
            events.push(match event {
                Ok(event) => format!("{event:?}"),
                Err(CallError::Decode(_)) => "Decode".to_owned(),
                Err(error) => error.to_string(),
            });
        }
        events
    });
    let request = open_stream(&mut one).await;
    for payload in first {
        send(&mut one, &request, payload).await;
    }
    let_others_run().await;
    drop(one);
    let request = timeout(60 * SECOND, open_stream(&mut two)).await?;
    for payload in payloads {
        send(&mut two, &request, payload).await;
    }
    send(&mut two, &request, json!({"done": true})).await;
    Ok((request["m"]["r"].clone(), timeout(60 * SECOND, reading).await??))
}

fn at(value: impl Into<Value>, epoch: u64, offset: u64) -> Value {
    json!({"value": value.into(), "done": false, "at": [epoch, offset]})
}

#[tokio::test(start_paused = true)]
async fn item_of_another_type_does_not_hide_the_seam_before_it() -> Result<(), Box<dyn Error>> {
    let (_, events) = events_of_two(vec![at("x", 7, 5), at(6, 7, 6)], vec![at(1, 7, 1)]).await?;
    assert_eq!(events, ["Item(1)", "Seam(Gap { lost: Some(3) })", "Decode", "Item(6)"]);
    let lost = json!({"value": "x", "done": false, "lost": 3});
    let (_, events) = events_of_two(vec![at(2, 7, 2), lost, at(7, 7, 7)], vec![at(1, 7, 1)]).await?;
    assert_eq!(events, ["Item(1)", "Seam(Resumed)", "Item(2)", "Seam(Gap { lost: Some(3) })", "Decode", "Item(7)"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn items_that_are_lost_before_the_end_are_a_gap() -> Result<(), Box<dyn Error>> {
    let (client, [mut one, _two]) = two_peers().await?;
    let call = client.request::<Streaming<u64, Rejection>>("ticks", ());
    let reading = tokio::spawn(async move {
        let mut ticks = call.resumable().await.expect("a stream");
        let mut events = Vec::new();
        while let Ok(Some(event)) = ticks.try_next().await {
            events.push(event);
        }
        events
    });
    let request = open_stream(&mut one).await;
    send(&mut one, &request, at(1, 7, 1)).await;
    send(&mut one, &request, json!({"done": true, "lost": 3})).await;
    let events = timeout(60 * SECOND, reading).await??;
    assert_eq!(events, [StreamEvent::Item(1), StreamEvent::Seam(Seam::Gap { lost: Some(3) })]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn numbers_of_a_hostile_producer_do_not_overflow() -> Result<(), Box<dyn Error>> {
    const MAX: u64 = (1 << 53) - 1;
    let mut first = vec![at(1, 7, MAX)];
    first.extend((0..2_100).map(|_| json!({"value": 1, "done": false, "lost": MAX})));
    let (resumed, events) = events_of_two(vec![], first).await?;
    assert!(resumed[1].as_u64().is_some_and(|offset| offset <= MAX), "{resumed}");
    assert_eq!(events.len(), 1 + 2 * 2_100);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn item_behind_a_seam_is_not_handed_over_during_a_pause() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let (network, client) = connected(&clock).await?;
    let mut stream = AdaptedProxy::new(&client).plain().resumable().await?;
    assert!(timeout(SECOND / 2, stream.next()).await.is_err());
    clock.0.push(1);
    assert_eq!(stream.try_next().await?, Some(StreamEvent::Item(1)));
    network.cut();
    client.closed().await;
    clock.0.push(2);
    opened(&client, 2).await;
    assert_eq!(stream.try_next().await?, Some(StreamEvent::Seam(Seam::Resumed)));
    let pause = client.pause();
    assert!(stream.next().now_or_never().is_none(), "the client is paused");
    drop(pause);
    assert_eq!(stream.try_next().await?, Some(StreamEvent::Item(2)));
    Ok(())
}
