//! Observers, and several hooks of a kind.

use futures_util::{FutureExt, stream};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use wswrapper::{
    Client, Limits, Server, Stream, Upload,
    connection::Closed,
    error::{Rejection, ServiceError},
    observe::{CallEnd, CallInfo, ConnectionView, Interest, MessageLog, Observer},
    ws_handlers,
};
use wswrapper_tests::{Log, RawPeer, pair};

struct Service;

#[ws_handlers]
impl Service {
    pub fn now(&self, text: String) -> String {
        text
    }
    pub async fn later(&self) -> u32 {
        tokio::task::yield_now().await;
        2
    }
    pub async fn rejects(&self) -> Result<(), Rejection> {
        Err(Rejection::new("no").with_code("No"))
    }
    pub async fn count(&self) -> impl Stream<Item = u32> + Send {
        stream::iter([1, 2])
    }
    pub async fn numbers(&self) -> impl Stream<Item = u32> + Send {
        stream::repeat(7)
    }
    pub async fn fails(&self) -> impl Stream<Item = Result<u32, Rejection>> + Send {
        stream::iter([Ok(1), Err(Rejection::new("broken").with_code("Broken"))])
    }
    pub async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }
    pub async fn waits(&self) {
        std::future::pending::<()>().await;
    }
}

/// Writes down what it is told.
struct Recorder {
    log: Log,
    interest: Interest,
}

impl Observer for Recorder {
    fn interest(&self) -> Interest {
        self.interest
    }

    fn connection_opened(&self, connection: &ConnectionView<'_>) {
        self.log.add(format!("opened, open: {}", connection.peer().is_open()));
    }

    fn connection_closed(&self, _: &ConnectionView<'_>, closed: &Closed) {
        self.log.add(format!("closed {}", closed.code));
    }

    fn call_started(&self, connection: &ConnectionView<'_>, call: &CallInfo<'_>) {
        assert_eq!(connection.id(), connection.peer().id());
        self.log.add(format!("{:?} {} {:?} started", call.kind, call.event, call.id));
    }

    fn call_finished(&self, _: &ConnectionView<'_>, call: &CallInfo<'_>, end: &CallEnd<'_>) {
        self.log.add(format!("{} {:?} {} of {}", call.event, end.outcome, end.response_bytes, call.bytes));
    }

    fn message_received(&self, _: &ConnectionView<'_>, message: &MessageLog<'_>) {
        self.log.add(format!("received {}", message.whole_text()));
    }

    fn message_sent(&self, _: &ConnectionView<'_>, message: &MessageLog<'_>) {
        self.log.add(format!("sent {}", message.whole_text()));
    }

    fn error(&self, _: &ConnectionView<'_>, error: &ServiceError) {
        self.log.add(format!("error {error}"));
    }
}

fn recorder(interest: Interest) -> (Recorder, Log) {
    let log = Log::default();
    (Recorder { log: log.clone(), interest }, log)
}

