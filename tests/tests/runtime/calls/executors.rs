//! Calls that a thread without a tokio runtime polls. Their connection runs in a runtime elsewhere.

use super::thread_waker::{ThreadWaker, block_on};
use serde_json::json;
use std::error::Error;
use std::pin::pin;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use wswrapper::error::SendError;
use wswrapper::{CallError, Client, Limits};
use wswrapper_tests::RawPeer;

const LONG: Duration = Duration::from_secs(20);

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime can be started")
}

/// Returns a client that has no capacity, because its peer reads nothing.
async fn client_without_capacity() -> (RawPeer, Client) {
    let limits = Limits::default().max_outbound_bytes(20_000).max_calls_in_flight(1);
    let (raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let text = "x".repeat(5_000);
    while let Ok(sent) = timeout(Duration::from_millis(100), client.emit("fill", (&text,))).await {
        sent.expect("the connection is open");
    }
    (raw, client)
}

#[test]
fn a_call_polled_outside_a_runtime_is_sent_when_capacity_comes() -> Result<(), Box<dyn Error>> {
    let runtime = runtime();
    let (mut raw, client) = runtime.block_on(client_without_capacity());
    let caller = thread::spawn(move || block_on(client.request::<u8>("x", ()).timeout(LONG)));
    runtime.block_on(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let id = loop {
            let frame = timeout(LONG, raw.receive()).await?;
            if frame["a"][0] == "x" {
                break frame["i"].clone();
            }
        };
        raw.send(&json!({"i": id, "d": 7}).to_string()).await;
        Ok::<_, Box<dyn Error>>(())
    })?;
    assert_eq!(caller.join().expect("no panic")?, 7);
    Ok(())
}

#[test]
fn an_event_polled_outside_a_runtime_is_queued_when_capacity_comes() -> Result<(), Box<dyn Error>> {
    let runtime = runtime();
    let (mut raw, client) = runtime.block_on(client_without_capacity());
    let sender = thread::spawn(move || block_on(client.emit("x", ())));
    runtime.block_on(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        while timeout(LONG, raw.receive()).await?["a"][0] != "x" {}
        Ok::<_, Box<dyn Error>>(())
    })?;
    sender.join().expect("no panic")?;
    Ok(())
}

#[test]
fn a_call_polled_outside_a_runtime_times_out_once_while_it_waits_for_capacity() {
    let runtime = runtime();
    let (raw, client) = runtime.block_on(client_without_capacity());
    let began = Instant::now();
    let waker = ThreadWaker::new();
    let mut call = pin!(client.request::<u8>("x", ()).timeout(Duration::from_millis(100)));
    let task = waker.clone().into();
    let mut cx = Context::from_waker(&task);
    assert!(call.as_mut().poll(&mut cx).is_pending());
    while waker.wakes() == 0 {
        thread::park_timeout(LONG);
        assert!(began.elapsed() < LONG, "the call is not woken");
    }
    assert!(began.elapsed() >= Duration::from_millis(100));
    let timed_out = call.as_mut().poll(&mut cx);
    assert!(matches!(timed_out, Poll::Ready(Err(CallError::NotSent(SendError::TimedOut)))), "{timed_out:?}");
    thread::sleep(Duration::from_millis(50));
    assert_eq!(waker.wakes(), 1);
    drop(raw);
}

#[test]
fn a_call_polled_outside_a_runtime_waits_for_another_call() -> Result<(), Box<dyn Error>> {
    let runtime = runtime();
    let limits = Limits::default().max_calls_in_flight(1);
    let (mut raw, client) = runtime.block_on(async { RawPeer::accept(Client::builder().limits(limits)) });
    let first = thread::spawn({
        let client = client.clone();
        move || block_on(client.request::<u8>("first", ()))
    });
    let id = runtime.block_on(raw.receive())["i"].clone();
    let timed_out = block_on(client.request::<u8>("x", ()).wait_for_capacity().timeout(Duration::from_millis(50)));
    assert!(matches!(timed_out, Err(CallError::NotSent(SendError::TimedOut))), "{timed_out:?}");
    let second = thread::spawn(move || block_on(client.request::<u8>("second", ()).wait_for_capacity()));
    thread::sleep(Duration::from_millis(50));
    runtime.block_on(raw.send(&json!({"i": id, "d": 1}).to_string()));
    assert_eq!(first.join().expect("no panic")?, 1);
    let request = runtime.block_on(raw.receive());
    assert_eq!(request["a"][0], "second", "the call that timed out was not sent");
    runtime.block_on(raw.send(&json!({"i": request["i"], "d": 2}).to_string()));
    assert_eq!(second.join().expect("no panic")?, 2);
    Ok(())
}
