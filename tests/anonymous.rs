//! Anonymous channels.

mod support;

use futures_util::FutureExt;
use serde_json::json;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::{Alive, Log, Pair, RawPeer, pair, until};
use tokio::sync::Notify;
use wswrapper::{
    AnonymousChannel, CallError, Client, CloseSignal, Context, Counters, Json, MessageKind, Reason, Rejection,
    SendError, Server, ws_handlers,
};

/// What handlers of these tests make and keep.
#[derive(Clone, Default)]
struct Made {
    alive: Alive,
    log: Log,
    /// Handles do not keep anything open.
    channels: Arc<Mutex<Vec<AnonymousChannel>>>,
    go_on: Arc<Notify>,
}

impl Made {
    /// A channel with handlers, one of which keeps the channel itself.
    fn channel(&self, ctx: &Context) -> AnonymousChannel {
        let channel = ctx.anonymous_channel();
        let (guard, kept, log) = (self.alive.guard(), channel.clone(), self.log.clone());
        channel
            .on("add", move |a: i64, b: i64| {
                let _ = (&guard, &kept);
                async move { a + b }
            })
            .expect("a good name");
        let note = move |text: String| {
            log.add(text);
            async {}
        };
        channel.on("note", note).expect("a good name");
        self.channels.lock().expect("no panic").push(channel.clone());
        channel
    }

    fn last(&self) -> AnonymousChannel {
        self.channels.lock().expect("no panic").last().expect("one was made").clone()
    }
}

/// Its methods are what a handler can do with a channel.
#[ws_handlers]
impl Made {
    async fn make(&self, ctx: Context) -> Result<AnonymousChannel, Rejection> {
        Ok(self.channel(&ctx))
    }

    async fn waits(&self, ctx: Context) -> Result<AnonymousChannel, Rejection> {
        let channel = self.channel(&ctx);
        self.go_on.notified().await;
        Ok(channel)
    }

    async fn keeps(&self, ctx: Context) -> u8 {
        self.channel(&ctx);
        7
    }

    async fn fails(&self, ctx: Context) -> Result<AnonymousChannel, String> {
        self.channel(&ctx);
        Err("not today".to_owned())
    }

    async fn panics(&self, ctx: Context) -> u8 {
        self.channel(&ctx);
        panic!("oh no")
    }

    async fn closed(&self, ctx: Context) -> AnonymousChannel {
        let channel = self.channel(&ctx);
        channel.close();
        channel
    }

    async fn again(&self) -> AnonymousChannel {
        self.last()
    }

    async fn late(&self, ctx: Context) {
        let (made, go_on) = (self.clone(), Arc::clone(&self.go_on));
        tokio::spawn(async move {
            go_on.notified().await;
            made.channel(&ctx);
            made.log.add(made.last().is_closed().to_string());
        });
    }

    async fn quick(&self) -> u8 {
        1
    }
}

fn made() -> (Made, Pair) {
    let made = Made::default();
    let errors = made.log.clone();
    let server = Server::builder().service(made.clone()).on_error(move |_, error| errors.add(error.to_string()));
    (made, pair(server))
}

fn made_raw() -> (Made, Server) {
    let made = Made::default();
    let errors = made.log.clone();
    let server = Server::builder().service(made.clone()).on_error(move |_, error| errors.add(error.to_string()));
    (made, server.build().expect("it can be mounted"))
}

async fn nothing_is_left(pair: &Pair) {
    for peer in [&pair.peer, pair.client.peer()] {
        until(|| peer.counters() == Counters::default()).await;
    }
}

