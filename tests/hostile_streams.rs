//! Streams with a peer that does everything wrong: its connection stays open and goes on working, and nothing is left.

mod support;

use futures_util::{FutureExt, stream};
use serde_json::{Value, json};
use support::{Alive, Guard, Log, RawPeer};
use wswrapper::{CallError, Limits, Peer, PeerError, Rejection, Server, Stream, Streaming, ws_handlers, ws_service};

#[ws_service]
trait Sources {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn echo(&self, value: Value) -> Value;
}

#[derive(Clone, Default)]
struct Desk {
    sources: Alive,
}

fn guarded(to: u32, guard: Guard) -> impl Stream<Item = u32> {
    stream::iter((1..=to).inspect(move |_| {
        let _ = &guard;
    }))
}

#[ws_handlers]
impl Sources for Desk {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        guarded(to, self.sources.guard())
    }

    async fn echo(&self, value: Value) -> Value {
        value
    }
}

/// A server and a peer that misbehaves.
struct Meeting {
    server: Server,
    peer: Peer,
    raw: RawPeer,
    desk: Desk,
    errors: Log,
}

impl Meeting {
    fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let (desk, errors) = (Desk::default(), Log::default());
        let builder = Server::builder().limits(limits).service(desk.clone()).on_error({
            let errors = errors.clone();
            move |_, error: &PeerError| errors.add(error.to_string())
        });
        let server = builder.build().expect("the service can be mounted");
        let (raw, peer) = RawPeer::dial(&server);
        Self { server, peer, raw, desk, errors }
    }

    /// Opens the stream of so many numbers on channel 1.
    async fn count(&mut self, to: u32) {
        let opened = self.raw.ask(&json!({"a": ["count", to], "i": 1}).to_string()).await;
        assert_eq!(opened, json!({"i": 1, "h": 1}));
    }

    /// Is asked for a stream: its consumer, and the number of its channel.
    async fn feed(&mut self) -> (Streaming<u32, Rejection>, u64) {
        let call = tokio::spawn(self.peer.request::<Streaming<u32, Rejection>>("feed", ()));
        let id = self.raw.receive().await["i"].as_u64().expect("a request");
        self.raw.send(&json!({"i": id, "h": 1}).to_string()).await;
        (call.await.expect("no panic").expect("a stream"), id)
    }

    /// Sends a frame that nothing comes of.
    async fn in_vain(&mut self, frame: &str) {
        self.raw.send(frame).await;
        let got = self.raw.ask(r#"{"a":["echo","in vain?"],"i":77}"#).await;
        assert_eq!(got, json!({"i": 77, "d": "in vain?"}), "after {frame}");
    }

    /// The connection works, and so many sources are left; then it ends, and none is.
    async fn end(mut self, sources: usize) -> Log {
        let got = self.raw.ask(r#"{"a":["echo","still here"],"i":99}"#).await;
        assert_eq!(got, json!({"i": 99, "d": "still here"}));
        assert!(self.peer.is_open());
        let counters = self.peer.counters();
        assert_eq!((counters.open_channels, self.desk.sources.count()), (sources, sources));
        assert_eq!((counters.calls_in_flight, counters.handlers_in_flight, counters.queued_bytes), (0, 0, 0));
        drop(self.raw);
        self.desk.sources.becomes(0).await;
        self.peer.closed().await;
        assert!(self.server.peers().is_empty());
        self.errors
    }
}

fn item(channel: u64, value: u32) -> Value {
    json!({"a": ["next", {"value": value, "done": false}], "h": channel})
}

fn unknown(channel: u64) -> Value {
    json!({"h": channel, "x": {"message": format!("Anonymous channel '{channel}' does not exist")}, "_": 1})
}

const SENSELESS: [&str; 16] = [
    ",0",
    ",-1",
    ",1.5",
    ",1e99",
    ",-0",
    ",65537",
    ",4294967297",
    ",18446744073709551616",
    ",\"5\"",
    ",null",
    ",true",
    ",[5]",
    ",{\"value\":5}",
    "",
    ",0,5",
    ",99999999999999999999999999",
];

#[tokio::test]
async fn first_credit_that_makes_no_sense_is_none() {
    for credit in SENSELESS {
        let mut meeting = Meeting::new();
        meeting.count(3).await;
        meeting.in_vain(&format!(r#"{{"a":["credit"{credit}],"h":1}}"#)).await;
        let first = meeting.raw.ask(r#"{"a":["start"],"h":1}"#).await;
        assert!(first["i"].is_u64(), "{credit} made it {first}");
        meeting.end(1).await;
    }
}

#[tokio::test]
async fn later_credit_that_makes_no_sense_is_none() {
    let mut meeting = Meeting::new();
    meeting.count(100).await;
    meeting.in_vain(r#"{"a":["credit",2],"h":1}"#).await;
    // Before the start it is more than the first value as well.
    meeting.in_vain(r#"{"a":["credit",2],"h":1}"#).await;
    meeting.raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!((meeting.raw.receive().await, meeting.raw.receive().await), (item(1, 1), item(1, 2)));
    for credit in SENSELESS.into_iter().chain([",3", ",65536", ",9007199254740991"]) {
        meeting.in_vain(&format!(r#"{{"a":["credit"{credit}],"h":1}}"#)).await;
    }
    for broken in ["credit\",2,", "credit\",2 2", "credit\",{2}", "credit\",2]]"] {
        meeting.in_vain(&format!(r#"{{"a":["{broken}],"h":1}}"#)).await;
    }
    meeting.raw.send(r#"{"a":["credit",2.0,"more"],"h":1}"#).await;
    assert_eq!((meeting.raw.receive().await, meeting.raw.receive().await), (item(1, 3), item(1, 4)));
    meeting.end(1).await;
}

#[tokio::test]
async fn credit_without_a_start_sends_nothing() {
    let mut meeting = Meeting::new();
    meeting.count(100).await;
    for _ in 0..100 {
        meeting.raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    }
    meeting.in_vain(r#"{"a":["credit",65536],"h":1}"#).await;
    meeting.end(1).await;
}

#[tokio::test]
async fn credit_that_comes_after_the_start_does_not_count() {
    let mut meeting = Meeting::new();
    meeting.count(100).await;
    let first = meeting.raw.ask(r#"{"a":["start"],"h":1}"#).await;
    meeting.in_vain(r#"{"a":["credit",50],"h":1}"#).await;
    let second = meeting.raw.ask(&json!({"i": first["i"]}).to_string()).await;
    assert!(second["i"].is_u64(), "{second}");
    meeting.end(1).await;
}

#[tokio::test]
async fn second_start_gives_nothing_twice() {
    let mut meeting = Meeting::new();
    meeting.count(4).await;
    meeting.raw.send(r#"{"a":["credit",3],"h":1}"#).await;
    meeting.raw.send(r#"{"a":["start"],"h":1}"#).await;
    meeting.raw.send(r#"{"a":["start",{"again":true}],"h":1}"#).await;
    for n in 1..=3 {
        assert_eq!(meeting.raw.receive().await, item(1, n));
    }
    meeting.in_vain(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(meeting.raw.ask(r#"{"a":["start"],"h":1,"i":5}"#).await, json!({"i": 5}));
    meeting.end(1).await;
}

#[tokio::test]
async fn hundred_thousand_credits_are_no_burden() {
    let mut meeting = Meeting::new();
    meeting.count(100_001).await;
    meeting.raw.send(r#"{"a":["credit",1],"h":1}"#).await;
    meeting.raw.send(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(meeting.raw.receive().await, item(1, 1));
    // Each as a request, and each answered; one item comes of each that is taken up.
    for id in 2..100_002 {
        meeting.raw.write(&format!(r#"{{"a":["credit",1],"h":1,"i":{id}}}"#));
    }
    meeting.raw.write(r#"{"a":["echo","behind"],"i":88}"#);
    let (mut answered, mut items) = (0, 0);
    loop {
        let frame = meeting.raw.receive().await;
        match (&frame["a"][0], &frame["i"]) {
            (Value::String(next), _) if next == "next" => items += 1,
            (_, id) if *id == 88 && !frame["d"].is_null() => break,
            _ => answered += 1,
        }
    }
    assert_eq!(answered, 100_000);
    assert!((1..=100_000).contains(&items), "{items} items");
    meeting.raw.send(r#"{"h":1,"x":1}"#).await;
    meeting.desk.sources.becomes(0).await;
    while meeting.raw.ask(r#"{"a":["echo","done"],"i":66}"#).await["d"] != "done" {}
    drop(meeting);
}

#[tokio::test]
async fn items_on_a_producers_channel_are_not_for_it() {
    let mut meeting = Meeting::new();
    meeting.count(3).await;
    meeting.in_vain(&item(1, 5).to_string()).await;
    meeting.in_vain(r#"{"a":["next",{"done":true}],"h":1}"#).await;
    let answer = meeting.raw.ask(r#"{"a":["next",{"done":true}],"h":1,"i":7}"#).await;
    assert_eq!(answer["e"]["message"], "No event listener for 'next' on channel '1'");
    let first = meeting.raw.ask(r#"{"a":["start"],"h":1}"#).await;
    assert_eq!(first["a"], item(1, 1)["a"]);
    assert_eq!(meeting.end(1).await.entries().len(), 2);
}

#[tokio::test]
async fn what_a_stream_does_not_know_is_rejected_on_its_channel() {
    let mut meeting = Meeting::new();
    meeting.count(3).await;
    let (items, theirs) = meeting.feed().await;
    for event in ["echo", "count", "result", "next ", "Start", "", "disconnect", "error"] {
        meeting.in_vain(&format!(r#"{{"a":["{event}",1],"h":1}}"#)).await;
        for channel in [1, theirs] {
            let answer = meeting.raw.ask(&format!(r#"{{"a":["{event}",1],"h":{channel},"i":7}}"#)).await;
            let message = format!("No event listener for '{event}' on channel '{channel}'");
            assert_eq!(answer, json!({"i": 7, "e": {"message": message}, "_": 1}));
        }
    }
    for event in ["start", "credit"] {
        let answer = meeting.raw.ask(&format!(r#"{{"a":["{event}",1],"h":{theirs},"i":7}}"#)).await;
        assert_eq!(answer["e"]["message"], format!("No event listener for '{event}' on channel '{theirs}'"));
    }
    assert_eq!(meeting.raw.ask(r#"{"a":[5],"h":1,"i":7}"#).await["e"]["message"], "The event's name is not a string");
    drop(items);
    assert_eq!(meeting.raw.receive().await["h"], theirs);
    meeting.end(1).await;
}

#[tokio::test]
async fn items_after_the_end_are_on_no_channel() {
    let mut meeting = Meeting::new();
    let (mut items, channel) = meeting.feed().await;
    meeting.raw.send(&item(channel, 1).to_string()).await;
    meeting.raw.send(&json!({"a": ["next", {"done": true}], "h": channel}).to_string()).await;
    for _ in 0..3 {
        assert_eq!(meeting.raw.ask(&item(channel, 2).to_string()).await, unknown(channel));
    }
    meeting.in_vain(&json!({"h": channel, "x": "late"}).to_string()).await;
    assert!(matches!(items.next().await, Some(Ok(1))));
    assert!(items.next().await.is_none());
    meeting.end(0).await;
}

#[tokio::test]
async fn items_on_channels_that_are_not_theirs_are_refused() {
    let mut meeting = Meeting::new();
    let (mut other, _) = RawPeer::dial(&meeting.server);
    assert_eq!(other.ask(r#"{"a":["count",9],"i":1}"#).await, json!({"i": 1, "h": 1}));
    for channel in [1, 2, 268_435_457, 536_870_913, 536_870_999, 9_007_199_254_740_991] {
        assert_eq!(meeting.raw.ask(&item(channel, 1).to_string()).await, unknown(channel));
        assert_eq!(meeting.raw.ask(&format!(r#"{{"a":["start"],"h":{channel}}}"#)).await, unknown(channel));
        assert_eq!(meeting.raw.ask(&format!(r#"{{"a":["credit",5],"h":{channel},"i":3}}"#)).await, unknown(channel));
        assert_eq!(meeting.raw.receive().await["e"], unknown(channel)["x"]);
    }
    other.silence().await;
    assert_eq!(meeting.desk.sources.count(), 1);
    drop(other);
    meeting.desk.sources.becomes(0).await;
    meeting.end(0).await;
}

#[tokio::test]
async fn channels_that_are_no_numbers_are_no_channels() {
    let mut meeting = Meeting::new();
    meeting.count(3).await;
    let bad = ["true", "false", "[1]", "{}", "{\"1\":1}", "-1", "0", "1.5", "\"one\"", "\"\"", "\" 1\"", "1e400"];
    for channel in bad {
        for event in ["start", "credit", "next"] {
            meeting.in_vain(&format!(r#"{{"a":["{event}",5],"h":{channel}}}"#)).await;
            meeting.raw.send(&format!(r#"{{"a":["{event}",5],"h":{channel},"i":7}}"#)).await;
            let answer = meeting.raw.receive().await;
            let message = answer["e"]["message"].as_str().unwrap_or_default();
            assert!(message.starts_with("Anonymous channel '"), "{channel}: {answer}");
        }
        meeting.in_vain(&format!(r#"{{"h":{channel},"x":1}}"#)).await;
    }
    // A numeric string is one.
    let first = meeting.raw.ask(r#"{"a":["start"],"h":"1"}"#).await;
    assert_eq!(first["a"], item(1, 1)["a"]);
    meeting.raw.send(r#"{"h":"1","x":1}"#).await;
    meeting.desk.sources.becomes(0).await;
    meeting.end(0).await;
}

#[tokio::test]
async fn abort_of_what_is_not_there_is_ignored_and_so_is_a_second_one() {
    let mut meeting = Meeting::new();
    meeting.in_vain(r#"{"h":1,"x":{"message":"no"},"_":1}"#).await;
    meeting.count(3).await;
    meeting.in_vain(r#"{"h":2,"x":{"message":"no"},"_":1}"#).await;
    assert_eq!(meeting.desk.sources.count(), 1);
    for _ in 0..2 {
        meeting.in_vain(r#"{"h":1,"x":{"message":"no"},"_":1}"#).await;
        assert_eq!(meeting.desk.sources.count(), 0);
    }
    // The number is free again.
    meeting.count(3).await;
    meeting.in_vain(r#"{"h":1,"x":null}"#).await;
    meeting.end(0).await;
}

#[tokio::test]
async fn aborts_for_all_numbers_end_the_streams_alone() {
    let mut meeting = Meeting::new();
    for id in 1..=500 {
        meeting.raw.send(&format!(r#"{{"a":["count",9],"i":{id}}}"#)).await;
        meeting.raw.send(&format!(r#"{{"a":["start"],"h":{id}}}"#)).await;
    }
    for _ in 0..1_000 {
        meeting.raw.receive().await;
    }
    let (mut items, channel) = meeting.feed().await;
    assert_eq!(meeting.desk.sources.count(), 500);
    for id in (0..100_000).chain([channel]) {
        meeting.raw.write(&format!(r#"{{"h":{id},"x":{{"message":"all of you"}},"_":1}}"#));
    }
    meeting.in_vain(r#"{"h":1,"x":1}"#).await;
    let Some(Err(CallError::Rejected(reason))) = items.next().await else { panic!("it was aborted") };
    assert_eq!(reason.message(), Some("all of you"));
    meeting.desk.sources.becomes(0).await;
    // Answers to items that were sent as requests and are on no channel any more.
    for id in 536_870_913..536_871_500_u64 {
        meeting.raw.write(&format!(r#"{{"i":{id}}}"#));
    }
    meeting.end(0).await;
}

#[tokio::test]
async fn channels_beyond_the_limit_are_refused_one_by_one() {
    let mut meeting = Meeting::with(Limits { open_channels: 100, ..Limits::default() });
    for id in 1..=10_000 {
        meeting.raw.write(&format!(r#"{{"a":["count",9],"i":{id}}}"#));
    }
    for id in 1..=10_000 {
        let expected = match id {
            1..=100 => json!({"i": id, "h": 1}),
            _ => json!({"i": id, "e": {"message": "too many open channels"}, "_": 1}),
        };
        assert_eq!(meeting.raw.receive().await, expected);
    }
    meeting.desk.sources.becomes(100).await;
    meeting.in_vain(r#"{"h":50,"x":1}"#).await;
    assert_eq!(meeting.raw.ask(r#"{"a":["count",9],"i":10001}"#).await, json!({"i": 10_001, "h": 1}));
    let refused = meeting.raw.ask(r#"{"a":["count",9],"i":10002}"#).await;
    assert_eq!(refused["e"]["message"], "too many open channels");
    meeting.end(100).await;
}

#[tokio::test]
async fn number_of_an_open_channel_is_taken() {
    let mut meeting = Meeting::new();
    meeting.count(3).await;
    for _ in 0..3 {
        let refused = meeting.raw.ask(r#"{"a":["count",5],"i":1}"#).await;
        assert_eq!(refused, json!({"i": 1, "e": {"message": "channel '1' is open already"}, "_": 1}));
    }
    // A call of a value may have it.
    assert_eq!(meeting.raw.ask(r#"{"a":["echo",5],"i":1}"#).await, json!({"i": 1, "d": 5}));
    meeting.raw.send(r#"{"a":["credit",9],"h":1}"#).await;
    meeting.raw.send(r#"{"a":["start"],"h":1}"#).await;
    for n in 1..=3 {
        assert_eq!(meeting.raw.receive().await, item(1, n));
    }
    assert_eq!(meeting.raw.receive().await, json!({"a": ["next", {"done": true}], "h": 1}));
    meeting.count(0).await;
    meeting.end(1).await;
}

#[tokio::test]
async fn cancelling_the_request_of_a_stream_changes_nothing() {
    let mut meeting = Meeting::new();
    meeting.count(3).await;
    meeting.in_vain(r#"{"i":1,"x":{"message":"no"},"_":1}"#).await;
    assert_eq!(meeting.raw.ask(r#"{"a":["start"],"h":1}"#).await["a"], item(1, 1)["a"]);
    meeting.end(1).await;
}

#[tokio::test]
async fn channels_that_nobody_asked_for_are_aborted_or_ignored() {
    let mut meeting = Meeting::new();
    // Numbers that were never sent.
    for id in [1, 2, 536_870_913, 9_007_199_254_740_991_u64] {
        meeting.in_vain(&format!(r#"{{"i":{id},"h":1}}"#)).await;
    }
    let (mut items, channel) = meeting.feed().await;
    // Once more, while it is open.
    for h in ["1", "true", "\"x\"", "0"] {
        meeting.in_vain(&format!(r#"{{"i":{channel},"h":{h}}}"#)).await;
    }
    meeting.in_vain(&format!(r#"{{"i":{channel},"d":1}}"#)).await;
    meeting.in_vain(&format!(r#"{{"i":{channel},"e":1}}"#)).await;
    meeting.in_vain(&item(channel, 1).to_string()).await;
    assert!(matches!(items.next().await, Some(Ok(1))));
    drop(items);
    let aborted = json!({"h": channel, "x": {"message": "Request aborted"}, "_": 1});
    assert_eq!(meeting.raw.receive().await, aborted);
    for _ in 0..2 {
        assert_eq!(meeting.raw.ask(&format!(r#"{{"i":{channel},"h":1}}"#)).await, aborted);
    }
    meeting.end(0).await;
}

#[tokio::test]
async fn item_that_is_answered_with_a_channel_was_taken() {
    let mut meeting = Meeting::new();
    meeting.count(2).await;
    let first = meeting.raw.ask(r#"{"a":["start"],"h":1}"#).await;
    let abort = meeting.raw.ask(&json!({"i": first["i"], "h": 1}).to_string()).await;
    assert_eq!((&abort["h"], &abort["x"]["message"]), (&first["i"], &json!("Request aborted")));
    assert_eq!(meeting.raw.receive().await["a"], item(1, 2)["a"]);
    meeting.end(1).await;
}

#[tokio::test]
async fn frames_that_only_seem_to_be_items_are_ignored() {
    let mut meeting = Meeting::new();
    let (mut items, channel) = meeting.feed().await;
    for payload in [
        r#"{"value":1,"done":false"#,
        r#"{"value":,"done":false}"#,
        r#"{"value":1 2,"done":false}"#,
        r#"{"value":1}},"done":false}"#,
        r#"{"value":1,"done":false}]"#,
        r#"{"value":"1,"done":false}"#,
        "{\"value\":\"\u{1}\",\"done\":false}",
        r#"{"done":tru}"#,
        r#"{"done":true},"#,
        "{}}",
    ] {
        meeting.in_vain(&format!(r#"{{"a":["next",{payload}],"h":{channel}}}"#)).await;
    }
    meeting
        .in_vain(&json!({"a": ["next", {"value": 1, "done": false}], "h": channel, "ws-wrapper": false}).to_string())
        .await;
    assert!(items.next().now_or_never().is_none());
    for asked in ["credit", "start"] {
        assert_eq!(meeting.raw.receive().await["a"][0], asked);
    }
    // Other members and further arguments do no harm.
    meeting
        .raw
        .send(&format!(
            r#"{{"a":["next",{{"value":2,"done":false,"value":3,"x":[{{}}]}},{{"done":true}}],"h":{channel}}}"#
        ))
        .await;
    assert!(matches!(items.next().await, Some(Ok(3))));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    meeting.in_vain(&format!(r#"{{"a":["next",{{"value":{deep},"done":false}}],"h":{channel}}}"#)).await;
    drop(items);
    meeting.raw.receive().await;
    meeting.end(0).await;
}

#[tokio::test]
async fn streams_that_are_never_started_end_with_the_connection() {
    let mut meeting = Meeting::new();
    for id in 1..=1_000 {
        meeting.raw.send(&format!(r#"{{"a":["count",9],"i":{id}}}"#)).await;
    }
    for _ in 0..1_000 {
        meeting.raw.receive().await;
    }
    meeting.end(1_000).await;
}
