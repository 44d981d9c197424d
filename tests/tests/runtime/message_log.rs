//! The entries of `on_message` and `on_message_sent`.

use futures_util::{FutureExt, stream};
use serde_json::json;
use std::error::Error;
use wswrapper::{
    Client, Context, Limits, Scoped, Server, Stream,
    error::Rejection,
    observe::{MessageKind, MessageLog},
    server::ServerBuilder,
    ws_handlers, ws_service,
};
use wswrapper_tests::{Log, RawPeer, pair};

#[ws_service]
trait Counter {
    async fn next(&self) -> u32;
    fn panics(&self) -> u32;
    async fn hangs(&self) -> u32;
}

struct One;

#[ws_handlers]
impl Counter for One {
    async fn next(&self) -> u32 {
        1
    }
    fn panics(&self) -> u32 {
        panic!("on purpose")
    }

    async fn hangs(&self) -> u32 {
        std::future::pending().await
    }
}

struct Service;

#[ws_handlers]
impl Service {
    pub fn now(&self) -> u32 {
        1
    }
    pub async fn later(&self) -> u32 {
        tokio::task::yield_now().await;
        2
    }
    #[ws(spawn)]
    async fn spawned(&self) -> u32 {
        3
    }
    pub fn rejects(&self, code: Option<String>) -> Result<(), Rejection> {
        Err(code.into_iter().fold(Rejection::new("no"), Rejection::with_code))
    }
    pub async fn rejects_later(&self) -> Result<(), Rejection> {
        tokio::task::yield_now().await;
        Err(Rejection::new("no").with_code("Later"))
    }
    pub async fn panics(&self) {
        panic!("on purpose")
    }
    pub async fn waits(&self) {
        std::future::pending::<()>().await;
    }
    pub async fn count(&self) -> impl Stream<Item = u32> + Send {
        stream::iter([1])
    }
    pub async fn scoped(&self) -> Scoped<dyn Counter> {
        Scoped::new(One)
    }
    pub async fn stuck(&self, ctx: Context) {
        let _ = ctx.peer().emit("news", (1,)).await;
    }
    #[ws(event)]
    async fn event(&self, _fails: u8) {}
}

/// Logs the outcome of each finished handler.
fn outcomes(log: &Log) -> ServerBuilder {
    let log = log.clone();
    Server::builder().service(Service).on_message(move |_, message| {
        assert_eq!(message.outcome.is_some(), message.took.is_some());
        if let (Some(outcome), Some(event)) = (message.outcome, message.event) {
            let channel = message.anonymous_channel.map_or_else(String::new, |channel| format!(" on {channel}"));
            log.add(format!("{event}{channel}: {outcome:?}"));
        }
    })
}

