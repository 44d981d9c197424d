//! Bad weather: very many at once, broken frames, lost networks, peers that do not do their part.
//!
//! Each test ends with nothing left: no peers, no calls, no handlers, no tasks.

mod support;

use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, StreamExt, future::join_all};
use serde_json::{Value, json};
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use support::{Alive, Log, RawPeer, pair_with, until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};
use wswrapper::transport::memory;
use wswrapper::{
    CallError, Client, Context, Limits, Peer, SendError, ServeError, Server, ServerBuilder, ws_handlers, ws_service,
};

#[ws_service]
trait Weather {
    async fn echo(&self, value: Value) -> Value;
    async fn sleep(&self, milliseconds: u64) -> u64;
    async fn wait(&self);
    /// Calls back so many times, in each other.
    async fn bounce(&self, ctx: Context, depth: u32) -> u32;
    #[ws(event)]
    async fn note(&self, text: String);
}

#[derive(Clone, Default)]
struct Station {
    handlers: Alive,
    log: Log,
}

#[ws_handlers]
impl Weather for Station {
    async fn echo(&self, value: Value) -> Value {
        value
    }

    async fn sleep(&self, milliseconds: u64) -> u64 {
        let _alive = self.handlers.guard();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    async fn wait(&self) {
        let _alive = self.handlers.guard();
        std::future::pending::<()>().await;
    }

    async fn bounce(&self, ctx: Context, depth: u32) -> u32 {
        let _alive = self.handlers.guard();
        if depth == 0 {
            return 0;
        }
        // A call back that fails leaves its depth out.
        WeatherProxy::new(ctx.peer()).bounce(depth - 1).await.map_or(0, |deeper| deeper + 1)
    }

    async fn note(&self, text: String) {
        self.log.add(text);
    }
}

/// What was there before, and must be again.
struct Before {
    tasks: usize,
}

impl Before {
    fn now() -> Self {
        Self { tasks: Self::tasks() }
    }

    fn tasks() -> usize {
        tokio::runtime::Handle::current().metrics().num_alive_tasks()
    }

    /// Waits until nothing is left of a server's connections.
    async fn is_again(&self, server: &Server, station: &Station) {
        until(|| server.peers().is_empty()).await;
        station.handlers.becomes(0).await;
        until(|| Self::tasks() == self.tasks).await;
    }
}

/// A server with a port.
struct Running {
    server: Server,
    station: Station,
    address: SocketAddr,
    serving: JoinHandle<Result<(), ServeError>>,
    before: Before,
}

async fn serve(limits: Limits) -> Running {
    let station = Station::default();
    let before = Before::now();
    let listening = Server::builder().limits(limits).service(station.clone()).bind("127.0.0.1:0").await;
    let listening = listening.expect("a port is free");
    let (server, address) = (listening.server(), listening.local_addr());
    Running { server, station, address, serving: tokio::spawn(listening.serve()), before }
}

impl Running {
    async fn client(&self) -> Client {
        Client::connect(&format!("ws://{}", self.address)).await.expect("it takes WebSockets")
    }

    /// A WebSocket with frames of our own making.
    async fn websocket(&self) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        client_async(format!("ws://{}", self.address), stream).await.expect("it takes WebSockets").0
    }

    /// A socket after the handshake, to write bytes of our own making.
    async fn socket(&self) -> TcpStream {
        let known = self.server.peers().len();
        let stream = self.websocket().await.into_inner();
        until(|| self.server.peers().len() > known).await;
        stream
    }

    /// The one peer that is connected.
    async fn peer(&self) -> Peer {
        until(|| self.server.peers().len() == 1).await;
        self.server.peers().remove(0)
    }

    /// The server still serves, and then leaves nothing.
    async fn ends_well(self) {
        let client = self.client().await;
        assert_eq!(WeatherProxy::new(&client).echo(json!("still there")).await.expect("an answer"), "still there");
        drop(client);
        until(|| self.server.peers().is_empty()).await;
        self.station.handlers.becomes(0).await;
        self.server.close().await;
        self.serving.await.expect("no panic").expect("it served");
        until(|| Before::tasks() == self.before.tasks).await;
    }
}

fn station() -> (Station, ServerBuilder) {
    let station = Station::default();
    (station.clone(), Server::builder().service(station))
}

