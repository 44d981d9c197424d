//! Streams to handlers.

mod support;

use futures_util::{FutureExt, Stream, StreamExt, stream};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::{Alive, Log, Pair, RawPeer, pair, pair_with, until};
use tokio::sync::Semaphore;
use wswrapper::{
    CallError, Client, Context, Counters, Limits, Reason, SendError, Server, ServerBuilder, Upload, WsError,
    ws_handlers, ws_service,
};

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum Lost {
    #[error("lost at {at}")]
    At { at: usize },
}

/// An odd one cannot be sent.
#[derive(Deserialize)]
struct Even(u8);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            self.0.serialize(serializer)
        } else {
            Err(S::Error::custom(format!("{} is odd", self.0)))
        }
    }
}

#[ws_service]
trait Depot {
    async fn sum(&self, start: i64, numbers: Upload<i64>, unit: &str) -> String;
    async fn collect(&self, parts: Upload<String, Lost>) -> Result<String, Lost>;
    async fn store(&self, numbers: Upload<i64>);
    async fn first(&self, most: usize, numbers: Upload<i64>) -> Vec<i64>;
    async fn refuse(&self, numbers: Upload<i64>) -> Result<(), Lost>;
    async fn let_go(&self, most: usize, numbers: Upload<i64>) -> usize;
    async fn wait(&self, ctx: Context, numbers: Upload<i64>);
    async fn slow(&self, window: u32, numbers: Upload<i64>) -> usize;
    async fn panics(&self, after: usize, numbers: Upload<i64>) -> u8;
    async fn even(&self, numbers: Upload<Even>) -> usize;
    async fn hand_on(&self, wait: bool, numbers: Upload<i64, Lost>);
    async fn quick(&self) -> u8 {
        1
    }
}

/// What handlers do can be seen, and `slow` takes an item for each permit.
#[derive(Clone)]
struct Desk {
    handlers: Alive,
    log: Log,
    permits: Arc<Semaphore>,
}

impl Default for Desk {
    fn default() -> Self {
        Self { handlers: Alive::default(), log: Log::default(), permits: Arc::new(Semaphore::new(0)) }
    }
}

#[ws_handlers]
impl Depot for Desk {
    async fn sum(&self, start: i64, mut numbers: Upload<i64>, unit: &str) -> String {
        let _alive = self.handlers.guard();
        let mut sum = start;
        while let Some(number) = numbers.next().await {
            match number {
                Ok(number) => sum += number,
                Err(error) => return error.to_string(),
            }
        }
        assert!(numbers.next().await.is_none(), "an end is an end");
        format!("{sum} {unit}")
    }

    async fn collect(&self, mut parts: Upload<String, Lost>) -> Result<String, Lost> {
        let mut all = String::new();
        loop {
            match parts.next().await {
                Some(Ok(part)) => all += &part,
                Some(Err(CallError::Rejected(Lost::At { at: 0 }))) => return Err(Lost::At { at: all.len() }),
                Some(Err(error)) => {
                    assert!(parts.next().await.is_none(), "an error is the end");
                    return Ok(format!("{all} and {error}"));
                }
                None => return Ok(all),
            }
        }
    }

    async fn store(&self, mut numbers: Upload<i64>) {
        while let Some(Ok(number)) = numbers.next().await {
            self.log.add(number.to_string());
        }
    }

    async fn first(&self, most: usize, numbers: Upload<i64>) -> Vec<i64> {
        numbers.take(most).filter_map(async |number| number.ok()).collect().await
    }

    async fn refuse(&self, _numbers: Upload<i64>) -> Result<(), Lost> {
        Err(Lost::At { at: 7 })
    }

    async fn let_go(&self, most: usize, numbers: Upload<i64>) -> usize {
        let count = numbers.take(most).count().await;
        let permit = self.permits.acquire().await.expect("it is never closed");
        permit.forget();
        count
    }

    async fn wait(&self, ctx: Context, _numbers: Upload<i64>) {
        let _alive = self.handlers.guard();
        let log = self.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        std::future::pending::<()>().await;
    }

