//! Each limit, reached: what is documented happens, and nothing else.
//!
//! `head_bytes` and `handshake_timeout` are reached in `sockets/`.

#[path = "limits/streams.rs"]
mod streams;
mod support;

use futures_util::{SinkExt, StreamExt, stream};
use serde_json::json;
use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use support::{Alive, Log, RawPeer, pair_with, until};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as WsFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use wswrapper::transport::{Frame, memory};
use wswrapper::{CallError, Client, Limits, SendError, Server, ServerBuilder, Stream, ws_handlers};

/// A service whose handlers end when they are allowed to.
#[derive(Clone)]
struct Desk {
    log: Log,
    running: Alive,
    gate: Arc<Semaphore>,
}

#[ws_handlers]
impl Desk {
    async fn wait(&self, n: u32) -> u32 {
        let _alive = self.running.guard();
        self.log.add(format!("wait {n}"));
        self.gate.acquire().await.expect("it stays open").forget();
        n
    }

    fn quick(&self, n: u32) -> u32 {
        self.log.add(format!("quick {n}"));
        n
    }

    async fn length(&self, text: &str) -> usize {
        text.len()
    }

    fn large(&self, n: u32) -> (u32, String) {
        self.log.add(format!("large {n}"));
        (n, "x".repeat(10_000))
    }

    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        let alive = self.running.guard();
        stream::iter(1..=to).inspect(move |_| {
            let _ = &alive;
        })
    }

    async fn pages(&self, count: u32) -> impl Stream<Item = (u32, String)> + Send {
        let log = self.log.clone();
        stream::iter(1..=count).map(move |n| {
            log.add(format!("page {n}"));
            (n, "x".repeat(10_000))
        })
    }

    #[ws(event)]
    async fn note(&self, text: String) {
        self.log.add(text);
    }
}

