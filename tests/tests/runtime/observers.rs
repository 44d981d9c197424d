//! Observers of connections, and several hooks of a kind.

mod calls;
mod hooks;

use futures_util::stream;
use serde_json::json;
use std::sync::Arc;
use wswrapper::connection::Closed;
use wswrapper::error::{Rejection, ServiceError};
use wswrapper::observe::{CallEnd, CallInfo, ConnectionView, Interest, MessageLog, Observer};
use wswrapper::{Client, Server, Stream, Upload, ws_handlers};
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