#[tokio::test]
async fn both_ends_handle_and_send_on_a_channel() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let log = Log::default();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let there = made.last();
    assert_eq!(here.request::<i64>("add", (1, 2)).await?, 3);
    here.emit("note", ("a",)).await?;
    here.on("double", |n: i64| async move { 2 * n })?;
    here.once("double", |n: i64| async move { 200 * n })?;
    here.on("heard", {
        let log = log.clone();
        move |ctx: Context, text: String| {
            log.add(format!("{text} {} {}", ctx.called_on().is_some(), ctx.channel().is_none()));
            async {}
        }
    })?;
    assert_eq!(there.request::<i64>("double", (2,)).await?, 400);
    assert_eq!(there.request::<i64>("double", (2,)).await?, 4);
    there.emit("heard", ("b",)).await?;
    assert_eq!((made.log.has(1).await, log.has(1).await), (vec!["a".to_owned()], vec!["b true true".to_owned()]));
    assert!(here.off("double") && !here.off("double"));
    let error = there.request::<i64>("double", (2,)).await;
    let text = format!("No event listener for 'double' on channel '{}'", 268_435_457);
    assert!(matches!(&error, Err(CallError::Rejected(r)) if r.message() == Some(&*text)), "{error:?}");
    // What is handled on the channel is not handled beside it.
    assert!(pair.client.request::<i64>("add", (1, 2)).await.is_err());
    assert!(here.request::<u8>("quick", ()).await.is_err());
    assert_eq!((here.peer(), there.peer()), (pair.client.peer(), &pair.peer));
    Ok(())
}

#[tokio::test]
async fn names_are_not_reserved_on_a_channel_and_not_empty() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    for name in ["open", "connect", "message", "error", "close", "disconnect"] {
        made.last().on(name, move || async move { name })?;
        assert_eq!(here.request::<String>(name, ()).await?, name);
    }
    assert!(here.on("", || async {}).is_err());
    assert!(matches!(here.emit("", ()).await, Err(SendError::Name(_))));
    Ok(())
}

#[tokio::test]
async fn nothing_is_sent_on_a_channel_before_it_was_returned() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let call = tokio::spawn(pair.client.request::<AnonymousChannel>("waits", ()));
    made.alive.becomes(1).await;
    let there = made.last();
    assert!(matches!(there.emit("x", ()).await, Err(SendError::ChannelNotOpen)));
    let error = there.request::<u8>("x", ()).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelNotOpen))), "{error:?}");
    assert!(!there.is_closed());
    made.go_on.notify_one();
    let here = call.await??;
    here.on("x", || async { 5 })?;
    assert_eq!(there.request::<u8>("x", ()).await?, 5);
    Ok(())
}

#[tokio::test]
async fn a_channel_that_is_not_returned_ends_with_its_handler() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let client = &pair.client;
    assert_eq!(client.request::<u8>("keeps", ()).await?, 7);
    assert_eq!((made.alive.count(), made.last().is_closed()), (0, true));
    assert!(matches!(made.last().emit("x", ()).await, Err(SendError::ChannelClosed)));
    assert_eq!(made.last().close_signal().reason().and_then(Reason::message), Some("Channel closed"));
    assert!(client.request::<AnonymousChannel>("fails", ()).await.is_err());
    assert!(client.request::<u8>("panics", ()).await.is_err());
    until(|| made.alive.count() == 0 && made.last().is_closed()).await;
    assert_eq!(made.channels.lock().expect("no panic").len(), 3);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_channel_that_is_made_after_its_handlers_end_has_ended_too() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    pair.client.request::<()>("late", ()).await?;
    made.go_on.notify_one();
    assert_eq!(made.log.has(1).await, ["true"]);
    assert_eq!(made.alive.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_channel_that_was_closed_cannot_be_returned() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let refused = pair.client.request::<AnonymousChannel>("closed", ()).await;
    assert!(matches!(&refused, Err(CallError::Rejected(r)) if r.message() == Some("The channel is closed")));
    assert_eq!(made.alive.count(), 0);
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn a_channel_is_the_answer_to_one_request_of_its_own_connection() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let refused = pair.client.request::<AnonymousChannel>("again", ()).await;
    let is_open = "The channel is open already";
    assert!(matches!(&refused, Err(CallError::Rejected(r)) if r.message() == Some(is_open)), "{refused:?}");
    assert_eq!(here.request::<i64>("add", (1, 2)).await?, 3);
    // Nor can that of one connection go to another.
    let waits = tokio::spawn(pair.client.request::<AnonymousChannel>("waits", ()));
    made.alive.becomes(2).await;
    let (near, far) = wswrapper::transport::memory::pair();
    let other = pair.server.accept_transport(far)?;
    let stranger = Client::over(near)?;
    let refused = stranger.request::<AnonymousChannel>("again", ()).await;
    let of_another = "The channel is another connection's";
    assert!(matches!(&refused, Err(CallError::Rejected(r)) if r.message() == Some(of_another)), "{refused:?}");
    assert_eq!((other.counters(), stranger.counters()), (Counters::default(), Counters::default()));
    made.go_on.notify_one();
    assert_eq!(waits.await??.request::<i64>("add", (1, 2)).await?, 3);
    drop(here);
    made.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    assert!(made.log.entries().is_empty(), "{:?}", made.log.entries());
    Ok(())
}

