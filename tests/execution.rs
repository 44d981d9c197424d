//! Where handlers run: on the blocking pool, in tasks of their own.

mod support;

use serde::{Serialize, Serializer};
use serde_json::json;
use std::future::pending;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use support::{Alive, Log, RawPeer, pair};
use tokio::sync::Semaphore;
use tokio::task;
use wswrapper::{CallError, Context, Limits, Server, ServerBuilder, WsError, ws_handlers, ws_service};

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum Trouble {
    #[error("{0} is too long")]
    TooLong(usize),
}

/// Cannot be sent at all.
struct Unspeakable;

impl Serialize for Unspeakable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no words for it"))
    }
}

#[ws_service]
trait Work {
    /// In the connection's own task.
    async fn here(&self) -> String;

    #[ws(blocking)]
    fn block(&self, ctx: Context) -> String;
    #[ws(blocking)]
    fn measure_blocking(&self, ctx: Context, text: &str, bytes: &[u8], more: Option<usize>) -> Result<usize, Trouble>;
    #[ws(blocking)]
    fn panic_blocking(&self) -> u8;
    #[ws(blocking)]
    fn nothing_blocking(&self);
    #[ws(event, blocking)]
    fn note_blocking(&self, ctx: Context, text: String);

    #[ws(spawn)]
    async fn compute(&self) -> bool;
    #[ws(spawn)]
    async fn wait(&self, ctx: Context) -> u8;
    #[ws(spawn)]
    async fn measure_spawned(
        &self,
        ctx: Context,
        text: &str,
        bytes: &[u8],
        more: Option<usize>,
    ) -> Result<usize, Trouble>;
    #[ws(spawn)]
    async fn panic_spawned(&self) -> u8;
    #[ws(spawn)]
    async fn none_spawned(&self) -> Option<u8>;
    #[ws(spawn)]
    async fn unspeakable(&self) -> Unspeakable;
    #[ws(event, spawn)]
    async fn note_spawned(&self, ctx: Context, text: String);
    #[ws(event, spawn)]
    async fn panic_unheard(&self);
}

#[derive(Clone, Default)]
struct Worker {
    begun: Begun,
    running: Alive,
    gate: Gate,
    log: Log,
}

#[ws_handlers]
impl Work for Worker {
    async fn here(&self) -> String {
        place()
    }

    fn block(&self, ctx: Context) -> String {
        let running = self.running.guard();
        self.begun.tell();
        let opened = self.gate.wait();
        let why = ctx.reason().map(ToString::to_string).unwrap_or_default();
        self.log.add(format!("opened: {opened}, cancelled: {why:?}"));
        drop(running);
        why
    }

    fn measure_blocking(&self, ctx: Context, text: &str, bytes: &[u8], more: Option<usize>) -> Result<usize, Trouble> {
        self.measure(&ctx, text, bytes, more)
    }

    fn panic_blocking(&self) -> u8 {
        self.log.add(place());
        panic!("no more {}", "threads")
    }

    fn nothing_blocking(&self) {
        self.log.add(place());
    }

    fn note_blocking(&self, ctx: Context, text: String) {
        self.note(&ctx, &text);
    }

    async fn compute(&self) -> bool {
        self.begun.tell();
        self.gate.wait()
    }

    async fn wait(&self, ctx: Context) -> u8 {
        let _running = self.running.guard();
        let log = self.log.clone();
        log.add(place());
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        self.begun.tell();
        pending().await
    }

    async fn measure_spawned(
        &self,
        ctx: Context,
        text: &str,
        bytes: &[u8],
        more: Option<usize>,
    ) -> Result<usize, Trouble> {
        task::yield_now().await;
        self.measure(&ctx, text, bytes, more)
    }

    async fn panic_spawned(&self) -> u8 {
        self.log.add(place());
        panic!("no more {}", "tasks")
    }

    async fn none_spawned(&self) -> Option<u8> {
        self.log.add(place());
        None
    }

    async fn unspeakable(&self) -> Unspeakable {
        self.log.add(place());
        Unspeakable
    }

    async fn note_spawned(&self, ctx: Context, text: String) {
        self.note(&ctx, &text);
    }

    async fn panic_unheard(&self) {
        self.log.add(place());
        panic!("nobody hears it")
    }
}

impl Worker {
    fn server(&self) -> ServerBuilder {
        let log = self.log.clone();
        Server::builder().service(self.clone()).on_error(move |_, error| log.add(error.to_string()))
    }

