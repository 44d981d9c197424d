//! Requests that are unanswered when their channel is aborted [P-30, P-63].

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wswrapper::{
    AnonymousChannel, Context, Limits, Peer, Scoped, Server, Stream, Upload, connection::Counters, error::Reason,
    ws_handlers,
};
use wswrapper_tests::{Alive, RawPeer, until};

/// The service that opens channels. The last channel can be aborted from outside.
#[derive(Clone, Default)]
struct Rooms {
    handlers: Alive,
    last: Arc<Mutex<Option<AnonymousChannel>>>,
}

#[ws_handlers]
impl Rooms {
    pub async fn reg(&self) -> Scoped<Room> {
        Scoped::new(Room(self.clone()))
    }
}

/// The service on a channel.
struct Room(Rooms);

#[ws_handlers]
impl Room {
    pub async fn nap(&self, ctx: Context, ms: u64) -> String {
        let _guard = self.0.handlers.guard();
        *self.0.last.lock().expect("no panic") = ctx.current_channel();
        tokio::time::sleep(Duration::from_millis(ms)).await;
        "rested".to_owned()
    }

    /// Aborts the channel on which it was called.
    pub async fn leave(&self, ctx: Context, returns: bool) -> u8 {
        let _guard = self.0.handlers.guard();
        ctx.current_channel().expect("it is called on a channel").abort(&Reason::new("left"));
        if !returns {
            std::future::pending::<()>().await;
        }
        5
    }

    pub async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let _guard = self.0.handlers.guard();
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    pub async fn count(&self) -> impl Stream<Item = u32> + Send {
        let guard = self.0.handlers.guard();
        futures_util::stream::iter((1..).inspect(move |_| {
            let _ = &guard;
        }))
    }
}

/// Connects a raw peer whose channel 1 is a room.
async fn room(limits: Limits) -> (Rooms, RawPeer, Peer, Server) {
    let rooms = Rooms::default();
    let server = Server::builder().limits(limits).service(rooms.clone()).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["reg"],"i":1}"#).await, json!({"i": 1, "h": 1}));
    (rooms, raw, peer, server)
}

const LEFT: &str = r#"{"h":1,"x":{"message":"left"},"_":1}"#;

fn left(id: u64) -> Value {
    json!({"i": id, "e": {"message": "left"}, "_": 1})
}