#[tokio::test(start_paused = true)]
async fn an_observer_is_told_of_calls_from_start_to_end() {
    let (recorder, log) = recorder(Interest::CALLS);
    let server = Server::builder().service(Service).observer(recorder).build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let mut sent = Vec::new();
    for call in [r#""now","x""#, r#""later""#, r#""rejects""#, r#""now",1"#, r#""nobody""#] {
        raw.send(&format!(r#"{{"a":[{call}],"i":{}}}"#, sent.len() + 1)).await;
        sent.push(raw.receive_text().await.len());
    }
    raw.send(r#"{"a":["waits"]}"#).await;
    raw.silence().await;
    peer.close(1000, "");
    peer.closed().await;
    let expected = [
        "opened, open: true".to_owned(),
        "Request now Some(1) started".to_owned(),
        format!("now Ok {} of 23", sent[0]),
        "Request later Some(2) started".to_owned(),
        format!("later Ok {} of 21", sent[1]),
        "Request rejects Some(3) started".to_owned(),
        format!(r#"rejects Rejected {{ code: Some("No") }} {} of 23"#, sent[2]),
        format!(r#"now Rejected {{ code: Some("ws:BadArguments") }} {} of 21"#, sent[3]),
        format!(r#"nobody Rejected {{ code: Some("ws:UnknownEvent") }} {} of 22"#, sent[4]),
        "Event waits None started".to_owned(),
        "waits Cancelled 0 of 15".to_owned(),
        "closed 1000".to_owned(),
    ];
    assert_eq!(log.entries(), expected);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_one_call_with_the_bytes_of_all_its_items() {
    let (recorder, log) = recorder(Interest::CALLS | Interest::SENT_MESSAGES);
    let server = Server::builder().service(Service).observer(recorder).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["count"],"i":1}"#).await;
    raw.send(r#"{"a":["credit",9],"h":1}"#).await;
    raw.send(r#"{"a":["start"],"h":1}"#).await;
    let entries = log.has(7).await;
    assert_eq!(entries[1], "Request count Some(1) started");
    let sent = entries.iter().filter_map(|entry| entry.strip_prefix("sent ")).map(str::len).sum::<usize>();
    assert_eq!(entries[6], format!("count Ok {sent} of 21"));
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_to_start_are_observed_when_they_arrive_and_when_they_are_dropped() {
    let (recorder, log) = recorder(Interest::RECEIVED_MESSAGES | Interest::CALLS);
    let limits = Limits::default().max_handlers_in_flight(1);
    let server = Server::builder().service(Service).limits(limits).observer(recorder).build();
    let server = server.expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    let frames = [
        r#"{"a":["waits"]}"#,
        r#"{"a":["waits",2],"i":2}"#,
        r#"{"a":["waits",3],"i":3}"#,
        r#"{"i":2,"x":{"message":"no"},"_":1}"#,
    ];
    for frame in frames {
        raw.send(frame).await;
    }
    raw.silence().await;
    let received = frames.map(|frame| format!("received {frame}"));
    let mut expected: Vec<_> = received.into_iter().collect();
    expected.insert(1, "Event waits None started".to_owned());
    expected.push("waits Cancelled 0 of 23".to_owned());
    assert_eq!(log.entries()[1..], expected);
    peer.close(1000, "");
    raw.close(1000, "").await;
    peer.closed().await;
    let ended = log.entries().split_off(expected.len() + 1);
    assert_eq!(ended, ["waits Cancelled 0 of 15", "waits Cancelled 0 of 23", "closed 1000"]);
}

#[tokio::test]
async fn the_outcome_of_a_stream_and_of_an_upload_is_known_at_their_end() {
    let (recorder, log) = recorder(Interest::CALLS);
    let pair = pair(Server::builder().service(Service).observer(recorder));
    let service = ServiceProxy::new(&pair.client);
    let mut failed = service.fails().await.expect("a stream");
    assert!(failed.next().await.expect("an item").is_ok());
    assert!(failed.next().await.expect("an error").is_err());
    assert!(log.has(3).await[2].starts_with(r#"fails Rejected { code: Some("Broken") }"#));
    let mut dropped = service.numbers().await.expect("a stream");
    dropped.next().await.expect("an item").expect("a number");
    drop(dropped);
    assert!(log.has(5).await[4].starts_with("numbers Cancelled"), "{:?}", log.entries());
    assert_eq!(service.sum(stream::iter([1, 2])).await.expect("a sum"), 3);
    assert!(log.has(7).await[6].starts_with("sum Ok"));
    let mut cancelled = Box::pin(service.sum(stream::pending()));
    assert!((&mut cancelled).now_or_never().is_none());
    log.has(8).await;
    drop(cancelled);
    assert!(log.has(9).await[8].starts_with("sum Cancelled"), "{:?}", log.entries());
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_only_what_it_is_interested_in() {
    let cases = [
        (Interest::NONE, vec![]),
        (Interest::RECEIVED_MESSAGES, vec![r#"received {"a":["now","x"],"i":1}"#]),
        (Interest::SENT_MESSAGES, vec![r#"sent {"i":1,"d":"x"}"#]),
        (Interest::CALLS, vec!["Request now Some(1) started", "now Ok 15 of 23"]),
        (
            Interest::ALL,
            vec![
                r#"received {"a":["now","x"],"i":1}"#,
                "Request now Some(1) started",
                r#"sent {"i":1,"d":"x"}"#,
                "now Ok 15 of 23",
            ],
        ),
    ];
    let mut server = Server::builder().service(Service);
    let mut logs = Vec::new();
    for (interest, expected) in cases {
        let (recorder, log) = recorder(interest);
        server = server.observer(recorder);
        logs.push((log, expected));
    }
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["now","x"],"i":1}"#).await;
    peer.close(1000, "");
    peer.closed().await;
    for (log, expected) in logs {
        let entries = log.entries();
        assert_eq!(entries[1..entries.len() - 1], expected);
        assert_eq!((&*entries[0], &*entries[entries.len() - 1]), ("opened, open: true", "closed 1000"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_observer_changes_nothing_for_the_others() {
    struct Panics;
    impl Observer for Panics {
        fn connection_opened(&self, _: &ConnectionView<'_>) {
            panic!("on purpose")
        }
        fn connection_closed(&self, _: &ConnectionView<'_>, _: &Closed) {
            panic!("on purpose")
        }
        fn call_started(&self, _: &ConnectionView<'_>, _: &CallInfo<'_>) {
            panic!("on purpose")
        }
        fn call_finished(&self, _: &ConnectionView<'_>, _: &CallInfo<'_>, _: &CallEnd<'_>) {
            panic!("on purpose")
        }
        fn message_received(&self, _: &ConnectionView<'_>, _: &MessageLog<'_>) {
            panic!("on purpose")
        }
        fn message_sent(&self, _: &ConnectionView<'_>, _: &MessageLog<'_>) {
            panic!("on purpose")
        }
        fn error(&self, _: &ConnectionView<'_>, _: &ServiceError) {
            panic!("on purpose")
        }
    }
    let (recorder, log) = recorder(Interest::ALL);
    let server = Server::builder().service(Service).observer(Panics).observer(recorder);
    let pair = pair(server);
    assert_eq!(pair.client.request::<String>("now", ("x",)).await.expect("it is served"), "x");
    pair.client.emit("nobody", ()).await.expect("it can be sent");
    assert_eq!(pair.client.request::<u32>("later", ()).await.expect("it is served"), 2);
    pair.peer.close(1000, "");
    pair.peer.closed().await;
    let entries = log.entries();
    assert_eq!(entries.first().map(String::as_str), Some("opened, open: true"));
    assert_eq!(entries.last().map(String::as_str), Some("closed 1000"));
    assert!(entries.iter().any(|entry| entry.starts_with("error ")), "{entries:?}");
}

#[tokio::test(start_paused = true)]
async fn an_observer_can_be_shared_with_the_program() {
    let (recorder, log) = recorder(Interest::CALLS);
    let recorder = Arc::new(recorder);
    let pair = pair(Server::builder().service(Service).observer(Arc::clone(&recorder)));
    pair.client.request::<u32>("later", ()).await.expect("it is served");
    assert!(log.entries().iter().any(|entry| entry.starts_with("later Ok")));
    assert_eq!(recorder.name(), std::any::type_name::<Recorder>());
}

#[tokio::test(start_paused = true)]
async fn each_of_several_hooks_is_called_in_order() {
    let log = Log::default();
    let add = |entry: &'static str| {
        let log = log.clone();
        move || log.add(entry)
    };
    let mut server = Server::builder().service(Service);
    for (open, close, error, message, sent) in [
        ("open 1", "close 1", "error 1", "message 1", "sent 1"),
        ("open 2", "close 2", "error 2", "message 2", "sent 2"),
    ] {
        let (open, close, error, message, sent) = (add(open), add(close), add(error), add(message), add(sent));
        server = server
            .on_open(move |_| {
                open();
                async {}
            })
            .on_close(move |_, _| {
                close();
                async {}
            })
            .on_error(move |_, _| error())
            .on_message(move |_, _| message())
            .on_message_sent(move |_, _| sent());
    }
    let server = server.build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.ask(r#"{"a":["later"],"i":1}"#).await;
    raw.send("x").await;
    raw.silence().await;
    raw.send(r#"{"a":["rejects"]}"#).await;
    raw.silence().await;
    peer.close(1000, "");
    peer.closed().await;
    let entries = log.entries().chunks(2).map(|pair| pair.join(", ")).collect::<Vec<_>>();
    assert_eq!(
        entries,
        [
            "open 1, open 2",
            "message 1, message 2",
            "sent 1, sent 2",
            "message 1, message 2",
            "message 1, message 2",
            "message 1, message 2",
            "error 1, error 2",
            "message 1, message 2",
            "close 1, close 2",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn after_an_error_of_on_open_the_next_ones_do_not_run() {
    let log = Log::default();
    let (first, last) = (log.clone(), log.clone());
    let server = Server::builder()
        .on_open(move |_| {
            first.add("first");
            async { Err::<(), _>("no") }
        })
        .on_open(move |_| {
            last.add("last");
            async {}
        });
    let pair = pair(server);
    assert_eq!(pair.client.closed().await.code, 1011);
    assert_eq!(log.entries(), ["first"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_one_on_close_hook_does_not_stop_the_next() {
    let log = Log::default();
    let last = log.clone();
    let server = Server::builder().on_close(|_, _| async { panic!("on purpose") }).on_close(move |_, closed| {
        last.add(closed.code.to_string());
        async {}
    });
    let pair = pair(server);
    pair.peer.close(4000, "");
    pair.peer.closed().await;
    assert_eq!(log.entries(), ["4000"]);
}

/// Frames that look like calls and are none, or are malformed, are handled alike.
#[tokio::test(start_paused = true)]
async fn observed_frames_are_answered_like_all_others() {
    let (recorder, _) = recorder(Interest::ALL);
    let observed = Server::builder().service(Service).observer(recorder).build().expect("it can be mounted");
    let plain = Server::builder().service(Service).build().expect("it can be mounted");
    let (mut observed, _) = RawPeer::dial(&observed);
    let (mut plain, _) = RawPeer::dial(&plain);
    for frame in [
        r#"{"a":["now","x"],"i":1,"i":2}"#,
        r#"{"a":["now","x"],"i":3,"d":4}"#,
        r#"{"a":["now","\ud800"],"i":5}"#,
        r#"{"a":["now","x"}"#,
        r#"{"a":["now","x"],"i":6} x"#,
        r#"{"i":7,"a":["now",null]}"#,
        r#"{"a":["now","x","y"],"i":8,"m":{"t":0}}"#,
        r#"{"a":["later"],"i":9,"m":{"t":1000}}"#,
    ] {
        for raw in [&mut observed, &mut plain] {
            raw.send(frame).await;
            raw.send(r#"{"a":["now","end"],"i":100}"#).await;
        }
        loop {
            let response = plain.receive().await;
            assert_eq!(observed.receive().await, response, "{frame}");
            if response == json!({"i": 100, "d": "end"}) {
                break;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_has_observers_too() {
    let (recorder, log) = recorder(Interest::CALLS);
    let (mut raw, client) = RawPeer::accept(Client::builder().service(Service).observer(recorder));
    raw.ask(r#"{"a":["later"],"i":1}"#).await;
    client.close(1000, "");
    client.closed().await;
    assert_eq!(
        log.entries(),
        ["opened, open: true", "Request later Some(1) started", "later Ok 13 of 21", "closed 1000"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_caller_no_longer_waits_is_cancelled_and_was_not_started() {
    let (recorder, log) = recorder(Interest::CALLS);
    let limits = Limits::default().max_handlers_in_flight(1);
    let server = Server::builder().service(Service).limits(limits).observer(recorder);
    let server = server.build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["waits"],"i":1}"#).await;
    raw.send(r#"{"a":["later"],"i":2,"m":{"t":10}}"#).await;
    raw.silence().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    // Now the held call may start.
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.silence().await;
    assert_eq!(
        log.entries(),
        ["opened, open: true", "Request waits Some(1) started", "waits Cancelled 0 of 21", "later Cancelled 0 of 34",]
    );
}
