//! Arguments, results and errors.

use super::{MeasureError, Worker};
use serde_json::json;
use wswrapper::CallError;

#[tokio::test]
async fn handlers_borrow_arguments_and_return_results_and_errors() {
    let (worker, _pair, work) = Worker::with_client();
    assert_eq!(work.measure_blocking("a \"b\"", &[1, 2], None).await.expect("an answer"), 7);
    assert_eq!(work.measure_spawned("a \"b\"", &[1, 2], Some(100)).await.expect("an answer"), 107);
    let long = "a text that is long";
    assert!(matches!(
        work.measure_blocking(long, &[], None).await,
        Err(CallError::Handler(error)) if error == MeasureError::TooLong(19)
    ));
    assert!(matches!(
        work.measure_spawned(long, &[], None).await,
        Err(CallError::Handler(error)) if error == MeasureError::TooLong(19)
    ));
    let connection_task = work.here().await.expect("an answer");
    assert!(!worker.log.entries().contains(&connection_task), "no handler ran in the connection's task");
}

#[tokio::test]
async fn unit_is_answered_without_data_and_none_with_null() {
    let (worker, _server, mut raw) = Worker::with_raw_peer();
    assert_eq!(raw.ask(r#"{"a":["nothing_blocking"],"i":1}"#).await, json!({"i": 1}));
    assert_eq!(raw.ask(r#"{"a":["none_spawned"],"i":2}"#).await, json!({"i": 2, "d": null}));
    let connection_task = raw.ask(r#"{"a":["here"],"i":3}"#).await;
    assert!(worker.log.entries().iter().all(|task_id| connection_task["d"] != json!(task_id)));
}

#[tokio::test]
async fn wrong_arguments_are_rejected_before_a_handler_starts() {
    let (worker, _server, mut raw) = Worker::with_raw_peer();
    let few = raw.ask(r#"{"a":["measure_blocking"],"i":1}"#).await;
    let message = "too few arguments for `measure_blocking`: expected 3 (`text`, `bytes`, `more`), got 0";
    assert_eq!(few["e"]["message"], message);
    let wrong = raw.ask(r#"{"a":["measure_spawned",5,""],"i":2}"#).await;
    let message = "argument 1 (`text`) of `measure_spawned`: invalid type: integer `5`, expected a string";
    assert_eq!(wrong["e"]["message"], message);
    assert_eq!(worker.log.entries(), [""; 0]);
    raw.ask(r#"{"a":["measure_blocking","",""],"i":3}"#).await;
    let connection_task = raw.ask(r#"{"a":["here"],"i":4}"#).await;
    assert_ne!(json!(worker.log.entries()), json!([connection_task["d"]]));
}

#[tokio::test]
async fn a_panic_rejects_its_request_and_is_reported() {
    let (worker, _pair, work) = Worker::with_client();
    let connection_task = work.here().await.expect("an answer");
    let blocking = work.panic_blocking().await.expect_err("it panicked");
    let spawned = work.panic_spawned().await.expect_err("it panicked");
    assert_eq!((blocking.to_string(), spawned.to_string()), ("internal error".into(), "internal error".into()));
    let log = worker.log.entries();
    assert!(log[0] != connection_task && log[2] != connection_task);
    assert_eq!(log[1], "handler of `panic_blocking` panicked: no more threads");
    assert_eq!(log[3], "handler of `panic_spawned` panicked: no more tasks");
    work.here().await.expect("the connection still works");
}

#[tokio::test]
async fn a_result_that_cannot_be_encoded_rejects_its_request_and_is_reported() {
    let (worker, _server, mut raw) = Worker::with_raw_peer();
    let answer = raw.ask(r#"{"a":["unspeakable"],"i":1}"#).await;
    assert_eq!(answer, json!({"i": 1, "e": {"message": "internal error", "code": "ws:Internal"}, "_": 1}));
    let connection_task = raw.ask(r#"{"a":["here"],"i":2}"#).await;
    let log = worker.log.entries();
    assert_ne!(json!(log[0]), connection_task["d"]);
    assert_eq!(log[1], "the result of `unspeakable` cannot be encoded: no words for it");
}