#[tokio::test]
async fn the_outcome_of_each_call_is_logged() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = outcomes(&log).build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    let mut id = 0;
    for (call, expected) in [
        (r#""now""#, "now: Ok"),
        (r#""later""#, "later: Ok"),
        (r#""spawned""#, "spawned: Ok"),
        (r#""rejects""#, "rejects: Rejected { code: None }"),
        (r#""rejects","Busy""#, "rejects: Rejected { code: Some(\"Busy\") }"),
        (r#""rejects_later""#, "rejects_later: Rejected { code: Some(\"Later\") }"),
        (r#""panics""#, "panics: Panicked"),
        (r#""scoped""#, "scoped: ChannelOpened"),
    ] {
        id += 1;
        raw.ask(&format!(r#"{{"a":[{call}],"i":{id}}}"#)).await;
        assert_eq!(log.has(id).await[id - 1], expected);
    }
    raw.ask(&format!(r#"{{"a":["next"],"h":{id},"i":100}}"#)).await;
    raw.ask(&format!(r#"{{"a":["panics"],"h":{id},"i":101}}"#)).await;
    raw.ask(&format!(r#"{{"a":["unknown"],"h":{id},"i":102}}"#)).await;
    let entries = log.has(id + 3).await.split_off(id);
    assert_eq!(entries[..2], [format!("next on {id}: Ok"), format!("panics on {id}: Panicked")]);
    assert!(entries[2].starts_with(&format!("unknown on {id}: Rejected")), "{entries:?}");
    Ok(())
}

#[tokio::test]
async fn cancelled_calls_and_streams_have_their_outcome() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = outcomes(&log).build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["waits"],"i":1}"#).await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(log.has(1).await, ["waits: Cancelled"]);
    raw.ask(r#"{"a":["count"],"i":2}"#).await;
    raw.send(r#"{"h":2,"x":{"message":"enough"},"_":1}"#).await;
    assert_eq!(log.has(2).await[1..], ["count: Cancelled"]);
    raw.send(r#"{"a":["event",1]}"#).await;
    raw.send(r#"{"a":["event","x"]}"#).await;
    raw.send(r#"{"a":["unknown"]}"#).await;
    let entries = log.has(5).await;
    assert_eq!(entries[2], "event: Ok");
    assert!(entries[3].starts_with("event: Rejected") && entries[4].starts_with("unknown: Rejected"), "{entries:?}");
    raw.send(r#"{"a":["waits"],"i":3}"#).await;
    raw.silence().await;
    raw.close(1000, "").await;
    assert_eq!(log.has(6).await[5..], ["waits: Cancelled"]);
    Ok(())
}

#[tokio::test]
async fn the_whole_text_is_there_when_asked_and_names_are_cut() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().on_message({
        let log = log.clone();
        move |_, message: &MessageLog<'_>| {
            assert!(message.whole_text().starts_with(message.text));
            assert!(message.took.is_none() || message.whole_text().is_empty());
            let names = [message.event, message.channel].map(|name| name.unwrap_or_default().chars().count());
            log.add(format!("{} {} {names:?}", message.text.len(), message.whole_text()));
        }
    });
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    let frame = json!({"a": ["ä".repeat(500)], "c": "c".repeat(500), "i": 1}).to_string();
    raw.ask(&frame).await;
    let entries = log.has(2).await;
    let cut = frame.floor_char_boundary(MessageLog::TEXT_BYTES);
    assert_eq!(entries, [format!("{cut} {frame} [64, 64]"), "0  [64, 64]".to_owned()]);
    Ok(())
}

fn sent(log: &Log) -> impl Fn(&wswrapper::Peer, &MessageLog<'_>) + Send + Sync + 'static + use<> {
    let log = log.clone();
    move |_, message| {
        assert_eq!(message.bytes, message.whole_text().len());
        assert!(message.took.is_none() && message.outcome.is_none());
        let (kind, channel, event) = (message.kind, message.channel, message.event);
        assert_ne!(kind, MessageKind::Ignored);
        log.add(format!(
            "{kind:?} {channel:?} {:?} {event:?} {:?} {}",
            message.anonymous_channel,
            message.id,
            message.whole_text()
        ));
    }
}

#[tokio::test]
async fn every_outgoing_message_is_observed_in_order() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().service(Service).on_message_sent(sent(&log)).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["now"],"i":1}"#).await;
    raw.ask(r#"{"a":["stuck"],"i":2}"#).await;
    raw.receive().await;
    raw.ask(r#"{"a":["rejects"],"i":3}"#).await;
    raw.ask(r#"{"a":["count"],"i":4}"#).await;
    raw.send(r#"{"a":["credit",4],"h":4}"#).await;
    raw.send(r#"{"a":["start"],"h":4}"#).await;
    raw.receive().await;
    raw.receive().await;
    raw.ask(r#"{"a":["now"],"h":9,"i":5}"#).await;
    raw.receive().await;
    let call = tokio::spawn(async move { peer.channel("io").request::<u8>("ask", ()).await });
    raw.receive().await;
    call.abort();
    raw.receive().await;
    let entries = log.has(11).await;
    assert_eq!(
        entries[..7],
        [
            r#"Response None None None Some(1) {"i":1,"d":1}"#,
            r#"Event None None Some("news") None {"a":["news",1]}"#,
            r#"Response None None None Some(2) {"i":2}"#,
            r#"Rejection None None None Some(3) {"i":3,"e":{"message":"no"},"_":1}"#,
            r#"Response None None None Some(4) {"i":4,"h":1}"#,
            r#"Event None Some(4) Some("next") None {"a":["next",{"value":1,"done":false}],"h":4}"#,
            r#"Event None Some(4) Some("next") None {"a":["next",{"done":true}],"h":4}"#,
        ]
    );
    let others = [
        "Abort None Some(9) None None ",
        "Rejection None None None Some(5) ",
        r#"Request Some("io") None Some("ask") "#,
        "Cancellation None None None ",
    ];
    for (entry, begin) in entries[7..].iter().zip(others) {
        assert!(entry.starts_with(begin), "{entry}");
    }
    Ok(())
}

#[tokio::test]
async fn only_the_rejection_of_a_response_above_the_limit_is_logged() -> Result<(), Box<dyn Error>> {
    let (log, sent_log) = (Log::default(), Log::default());
    let limits = Limits::default().max_outgoing_message_size(200);
    let server = outcomes(&log).limits(limits).on_message_sent(sent(&sent_log));
    let server = server.build()?;
    server.on("long", |(): ()| async { "x".repeat(300) })?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["long",null],"i":1}"#).await;
    let code = "c".repeat(300);
    raw.ask(&format!(r#"{{"a":["rejects","{code}"],"i":2}}"#)).await;
    assert_eq!(
        log.has(2).await,
        ["long", "rejects"].map(|event| format!("{event}: Rejected {{ code: Some(\"ws:TooLarge\") }}"))
    );
    let entries = sent_log.has(2).await;
    for (entry, id) in entries.iter().zip(1..) {
        assert!(entry.starts_with(&format!("Rejection None None None Some({id}) ")), "{entry}");
        assert!(entry.contains("ws:TooLarge") && !entry.contains("xxx") && !entry.contains("ccc"), "{entry}");
    }
    assert_eq!(entries.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_hook_for_outgoing_messages_may_use_the_connection_and_panic() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().service(Service).on_message_sent({
        let log = log.clone();
        move |peer, message| {
            log.add(format!("{:?}", message.kind));
            if message.kind == MessageKind::Response {
                assert_eq!(peer.counters().open_channels, 0);
                drop(peer.emit("seen", ()).now_or_never());
                panic!("on purpose");
            }
        }
    });
    let pair = pair(server);
    let seen = Log::default();
    pair.client.on("seen", {
        let seen = seen.clone();
        move || {
            seen.add("seen");
            async {}
        }
    })?;
    assert_eq!(ServiceProxy::new(&pair.client).now().await?, 1);
    assert_eq!(seen.has(1).await, ["seen"]);
    assert_eq!(log.has(2).await, ["Response", "Event"]);
    Ok(())
}

#[tokio::test]
async fn a_client_observes_its_outgoing_messages() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let (mut raw, client) = RawPeer::accept(Client::builder().on_message_sent(sent(&log)));
    client.emit("hello", ("x",)).await?;
    raw.receive().await;
    assert_eq!(log.entries(), [r#"Event None None Some("hello") None {"a":["hello","x"]}"#]);
    Ok(())
}

#[tokio::test]
async fn calls_on_an_aborted_channel_and_later_ones_are_cancelled() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = outcomes(&log).build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["scoped"],"i":1}"#).await;
    raw.send(r#"{"a":["hangs"],"h":1,"i":2}"#).await;
    raw.send(r#"{"a":["hangs"],"h":1,"i":3}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"enough"},"_":1}"#).await;
    log.has(3).await;
    raw.send(r#"{"a":["waits"],"i":4}"#).await;
    raw.send(r#"{"i":4,"x":{"message":"enough"},"_":1}"#).await;
    for entry in &log.has(4).await[1..] {
        assert!(entry.contains("Cancelled"), "{entry}");
    }
    Ok(())
}
