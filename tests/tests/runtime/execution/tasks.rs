//! The task that a handler runs in, and the handlers that it does not delay.

use super::{WorkProxy, Worker};
use serde_json::json;
use wswrapper::{Context, Server, ws_handlers, ws_service};
use wswrapper_tests::RawPeer;

#[tokio::test]
async fn a_blocking_handler_delays_no_other() {
    let (worker, _pair, work) = Worker::with_client();
    let blocked = tokio::spawn(work.block());
    worker.started.next().await;
    for _ in 0..3 {
        work.here().await.expect("an answer");
    }
    assert_eq!(worker.running.count(), 1);
    worker.gate.open();
    assert_eq!(blocked.await.expect("no panic").expect("an answer"), "");
    assert_eq!(worker.log.entries(), [r#"opened: true, cancelled: """#]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_spawned_handler_that_computes_delays_no_other() {
    let (worker, _pair, work) = Worker::with_client();
    let computed = tokio::spawn(work.compute());
    worker.started.next().await;
    for _ in 0..3 {
        work.here().await.expect("an answer");
    }
    worker.gate.open();
    assert!(computed.await.expect("no panic").expect("an answer"), "the gate was opened while it computed");
}

#[tokio::test]
async fn each_blocking_or_spawned_handler_runs_in_its_own_task() {
    let (worker, _pair, work) = Worker::with_client();
    let connection_task = work.here().await.expect("an answer");
    assert_eq!(work.here().await.expect("an answer"), connection_task);
    for _ in 0..2 {
        work.measure_blocking("ab", &[], None).await.expect("an answer");
        work.measure_spawned("ab", &[], None).await.expect("an answer");
    }
    let mut task_ids = worker.log.entries();
    task_ids.push(connection_task);
    task_ids.sort();
    task_ids.dedup();
    assert_eq!(task_ids.len(), 5);
}

#[tokio::test]
async fn blocking_and_spawned_event_handlers_run_outside_the_connections_task() {
    let (worker, _pair, work) = Worker::with_client();
    let connection_task = work.here().await.expect("an answer");
    work.note_blocking("blocking").await.expect("the queue has capacity");
    worker.log.has(1).await;
    work.note_spawned("spawned").await.expect("the queue has capacity");
    let notes = worker.log.has(2).await;
    assert!(notes[0].starts_with("blocking ") && notes[1].starts_with("spawned "), "{notes:?}");
    assert!(notes.iter().all(|note| !note.ends_with(&connection_task)), "{notes:?}");
    work.panic_unheard().await.expect("the queue has capacity");
    let log = worker.log.has(4).await;
    assert_ne!(log[2], connection_task);
    assert_eq!(log[3], "handler of `panic_unheard` panicked: nobody hears it");
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
async fn an_event_sent_by_a_blocking_or_spawned_handler_arrives_before_its_response() {
    let server = Server::builder().service(Reporter).build().expect("it can be mounted");
    let (mut raw, _) = RawPeer::dial(&server);
    let first = raw.ask(r#"{"a":["spawned"],"c":"reports","i":1}"#).await;
    assert_eq!(first, json!({"a": ["note_spawned", "first"]}));
    assert_eq!(raw.receive().await, json!({"i": 1, "d": 1}));
    let first = raw.ask(r#"{"a":["blocking"],"c":"reports","i":2}"#).await;
    assert_eq!(first, json!({"a": ["note_blocking", "first"]}));
    assert_eq!(raw.receive().await, json!({"i": 2, "d": 1}));
}
