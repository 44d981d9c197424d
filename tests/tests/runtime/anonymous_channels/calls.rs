//! Events and requests on channels.

use super::{ChannelService, built_channel_server, channel_pair};
use serde_json::json;
use std::error::Error;
use wswrapper::{AnonymousChannel, CallError, Context, Server, error::SendError, observe::MessageKind, service::Json};
use wswrapper_tests::{Log, RawPeer};

#[tokio::test]
async fn both_endpoints_handle_and_send_on_a_channel() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let log = Log::default();
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let remote = service.last_channel();
    assert_eq!(local.request::<i64>("add", (1, 2)).await?, 3);
    local.emit("note", ("a",)).await?;
    local.on("double", |n: i64| async move { 2 * n })?;
    local.once("double", |n: i64| async move { 200 * n })?;
    local.on("heard", {
        let log = log.clone();
        move |ctx: Context, text: String| {
            log.add(format!("{text} {} {}", ctx.current_channel().is_some(), ctx.channel_name().is_none()));
            async {}
        }
    })?;
    assert_eq!(remote.request::<i64>("double", (2,)).await?, 400);
    assert_eq!(remote.request::<i64>("double", (2,)).await?, 4);
    remote.emit("heard", ("b",)).await?;
    assert_eq!((service.log.has(1).await, log.has(1).await), (vec!["a".to_owned()], vec!["b true true".to_owned()]));
    assert!(local.off("double") && !local.off("double"));
    let error = remote.request::<i64>("double", (2,)).await;
    let text = format!("No event listener for 'double' on channel '{}'", 268_435_457);
    assert!(matches!(&error, Err(CallError::Handler(r)) if r.message() == Some(&*text)), "{error:?}");
    // Handlers of the channel do not handle events of the connection.
    assert!(pair.client.request::<i64>("add", (1, 2)).await.is_err());
    assert!(local.request::<u8>("quick", ()).await.is_err());
    assert_eq!((local.peer(), remote.peer()), (pair.client.peer(), &pair.peer));
    Ok(())
}

#[tokio::test]
async fn event_names_on_a_channel_are_not_reserved_but_must_not_be_empty() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    for name in ["open", "connect", "message", "error", "close", "disconnect"] {
        service.last_channel().on(name, move || async move { name })?;
        assert_eq!(local.request::<String>(name, ()).await?, name);
    }
    assert!(local.on("", || async {}).is_err());
    assert!(matches!(local.emit("", ()).await, Err(SendError::Name(_))));
    Ok(())
}

#[tokio::test]
async fn each_message_for_an_unknown_channel_is_answered_with_one_abort() {
    let (service, server) = built_channel_server();
    let (mut raw, _) = RawPeer::dial(&server);
    let gone = json!({"message": "Anonymous channel '7' does not exist", "code": "ws:UnknownChannel"});
    let abort = json!({"h": 7, "x": gone, "_": 1});
    raw.send(r#"{"h":7,"x":{"message":"m"},"_":1}"#).await;
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":7}"#).await, abort);
    raw.silence().await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":7,"i":2}"#).await, abort);
    assert_eq!(raw.receive().await, json!({"i": 2, "e": gone, "_": 1}));
    raw.silence().await;
    // A channel that the peer has aborted is unknown as well.
    assert_eq!(raw.ask(r#"{"a":["make"],"i":7}"#).await, json!({"i": 7, "h": 1}));
    raw.send(r#"{"h":7,"x":{"message":"m"},"_":1}"#).await;
    assert_eq!(raw.ask(r#"{"a":["add",1,2],"h":7}"#).await, abort);
    service.alive.becomes(0).await;
    assert!(service.log.entries().is_empty(), "{:?}", service.log.entries());
}

#[tokio::test]
async fn wrong_arguments_and_panics_on_a_channel_are_rejected_and_reported() {
    let (service, server) = built_channel_server();
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["make"],"i":1}"#).await;
    service.last_channel().on("panics", || async { panic!("oh no") as u8 }).expect("a valid name");
    service.last_channel().once("once", |n: u8| async move { n }).expect("a valid name");
    service.last_channel().on("text", || async { Err::<Json<()>, _>("only text") }).expect("a valid name");
    for (arguments, message, code) in [
        (r#""add",1"#, "too few arguments for `add`: expected 2, got 1", "ws:BadArguments"),
        (r#""add",1,"x""#, "argument 2 of `add`: invalid type: string \"x\", expected i64", "ws:BadArguments"),
        (r#""nope""#, "No event listener for 'nope' on channel '1'", "ws:UnknownEvent"),
        (r#""panics""#, "internal error", "ws:Internal"),
        (r#""text""#, "only text", ""),
        (r#""once","x""#, "argument 1 of `once`: invalid type: string \"x\", expected u8", "ws:BadArguments"),
    ] {
        let request = format!(r#"{{"a":[{arguments}],"h":1,"i":5}}"#);
        let mut error = json!({"message": message});
        if !code.is_empty() {
            error["code"] = code.into();
        }
        assert_eq!(raw.ask(&request).await, json!({"i": 5, "e": error, "_": 1}), "{arguments}");
    }
    assert_eq!(raw.ask(r#"{"a":["once",9],"h":1,"i":6}"#).await, json!({"i": 6, "d": 9}));
    // A malformed call is ignored.
    raw.send(r#"{"a":["add",1,2],"h":1,"i":01}"#).await;
    raw.send(r#"{"a":["add",1,x],"h":1,"i":7}"#).await;
    for arguments in [r#""note",5"#, r#""nope""#, r#""panics""#] {
        raw.send(&format!(r#"{{"a":[{arguments}],"h":1}}"#)).await;
    }
    assert_eq!(
        service.log.has(4).await,
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
async fn on_message_observes_messages_of_channels() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let service = ChannelService::default();
    let server = Server::builder().service(service.clone()).on_message({
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