    fn measure(&self, ctx: &Context, text: &str, bytes: &[u8], more: Option<usize>) -> Result<usize, Trouble> {
        assert!(ctx.is_request() && !ctx.is_cancelled());
        self.log.add(place());
        match text.len() {
            length if length > 10 => Err(Trouble::TooLong(length)),
            length => Ok(length + bytes.len() + more.unwrap_or_default()),
        }
    }

    fn note(&self, ctx: &Context, text: &str) {
        assert!(!ctx.is_request());
        self.log.add(format!("{text} {}", place()));
    }
}

/// The task that a handler runs in; one on the blocking pool is a task too.
fn place() -> String {
    format!("{:?}", task::try_id())
}

/// Counts handlers that have begun.
#[derive(Clone)]
struct Begun(Arc<Semaphore>);

impl Default for Begun {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Begun {
    fn tell(&self) {
        self.0.add_permits(1);
    }

    async fn one(&self) {
        let begun = tokio::time::timeout(Duration::from_secs(20), self.0.acquire()).await;
        begun.expect("it never began").expect("it is never closed").forget();
    }
}

/// What blocks a thread until a test opens it.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        let (open, changed) = &*self.0;
        *open.lock().expect("no panic under it") = true;
        changed.notify_all();
    }

    /// False if it was not opened in a long time: a test that fails ends.
    fn wait(&self) -> bool {
        let (open, changed) = &*self.0;
        let open = open.lock().expect("no panic under it");
        let (open, _) =
            changed.wait_timeout_while(open, Duration::from_secs(10), |open| !*open).expect("no panic under it");
        *open
    }
}

#[tokio::test]
async fn a_blocking_handler_holds_up_no_other() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let blocked = tokio::spawn(work.block());
    worker.begun.one().await;
    for _ in 0..3 {
        work.here().await.expect("an answer");
    }
    assert_eq!(worker.running.count(), 1);
    worker.gate.open();
    assert_eq!(blocked.await.expect("no panic").expect("an answer"), "");
    assert_eq!(worker.log.entries(), [r#"opened: true, cancelled: """#]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spawned_handler_that_computes_holds_up_no_other() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let computed = tokio::spawn(work.compute());
    worker.begun.one().await;
    for _ in 0..3 {
        work.here().await.expect("an answer");
    }
    worker.gate.open();
    assert!(computed.await.expect("no panic").expect("an answer"), "the gate was opened while it computed");
}

#[tokio::test]
async fn each_has_a_task_of_its_own() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let here = work.here().await.expect("an answer");
    assert_eq!(work.here().await.expect("an answer"), here);
    for _ in 0..2 {
        work.measure_blocking("ab", &[], None).await.expect("an answer");
        work.measure_spawned("ab", &[], None).await.expect("an answer");
    }
    let mut places = worker.log.entries();
    places.push(here);
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 5);
}

#[tokio::test]
async fn arguments_are_lent_and_results_and_errors_come_back() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    assert_eq!(work.measure_blocking("a \"b\"", &[1, 2], None).await.expect("an answer"), 7);
    assert_eq!(work.measure_spawned("a \"b\"", &[1, 2], Some(100)).await.expect("an answer"), 107);
    let long = "a text that is long";
    assert!(matches!(
        work.measure_blocking(long, &[], None).await,
        Err(CallError::Rejected(error)) if error == Trouble::TooLong(19)
    ));
    assert!(matches!(
        work.measure_spawned(long, &[], None).await,
        Err(CallError::Rejected(error)) if error == Trouble::TooLong(19)
    ));
    let here = work.here().await.expect("an answer");
    assert!(!worker.log.entries().contains(&here), "none of them ran in the connection's task");
}