    async fn slow(&self, window: u32, numbers: Upload<i64>) -> usize {
        let mut numbers = numbers.window(window);
        let mut count = 0;
        loop {
            self.permits.acquire().await.expect("it is never closed").forget();
            let Some(_) = numbers.next().await else { return count };
            count += 1;
            self.log.add(count.to_string());
        }
    }

    async fn panics(&self, after: usize, numbers: Upload<i64>) -> u8 {
        let _alive = self.handlers.guard();
        let count = numbers.take(after).count().await;
        panic!("after {count}")
    }

    async fn even(&self, mut numbers: Upload<Even>) -> usize {
        let _alive = self.handlers.guard();
        let mut count = 0;
        while let Some(Ok(Even(_))) = numbers.next().await {
            count += 1;
        }
        count
    }

    async fn hand_on(&self, wait: bool, mut numbers: Upload<i64, Lost>) {
        let (alive, log) = (self.handlers.guard(), self.log.clone());
        tokio::spawn(async move {
            while let Some(number) = numbers.next().await {
                log.add(number.map_or_else(|error| error.to_string(), |number| number.to_string()));
            }
            drop(alive);
        });
        if wait {
            std::future::pending::<()>().await;
        }
    }
}

fn depot() -> (Desk, ServerBuilder) {
    let desk = Desk::default();
    let errors = desk.log.clone();
    let server = Server::builder().service_as::<dyn Depot>(desk.clone());
    (desk, server.on_error(move |_, error| errors.add(error.to_string())))
}

/// A stream that can be watched.
#[derive(Clone, Default)]
struct Watched {
    alive: Alive,
    polled: Arc<AtomicUsize>,
}