#[tokio::test]
async fn an_event_cannot_be_answered_with_a_channel() {
    let (made, server) = made_raw();
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"a":["make"]}"#).await;
    let why = "`make` answers with a channel, and an event has no answer";
    assert_eq!(made.log.has(1).await, [format!("handler of event `make` failed: {why}")]);
    made.alive.becomes(0).await;
    raw.silence().await;
    assert_eq!(peer.counters(), Counters::default());
}

#[tokio::test]
async fn a_request_that_is_cancelled_before_its_channel_is_returned_gets_none() {
    let (made, server) = made_raw();
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["waits"],"i":1}"#).await;
    made.alive.becomes(1).await;
    raw.send(r#"{"i":1,"x":{"message":"never mind"},"_":1}"#).await;
    made.alive.becomes(0).await;
    made.go_on.notify_one();
    raw.silence().await;
    assert!(made.last().is_closed());
    let gone = json!({"message": "Anonymous channel '1' does not exist"});
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":1}"#).await, json!({"h": 1, "x": gone, "_": 1}));
}

/// The reason of an end that has come.
async fn reason(signal: &CloseSignal) -> String {
    let reason = signal.closed().await.to_string();
    assert!(signal.is_closed());
    assert_eq!(signal.reason().map(ToString::to_string), Some(reason.clone()));
    reason
}