#[tokio::test]
async fn nothing_and_none_are_answered_as_such() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    assert_eq!(raw.ask(r#"{"a":["nothing_blocking"],"i":1}"#).await, json!({"i": 1}));
    assert_eq!(raw.ask(r#"{"a":["none_spawned"],"i":2}"#).await, json!({"i": 2, "d": null}));
    let here = raw.ask(r#"{"a":["here"],"i":3}"#).await;
    assert!(worker.log.entries().iter().all(|place| here["d"] != json!(place)));
}

#[tokio::test]
async fn wrong_arguments_are_rejected_before_anything_runs() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    let few = raw.ask(r#"{"a":["measure_blocking"],"i":1}"#).await;
    let message = "too few arguments for `measure_blocking`: expected 3 (`text`, `bytes`, `more`), got 0";
    assert_eq!(few["e"]["message"], message);
    let wrong = raw.ask(r#"{"a":["measure_spawned",5,""],"i":2}"#).await;
    let message = "argument 1 (`text`) of `measure_spawned`: invalid type: integer `5`, expected a string";
    assert_eq!(wrong["e"]["message"], message);
    assert_eq!(worker.log.entries(), [""; 0]);
    raw.ask(r#"{"a":["measure_blocking","",""],"i":3}"#).await;
    let here = raw.ask(r#"{"a":["here"],"i":4}"#).await;
    assert_ne!(json!(worker.log.entries()), json!([here["d"]]));
}

#[tokio::test]
async fn events_run_there_too() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let here = work.here().await.expect("an answer");
    work.note_blocking("blocking").await.expect("there is room");
    worker.log.has(1).await;
    work.note_spawned("spawned").await.expect("there is room");
    let notes = worker.log.has(2).await;
    assert!(notes[0].starts_with("blocking ") && notes[1].starts_with("spawned "), "{notes:?}");
    assert!(notes.iter().all(|note| !note.ends_with(&here)), "{notes:?}");
    work.panic_unheard().await.expect("there is room");
    let log = worker.log.has(4).await;
    assert_ne!(log[2], here);
    assert_eq!(log[3], "handler of `panic_unheard` panicked: nobody hears it");
}

#[tokio::test]
async fn a_cancelled_call_aborts_its_spawned_handler() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let waiting = tokio::spawn(work.wait());
    worker.begun.one().await;
    let here = work.here().await.expect("an answer");
    assert_eq!(worker.running.count(), 1);
    waiting.abort();
    worker.running.becomes(0).await;
    let log = worker.log.has(2).await;
    assert_ne!(log[0], here);
    assert_eq!(log[1], "Request aborted");
}

#[tokio::test]
async fn a_cancelled_call_only_tells_its_blocking_handler_and_discards_its_answer() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    raw.send(r#"{"a":["block"],"i":1}"#).await;
    worker.begun.one().await;
    raw.send(r#"{"i":1,"x":{"message":"enough"},"_":1}"#).await;
    raw.ask(r#"{"a":["here"],"i":2}"#).await;
    assert_eq!(worker.running.count(), 1);
    worker.gate.open();
    worker.running.becomes(0).await;
    assert_eq!(worker.log.entries(), [r#"opened: true, cancelled: "enough""#]);
    raw.silence().await;
}

#[test]
fn a_blocking_handler_that_has_not_begun_is_not_run_after_a_cancellation() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().expect("there are threads");
    runtime.block_on(async {
        let worker = Worker::default();
        let server = worker.server().build().expect("it can be mounted");
        let (mut raw, _) = RawPeer::dial(&server);
        raw.send(r#"{"a":["block"],"i":1}"#).await;
        raw.send(r#"{"a":["block"],"i":2}"#).await;
        worker.begun.one().await;
        raw.send(r#"{"i":2,"x":{"message":"enough"},"_":1}"#).await;
        raw.ask(r#"{"a":["here"],"i":3}"#).await;
        worker.gate.open();
        assert_eq!(raw.receive().await, json!({"i": 1, "d": ""}));
        assert_eq!(raw.ask(r#"{"a":["nothing_blocking"],"i":4}"#).await, json!({"i": 4}));
        assert_eq!(worker.log.entries()[0], r#"opened: true, cancelled: """#);
        assert_eq!(worker.log.entries().len(), 2);
    });
}

#[tokio::test]
async fn a_panic_rejects_its_request_and_is_reported() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let here = work.here().await.expect("an answer");
    let blocking = work.panic_blocking().await.expect_err("it panicked");
    let spawned = work.panic_spawned().await.expect_err("it panicked");
    assert_eq!((blocking.to_string(), spawned.to_string()), ("internal error".into(), "internal error".into()));
    let log = worker.log.entries();
    assert!(log[0] != here && log[2] != here);
    assert_eq!(log[1], "handler of `panic_blocking` panicked: no more threads");
    assert_eq!(log[3], "handler of `panic_spawned` panicked: no more tasks");
    work.here().await.expect("the connection goes on");
}

#[tokio::test]
async fn a_result_that_cannot_be_encoded_rejects_its_request_and_is_reported() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    let answer = raw.ask(r#"{"a":["unspeakable"],"i":1}"#).await;
    assert_eq!(answer, json!({"i": 1, "e": {"message": "internal error"}, "_": 1}));
    let here = raw.ask(r#"{"a":["here"],"i":2}"#).await;
    let log = worker.log.entries();
    assert_ne!(json!(log[0]), here["d"]);
    assert_eq!(log[1], "the result of `unspeakable` cannot be encoded: no words for it");
}

#[tokio::test]
async fn a_lost_connection_aborts_what_is_spawned_and_tells_what_blocks() {
    let worker = Worker::default();
    let server = worker.server().build().expect("it can be mounted");
    let (mut raw, peer) = RawPeer::dial(&server);
    raw.send(r#"{"a":["block"],"i":1}"#).await;
    raw.send(r#"{"a":["wait"],"i":2}"#).await;
    worker.begun.one().await;
    worker.begun.one().await;
    assert_eq!(worker.running.count(), 2);
    drop(raw);
    peer.closed().await;
    worker.running.becomes(1).await;
    assert_eq!(worker.log.has(2).await[1], "Connection closed");
    worker.gate.open();
    worker.running.becomes(0).await;
    assert_eq!(worker.log.entries()[2], r#"opened: true, cancelled: "Connection closed""#);
}

#[tokio::test]
async fn a_server_that_ends_leaves_no_task_behind() {
    let worker = Worker::default();
    let pair = pair(worker.server());
    let work = WorkProxy::new(&pair.client);
    let calls: Vec<_> = (0..100).map(|_| tokio::spawn(work.wait())).collect();
    worker.running.becomes(100).await;
    let mut places = worker.log.entries();
    places.sort();
    places.dedup();
    assert_eq!(places.len(), 100);
    drop((pair.server, pair.peer));
    worker.running.becomes(0).await;
    for call in calls {
        assert!(matches!(call.await.expect("no panic"), Err(CallError::Closed)));
    }
}

#[ws_service(channel = "reports")]
trait Reports {
    #[ws(spawn)]
    async fn spawned(&self, ctx: Context) -> u8;
    #[ws(blocking)]
    fn blocking(&self, ctx: Context) -> u8;
}

struct Reporter;

#[ws_handlers]
impl Reports for Reporter {
    async fn spawned(&self, ctx: Context) -> u8 {
        let heard = WorkProxy::new(ctx.peer()).note_spawned("first").await;
        u8::from(heard.is_ok())
    }

    fn blocking(&self, ctx: Context) -> u8 {
        let heard = WorkProxy::new(ctx.peer()).note_blocking("first");
        u8::from(tokio::runtime::Handle::current().block_on(heard).is_ok())
    }
}

#[tokio::test]
async fn what_they_send_before_they_return_arrives_before_their_answer() {
    let server = Server::builder().service(Reporter).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    let first = raw.ask(r#"{"a":["spawned"],"c":"reports","i":1}"#).await;
    assert_eq!(first, json!({"a": ["note_spawned", "first"]}));
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 1}));
    let first = raw.ask(r#"{"a":["blocking"],"c":"reports","i":2}"#).await;
    assert_eq!(first, json!({"a": ["note_blocking", "first"]}));
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
}

#[tokio::test]
async fn a_peer_that_calls_and_cancels_does_not_fill_the_pool() {
    let worker = Worker::default();
    let limits = Limits { handlers_in_flight: 3, ..Limits::default() };
    let server = worker.server().limits(limits).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    for id in 1..=3 {
        raw.send(&json!({"a": ["block"], "i": id}).to_string()).await;
        worker.begun.one().await;
        raw.send(&json!({"i": id, "x": "changed my mind"}).to_string()).await;
    }
    // Nobody waits for these any more, but they have ended no sooner: the next wait, and are cancelled before they begin.
    for id in 4..=100 {
        raw.send(&json!({"a": ["block"], "i": id}).to_string()).await;
        raw.send(&json!({"i": id, "x": "changed my mind"}).to_string()).await;
    }
    raw.send(r#"{"a":["here"],"i":200}"#).await;
    raw.silence().await;
    assert_eq!(worker.running.count(), 3);
    worker.gate.open();
    assert_eq!(raw.receive().await["i"], 200);
    worker.running.becomes(0).await;
    assert_eq!(worker.log.entries().len(), 3, "what was cancelled in time never began");
}