/// A server and a client of it over a pair of one's own.
fn join(builder: ServerBuilder, network: &memory::Builder) -> (Server, Peer, Client, memory::Control) {
    let (near, far) = network.pair();
    let control = near.control();
    let server = builder.build().expect("it can be mounted");
    let peer = server.accept_transport(far).expect("the server is open");
    (server, peer, Client::over(near).expect("nothing to mount"), control)
}

// The weather itself.

#[tokio::test(start_paused = true)]
async fn frames_arrive_after_the_latency_and_in_order() {
    let (station, builder) = station();
    let (_server, _, client, _) = join(builder, &memory::builder().latency(Duration::from_millis(300)));
    let proxy = WeatherProxy::new(&client);
    let began = Instant::now();
    for n in 0..100 {
        proxy.note(n.to_string()).await.expect("there is room");
    }
    tokio::time::sleep(Duration::from_millis(299)).await;
    assert!(station.log.entries().is_empty());
    proxy.echo(Value::Null).await.expect("an answer");
    assert_eq!(began.elapsed(), Duration::from_millis(299 + 600));
    assert_eq!(station.log.entries(), (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn what_was_written_before_an_end_is_dropped_arrives_before_the_end() {
    let (station, builder) = station();
    let (near, far) = memory::builder().latency(Duration::from_millis(300)).pair();
    let server = builder.build().expect("it can be mounted");
    let peer = server.accept_transport(far).expect("the server is open");
    let client = Client::over(near).expect("nothing to mount");
    WeatherProxy::new(&client).note("the last").await.expect("there is room");
    let began = Instant::now();
    drop(client);
    assert_eq!(peer.closed().await.code, 1000);
    assert_eq!(began.elapsed(), Duration::from_millis(300));
    assert_eq!(station.log.entries(), ["the last"]);
}

#[tokio::test(start_paused = true)]
async fn a_pair_takes_as_much_as_its_capacity() {
    let (station, builder) = station();
    let network = memory::builder().latency(Duration::from_millis(100)).capacity(1_000);
    let (_server, _, client, _) = join(builder, &network);
    let proxy = WeatherProxy::new(&client);
    let began = Instant::now();
    let text = "x".repeat(400 - r#"{"a":["note",""]}"#.len());
    for _ in 0..10 {
        proxy.note(&text).await.expect("there is room in the queue");
    }
    station.log.has(10).await;
    // Two at a time.
    assert_eq!(began.elapsed().as_millis() / 100, 5);
    // A larger one goes alone.
    proxy.note("x".repeat(5_000)).await.expect("there is room in the queue");
    station.log.has(11).await;
}

#[tokio::test(start_paused = true)]
async fn a_stalled_end_reads_nothing_until_it_goes_on() {
    let (station, builder) = station();
    let (_server, peer, client, control) = join(builder.limits(Limits::default()), &memory::builder());
    control.stall();
    let call = tokio::spawn({
        let proxy = WeatherProxy::new(&client);
        async move { proxy.sleep(5).await }
    });
    // The other direction is open: the call arrives, its answer does not.
    station.handlers.becomes(1).await;
    station.handlers.becomes(0).await;
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!(!call.is_finished());
    assert!(peer.is_open());
    control.resume();
    assert_eq!(call.await.expect("no panic").expect("an answer"), 5);
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_seen_at_both_ends_at_once_and_loses_what_is_under_way() {
    let before = Before::now();
    let (station, builder) = station();
    let (server, peer, client, control) = join(builder, &memory::builder().latency(Duration::from_millis(300)));
    let proxy = WeatherProxy::new(&client);
    let began = Instant::now();
    let call = tokio::spawn({
        let proxy = proxy.clone();
        async move { proxy.wait().await }
    });
    station.handlers.becomes(1).await;
    proxy.note("never arrives").await.expect("there is room");
    tokio::task::yield_now().await;
    control.cut();
    for closed in [client.closed().await, peer.closed().await] {
        assert_eq!((closed.code, closed.by_us), (1006, false));
    }
    assert!(began.elapsed() < Duration::from_millis(600));
    assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed)));
    assert!(matches!(proxy.note("too late").await, Err(SendError::Closed)));
    assert!(station.log.entries().is_empty());
    before.is_again(&server, &station).await;
}

#[tokio::test(start_paused = true)]
async fn a_cut_ends_a_stall() {
    let (_, builder) = station();
    let (_server, peer, client, control) = join(builder, &memory::builder());
    control.stall();
    control.cut();
    assert_eq!((client.closed().await.code, peer.closed().await.code), (1006, 1006));
}

// Very many.

#[tokio::test(start_paused = true)]
async fn ten_thousand_calls_under_way_are_answered_in_any_order() {
    const CALLS: u64 = 10_000;
    let before = Before::now();
    let (station, builder) = station();
    let (server, peer, client, _) =
        join(builder, &memory::builder().latency(Duration::from_millis(10)).capacity(1 << 20));
    let proxy = WeatherProxy::new(&client);
    // 7,919 and 10,000 have no common factor: each time comes once, in an order of its own.
    let mut calls: FuturesUnordered<_> = (0..CALLS)
        .map(|n| {
            let time = 1_000 + n * 7_919 % CALLS;
            let call = proxy.sleep(time);
            async move { (time, call.await.expect("an answer")) }
        })
        .collect();
    let mut answers = Vec::new();
    let counting = async {
        station.handlers.becomes(usize::try_from(CALLS).expect("it fits")).await;
        assert_eq!(client.calls_in_flight(), 10_000);
    };
    let answering = async {
        while let Some((asked, answered)) = calls.next().await {
            assert_eq!(asked, answered);
            answers.push(answered);
        }
    };
    tokio::join!(counting, answering);
    assert!(answers.is_sorted(), "the shortest was answered first");
    assert_eq!(answers.len(), 10_000);
    drop(calls);
    assert_eq!((client.calls_in_flight(), peer.calls_in_flight()), (0, 0));
    drop((proxy, client));
    before.is_again(&server, &station).await;
}

#[tokio::test]
async fn a_thousand_connections_at_once_are_served_with_their_calls() {
    let running = serve(Limits::default()).await;
    let clients = join_all((0..1_000).map(|n| {
        let running = &running;
        async move {
            let client = running.client().await;
            let proxy = WeatherProxy::new(&client);
            let answers = join_all((0..10).map(|call| proxy.echo(json!([n, call])))).await;
            for (call, answer) in answers.into_iter().enumerate() {
                assert_eq!(answer.expect("an answer"), json!([n, call]));
            }
            assert_eq!(client.calls_in_flight(), 0);
            client
        }
    }))
    .await;
    assert_eq!(running.server.peers().len(), 1_000);
    drop(clients);
    running.ends_well().await;
}

/// Floods both ends with calls that call back, and gives how many came to their full depth.
async fn flood(limits: Limits, calls: u32, depth: u32) -> usize {
    let before = Before::now();
    let (here, there) = (Station::default(), Station::default());
    let pair = pair_with(
        Server::builder().limits(limits.clone()).service(here.clone()),
        Client::builder().limits(limits).service(there.clone()),
    );
    let ends = [WeatherProxy::new(&pair.client), WeatherProxy::new(&pair.peer)];
    let answers = join_all(ends.iter().flat_map(|end| (0..calls).map(|_| end.bounce(depth)))).await;
    let (mut whole, mut others) = (0, 0);
    for answer in answers {
        match answer {
            Ok(answer) if answer == depth => whole += 1,
            Ok(_) | Err(CallError::TimedOut | CallError::NotSent(SendError::TooManyCalls)) => others += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(whole + others, 2 * calls as usize);
    until(|| pair.client.calls_in_flight() + pair.peer.calls_in_flight() == 0).await;
    there.handlers.becomes(0).await;
    here.handlers.becomes(0).await;
    assert!(pair.client.is_open());
    drop((ends, pair.client));
    before.is_again(&pair.server, &here).await;
    whole
}

#[tokio::test(start_paused = true)]
async fn two_ends_that_flood_each_other_with_calls_that_call_back_answer_all() {
    let began = Instant::now();
    assert_eq!(flood(Limits::default(), 1_000, 6).await, 2_000);
    // Little room in any queue.
    let small = Limits { outbound_bytes: 500, held_bytes: 500, ..Limits::default() };
    assert_eq!(flood(small, 1_000, 6).await, 2_000);
    assert!(began.elapsed() < Duration::from_secs(1), "somebody had to wait for the clock");
}

#[tokio::test(start_paused = true)]
async fn calls_back_that_need_more_handlers_than_there_are_end_in_time_and_leave_nothing() {
    let began = Instant::now();
    let few = Limits { handlers_in_flight: 10, ..Limits::default() };
    // Each level of depth needs a handler while those above it wait: some must give up.
    assert!(flood(few.clone(), 100, 6).await < 200);
    assert!(began.elapsed() <= 2 * Limits::default().call_timeout.expect("there is one"));
    // One level deep, the other end's handlers answer at once.
    assert_eq!(flood(few, 5, 1).await, 10);
}

// Those who vanish.

#[tokio::test(start_paused = true)]
async fn a_network_that_is_lost_in_the_middle_of_calls_ends_them_all() {
    let before = Before::now();
    let (station, builder) = station();
    let (server, _, client, control) = join(builder, &memory::builder().latency(Duration::from_millis(20)));
    let proxy = WeatherProxy::new(&client);
    let calls: Vec<_> = (0..1_000)
        .map(|n| {
            let proxy = proxy.clone();
            tokio::spawn(async move { proxy.sleep(1_000 + n).await })
        })
        .collect();
    station.handlers.becomes(1_000).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    control.cut();
    let mut answered = 0;
    for call in calls {
        match call.await.expect("no panic") {
            Ok(_) => answered += 1,
            Err(error) => assert!(matches!(error, CallError::Closed), "{error:?}"),
        }
    }
    assert!((400..600).contains(&answered), "{answered} were answered before");
    assert_eq!(client.calls_in_flight(), 0);
    drop((proxy, client));
    before.is_again(&server, &station).await;
}

#[tokio::test]
async fn a_client_that_vanishes_in_the_middle_of_anything_leaves_nothing() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    // In its calls, which it has sent and which run.
    let mut websocket = running.websocket().await;
    for n in 1..=100 {
        websocket.feed(Message::text(format!(r#"{{"a":["wait"],"i":{n}}}"#))).await?;
    }
    websocket.flush().await?;
    running.station.handlers.becomes(100).await;
    drop(websocket);
    running.station.handlers.becomes(0).await;
    // In a frame: its first byte, half a length, half a mask, half a text, and between two fragments.
    let half_a_text: &[u8] = b"\x81\xfe\x01\x00\x00\x00\x00\x00{\"a\":[\"echo\"";
    for begun in [b"\x81".as_slice(), b"\x81\xfe\x01", b"\x81\x85\x00\x00", half_a_text, b"\x01\x81\x00\x00\x00\x00{"] {
        let mut socket = running.socket().await;
        let peer = running.peer().await;
        socket.write_all(begun).await?;
        drop(socket);
        let closed = peer.closed().await;
        assert_eq!((closed.code, closed.by_us), (1006, false), "{begun:?}");
    }
    // In the handshake.
    for begun in ["", "G", "GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r"] {
        let mut socket = TcpStream::connect(running.address).await?;
        socket.write_all(begun.as_bytes()).await?;
        drop(socket);
    }
    running.ends_well().await;
    Ok(())
}

#[tokio::test]
async fn a_peer_that_vanishes_while_it_is_not_read_is_noticed_when_reading_goes_on() {
    let before = Before::now();
    let (station, builder) = station();
    let limits = Limits { handlers_in_flight: 1, held_bytes: 100, ..Limits::default() };
    let server = builder.limits(limits).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 1..=20 {
        raw.send(&format!(r#"{{"a":["sleep",1],"i":{n}}}"#)).await;
    }
    drop(raw);
    until(|| !peer.is_open()).await;
    before.is_again(&server, &station).await;
}

// What is no lawful frame.

#[tokio::test]
async fn garbage_in_a_lawful_frame_is_ignored_or_rejected_and_the_connection_stays() {
    let before = Before::now();
    let (station, builder) = station();
    let server = builder.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let deep = |bracket: &str| bracket.repeat(100_000);
    let closed = |opened: &str, closed: &str| format!("{}1{}", deep(opened), deep(closed));
    let lists = closed("[", "]");
    let objects = closed(r#"{"a":"#, "}");
    let mut frames = vec![
        String::new(),
        " ".repeat(100_000),
        "\u{feff}{}".to_owned(),
        "nonsense".to_owned(),
        "{".to_owned(),
        "\0".repeat(1_000),
        "1".repeat(100_000),
        format!("{{\"a\":[\"{}", "x".repeat(100_000)),
        deep("["),
        deep("{"),
        deep("]"),
        deep("[{\"a\":"),
        lists.clone(),
        objects.clone(),
    ];
    for value in [&lists, &objects, &deep("["), &deep(r#"{"a":"#)] {
        frames.extend([
            format!(r#"{{"a":["note",{value}]}}"#),
            format!(r#"{{"a":{value}}}"#),
            format!(r#"{{"a":["echo",1],"i":{value}}}"#),
            format!(r#"{{"x":{value},"i":1}}"#),
            format!(r#"{{"d":{value},"i":536870913}}"#),
            format!(r#"{{"e":{value},"i":536870913,"_":1}}"#),
            format!(r#"{{"unknown":{value}}}"#),
            format!(r#"{{"h":{value},"x":1}}"#),
        ]);
    }
    for frame in &frames {
        raw.send(frame).await;
    }
    // What is deep beyond reason where something is to be read is an error to whoever asked.
    for request in [
        format!(r#"{{"a":["echo",{lists}],"i":7}}"#),
        format!(r#"{{"a":["echo",{objects}],"i":7}}"#),
        format!(r#"{{"a":["sleep",{lists}],"i":7}}"#),
        format!(r#"{{"a":["nobody",{lists}],"i":7}}"#),
    ] {
        raw.send(&request).await;
    }
    // Whether those are rejected or ignored is for another test; nothing else comes, and all goes on.
    raw.send(r#"{"a":["echo","after"],"i":8}"#).await;
    loop {
        let answer = raw.receive().await;
        if answer["i"] == 8 {
            assert_eq!(answer, json!({"i": 8, "d": "after"}));
            break;
        }
        assert!(answer["e"]["message"].is_string(), "{answer}");
    }
    assert!(peer.is_open());
    drop(raw);
    before.is_again(&server, &station).await;
}

#[tokio::test]
async fn an_answer_that_is_deep_beyond_reason_is_an_error_of_its_call_alone() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    for key in ["d", "e"] {
        for value in
            ["[".repeat(100_000) + &"]".repeat(100_000), r#"{"a":"#.repeat(100_000) + "1" + &"}".repeat(100_000)]
        {
            let call = tokio::spawn({
                let proxy = WeatherProxy::new(&client);
                async move { proxy.echo(Value::Null).await }
            });
            let id = raw.receive().await["i"].clone();
            raw.send(&format!(r#"{{"i":{id},"{key}":{value}}}"#)).await;
            let error = call.await.expect("no panic").expect_err("nobody can read it");
            assert!(matches!((key, &error), ("d", CallError::Decode(_)) | ("e", CallError::Refused(_))), "{error:?}");
        }
    }
    assert_eq!(client.calls_in_flight(), 0);
    let call = tokio::spawn(async move { WeatherProxy::new(&client).echo(Value::Null).await });
    let id = raw.receive().await["i"].clone();
    raw.send(&format!(r#"{{"i":{id},"d":1}}"#)).await;
    assert_eq!(call.await.expect("no panic").expect("an answer"), 1);
}

/// A client's frame, masked with zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..126) => frame.push(0x80 | length),
        _ => {
            frame.push(0xfe);
            frame.extend(u16::try_from(payload.len()).expect("it is short").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

const TEXT: u8 = 0x81;
const FIRST: u8 = 0x01;
const NEXT: u8 = 0x00;
const LAST: u8 = 0x80;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;

#[tokio::test]
async fn a_message_in_a_thousand_fragments_with_control_frames_between_them_is_one() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    let mut websocket = running.websocket().await;
    let text = format!(r#"{{"a":["echo","{}"],"i":1}}"#, "ä".repeat(1_000));
    let mut bytes = Vec::new();
    // A byte at a time, in the middle of characters too.
    for (n, byte) in text.bytes().enumerate() {
        let first = if n == 0 { FIRST } else { NEXT };
        bytes.extend(frame(first, &[byte]));
        if n % 10 == 0 {
            bytes.extend(frame(PING, b"there?"));
            bytes.extend(frame(PONG, b"unasked"));
        }
    }
    bytes.extend(frame(LAST, b""));
    websocket.get_mut().write_all(&bytes).await?;
    loop {
        match websocket.next().await.ok_or("it ended")?? {
            Message::Pong(pong) => assert_eq!(pong, b"there?".as_slice()),
            Message::Text(answer) => {
                assert_eq!(answer.as_str(), format!(r#"{{"i":1,"d":"{}"}}"#, "ä".repeat(1_000)));
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    drop(websocket);
    running.ends_well().await;
    Ok(())
}

#[tokio::test]
async fn frames_that_break_the_rules_are_answered_with_their_status() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits { frame_bytes: 1_000, ..Limits::default() }).await;
    let neighbour = running.client().await;
    let unmasked = b"\x81\x02{}".to_vec();
    let longest = [b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".as_slice(), &[b' '; 100]].concat();
    let never_ending = [frame(FIRST, &[b' '; 600]), frame(NEXT, &[b' '; 600])].concat();
    for (what, bytes, code) in [
        ("a frame that is not masked", unmasked, 1002),
        ("a frame of 2^63-1 bytes", longest, 1009),
        ("fragments beyond the limit", never_ending, 1009),
        ("a reserved bit", frame(0xc1, b"{}"), 1002),
        ("a reserved kind", frame(0x83, b"{}"), 1002),
        ("a reserved kind of control frame", frame(0x8b, b""), 1002),
        ("a ping in fragments", frame(0x09, b"x"), 1002),
        ("a ping of 126 bytes", frame(PING, &[b'x'; 126]), 1002),
        ("a continuation of nothing", frame(LAST, b"{}"), 1002),
        ("a text within a text", [frame(FIRST, b"{"), frame(TEXT, b"}")].concat(), 1002),
        ("a text that is not UTF-8", frame(TEXT, b"{\"a\":\"\xff\"}"), 1007),
        ("a text that ends within a character", frame(TEXT, b"\xc3"), 1007),
        ("fragments that are not UTF-8 together", [frame(FIRST, b"\xc3"), frame(LAST, b"\x28")].concat(), 1007),
        ("a surrogate in UTF-8", frame(TEXT, b"\xed\xa0\x80"), 1007),
        ("a close frame of one byte", frame(0x88, b"x"), 1002),
        ("a close frame with a status that cannot be sent", frame(0x88, &1005_u16.to_be_bytes()), 1002),
        ("a close frame whose reason is not UTF-8", frame(0x88, b"\x03\xe8\xff"), 1007),
    ] {
        let mut websocket = running.websocket().await;
        websocket.get_mut().write_all(&bytes).await?;
        match websocket.next().await {
            Some(Ok(Message::Close(Some(close)))) => {
                assert_eq!(u16::from(close.code), code, "{what}: {}", close.reason);
            }
            other => panic!("{what}: expected {code}, got {other:?}"),
        }
    }
    assert_eq!(WeatherProxy::new(&neighbour).echo(json!(1)).await?, 1);
    drop(neighbour);
    running.ends_well().await;
    Ok(())
}

#[tokio::test]
async fn a_hundred_peers_that_send_noise_end_only_their_own_connections() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits { handshake_timeout: Duration::from_secs(2), ..Limits::default() }).await;
    let neighbour = running.client().await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for n in 0..100 {
        let bytes: Vec<u8> = (0..500).flat_map(|_| noise()).collect();
        let mut socket = if n % 2 == 0 {
            running.websocket().await.into_inner()
        } else {
            TcpStream::connect(running.address).await?
        };
        // It may be closed before all is written.
        let _ = socket.write_all(&bytes).await;
        let _ = socket.shutdown().await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(10), socket.read_to_end(&mut rest)).await?;
        assert_eq!(WeatherProxy::new(&neighbour).echo(json!(n)).await?, n);
    }
    drop(neighbour);
    running.ends_well().await;
    Ok(())
}

// Those who take their time.

#[tokio::test]
async fn a_slow_reader_costs_nobody_else_anything() -> Result<(), Box<dyn Error>> {
    // Far beyond what a socket takes in at both of its ends.
    const MOST: usize = 256 << 20;
    let running = serve(Limits { outbound_bytes: 10_000, held_bytes: 10_000, ..Limits::default() }).await;
    let mut slow = running.websocket().await;
    let slow_peer = running.peer().await;
    // It asks and reads nothing, until not even its requests are read.
    let request = format!(r#"{{"a":["echo","{}"],"i":1}}"#, "x".repeat(50_000));
    let mut sent = 0;
    while let Ok(written) =
        tokio::time::timeout(Duration::from_secs(2), slow.send(Message::text(request.as_str()))).await
    {
        written?;
        sent += request.len();
        assert!(sent < MOST, "all of it was read");
    }
    // Another is served as if it were alone.
    let client = running.client().await;
    let proxy = WeatherProxy::new(&client);
    for n in 0..1_000 {
        assert_eq!(proxy.echo(json!(n)).await?, n);
    }
    let everyone = WeatherProxy::new(running.server.broadcast());
    // The first may still find room behind the answers.
    everyone.note("x".repeat(10_000)).await?;
    proxy.echo(Value::Null).await?;
    let delivery = everyone.note("to all").await?;
    assert_eq!(delivery.sent, 1);
    assert!(matches!(delivery.failed[..], [(id, SendError::Full)] if id == slow_peer.id()), "{delivery:?}");
    assert!(slow_peer.is_open(), "it still has time to go on");
    drop((slow, proxy, client));
    until(|| slow_peer.close_info().is_some()).await;
    running.ends_well().await;
    Ok(())
}

#[tokio::test]
async fn a_peer_that_only_sends_pings_and_reads_nothing_is_not_read_either() -> Result<(), Box<dyn Error>> {
    // Far beyond what a socket takes in at both of its ends.
    const MOST: usize = 256 << 20;
    let running = serve(Limits { outbound_bytes: 10_000, ..Limits::default() }).await;
    let mut socket = running.socket().await;
    let peer = running.peer().await;
    let pings = frame(PING, &[b'x'; 125]).repeat(1_000);
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_secs(2), socket.write_all(&pings)).await.is_ok_and(|sent| sent.is_ok()) {
        sent += pings.len();
        assert!(sent < MOST, "all of it was read");
    }
    assert!(peer.is_open());
    drop(socket);
    // What it is owed cannot be written any more.
    until(|| peer.close_info().is_some_and(|closed| !closed.by_us)).await;
    running.ends_well().await;
    Ok(())
}

const REQUEST: &str = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

#[tokio::test]
async fn a_request_that_comes_byte_by_byte_is_accepted_within_its_time() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    let mut socket = TcpStream::connect(running.address).await?;
    socket.set_nodelay(true)?;
    for byte in REQUEST.as_bytes() {
        assert!(running.server.peers().is_empty());
        socket.write_all(&[*byte]).await?;
        tokio::task::yield_now().await;
    }
    // What follows in the same packet as the last byte is a frame already.
    socket.write_all(&frame(TEXT, br#"{"a":["echo",1],"i":1}"#)).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"i":1,"d":1}"#) {
        assert_ne!(socket.read_buf(&mut answer).await?, 0, "it ended");
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "));
    drop(socket);
    running.ends_well().await;
    Ok(())
}

#[tokio::test]
async fn a_request_that_never_comes_to_its_end_is_sent_away_though_bytes_come() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits { handshake_timeout: Duration::from_millis(300), ..Limits::default() }).await;
    let began = Instant::now();
    let (mut read, mut write) = TcpStream::connect(running.address).await?.into_split();
    let dripping = tokio::spawn(async move {
        let mut time = tokio::time::interval(Duration::from_millis(20));
        write.write_all(b"GET / HTTP/1.1\r\nCookie: ").await?;
        loop {
            time.tick().await;
            write.write_all(b"x").await?;
        }
        #[expect(unreachable_code, reason = "it gives the block its type")]
        Ok::<(), std::io::Error>(())
    });
    let mut answer = Vec::new();
    // The connection may be reset, as bytes come still.
    let _ = tokio::time::timeout(Duration::from_secs(10), read.read_to_end(&mut answer)).await?;
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{answer:?}");
    assert!(began.elapsed() >= Duration::from_millis(300));
    assert!(dripping.await?.is_err());
    running.ends_well().await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_closes_under_a_thousand_calls_ends_them_all() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    let mut calls = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..10 {
        let client = running.client().await;
        for _ in 0..100 {
            let proxy = WeatherProxy::new(&client);
            calls.push(tokio::spawn(async move { proxy.wait().await }));
        }
        clients.push(client);
    }
    running.station.handlers.becomes(1_000).await;
    running.server.close().await;
    assert_eq!(running.station.handlers.count(), 0);
    assert!(running.server.peers().is_empty());
    for call in calls {
        assert!(matches!(call.await?, Err(CallError::Closed)));
    }
    for client in clients {
        assert_eq!((client.closed().await.code, client.calls_in_flight()), (1001, 0));
    }
    running.serving.await??;
    until(|| Before::tasks() == running.before.tasks).await;
    Ok(())
}