impl Watched {
    /// Numbers without end.
    fn numbers(&self) -> impl Stream<Item = i64> + Send + use<> {
        let (alive, polled) = (self.alive.guard(), Arc::clone(&self.polled));
        stream::iter(1..).inspect(move |_| {
            let _ = &alive;
            polled.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn polled(&self) -> usize {
        self.polled.load(Ordering::SeqCst)
    }
}

/// Nothing is under way any more at either end.
async fn nothing_is_left(pair: &Pair) {
    for peer in [&pair.peer, pair.client.peer()] {
        until(|| peer.counters() == Counters::default()).await;
    }
}

#[tokio::test]
async fn a_stream_is_summed_among_other_arguments() -> Result<(), Box<dyn Error>> {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    assert_eq!(depot.sum(100, stream::iter([1, 2, 3]), "metres").await?, "106 metres");
    assert_eq!(depot.sum(0, stream::iter(1..=1_000), "of many").await?, "500500 of many");
    assert_eq!(depot.sum(5, stream::empty(), "of none").await?, "5 of none");
    depot.store(stream::iter([1, 2, 3])).await?;
    assert_eq!(desk.log.entries(), ["1", "2", "3"]);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_source_that_waits_is_waited_for() -> Result<(), Box<dyn Error>> {
    let (desk, server) = depot();
    let pair = pair(server);
    let (give, numbers) = tokio::sync::mpsc::unbounded_channel();
    let numbers = stream::unfold(numbers, async |mut numbers| Some((numbers.recv().await?, numbers)));
    let call = tokio::spawn(DepotProxy::new(&pair.client).store(numbers));
    for n in 1..=3 {
        give.send(n)?;
        assert_eq!(desk.log.has(n.try_into()?).await.len(), usize::try_from(n)?);
    }
    assert!(!call.is_finished());
    drop(give);
    call.await??;
    Ok(())
}

#[tokio::test]
async fn the_server_uploads_to_the_client() -> Result<(), Box<dyn Error>> {
    let pair = pair_with(Server::builder(), Client::builder().service_as::<dyn Depot>(Desk::default()));
    let depot = DepotProxy::new(&pair.peer);
    assert_eq!(depot.sum(0, stream::iter(1..=300), "back").await?, "45150 back");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn uploads_go_over_tcp() -> Result<(), Box<dyn Error>> {
    let listening = depot().1.bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listening.local_addr());
    tokio::spawn(listening.serve());
    let client = Client::connect(&url).await?;
    assert_eq!(DepotProxy::new(&client).sum(0, stream::iter(1..=10_000), "").await?, "50005000 ");
    Ok(())
}

#[tokio::test]
async fn a_sources_error_ends_the_upload_and_the_handler_still_answers() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot().1);
    let depot = DepotProxy::new(&pair.client);
    let parts = |at| [Ok("a".to_owned()), Ok("b".to_owned()), Err(Lost::At { at }), Ok("c".to_owned())];
    assert_eq!(depot.collect(stream::iter(parts(2))).await?, "ab and lost at 2");
    let error = depot.collect(stream::iter(parts(0))).await;
    assert!(matches!(error, Err(CallError::Rejected(Lost::At { at: 2 }))), "{error:?}");
    let whole = stream::iter(parts(1)).filter(|part| std::future::ready(part.is_ok()));
    assert_eq!(depot.collect(whole).await?, "abc");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_answer_before_the_end_stops_the_source() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot().1);
    let depot = DepotProxy::new(&pair.client);
    let source = Watched::default();
    let mut call = depot.first(3, source.numbers());
    assert_eq!((&mut call).await?, [1, 2, 3]);
    assert_eq!(source.alive.count(), 0);
    drop(call);
    let refused = depot.refuse(source.numbers()).await;
    assert!(matches!(refused, Err(CallError::Rejected(Lost::At { at: 7 }))), "{refused:?}");
    assert_eq!(source.alive.count(), 0);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_handler_that_lets_go_of_its_upload_still_answers() -> Result<(), Box<dyn Error>> {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    for most in [0, 3, 1_000] {
        let source = Watched::default();
        let call = tokio::spawn(depot.let_go(most, source.numbers()));
        until(|| source.polled() >= most).await;
        assert_eq!(depot.quick().await?, 1);
        desk.permits.add_permits(1);
        assert_eq!(call.await??, most);
        source.alive.becomes(0).await;
    }
    let call = tokio::spawn(depot.let_go(10, stream::iter([1, 2, 3])));
    assert_eq!(depot.quick().await?, 1);
    desk.permits.add_permits(1);
    assert_eq!(call.await??, 3);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_source_that_nobody_reads_is_not_polled() {
    let (desk, server) = depot();
    let pair = pair(server);
    let source = Watched::default();
    let call = tokio::spawn(DepotProxy::new(&pair.client).wait(source.numbers()));
    desk.handlers.becomes(1).await;
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    assert_eq!((source.polled(), source.alive.count()), (0, 1));
    call.abort();
    desk.handlers.becomes(0).await;
    assert_eq!((source.polled(), source.alive.count()), (0, 0));
}

#[tokio::test]
async fn a_slow_handler_holds_the_source_to_its_window() {
    let (desk, server) = depot();
    let pair = pair(server);
    let source = Watched::default();
    let call = tokio::spawn(DepotProxy::new(&pair.client).slow(4, source.numbers()));
    for taken in 1..=20 {
        desk.permits.add_permits(1);
        assert_eq!(desk.log.has(taken).await.len(), taken);
        DepotProxy::new(&pair.client).quick().await.expect("all credit has come");
        // Of four, two are given back when two were taken.
        assert!(source.polled() <= taken + 4, "{} of {taken}", source.polled());
    }
    assert!(source.polled() >= 20);
    call.abort();
    source.alive.becomes(0).await;
}

#[tokio::test]
async fn dropping_the_call_drops_the_handler_and_the_source() {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    let source = Watched::default();
    let call = tokio::spawn(depot.wait(source.numbers()));
    desk.handlers.becomes(1).await;
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    call.abort();
    desk.handlers.becomes(0).await;
    assert_eq!(desk.log.has(1).await, ["Request aborted"]);
    assert_eq!(source.alive.count(), 0);
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_before_the_handlers_end_is_there_stops_the_handler() {
    let (desk, server) = depot();
    let pair = pair(server);
    let mut call = DepotProxy::new(&pair.client).wait(stream::empty());
    // It is sent, and nobody has had a turn since.
    assert!((&mut call).now_or_never().is_none());
    drop(call);
    assert_eq!(desk.log.has(1).await, ["Request aborted"]);
    desk.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_call_that_is_dropped_when_the_handlers_end_has_come_stops_the_handler() {
    let (desk, server) = depot();
    let pair = pair(server);
    let mut call = DepotProxy::new(&pair.client).wait(stream::empty());
    assert!((&mut call).now_or_never().is_none());
    until(|| pair.client.counters().open_channels == 1).await;
    drop(call);
    assert_eq!(desk.log.has(1).await, ["Request aborted"]);
    desk.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_call_that_is_cancelled_tells_the_handler_why() {
    let (desk, server) = depot();
    let pair = pair(server);
    let mut calls = [0; 2].map(|_| DepotProxy::new(&pair.client).wait(stream::empty()));
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    until(|| pair.client.counters().open_channels == 2).await;
    // One knows that the handler's end has come and waits for the result; the other does not know it yet.
    assert!((&mut calls[0]).now_or_never().is_none());
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    for call in calls {
        call.cancel(&Reason::new("no more room"));
    }
    assert_eq!(desk.log.has(2).await, ["no more room", "no more room"]);
    desk.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test(start_paused = true)]
async fn a_time_limit_covers_the_whole_upload() {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    let began = tokio::time::Instant::now();
    let source = Watched::default();
    let slow = source.numbers().then(async |n| {
        tokio::time::sleep(Duration::from_millis(400)).await;
        n
    });
    let error = depot.sum(0, Box::pin(slow), "").timeout(Duration::from_secs(3)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(source.polled(), 8);
    desk.handlers.becomes(0).await;
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_channel_took_counts() {
    let (desk, server) = depot();
    let (near, far) = wswrapper::transport::memory::builder().latency(Duration::from_secs(1)).pair();
    let server = server.build().expect("it can be mounted");
    server.accept_transport(far).expect("the server is open");
    let client = Client::over(near).expect("nothing to mount");
    let began = tokio::time::Instant::now();
    let error = DepotProxy::new(&client).wait(stream::empty()).timeout(Duration::from_secs(5)).await;
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    assert_eq!(began.elapsed().as_secs(), 5);
    desk.handlers.becomes(0).await;
}

#[tokio::test]
async fn a_lost_connection_ends_the_upload_at_both_ends() {
    let (desk, server) = depot();
    let pair = pair(server);
    let source = Watched::default();
    let call = tokio::spawn(DepotProxy::new(&pair.client).wait(source.numbers()));
    desk.handlers.becomes(1).await;
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    pair.peer.abort_connection().await;
    let error = call.await.expect("no panic");
    assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    desk.handlers.becomes(0).await;
    assert_eq!(desk.log.has(1).await, ["Connection closed"]);
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn a_panic_rejects_the_call_and_leaves_nothing() -> Result<(), Box<dyn Error>> {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    for after in [0, 1, 100] {
        let source = Watched::default();
        let error = depot.panics(after, source.numbers()).await;
        assert!(matches!(&error, Err(CallError::Refused(r)) if r.message() == Some("internal error")), "{error:?}");
        source.alive.becomes(0).await;
    }
    desk.handlers.becomes(0).await;
    let panics = [0, 1, 100].map(|after| format!("handler of `panics` panicked: after {after}"));
    assert_eq!(desk.log.entries(), panics);
    assert_eq!(depot.quick().await?, 1);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_item_that_cannot_be_encoded_ends_the_call_and_drops_the_handler() {
    let (desk, server) = depot();
    let pair = pair(server);
    // A call that is kept after its end keeps nothing at the other one.
    let mut call = DepotProxy::new(&pair.client).even(stream::iter([Even(2), Even(3), Even(4)]));
    let error = (&mut call).await;
    assert!(matches!(&error, Err(CallError::NotSent(SendError::EncodeItem(_)))), "{error:?}");
    assert_eq!(error.map_err(|error| error.to_string()), Err("an item cannot be encoded: 3 is odd".to_owned()));
    desk.handlers.becomes(0).await;
    nothing_is_left(&pair).await;
    drop(call);
}

#[tokio::test]
async fn several_uploads_at_once_do_not_mix() -> Result<(), Box<dyn Error>> {
    let pair = pair(depot().1);
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
async fn an_upload_goes_on_while_no_further_handler_can_start() -> Result<(), Box<dyn Error>> {
    let limits = Limits { handlers_in_flight: 1, ..Limits::default() };
    let (desk, server) = depot();
    let pair = pair(server.limits(limits));
    let depot = DepotProxy::new(&pair.client);
    let slow = tokio::spawn(depot.slow(2, stream::iter(1..=100)));
    until(|| pair.peer.counters().handlers_in_flight == 1).await;
    // These wait their turn.
    let next = tokio::spawn(depot.sum(0, stream::iter(1..=100), "later"));
    let quick = tokio::spawn({
        let depot = depot.clone();
        async move { depot.quick().await }
    });
    desk.permits.add_permits(50);
    desk.log.has(50).await;
    assert!(!next.is_finished() && !quick.is_finished());
    desk.permits.add_permits(51);
    assert_eq!(slow.await??, 100);
    assert_eq!(next.await??, "5050 later");
    assert_eq!(quick.await??, 1);
    Ok(())
}

#[tokio::test]
async fn too_many_uploads_are_rejected() -> Result<(), Box<dyn Error>> {
    let limits = Limits { open_channels: 1, ..Limits::default() };
    let (desk, server) = depot();
    let pair = pair(server.limits(limits));
    let depot = DepotProxy::new(&pair.client);
    let first = tokio::spawn(depot.wait(stream::empty()));
    desk.handlers.becomes(1).await;
    let source = Watched::default();
    let refused = depot.sum(0, source.numbers(), "").await;
    assert!(matches!(&refused, Err(CallError::Refused(r)) if r.message() == Some("too many open channels")));
    assert_eq!((source.polled(), source.alive.count()), (0, 0));
    first.abort();
    desk.handlers.becomes(0).await;
    assert_eq!(depot.sum(0, stream::iter([1]), "").await?, "1 ");
    Ok(())
}

#[tokio::test]
async fn items_that_cannot_be_held_end_the_upload() {
    let (desk, server) = depot();
    let pair = pair(server.limits(Limits { stream_bytes: 100, ..Limits::default() }));
    let source = Watched::default();
    let error = DepotProxy::new(&pair.client).sum(0, source.numbers().map(|n| n + 1_000_000_000), "").await;
    assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    desk.handlers.becomes(0).await;
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn an_upload_is_on_the_wire_what_the_protocol_says() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["sum",5,"m"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    assert_eq!(raw.receive_text().await, r#"{"a":["credit",64],"h":1}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["start"],"h":1}"#);
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    for n in 1..=32 {
        raw.send(&format!(r#"{{"a":["next",{{"value":{n},"done":false}}],"h":1}}"#)).await;
    }
    assert_eq!(raw.receive_text().await, r#"{"a":["credit",32],"h":1}"#);
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"i":2,"d":"533 m"}"#);
    raw.silence().await;
    desk.handlers.becomes(0).await;
    assert_eq!(peer.counters(), Counters::default());
    // The channel is gone.
    let gone = json!({"message": "Anonymous channel '1' does not exist"});
    assert_eq!(raw.ask(r#"{"a":["result"],"h":1,"i":3}"#).await, json!({"h": 1, "x": gone, "_": 1}));
    assert_eq!(raw.receive().await, json!({"i": 3, "e": gone, "_": 1}));
}

#[tokio::test]
async fn a_caller_is_on_the_wire_what_the_protocol_says() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(DepotProxy::new(&client).sum(5, stream::iter(1..=3), "m"));
    assert_eq!(raw.receive_text().await, r#"{"a":["sum",5,"m"],"i":268435457}"#);
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["result"],"h":268435457,"i":268435458}"#);
    raw.silence().await;
    raw.send(r#"{"a":["credit",2],"h":268435457}"#).await;
    raw.send(r#"{"a":["start"],"h":268435457}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"value":1,"done":false}],"h":268435457}"#);
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"value":2,"done":false}],"h":268435457}"#);
    raw.silence().await;
    raw.send(r#"{"a":["credit",1],"h":268435457}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"value":3,"done":false}],"h":268435457}"#);
    // The end needs no credit.
    raw.send(r#"{"a":["credit",1],"h":268435457}"#).await;
    assert_eq!(raw.receive_text().await, r#"{"a":["next",{"done":true}],"h":268435457}"#);
    raw.send(r#"{"i":268435458,"d":"11 m"}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), "11 m");
    raw.silence().await;
    assert_eq!(client.counters(), Counters::default());
}

#[tokio::test]
async fn to_a_handler_without_credit_items_go_one_by_one() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let source = Watched::default();
    let call = tokio::spawn(DepotProxy::new(&client).sum(0, source.numbers(), ""));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    raw.receive().await;
    raw.send(r#"{"a":["start"],"h":268435457}"#).await;
    for n in 1..=3 {
        let (value, id) = (json!({"value": n, "done": false}), 268_435_458 + n);
        assert_eq!(raw.receive().await, json!({"a": ["next", value], "h": 268_435_457, "i": id}));
        raw.silence().await;
        assert_eq!(source.polled(), n);
        raw.send(&json!({"i": id}).to_string()).await;
    }
    raw.receive().await;
    raw.send(r#"{"i":268435458,"d":"enough"}"#).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), "enough");
    source.alive.becomes(0).await;
}

#[tokio::test]
async fn wrong_arguments_are_rejected_without_a_channel() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for (arguments, message) in [
        (r#""sum","x","m""#, "argument 1 (`start`) of `sum`: invalid type: string \"x\", expected i64"),
        (r#""sum",1"#, "too few arguments for `sum`: expected 2 (`start`, `unit`), got 1"),
        (r#""sum",1,"m",3"#, "too many arguments for `sum`: expected 2 (`start`, `unit`), got 3"),
    ] {
        let request = format!(r#"{{"a":[{arguments}],"i":1}}"#);
        assert_eq!(raw.ask(&request).await, json!({"i": 1, "e": {"message": message}, "_": 1}));
    }
    raw.silence().await;
    raw.send(r#"{"a":["sum",1,"m"]}"#).await;
    let reports = desk.log.has(1).await;
    let dropped = "event `sum` was dropped: `sum` answers with a channel, and an event has no answer";
    assert_eq!(reports, [dropped]);
    raw.silence().await;
    desk.handlers.becomes(0).await;
}

#[tokio::test]
async fn a_peer_that_never_asks_for_the_result_gets_none() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["sum",0,"m"],"i":1}"#).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(r#"{"a":["next",{"value":7,"done":false}],"h":1}"#).await;
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    desk.handlers.becomes(0).await;
    until(|| peer.counters() == Counters::default()).await;
    // One that has not ended its items can still ask for it.
    raw.receive().await;
    assert_eq!(raw.ask(r#"{"a":["first",0],"i":2}"#).await, json!({"i": 2, "h": 1}));
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["result"],"h":2,"i":3}"#).await, json!({"i": 3, "d": []}));
    until(|| peer.counters() == Counters::default()).await;
}

#[tokio::test]
async fn a_result_is_given_once() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["sum",0,"m"],"i":1}"#).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    let refused = json!({"message": "No event listener for 'result' on channel '1'"});
    assert_eq!(raw.ask(r#"{"a":["result"],"h":1,"i":3}"#).await, json!({"i": 3, "e": refused, "_": 1}));
    raw.send(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    assert_eq!(raw.receive().await, json!({"i": 2, "d": "0 m"}));
    desk.handlers.becomes(0).await;
}

#[tokio::test]
async fn a_peer_that_aborts_the_upload_ends_its_items() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["sum",0,"m"],"i":1}"#).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    raw.send(r#"{"a":["next",{"value":7,"done":false}],"h":1}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"no more"},"_":1}"#).await;
    assert_eq!(raw.receive().await, json!({"i": 2, "d": "no more"}));
    desk.handlers.becomes(0).await;
    // Before the request for the result nobody waits for the handler.
    assert_eq!(raw.ask(r#"{"a":["wait"],"i":3}"#).await, json!({"i": 3, "h": 1}));
    raw.send(r#"{"h":3,"x":{"message":"changed my mind"},"_":1}"#).await;
    assert_eq!(desk.log.has(1).await, ["changed my mind"]);
    desk.handlers.becomes(0).await;
    until(|| peer.counters() == Counters::default()).await;
    raw.silence().await;
}

#[tokio::test]
async fn items_that_come_as_requests_are_answered_as_they_are_taken() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["let_go",1],"i":1}"#).await;
    raw.receive().await;
    raw.receive().await;
    raw.send(r#"{"a":["result"],"h":1,"i":2}"#).await;
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["next",{"value":1,"done":false}],"h":1,"i":3}"#).await, json!({"i": 3}));
    // The handler takes no more of them, and goes on.
    let refused = json!({"message": "No event listener for 'next' on channel '1'"});
    let item = r#"{"a":["next",{"value":2,"done":false}],"h":1,"i":4}"#;
    assert_eq!(raw.ask(item).await, json!({"i": 4, "e": refused, "_": 1}));
    raw.send(r#"{"a":["next",{"value":3,"done":false}],"h":1}"#).await;
    raw.send(r#"{"a":["next",{"value":4,"done":false],"h":1}"#).await;
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["next",{"done":true}],"h":1,"i":5}"#).await, json!({"i": 5}));
    desk.permits.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
    assert_eq!(peer.counters(), Counters::default());

    // Those that nobody took by then are refused too.
    raw.ask(r#"{"a":["slow",8],"i":6}"#).await;
    raw.send(r#"{"a":["next",{"value":1,"done":false}],"h":6,"i":7}"#).await;
    raw.silence().await;
    raw.send(r#"{"a":["result"],"h":6,"i":8}"#).await;
    raw.send(r#"{"i":8,"x":{"message":"stop"},"_":1}"#).await;
    let gone = json!({"message": "Anonymous channel '6' does not exist"});
    assert_eq!(raw.receive().await, json!({"i": 7, "e": gone, "_": 1}));
    assert_eq!(raw.receive().await["h"], 6);
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test(start_paused = true)]
async fn a_handler_ends_when_the_time_for_its_result_is_over() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["wait"],"i":1}"#).await;
    raw.send(r#"{"a":["result"],"h":1,"i":2,"m":{"t":5000}}"#).await;
    tokio::time::sleep(Duration::from_millis(4_900)).await;
    assert_eq!(desk.handlers.count(), 1);
    desk.handlers.becomes(0).await;
    assert_eq!(desk.log.has(1).await, ["The caller's time ran out"]);
    assert_eq!(raw.receive().await["h"], 1);
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_handlers_end_that_aborts_the_upload_ends_the_call() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let source = Watched::default();
    let call = tokio::spawn(DepotProxy::new(&client).sum(0, source.numbers(), ""));
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    raw.receive().await;
    raw.send(r#"{"h":268435457,"x":{"message":"no"},"_":1}"#).await;
    let error = call.await.expect("no panic");
    assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    source.alive.becomes(0).await;
    raw.silence().await;
}

#[tokio::test]
async fn a_plain_answer_ends_the_call_before_the_first_item() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let depot = DepotProxy::new(&client);
    for (answer, expected) in [
        (json!({"d": "at once"}), Ok("at once".to_owned())),
        (json!({"e": {"message": "no"}, "_": 1}), Err("no".to_owned())),
    ] {
        let source = Watched::default();
        let call = tokio::spawn(depot.sum(0, source.numbers(), ""));
        let id = &raw.receive().await["i"];
        let mut answer = answer;
        answer["i"] = id.clone();
        raw.send(&answer.to_string()).await;
        assert_eq!(call.await.expect("no panic").map_err(|error| error.to_string()), expected);
        assert_eq!((source.polled(), source.alive.count()), (0, 0));
    }
    raw.silence().await;
}

#[tokio::test]
async fn after_a_thousand_uploads_of_every_kind_nothing_is_left() -> Result<(), Box<dyn Error>> {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    let source = Watched::default();
    for n in 0..1_000_usize {
        match n % 5 {
            0 => drop(depot.sum(0, stream::iter([1, 2]), "").await?),
            1 => drop(depot.first(1, source.numbers()).await?),
            2 => drop(depot.refuse(source.numbers()).await),
            3 => {
                let mut call = depot.wait(source.numbers());
                let _ = (&mut call).now_or_never();
                if n % 2 == 0 {
                    depot.quick().await?;
                    let _ = (&mut call).now_or_never();
                }
            }
            _ => drop(depot.slow(1, stream::iter([1])).timeout(Duration::ZERO).await),
        }
    }
    desk.handlers.becomes(0).await;
    source.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_upload_that_its_handler_gave_to_a_task_ends_with_the_handler() -> Result<(), Box<dyn Error>> {
    let (desk, server) = depot();
    let pair = pair(server);
    let depot = DepotProxy::new(&pair.client);
    depot.hand_on(false, stream::pending()).await?;
    desk.handlers.becomes(0).await;
    assert_eq!(desk.log.entries(), ["the connection was closed before an answer came"]);
    let call = tokio::spawn(depot.hand_on(true, stream::pending()));
    desk.handlers.becomes(1).await;
    pair.peer.abort_connection().await;
    desk.handlers.becomes(0).await;
    assert_eq!(desk.log.entries(), ["the connection was closed before an answer came"; 2]);
    assert!(matches!(call.await?, Err(CallError::Closed)));
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn an_upload_that_its_handler_gave_to_a_task_ends_with_the_abort_of_its_caller() {
    let (desk, server) = depot();
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["hand_on",true],"i":1}"#).await, json!({"i": 1, "h": 1}));
    assert_eq!(raw.receive().await["a"][0], "credit");
    assert_eq!(raw.receive().await["a"][0], "start");
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    desk.handlers.becomes(0).await;
    assert_eq!(desk.log.entries(), ["enough"]);
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn the_error_of_an_upload_that_nobody_takes_is_not_that_of_another() {
    let server = depot().1.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["let_go",0],"i":1}"#).await, json!({"i": 1, "h": 1}));
    raw.send(r#"{"a":["result"],"h":1,"i":11}"#).await;
    assert_eq!(raw.ask(r#"{"a":["sum",40,"m"],"i":2}"#).await, json!({"i": 2, "h": 1}));
    assert_eq!(raw.receive().await["a"][0], "credit");
    assert_eq!(raw.receive().await["a"][0], "start");
    raw.send(r#"{"a":["result"],"h":2,"i":12}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"the source of the first broke"},"_":1}"#).await;
    raw.send(r#"{"a":["next",{"value":2,"done":false}],"h":2}"#).await;
    assert_eq!(raw.ask(r#"{"a":["next",{"done":true}],"h":2}"#).await, json!({"i": 12, "d": "42 m"}));
}

#[tokio::test]
async fn a_call_that_cannot_ask_for_its_result_stops_the_handler() {
    let (desk, server) = depot();
    let limits = Limits { calls_in_flight: 1, ..Limits::default() };
    let pair = pair_with(server, Client::builder().limits(limits));
    let depot = DepotProxy::new(&pair.client);
    let mut call = depot.wait(stream::pending());
    assert!((&mut call).now_or_never().is_none());
    desk.handlers.becomes(1).await;
    until(|| pair.client.calls_in_flight() == 0).await;
    let mut other = depot.quick();
    assert!((&mut other).now_or_never().is_none());
    let error = (&mut call).now_or_never();
    assert!(matches!(error, Some(Err(CallError::NotSent(SendError::TooManyCalls)))), "{error:?}");
    drop(call);
    desk.handlers.becomes(0).await;
    assert_eq!(other.await.expect("an answer"), 1);
    nothing_is_left(&pair).await;
}

#[tokio::test]
async fn an_abort_wakes_the_task_to_which_a_call_has_moved() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let mut call = DepotProxy::new(&client).first(1, stream::iter([1]));
    assert!((&mut call).now_or_never().is_none());
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    raw.send(&json!({"a": ["credit", 4], "h": id}).to_string()).await;
    raw.send(&json!({"a": ["start"], "h": id}).to_string()).await;
    until(|| client.calls_in_flight() == 0).await;
    assert!((&mut call).now_or_never().is_none());
    for event in ["result", "next", "next"] {
        assert_eq!(raw.receive().await["a"][0], event);
    }
    let call = tokio::spawn(call);
    tokio::task::yield_now().await;
    raw.send(&json!({"h": id, "x": {"message": "enough"}, "_": 1}).to_string()).await;
    until(|| call.is_finished()).await;
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed)));
}

#[tokio::test]
async fn a_source_that_is_always_ready_lets_others_run() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let source = Watched::default();
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