/// Checks that no frame follows, and that nothing is left of the channel.
async fn expect_nothing_more(rooms: &Rooms, raw: &mut RawPeer, peer: &Peer) {
    rooms.handlers.becomes(0).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    raw.silence().await;
    until(|| peer.counters() == Counters::default()).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_on_a_channel_that_the_peer_aborts_is_rejected_once() {
    let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
    raw.send(r#"{"a":["nap",300],"h":1,"i":2}"#).await;
    rooms.handlers.becomes(1).await;
    assert_eq!(raw.ask(LEFT).await, left(2));
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}

#[tokio::test(start_paused = true)]
async fn each_request_on_an_aborted_channel_is_rejected_and_no_other() {
    let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
    raw.ask(r#"{"a":["reg"],"i":10}"#).await;
    for (channel, id) in [(1, 2), (1, 3), (10, 4), (1, 5)] {
        raw.send(&format!(r#"{{"a":["nap",300],"h":{channel},"i":{id}}}"#)).await;
    }
    raw.send(r#"{"a":["nap",300],"h":1}"#).await;
    rooms.handlers.becomes(5).await;
    // A cancelled request needs no response.
    raw.send(r#"{"i":3,"x":{"message":"never mind"},"_":1}"#).await;
    rooms.handlers.becomes(4).await;
    raw.send(LEFT).await;
    let mut frames = [raw.receive().await, raw.receive().await];
    frames.sort_by_key(|frame| frame["i"].as_u64());
    assert_eq!(frames, [left(2), left(5)]);
    rooms.handlers.becomes(1).await;
    assert_eq!(raw.receive().await, json!({"i": 4, "d": "rested"}));
    raw.send(r#"{"h":10,"x":1}"#).await;
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_is_the_reason_of_the_abort_in_any_form() {
    for (abort, rejection) in [
        (r#""x":"bare""#, json!({"i": 2, "e": "bare"})),
        (r#""x":{"code":7}"#, json!({"i": 2, "e": {"code": 7}})),
        (r#""x":false"#, json!({"i": 2, "e": false})),
        (r#""x":null"#, json!({"i": 2, "e": {"message": "Error"}, "_": 1})),
        (r#""x":{"message":"m","data":[1]},"_":true"#, json!({"i": 2, "e": {"message": "m", "data": [1]}, "_": 1})),
    ] {
        let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
        raw.send(r#"{"a":["nap",300],"h":1,"i":2}"#).await;
        rooms.handlers.becomes(1).await;
        assert_eq!(raw.ask(&format!(r#"{{"h":1,{abort}}}"#)).await, rejection);
        expect_nothing_more(&rooms, &mut raw, &peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_rejected_after_the_local_abort_of_its_channel() {
    let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
    raw.send(r#"{"a":["nap",300],"h":1,"i":2}"#).await;
    rooms.handlers.becomes(1).await;
    let channel = rooms.last.lock().expect("no panic").take().expect("a channel");
    channel.abort(&Reason::new("left"));
    assert_eq!(raw.receive_text().await, LEFT);
    assert_eq!(raw.receive().await, left(2));
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_aborts_its_own_channel_responds_once() {
    for (returns, response) in [(true, json!({"i": 2, "d": 5})), (false, left(2))] {
        let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
        raw.send(&format!(r#"{{"a":["leave",{returns}],"h":1,"i":2}}"#)).await;
        assert_eq!(raw.receive_text().await, LEFT);
        assert_eq!(raw.receive().await, response);
        expect_nothing_more(&rooms, &mut raw, &peer).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_another_handler_has_one_response_after_an_abort() {
    let (rooms, mut raw, peer, _server) = room(Limits::default().max_handlers_in_flight(1)).await;
    raw.send(r#"{"a":["nap",300],"h":1,"i":2}"#).await;
    raw.send(r#"{"a":["nap",300],"h":1,"i":3}"#).await;
    rooms.handlers.becomes(1).await;
    assert_eq!(raw.ask(LEFT).await, left(2));
    let gone = json!({"message": "Anonymous channel '1' does not exist", "code": "ws:UnknownChannel"});
    assert_eq!(raw.receive().await, json!({"h": 1, "x": gone, "_": 1}));
    assert_eq!(raw.receive().await, json!({"i": 3, "e": gone, "_": 1}));
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}

#[tokio::test(start_paused = true)]
async fn the_result_of_an_upload_on_an_aborted_channel_is_rejected_once() {
    let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
    assert_eq!(raw.ask(r#"{"a":["sum"],"h":1,"i":2}"#).await, json!({"i": 2, "h": 1}));
    raw.send(r#"{"a":["result"],"h":2,"i":3}"#).await;
    assert_eq!(raw.receive().await, json!({"a": ["credit", 8], "h": 2}));
    assert_eq!(raw.receive().await, json!({"a": ["start"], "h": 2}));
    // The handler was called on channel 1 and is stopped with it. Its own channel is 2.
    raw.send(LEFT).await;
    assert_eq!(raw.receive().await, json!({"h": 2, "x": {"message": "Request aborted"}, "_": 1}));
    let aborted = json!({"message": "Request aborted", "code": "ws:ChannelClosed"});
    assert_eq!(raw.receive().await, json!({"i": 3, "e": aborted, "_": 1}));
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_was_answered_with_a_stream_is_not_rejected() {
    let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
    assert_eq!(raw.ask(r#"{"a":["count"],"h":1,"i":2}"#).await, json!({"i": 2, "h": 1}));
    raw.send(LEFT).await;
    assert_eq!(raw.receive().await, json!({"h": 2, "x": {"message": "Request aborted"}, "_": 1}));
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}

#[tokio::test(start_paused = true)]
async fn a_large_reason_is_not_sent_back_for_each_request() {
    let (rooms, mut raw, peer, _server) = room(Limits::default()).await;
    for id in 2..202 {
        raw.send(&format!(r#"{{"a":["nap",300],"h":1,"i":{id}}}"#)).await;
    }
    rooms.handlers.becomes(200).await;
    raw.send(&json!({"h": 1, "x": {"message": "x".repeat(100_000)}, "_": 1}).to_string()).await;
    let aborted = json!({"message": "Request aborted", "code": "ws:ChannelClosed"});
    let mut ids = Vec::new();
    for _ in 2..202 {
        let frame = raw.receive().await;
        assert_eq!(frame["e"], aborted);
        ids.extend(frame["i"].as_u64());
    }
    ids.sort_unstable();
    assert_eq!(ids, (2..202).collect::<Vec<_>>());
    expect_nothing_more(&rooms, &mut raw, &peer).await;
}