impl Desk {
    fn new() -> Self {
        Self { log: Log::default(), running: Alive::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    fn serve(&self, limits: Limits) -> ServerBuilder {
        Server::builder().limits(limits).service(self.clone())
    }
}

/// Lets every other task run as long as it likes to.
async fn let_others_run() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_of_exactly_the_limit_is_read_and_fragments_count_together() -> Result<(), Box<dyn Error>> {
    let limits = Limits { frame_bytes: 1_000, ..Limits::default() };
    let listening = Desk::new().serve(limits).bind("127.0.0.1:0").await?;
    let (server, address) = (listening.server(), listening.local_addr());
    tokio::spawn(listening.serve());
    let (mut websocket, _) = client_async(format!("ws://{address}"), TcpStream::connect(address).await?).await?;
    let frame = |length: usize| {
        let around = r#"{"a":["length",""],"i":1}"#.len();
        format!(r#"{{"a":["length","{}"],"i":1}}"#, "x".repeat(length - around))
    };
    let part = |text: &str, opcode, last| Message::Frame(WsFrame::message(text.to_owned(), OpCode::Data(opcode), last));
    websocket.send(Message::text(frame(1_000))).await?;
    assert_eq!(websocket.next().await.ok_or("it ended")??, Message::text(r#"{"i":1,"d":975}"#));
    let whole = frame(1_000);
    websocket.send(part(&whole[..600], Data::Text, false)).await?;
    websocket.send(part(&whole[600..], Data::Continue, true)).await?;
    assert_eq!(websocket.next().await.ok_or("it ended")??, Message::text(r#"{"i":1,"d":975}"#));
    let whole = frame(1_001);
    websocket.send(part(&whole[..600], Data::Text, false)).await?;
    websocket.send(part(&whole[600..], Data::Continue, true)).await?;
    match websocket.next().await {
        Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), 1009, "{}", close.reason),
        other => panic!("expected 1009, got {other:?}"),
    }
    drop(websocket);
    until(|| server.peers().is_empty()).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_without_a_time_waits_for_ever() {
    let desk = Desk::new();
    let limits = Limits { call_timeout: None, ..Limits::default() };
    let pair = pair_with(desk.serve(Limits::default()), Client::builder().limits(limits));
    let call = tokio::spawn({
        let proxy = DeskProxy::new(&pair.client);
        async move { proxy.wait(7).await }
    });
    desk.running.becomes(1).await;
    tokio::time::sleep(Duration::from_hours(24 * 365)).await;
    assert!(!call.is_finished());
    desk.gate.add_permits(1);
    assert_eq!(call.await.expect("no panic").expect("an answer"), 7);
}

#[tokio::test]
async fn a_call_too_many_fails_at_once_and_the_others_go_on() {
    let desk = Desk::new();
    let limits = Limits { calls_in_flight: 3, ..Limits::default() };
    let pair = pair_with(desk.serve(Limits::default()), Client::builder().limits(limits));
    let proxy = DeskProxy::new(&pair.client);
    let mut calls: Vec<_> = (0..3)
        .map(|n| {
            let proxy = proxy.clone();
            tokio::spawn(async move { proxy.wait(n).await })
        })
        .collect();
    desk.running.becomes(3).await;
    let refused = proxy.quick(1).await;
    assert!(matches!(refused, Err(CallError::NotSent(SendError::TooManyCalls))), "{refused:?}");
    assert_eq!(pair.client.calls_in_flight(), 3);
    // One that is cancelled makes room, and so does one that is answered.
    calls.remove(0).abort();
    desk.running.becomes(2).await;
    assert_eq!(proxy.quick(2).await.expect("there is room"), 2);
    desk.gate.add_permits(2);
    for (call, n) in calls.into_iter().zip([1, 2]) {
        assert_eq!(call.await.expect("no panic").expect("an answer"), n);
    }
    assert_eq!(pair.client.calls_in_flight(), 0);
    assert_eq!(desk.log.entries().iter().filter(|entry| entry.starts_with("quick")).count(), 1);
}

#[tokio::test]
async fn calls_beyond_the_handlers_that_may_run_wait_and_then_start_in_order() {
    let desk = Desk::new();
    let server = desk.serve(Limits { handlers_in_flight: 2, ..Limits::default() }).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for (n, event) in ["wait", "wait", "wait", "quick", "wait", "quick"].into_iter().enumerate() {
        raw.send(&format!(r#"{{"a":["{event}",{n}],"i":{}}}"#, n + 1)).await;
    }
    raw.send(r#"{"a":["note","an event"]}"#).await;
    desk.running.becomes(2).await;
    raw.silence().await;
    assert_eq!(desk.log.entries(), ["wait 0", "wait 1"]);
    // A response comes through although calls wait.
    let asked = tokio::spawn({
        let proxy = DeskProxy::new(&peer);
        async move { proxy.quick(9).await }
    });
    let request = raw.receive().await;
    raw.send(&json!({"i": request["i"], "d": 9}).to_string()).await;
    assert_eq!(asked.await.expect("no panic").expect("an answer"), 9);
    // So does a cancellation, and it makes room.
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(desk.log.has(3).await, ["wait 0", "wait 1", "wait 2"]);
    desk.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
    assert_eq!(raw.receive().await, json!({"i": 4, "d": 3}));
    desk.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 3, "d": 2}));
    assert_eq!(raw.receive().await, json!({"i": 6, "d": 5}));
    desk.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 5, "d": 4}));
    assert_eq!(desk.log.has(7).await, ["wait 0", "wait 1", "wait 2", "quick 3", "wait 4", "quick 5", "an event"]);
}

#[tokio::test]
async fn a_call_that_is_cancelled_while_it_waits_never_starts() {
    let desk = Desk::new();
    let server = desk.serve(Limits { handlers_in_flight: 1, ..Limits::default() }).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for n in 0..3 {
        raw.send(&format!(r#"{{"a":["wait",{n}],"i":{}}}"#, n + 1)).await;
    }
    desk.running.becomes(1).await;
    raw.send(r#"{"i":2,"x":{"message":"enough"},"_":1}"#).await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(desk.log.has(2).await, ["wait 0", "wait 2"]);
    desk.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 3, "d": 2}));
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_caller_passes_while_its_call_waits() {
    let desk = Desk::new();
    let server = desk.serve(Limits { handlers_in_flight: 1, ..Limits::default() }).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait",0],"i":1}"#).await;
    raw.send(r#"{"a":["wait",1],"i":2,"m":{"t":5000}}"#).await;
    raw.send(r#"{"a":["wait",2],"i":3}"#).await;
    desk.running.becomes(1).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    desk.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 0}));
    assert_eq!(desk.log.has(2).await, ["wait 0", "wait 2"], "nobody waits any more for the second");
    desk.gate.add_permits(1);
    assert_eq!(raw.receive().await, json!({"i": 3, "d": 2}));
}

#[tokio::test]
async fn when_the_held_bytes_are_full_reading_stops_and_nothing_is_lost() {
    let desk = Desk::new();
    let limits = Limits { handlers_in_flight: 1, held_bytes: 10_000, ..Limits::default() };
    let server = desk.serve(limits).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["wait",0],"i":1}"#).await;
    desk.running.becomes(1).await;
    // Ten times of what is held and of what is under way between us.
    let padding = " ".repeat(1_000);
    let requests: Vec<_> = (1..1_000).map(|n| format!(r#"{{"a":["quick",{n}],{padding}"i":{}}}"#, n + 1)).collect();
    {
        let mut sending = pin!(async {
            for request in &requests {
                raw.send(request).await;
            }
        });
        for _ in 0..100 {
            let polled = poll_fn(|cx| Poll::Ready(sending.as_mut().poll(cx))).await;
            assert!(polled.is_pending(), "all of it was read");
            tokio::task::yield_now().await;
        }
        assert_eq!(desk.log.entries(), ["wait 0"]);
        desk.gate.add_permits(1);
        // Their answers are small enough to leave meanwhile.
        sending.await;
    }
    for n in 0..1_000 {
        assert_eq!(raw.receive().await, json!({"i": n + 1, "d": n}));
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_whose_held_bytes_are_full_is_closed_without_delay() {
    let desk = Desk::new();
    let limits = Limits { handlers_in_flight: 1, held_bytes: 100, ..Limits::default() };
    let server = desk.serve(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 0..20 {
        raw.send(&format!(r#"{{"a":["wait",{n}],"i":{}}}"#, n + 1)).await;
    }
    desk.running.becomes(1).await;
    let began = Instant::now();
    peer.close(4000, "enough");
    let closing = tokio::spawn(async move {
        assert!(matches!(raw.frame().await, Some(Frame::Close(close)) if close.code == 4000));
        raw.close(4000, "enough").await;
        raw.frame().await
    });
    assert_eq!(peer.closed().await.code, 4000);
    assert_eq!(began.elapsed(), Duration::ZERO, "the peer's answer was not read");
    assert_eq!(desk.running.count(), 0);
    assert!(closing.await.expect("no panic").is_none());
}

#[tokio::test]
async fn no_handler_starts_for_a_peer_that_does_not_take_its_answers() {
    let desk = Desk::new();
    let server = desk.serve(Limits { outbound_bytes: 50_000, ..Limits::default() }).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for n in 0..1_000 {
        raw.send(&format!(r#"{{"a":["large",{n}],"i":{}}}"#, n + 1)).await;
    }
    let_others_run().await;
    // What is under way, what waits to be written, and the one that made it full.
    let started = desk.log.entries().len();
    assert!((5..=13).contains(&started), "{started} handlers were started");
    for n in 0..1_000 {
        let answer = raw.receive().await;
        assert_eq!((&answer["i"], &answer["d"][0]), (&json!(n + 1), &json!(n)));
    }
}

#[tokio::test]
async fn calls_and_events_wait_for_room_and_a_broadcast_does_not() {
    let desk = Desk::new();
    let server = desk.serve(Limits { outbound_bytes: 50_000, ..Limits::default() }).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let proxy = DeskProxy::new(&peer);
    let text = "x".repeat(10_000);
    // Fills what is under way, what waits to be written, and what waits behind that.
    let mut noted = 0;
    let mut sent_in_vain = 0;
    while sent_in_vain < 100 {
        let full = {
            let mut note = pin!(proxy.note(&text));
            poll_fn(|cx| Poll::Ready(note.as_mut().poll(cx))).await.is_pending()
        };
        if full {
            sent_in_vain += 1;
        } else {
            noted += 1;
        }
        tokio::task::yield_now().await;
    }
    assert!((10..=20).contains(&noted), "{noted} events fit");
    let delivery = DeskProxy::new(server.broadcast()).note("to all").await.expect("it can be encoded");
    assert_eq!(delivery.sent, 0);
    assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == peer.id()), "{delivery:?}");
    let call = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.quick(1).await }
    });
    let_others_run().await;
    assert_eq!(peer.calls_in_flight(), 0, "it waits for room");
    for _ in 0..noted {
        assert_eq!(raw.receive().await["a"][0], "note");
    }
    let request = raw.receive().await;
    assert_eq!(request["a"], json!(["quick", 1]));
    raw.send(&json!({"i": request["i"], "d": 1}).to_string()).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 1);
    assert_eq!(DeskProxy::new(server.broadcast()).note("to all").await.expect("it can be encoded").sent, 1);
    assert_eq!(raw.receive().await["a"], json!(["note", "to all"]));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_is_cut_off_after_its_time_and_one_that_reads_slowly_is_not() {
    let desk = Desk::new();
    let limits = Limits { write_timeout: Duration::from_secs(7), ..Limits::default() };
    let server = desk.serve(limits).build().expect("it can be mounted");
    let request = |n: u32| format!(r#"{{"a":["large",{n}],"i":{}}}"#, n + 1);
    let (mut raw, peer) = RawPeer::dial(&server);
    let (mut slow, slow_peer) = RawPeer::dial(&server);
    for n in 0..20 {
        raw.send(&request(n)).await;
        slow.send(&request(n)).await;
    }
    let began = Instant::now();
    let slowly = tokio::spawn(async move {
        for n in 0..20 {
            tokio::time::sleep(Duration::from_secs(6)).await;
            assert_eq!(slow.receive().await["i"], n + 1);
        }
        slow
    });
    let closed = peer.closed().await;
    assert_eq!((closed.code, closed.reason.as_str(), closed.by_us), (1006, "the peer does not read", true));
    assert_eq!(began.elapsed().as_secs(), 7);
    let slow = slowly.await.expect("nothing is missing");
    assert!(slow_peer.is_open());
    assert_eq!(server.peers(), [slow_peer]);
    drop((raw, slow));
}

#[tokio::test(start_paused = true)]
async fn closing_takes_no_longer_than_its_time_whatever_waits_to_be_written() {
    let desk = Desk::new();
    let limits = Limits { close_timeout: Duration::from_secs(3), ..Limits::default() };
    let server = desk.serve(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 0..20 {
        raw.send(&format!(r#"{{"a":["large",{n}],"i":{}}}"#, n + 1)).await;
    }
    desk.log.has(20).await;
    // Another that is silent, and one that has a handler and answers.
    let (silent, silent_peer) = RawPeer::dial(&server);
    let (near, far) = memory::pair();
    let polite_peer = server.accept_transport(far).expect("the server is open");
    let polite = Client::over(near).expect("nothing to mount");
    let began = Instant::now();
    let closing = tokio::spawn({
        let server = server.clone();
        async move { server.close().await }
    });
    assert_eq!(polite.closed().await.code, 1001);
    assert_eq!(polite_peer.closed().await.code, 1001);
    assert_eq!(began.elapsed(), Duration::ZERO);
    closing.await.expect("no panic");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert!(peer.closed().await.by_us && silent_peer.closed().await.by_us);
    assert!(server.peers().is_empty());
    drop((raw, silent));
}

#[tokio::test(start_paused = true)]
async fn a_closing_server_tells_how_a_connection_ended_that_did_not_answer() {
    let log = Log::default();
    let hook = log.clone();
    let builder = Desk::new().serve(Limits::default()).on_close(move |_, closed| {
        let log = hook.clone();
        async move { log.add(format!("{} {}", closed.code, closed.by_us)) }
    });
    let server = builder.build().expect("it can be mounted");
    let (silent, peer) = RawPeer::dial(&server);
    server.close().await;
    assert_eq!(peer.closed().await.code, 1001);
    assert_eq!(log.entries(), ["1001 true"]);
    drop(silent);
}

#[tokio::test]
async fn the_longest_times_there_are_stand_for_no_limit() {
    let (most, desk) = (Duration::MAX, Desk::new());
    let limits = Limits {
        handshake_timeout: most,
        call_timeout: Some(most),
        write_timeout: most,
        close_timeout: most,
        outbound_bytes: 1_000,
        ..Limits::default()
    };
    let server = desk.serve(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let call = tokio::spawn(peer.request::<u8>("ask", ()));
    assert_eq!(raw.receive().await["a"], json!(["ask"]));
    // More than what is under way between us: something waits to be written.
    for _ in 0..200 {
        let _ = server.broadcast().emit("news", ("x".repeat(1_000),)).await;
        tokio::task::yield_now().await;
    }
    peer.close(4000, "enough");
    while !matches!(raw.frame().await, Some(Frame::Close(_))) {}
    raw.close(4000, "enough").await;
    server.close().await;
    assert_eq!(peer.closed().await.code, 4000);
    assert!(call.await.expect("no panic").is_err());
}
