//! The wire log of servers and clients.

use futures_util::stream;
use serde_json::json;
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wswrapper::{Client, Server, Stream, error::Rejection, observe::WireLog, ws_handlers};
use wswrapper_tests::{Log, RawPeer, pair, pair_with};

struct Service;

#[ws_handlers]
impl Service {
    pub fn echo(&self, value: serde_json::Value) -> serde_json::Value {
        value
    }
    pub fn rejects(&self) -> Result<(), Rejection> {
        Err(Rejection::new("no").with_data(&json!({"token": "s3cret", "tries": 3})))
    }
    pub async fn sessions(&self) -> impl Stream<Item = serde_json::Value> + Send {
        stream::iter([json!({"user": "Ada", "token": "s3cret"})])
    }
}

/// A writer of lines into a log. It checks that each write is one line.
#[derive(Clone, Default)]
struct Lines(Log);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).expect("a line is text");
        let line = text.strip_suffix('\n').expect("a line has an end");
        assert!(!line.contains(char::is_control), "{line:?}");
        self.0.add(line);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        panic!("it is never flushed")
    }
}

fn wire_log(lines: &Lines) -> WireLog {
    WireLog::to_writer(lines.clone()).redact(["password", "token"])
}

#[tokio::test]
async fn messages_in_both_directions_are_logged_at_both_endpoints() -> Result<(), Box<dyn Error>> {
    let (server_lines, client_lines) = (Lines::default(), Lines::default());
    let pair = pair_with(
        Server::builder().service(Service).wire_log(wire_log(&server_lines)),
        Client::builder().wire_log(wire_log(&client_lines)),
    );
    let value: serde_json::Value = pair.client.request("echo", (json!({"user": "Ada", "password": "s3cret"}),)).await?;
    assert_eq!(value["password"], "s3cret");
    pair.peer.emit("news", ("today",)).await?;
    let (peer, client) = (pair.peer.id(), pair.client.peer().id());
    let call = r#"{"a":["echo",{"password":"…","user":"Ada"}],"i":268435457}"#;
    let response = r#"{"i":268435457,"d":{"password":"…","user":"Ada"}}"#;
    let news = r#"{"a":["news","today"]}"#;
    assert_eq!(
        client_lines.0.has(3).await,
        [format!("→ {client} {call}"), format!("← {client} {response}"), format!("← {client} {news}")]
    );
    assert_eq!(
        server_lines.0.entries(),
        [format!("← {peer} {call}"), format!("→ {peer} {response}"), format!("→ {peer} {news}")]
    );
    Ok(())
}

#[tokio::test]
async fn rejections_items_and_metadata_are_redacted() -> Result<(), Box<dyn Error>> {
    let lines = Lines::default();
    let server = Server::builder().service(Service).wire_log(wire_log(&lines)).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    let rejection = raw.ask(r#"{"a":["rejects"],"i":1,"m":{"token":"s3cret"}}"#).await;
    assert_eq!(rejection["e"]["data"]["token"], "s3cret");
    raw.ask(r#"{"a":["sessions"],"i":2}"#).await;
    raw.send(r#"{"a":["credit",4],"h":2}"#).await;
    raw.send(r#"{"a":["start"],"h":2}"#).await;
    assert_eq!(raw.receive().await["a"][1]["value"]["token"], "s3cret");
    let id = peer.id();
    let entries = lines.0.has(7).await;
    assert_eq!(entries[0], format!(r#"← {id} {{"a":["rejects"],"i":1,"m":{{"token":"…"}}}}"#));
    assert!(entries[1].contains(r#""tries":3"#) && entries[1].contains(r#""token":"…""#), "{entries:?}");
    let item = r#"{"a":["next",{"value":{"token":"…","user":"Ada"},"done":false}],"h":2}"#;
    assert_eq!(entries[6], format!("→ {id} {item}"));
    assert!(entries.iter().all(|line| !line.contains("s3cret")), "{entries:?}");
    Ok(())
}

#[tokio::test]
async fn a_broadcast_is_logged_for_each_peer() -> Result<(), Box<dyn Error>> {
    let lines = Lines::default();
    let server = Server::builder().wire_log(wire_log(&lines)).build()?;
    let (mut first, first_peer) = RawPeer::dial(&server);
    let (mut second, second_peer) = RawPeer::dial(&server);
    server.broadcast().emit("news", (json!({"token": "s3cret"}),)).await?;
    assert_eq!(first.receive().await, second.receive().await);
    let mut entries = lines.0.has(2).await;
    entries.sort();
    let mut expected =
        [first_peer, second_peer].map(|peer| format!(r#"→ {} {{"a":["news",{{"token":"…"}}]}}"#, peer.id()));
    expected.sort();
    assert_eq!(entries, expected);
    Ok(())
}

#[tokio::test]
async fn hostile_texts_are_one_line_of_bounded_length() -> Result<(), Box<dyn Error>> {
    let lines = Lines::default();
    let server = Server::builder().service(Service).wire_log(wire_log(&lines)).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    let id = peer.id();
    raw.send(&format!("\n→ {id} {{\"a\":[\"forged\"]}}\r\u{1b}[2K\u{85}")).await;
    raw.send(r#"{"a":["forged\n\u001b[2K","</a>"]}"#).await;
    raw.send(&json!({"a": ["long", "ä".repeat(100_000)]}).to_string()).await;
    raw.send(&json!({"a": ["many", vec!["x\u{2028}\u{7f}"; 50_000]]}).to_string()).await;
    let entries = lines.0.has(4).await;
    assert_eq!(
        entries[..3],
        [
            format!(r#"← {id} not JSON: "\n→ {id} {{\"a\":[\"forged\"]}}\r\u001b[2K\u0085""#),
            format!(r#"← {id} {{"a":["forged\n\u001b[2K","</a>"]}}"#),
            format!(r#"← {id} {{"a":["long","{}"…(+199744 bytes)]}}"#, "ä".repeat(128)),
        ]
    );
    assert!(entries[3].len() < 4_200 && entries[3].ends_with(" bytes)"), "{}", entries[3]);
    Ok(())
}

/// Fails, or panics, from its second line on.
struct Limited {
    writes: Arc<AtomicUsize>,
    panics: bool,
}

impl io::Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.writes.fetch_add(1, Ordering::Relaxed) {
            0 => Ok(bytes.len()),
            _ if self.panics => panic!("on purpose"),
            _ => Err(io::Error::other("the disk is full")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_writer_that_fails_is_left_out_and_the_calls_succeed() -> Result<(), Box<dyn Error>> {
    for panics in [false, true] {
        let (writes, lines) = (Arc::new(AtomicUsize::new(0)), Lines::default());
        let limited = Limited { writes: Arc::clone(&writes), panics };
        let server =
            Server::builder().service(Service).wire_log(WireLog::to_writer(limited)).wire_log(wire_log(&lines));
        let pair = pair(server);
        for number in 0..3 {
            assert_eq!(pair.client.request::<u8>("echo", (number,)).await?, number);
        }
        assert_eq!(writes.load(Ordering::Relaxed), 2);
        // The other log goes on.
        assert_eq!(lines.0.entries().len(), 6);
    }
    Ok(())
}
