//! Metrics, as Prometheus' exporter shows them.

use futures_util::{StreamExt, stream};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use serde_json::json;
use std::future::pending;
use std::time::Duration;
use tower_service::Service as _;
use wswrapper::error::Rejection;
use wswrapper::observe::Metrics;
use wswrapper::server::ServerBuilder;
use wswrapper::{Client, Limits, Server, Stream, ws_handlers};
use wswrapper_tests::{RawPeer, let_others_run, pair_with, until};

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn now(&self, n: u32) -> u32 {
        n
    }
    pub async fn rejects(&self) -> Result<(), Rejection> {
        Err(Rejection::new("no").with_code("No"))
    }
    pub async fn panics(&self) {
        panic!("of the test");
    }
    pub async fn waits(&self) {
        pending::<()>().await;
    }
    pub async fn count(&self) -> impl Stream<Item = u32> + Send {
        stream::iter([1, 2])
    }
    pub async fn endless(&self) -> impl Stream<Item = u32> + Send {
        stream::pending()
    }
}

/// The metrics of a test, and their scrapes.
struct Scraper {
    metrics: Metrics,
    handle: PrometheusHandle,
}

impl Scraper {
    fn new() -> Self {
        let recorder = PrometheusBuilder::new().build_recorder();
        let handle = recorder.handle();
        Self { metrics: Metrics::to_recorder(recorder), handle }
    }

    fn server(&self) -> ServerBuilder {
        Server::builder().service(Desk).metrics(self.metrics.clone())
    }