#[tokio::test]
async fn the_end_of_a_channel_says_why_it_came() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let open = async || {
        let here = pair.client.request::<AnonymousChannel>("make", ()).await.expect("a channel");
        let (there, signals) = (made.last(), (here.close_signal(), made.last().close_signal()));
        assert!(!signals.0.is_closed() && signals.1.reason().is_none());
        (here, there, signals)
    };
    let (here, there, (near, far)) = open().await;
    let waiting = tokio::spawn({
        let near = near.clone();
        async move { near.closed().await.clone() }
    });
    there.abort(&Reason::new("enough"));
    assert_eq!((reason(&near).await, reason(&far).await), ("enough".to_owned(), "enough".to_owned()));
    assert_eq!(waiting.await?, Reason::new("enough"));
    // Only the first end counts.
    here.abort(&Reason::new("too late"));
    here.close();
    assert_eq!(reason(&near).await, "enough");

    let (here, _, (near, far)) = open().await;
    here.abort(&Reason::value(json!({"code": 5})));
    assert_eq!(far.closed().await.as_value(), Some(&json!({"code": 5})));
    assert_eq!(near.closed().await.as_value(), Some(&json!({"code": 5})));

    let (here, _, (near, far)) = open().await;
    drop(here);
    assert_eq!((reason(&near).await, reason(&far).await), ("Request aborted".to_owned(), "Request aborted".to_owned()));

    let (_here, _, (near, far)) = open().await;
    pair.peer.abort_connection().await;
    assert_eq!(
        (reason(&near).await, reason(&far).await),
        ("Connection closed".to_owned(), "Connection closed".to_owned())
    );
    made.alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn closing_sends_nothing_and_the_other_end_learns_it_at_its_next_use() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    made.last().close();
    assert_eq!(reason(&made.last().close_signal()).await, "Channel closed");
    assert_eq!(made.alive.count(), 0);
    assert_eq!(pair.client.request::<u8>("quick", ()).await?, 1);
    assert!(!here.is_closed());
    let error = here.request::<i64>("add", (1, 2)).await;
    assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    assert_eq!(reason(&here.close_signal()).await, "Anonymous channel '268435457' does not exist");
    assert!(matches!(here.emit("note", ("a",)).await, Err(SendError::ChannelClosed)));
    let error = here.request::<i64>("add", (1, 2)).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed))), "{error:?}");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn handlers_that_are_at_work_go_on_after_a_close_and_stop_at_an_abort() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    for aborts in [false, true] {
        let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
        let (there, go_on, alive) = (made.last(), Arc::clone(&made.go_on), Alive::default());
        there.on("work", {
            let alive = alive.clone();
            move || {
                let (go_on, alive) = (Arc::clone(&go_on), alive.guard());
                async move {
                    go_on.notified().await;
                    drop(alive);
                    "done"
                }
            }
        })?;
        let call = tokio::spawn(here.request::<String>("work", ()));
        alive.becomes(1).await;
        if aborts {
            there.abort(&Reason::new("stop"));
            assert!(matches!(call.await?, Err(CallError::Closed)));
        } else {
            there.close();
            pair.client.request::<u8>("quick", ()).await?;
            assert_eq!(alive.count(), 1);
            made.go_on.notify_one();
            assert_eq!(call.await??, "done");
        }
        alive.becomes(0).await;
    }
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn the_callers_last_handle_aborts_and_the_makers_keep_nothing_open() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let clone = here.clone();
    drop(here);
    assert_eq!(clone.request::<i64>("add", (1, 2)).await?, 3);
    let signal = clone.close_signal();
    drop(clone);
    assert_eq!(reason(&signal).await, "Request aborted");
    made.alive.becomes(0).await;
    assert!(made.last().is_closed());
    // A channel that a client has been given keeps its connection open; one that it has made does not.
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    pair.client.on("make", {
        let made = made.clone();
        move |ctx: Context| {
            let channel = made.channel(&ctx);
            async move { channel }
        }
    })?;
    let theirs = pair.peer.request::<AnonymousChannel>("make", ()).await?;
    let Pair { server: _server, peer, client } = pair;
    drop(client);
    assert_eq!(here.request::<i64>("add", (1, 2)).await?, 3);
    assert_eq!(theirs.request::<i64>("add", (1, 2)).await?, 3);
    assert!(peer.is_open());
    drop(here);
    assert_eq!(peer.closed().await.code, 1000);
    assert_eq!(reason(&theirs.close_signal()).await, "Connection closed");
    made.alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn what_is_handled_from_the_call_on_gets_the_first_events() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let (log, alive) = (Log::default(), Alive::default());
    let (seen, guard) = (log.clone(), alive.guard());
    let call = client.request::<AnonymousChannel>("make", ()).on("tick", move |n: i64| {
        let _ = &guard;
        seen.add(n.to_string());
        async {}
    });
    assert!(client.request::<AnonymousChannel>("make", ()).on("", || async {}).is_err());
    let call = tokio::spawn(call.expect("a good name"));
    raw.receive().await;
    raw.write(r#"{"i":268435457,"h":1}"#);
    raw.write(r#"{"a":["tick",1],"h":268435457}"#);
    raw.send(r#"{"a":["tick",2],"h":268435457}"#).await;
    let channel = call.await.expect("no panic").expect("a channel");
    assert_eq!(log.has(2).await, ["1", "2"]);
    raw.silence().await;
    drop(channel);
    assert_eq!(raw.receive_text().await, r#"{"h":268435457,"x":{"message":"Request aborted"},"_":1}"#);
    assert_eq!(alive.count(), 0);
    // Nothing stays of a call that is rejected.
    let guard = alive.guard();
    let call = client.request::<AnonymousChannel>("make", ()).on("tick", move || {
        let _ = &guard;
        async {}
    });
    let call = tokio::spawn(call.expect("a good name"));
    raw.receive().await;
    raw.send(r#"{"i":268435458,"e":"no"}"#).await;
    assert!(call.await.expect("no panic").is_err());
    assert_eq!(alive.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_comes_too_late_is_aborted_and_a_repeated_answer_is_ignored() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let late = client.request::<AnonymousChannel>("make", ()).timeout(Duration::from_secs(1));
    let error = tokio::spawn(late).await.expect("no panic");
    assert!(matches!(error, Err(CallError::TimedOut)), "{error:?}");
    raw.receive().await;
    raw.receive().await;
    let aborted = json!({"h": 268_435_457, "x": {"message": "Request aborted"}, "_": 1});
    assert_eq!(raw.ask(r#"{"i":268435457,"h":1}"#).await, aborted);
    let call = tokio::spawn(client.request::<AnonymousChannel>("make", ()));
    raw.receive().await;
    raw.send(r#"{"i":268435458,"h":1}"#).await;
    raw.send(r#"{"i":268435458,"h":1}"#).await;
    raw.send(r#"{"i":268435458,"e":"no"}"#).await;
    let channel = call.await.expect("no panic").expect("a channel");
    raw.silence().await;
    assert!(!channel.is_closed());
    assert_eq!(client.counters().open_channels, 1);
}

#[tokio::test]
async fn a_channel_that_has_come_and_that_nobody_takes_is_aborted() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let alive = Alive::default();
    let guard = alive.guard();
    let call = client.request::<AnonymousChannel>("make", ()).on("tick", move || {
        let _ = &guard;
        async {}
    });
    let mut call = call.expect("a good name");
    assert!((&mut call).now_or_never().is_none());
    raw.receive().await;
    raw.send(r#"{"i":268435457,"h":1}"#).await;
    until(|| client.counters().open_channels == 1).await;
    call.cancel(&Reason::new("not needed"));
    assert_eq!(raw.receive_text().await, r#"{"h":268435457,"x":{"message":"not needed"},"_":1}"#);
    raw.silence().await;
    assert_eq!((alive.count(), client.counters()), (0, Counters::default()));
}

#[tokio::test]
async fn a_channel_that_ended_keeps_no_handlers() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    here.close();
    let handler = || {
        let guard = made.alive.guard();
        move || {
            let _ = &guard;
            async {}
        }
    };
    here.on("x", handler())?;
    here.once("x", handler())?;
    here.serve::<Made>(Made::default());
    made.last().close();
    assert_eq!(made.alive.count(), 0);
    Ok(())
}

#[tokio::test]
async fn what_is_for_no_channel_is_answered_once() {
    let (made, server) = made_raw();
    let (mut raw, _) = RawPeer::dial(&server);
    let gone = json!({"message": "Anonymous channel '7' does not exist"});
    let abort = json!({"h": 7, "x": gone, "_": 1});
    raw.send(r#"{"h":7,"x":{"message":"m"},"_":1}"#).await;
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":7}"#).await, abort);
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":7,"i":2}"#).await, abort);
    assert_eq!(raw.receive().await, json!({"i": 2, "e": gone, "_": 1}));
    raw.silence().await;
    // One that the peer has aborted is such a one.
    assert_eq!(raw.ask(r#"{"a":["make"],"i":7}"#).await, json!({"i": 7, "h": 1}));
    raw.send(r#"{"h":7,"x":{"message":"m"},"_":1}"#).await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":7}"#).await, abort);
    made.alive.becomes(0).await;
    assert!(made.log.entries().is_empty(), "{:?}", made.log.entries());
}

#[tokio::test]
async fn wrong_arguments_and_panics_on_a_channel_are_as_elsewhere() {
    let (made, server) = made_raw();
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["make"],"i":1}"#).await;
    made.last().on("panics", || async { panic!("oh no") as u8 }).expect("a good name");
    made.last().once("once", |n: u8| async move { n }).expect("a good name");
    made.last().on("text", || async { Err::<Json<()>, _>("only text") }).expect("a good name");
    for (arguments, message) in [
        (r#""add",1"#, "too few arguments for `add`: expected 2, got 1"),
        (r#""add",1,"x""#, "argument 2 of `add`: invalid type: string \"x\", expected i64"),
        (r#""nope""#, "No event listener for 'nope' on channel '1'"),
        (r#""panics""#, "internal error"),
        (r#""text""#, "only text"),
        (r#""once","x""#, "argument 1 of `once`: invalid type: string \"x\", expected u8"),
    ] {
        let request = format!(r#"{{"a":[{arguments}],"h":1,"i":5}}"#);
        assert_eq!(raw.ask(&request).await, json!({"i": 5, "e": {"message": message}, "_": 1}), "{arguments}");
    }
    assert_eq!(raw.ask(r#"{"a":["once",9],"h":1,"i":6}"#).await, json!({"i": 6, "d": 9}));
    // A frame that only looks like a call is none.
    raw.send(r#"{"a":["add",1,2],"h":1,"i":01}"#).await;
    raw.send(r#"{"a":["add",1,x],"h":1,"i":7}"#).await;
    for arguments in [r#""note",5"#, r#""nope""#, r#""panics""#] {
        raw.send(&format!(r#"{{"a":[{arguments}],"h":1}}"#)).await;
    }
    assert_eq!(
        made.log.has(4).await,
        [
            "handler of `panics` panicked: oh no",
            "event `note` was dropped: argument 1 of `note`: invalid type: integer `5`, expected a string",
            "event `nope` was dropped: No event listener for 'nope' on channel '1'",
            "handler of `panics` panicked: oh no",
        ]
    );
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":1,"i":8}"#).await, json!({"i": 8, "d": 3}));
}

#[tokio::test]
async fn messages_of_channels_are_shown() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let made = Made::default();
    let server = Server::builder().service(made.clone()).on_message({
        let log = log.clone();
        move |_, message| {
            let (kind, event) = (message.kind, message.event);
            log.add(format!("{kind:?} {:?} {event:?} {:?} {}", message.channel, message.id, message.took.is_some()));
            assert_ne!(kind, MessageKind::Ignored);
        }
    });
    let server = server.build()?;
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["make"],"i":1}"#).await;
    raw.ask(r#"{"a":["add",1,2],"h":1,"i":2}"#).await;
    raw.send(r#"{"a":["note","a"],"h":1}"#).await;
    raw.send(r#"{"h":1,"x":{"message":"m"},"_":1}"#).await;
    assert_eq!(
        log.has(7).await,
        [
            "Request None Some(\"make\") Some(1) false",
            "Request None Some(\"make\") Some(1) true",
            "Request None Some(\"add\") Some(2) false",
            "Request None Some(\"add\") Some(2) true",
            "Event None Some(\"note\") None false",
            "Event None Some(\"note\") None true",
            "Abort None None None false",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn after_a_thousand_channels_of_every_kind_nothing_is_left() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let client = &pair.client;
    for n in 0..1_000 {
        match n % 8 {
            0 => drop(client.request::<AnonymousChannel>("make", ()).await?),
            1 => made.last().abort(&Reason::new("by its maker")),
            2 => {
                let here = client.request::<AnonymousChannel>("make", ()).await?;
                let (kept, guard) = (here.clone(), made.alive.guard());
                here.on("x", move || {
                    let _ = (&guard, &kept);
                    async {}
                })?;
                match n % 16 {
                    2 => here.close(),
                    _ => made.last().abort(&Reason::new("by its maker")),
                }
                // Who closes says nothing: the other end's use of the channel finds it.
                let _ = made.last().request::<u8>("x", ()).await;
            }
            3 => drop(client.request::<u8>("keeps", ()).await?),
            4 => drop(client.request::<AnonymousChannel>("fails", ()).await),
            5 => drop(client.request::<AnonymousChannel>("closed", ()).await),
            6 => drop((&mut client.request::<AnonymousChannel>("make", ())).now_or_never()),
            _ => drop((&mut client.request::<AnonymousChannel>("waits", ())).now_or_never()),
        }
    }
    made.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn calls_on_a_channel_end_with_the_call_that_did_not_take_it() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let kept = Arc::new(Mutex::new(None));
    let mut call = client
        .request::<AnonymousChannel>("make", ())
        .on("here", {
            let kept = Arc::clone(&kept);
            move |ctx: Context| {
                *kept.lock().expect("no panic") = ctx.called_on();
                async {}
            }
        })
        .expect("a good name");
    assert!((&mut call).now_or_never().is_none());
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    raw.send(&json!({"a": ["here"], "h": id}).to_string()).await;
    until(|| kept.lock().expect("no panic").is_some()).await;
    let channel = kept.lock().expect("no panic").take().expect("the channel");
    let asked = tokio::spawn(channel.request::<u8>("ask", ()));
    assert_eq!(raw.receive().await["a"][0], "ask");
    drop(call);
    until(|| asked.is_finished()).await;
    assert!(matches!(asked.await.expect("no panic"), Err(CallError::Closed)));
    assert_eq!(client.counters(), Counters::default());
}