    /// Returns the lines of a metric, without its name.
    fn lines(&self, name: &str) -> Vec<String> {
        let text = self.handle.render();
        let mut lines: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix(name))
            .filter(|rest| rest.starts_with([' ', '{']))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    }

    /// Returns the number of a metric of the server's connections.
    fn of_server(&self, name: &str) -> String {
        let lines = self.lines(name);
        assert_eq!(lines.len(), 1, "{name}: {lines:?}");
        lines[0].strip_prefix("{side=\"server\"} ").expect("a number of the server").to_owned()
    }
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_event_and_outcome_with_their_durations() {
    let scraper = Scraper::new();
    let pair = pair_with(scraper.server(), Client::builder());
    let desk = DeskProxy::new(&pair.client);
    for n in [1, 2] {
        desk.now(n).await.expect("it is handled");
    }
    desk.rejects().await.expect_err("it rejects");
    desk.panics().await.expect_err("it panics");
    desk.waits().timeout(Duration::from_secs(2)).await.expect_err("it never ends");
    desk.count().await.expect("it is handled").collect::<Vec<_>>().await;
    let line = |event, outcome, count| format!(r#"{{channel="desk",event="{event}",outcome="{outcome}"}} {count}"#);
    let expected = [
        line("count", "ok", 1),
        line("now", "ok", 2),
        line("panics", "panicked", 1),
        line("rejects", "rejected", 1),
        line("waits", "cancelled", 1),
    ];
    until(|| scraper.lines("wswrapper_calls_total").len() == expected.len()).await;
    assert_eq!(scraper.lines("wswrapper_calls_total"), expected);
    let counts = scraper.lines("wswrapper_call_duration_seconds_count");
    assert_eq!(counts.len(), 5);
    assert_eq!(counts[1], r#"{channel="desk",event="now"} 2"#);
    let sums = scraper.lines("wswrapper_call_duration_seconds_sum");
    assert_eq!(sums[4], r#"{channel="desk",event="waits"} 2"#, "the clock of the test stood at two seconds");
}

#[tokio::test]
async fn a_flood_of_made_up_events_makes_one_label() {
    let scraper = Scraper::new();
    let server = scraper.server().build().expect("it can be mounted");
    let (mut peer, _) = RawPeer::dial(&server);
    for id in 1..=200 {
        let call = match id % 4 {
            0 => json!({"a": [format!("made up {id}")], "i": id}),
            1 => json!({"a": [format!("made up {id}")]}),
            2 => json!({"a": [format!("made up {id}")], "c": format!("made up {id}"), "i": id}),
            // Known events with wrong arguments.
            _ => json!({"a": ["now", "seven"], "c": "desk", "i": id}),
        };
        peer.send(&call.to_string()).await;
    }
    let unknown = |count| [format!(r#"{{channel="(unknown)",event="(unknown)",outcome="rejected"}} {count}"#)];
    until(|| scraper.lines("wswrapper_calls_total") == unknown(200)).await;
    until(|| scraper.of_server("wswrapper_events_dropped_total") == "50").await;
    assert_eq!(scraper.lines("wswrapper_call_duration_seconds_count"), [""; 0]);
}

#[tokio::test]
async fn names_of_requests_that_are_rejected_unseen_are_no_labels() {
    let scraper = Scraper::new();
    let server = scraper.server().build().expect("it can be mounted");
    let (mut peer, _) = RawPeer::dial(&server);
    peer.send(&json!({"a": ["waits"], "c": "desk", "i": 500}).to_string()).await;
    until(|| server.status().handlers_in_flight == 1).await;
    let shutdown = tokio::spawn({
        let server = server.clone();
        async move { server.shutdown(Duration::from_secs(50)).await }
    });
    until(|| server.status().draining).await;
    // A server that drains rejects requests before it looks for their handlers.
    for id in 501..=600 {
        peer.send(&json!({"a": [format!("made up {id}")], "i": id}).to_string()).await;
    }
    let expected = [r#"{channel="(unknown)",event="(unknown)",outcome="rejected"} 100"#];
    until(|| scraper.lines("wswrapper_calls_total") == expected).await;
    shutdown.abort();
}

#[tokio::test]
async fn events_beyond_the_bound_share_a_label() {
    let scraper = Scraper::new();
    let metrics = scraper.metrics.clone().max_events(2).without_durations();
    let pair = pair_with(Server::builder().metrics(metrics), Client::builder());
    for room in 0..10 {
        pair.server.on(&format!("room {room}"), || async {}).expect("a valid name");
        pair.client.request::<()>(&format!("room {room}"), ()).await.expect("it is handled");
    }
    let expected = [
        r#"{channel="(other)",event="(other)",outcome="ok"} 8"#,
        r#"{channel="",event="room 0",outcome="ok"} 1"#,
        r#"{channel="",event="room 1",outcome="ok"} 1"#,
    ];
    let mut lines = scraper.lines("wswrapper_calls_total");
    lines.sort_by_key(|line| !line.contains("other"));
    assert_eq!(lines, expected);
    assert_eq!(scraper.lines("wswrapper_call_duration_seconds_count"), [""; 0]);
}

#[tokio::test]
async fn the_status_and_the_metrics_have_the_same_numbers() {
    let scraper = Scraper::new();
    let pair = pair_with(scraper.server(), Client::builder());
    let desk = DeskProxy::new(&pair.client);
    for n in 0..10 {
        desk.now(n).await.expect("it is handled");
    }
    let items = desk.endless().await.expect("it is handled");
    let (mut raw, peer) = RawPeer::dial(&pair.server);
    raw.send(&json!({"a": ["unknown"]}).to_string()).await;
    raw.send(&json!({"a": ["waits"], "c": "desk", "i": 1}).to_string()).await;
    until(|| pair.server.status().handlers_in_flight == 1).await;
    let _call = tokio::spawn(peer.request::<()>("ask", ()));
    until(|| pair.server.status().calls_in_flight == 1).await;
    let compare = async |open: usize| {
        until(|| scraper.of_server("wswrapper_connections") == open.to_string()).await;
        let_others_run().await;
        let status = pair.server.status();
        for (name, number) in [
            ("wswrapper_received_messages_total", status.received_messages),
            ("wswrapper_received_bytes_total", status.received_bytes),
            ("wswrapper_sent_messages_total", status.sent_messages),
            ("wswrapper_sent_bytes_total", status.sent_bytes),
            ("wswrapper_events_dropped_total", status.events_dropped),
            ("wswrapper_handlers_in_flight", status.handlers_in_flight as u64),
            ("wswrapper_calls_in_flight", status.calls_in_flight as u64),
            ("wswrapper_open_channels", status.open_channels as u64),
            ("wswrapper_open_streams", status.open_streams as u64),
            ("wswrapper_queued_bytes", status.queued_bytes as u64),
        ] {
            assert_eq!(scraper.of_server(name), number.to_string(), "{name}");
        }
        (status.received_messages, status.sent_messages, status.open_streams, status.handlers_in_flight)
    };
    // Ten calls, the request of a stream, and two messages of the raw peer; ten answers, a channel, a call.
    assert_eq!(compare(2).await, (13, 12, 1, 1));
    drop(items);
    pair.client.close(1000, "");
    pair.client.closed().await;
    peer.abort_connection();
    peer.closed().await;
    let (received, sent, streams, handlers) = compare(0).await;
    assert_eq!((streams, handlers), (0, 0));
    assert!(received >= 13 && sent >= 12, "{received} and {sent}");
    let closed = [r#"{cause="local"} 1"#, r#"{cause="remote"} 1"#];
    assert_eq!(scraper.lines("wswrapper_connections_closed_total"), closed);
}

#[tokio::test(start_paused = true)]
async fn a_lost_heartbeat_and_a_reconnect_are_counted() {
    let scraper = Scraper::new();
    let server = scraper.server().build().expect("it can be mounted");
    // It answers no pings.
    let (_silent, peer) = RawPeer::dial(&server);
    peer.closed().await;
    assert_eq!(scraper.of_server("wswrapper_heartbeats_lost_total"), "1");
    assert_eq!(scraper.lines("wswrapper_connections_closed_total"), [r#"{cause="heartbeat"} 1"#]);

    let (mut first, client) = RawPeer::accept(Client::builder().metrics(scraper.metrics.clone()));
    first.close(1000, "").await;
    client.closed().await;
    let (near, _far) = wswrapper::transport::memory::pair();
    client.rebind(near).await.expect("it is open");
    assert!(scraper.lines("wswrapper_reconnects_total").contains(&r#"{side="client"} 1"#.to_owned()));
    assert!(scraper.lines("wswrapper_connections").contains(&r#"{side="client"} 1"#.to_owned()));
}

#[tokio::test]
async fn refused_handshakes_are_counted_by_reason() {
    let scraper = Scraper::new();
    let mut server = scraper.server().build().expect("it can be mounted");
    let handshake = |origin: &str| {
        let request = http::Request::get("/").header("host", "example.org").header("origin", origin);
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request.header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        request.header("sec-websocket-version", "13").body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap()
    };
    // A call without a connection behind it cannot be upgraded.
    for origin in ["https://evil.example", "http://example.org"] {
        let response = server.call(handshake(origin)).await.expect("there is a response");
        assert!(!response.status().is_success());
    }
    let refused = scraper.lines("wswrapper_handshakes_refused_total");
    assert_eq!(refused, [r#"{reason="not_upgradable"} 1"#, r#"{reason="origin"} 1"#]);
}

#[tokio::test(start_paused = true)]
async fn limits_that_are_reached_are_counted() {
    let scraper = Scraper::new();
    let limits = Limits::default().max_outgoing_message_size(100).max_message_size(1_000);
    let pair = pair_with(scraper.server().limits(limits), Client::builder());
    pair.server.on("large", || async { "x".repeat(200) }).expect("a valid name");
    pair.client.request::<String>("large", ()).await.expect_err("it is too large");
    assert_eq!(scraper.lines("wswrapper_limits_reached_total"), [r#"{limit="message_size"} 1"#]);
    pair.client.emit("large", ("x".repeat(2_000),)).await.expect("there is capacity");
    pair.peer.closed().await;
    let limits = [r#"{limit="connection"} 1"#, r#"{limit="message_size"} 1"#];
    assert_eq!(scraper.lines("wswrapper_limits_reached_total"), limits);
    assert_eq!(scraper.lines("wswrapper_connections_closed_total"), [r#"{cause="limit"} 1"#]);
}
