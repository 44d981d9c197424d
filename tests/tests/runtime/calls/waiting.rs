//! Calls that wait until fewer calls are pending.

use super::thread_waker::ThreadWaker;
use futures_util::{FutureExt, stream};
use serde_json::{Value, json};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wswrapper::{
    Call, CallError, Client, Limits, Peer, Server, Upload,
    error::{Reason, Rejection, SendError},
    ws_handlers,
};
use wswrapper_tests::{RawPeer, let_others_run, nothing_is_left, pair_with, until};

const LONG: Duration = Duration::from_hours(1);

fn at_most(calls_in_flight: usize) -> Limits {
    Limits::default().max_calls_in_flight(calls_in_flight)
}

async fn respond(raw: &mut RawPeer, request: &Value) {
    raw.send(&json!({"i": request["i"], "d": request["a"][1]}).to_string()).await;
}

#[tokio::test(start_paused = true)]
async fn calls_are_sent_in_the_order_of_their_first_polls() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(at_most(2)));
    let mut calls = Vec::new();
    for n in 0..6 {
        calls.push(tokio::spawn(client.request::<u8>("x", (n,)).wait_for_capacity()));
        let_others_run().await;
    }
    let refused = client.request::<u8>("x", (9,)).now_or_never();
    assert!(matches!(refused, Some(Err(CallError::NotSent(SendError::TooManyCalls)))), "{refused:?}");
    let mut pending = vec![raw.receive().await, raw.receive().await];
    for (n, call) in calls.into_iter().enumerate() {
        raw.silence().await;
        assert!(client.calls_in_flight() <= 2);
        let request = pending.remove(0);
        assert_eq!(request["a"], json!(["x", n]));
        respond(&mut raw, &request).await;
        assert_eq!(usize::from(timeout(LONG, call).await???), n);
        if n < 4 {
            pending.push(timeout(LONG, raw.receive()).await?);
        }
    }
    assert_eq!(client.calls_in_flight(), 0);
    assert_eq!(client.request::<u8>("x", ()).now_or_never().map(|call| call.is_ok()), None, "it is sent");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_too_long_times_out_and_is_never_sent() -> Result<(), Box<dyn Error>> {
    let limits = at_most(1).call_timeout(Some(Duration::from_secs(10)));
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let first = tokio::spawn(client.request::<u8>("first", (1,)).timeout(LONG));
    let request = raw.receive().await;
    let began = Instant::now();
    let by_default = client.request::<u8>("second", ()).wait_for_capacity();
    let by_itself = client.request::<u8>("third", ()).wait_for_capacity().timeout(Duration::from_secs(3));
    let (by_default, by_itself) = tokio::join!(async { (by_default.await, began.elapsed().as_secs()) }, async {
        (by_itself.await, began.elapsed().as_secs())
    });
    assert!(matches!(by_default, (Err(CallError::NotSent(SendError::TimedOut)), 10)), "{by_default:?}");
    assert!(matches!(by_itself, (Err(CallError::NotSent(SendError::TimedOut)), 3)), "{by_itself:?}");
    respond(&mut raw, &request).await;
    assert_eq!(first.await??, 1);
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waited_sends_the_rest_of_its_timeout() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(at_most(1)));
    let first = tokio::spawn(client.request::<u8>("first", (1,)));
    let request = raw.receive().await;
    let began = Instant::now();
    let second = client.request::<u8>("second", ()).wait_for_capacity().timeout(Duration::from_secs(3));
    let second = tokio::spawn(second);
    tokio::time::sleep(Duration::from_secs(2)).await;
    respond(&mut raw, &request).await;
    first.await??;
    let request = raw.receive().await;
    let rest = request["m"]["t"].as_u64().expect("the deadline is sent");
    assert!((900..=1_000).contains(&rest), "{rest}");
    assert!(matches!(second.await?, Err(CallError::TimedOut)));
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(raw.receive().await["i"], request["i"], "the call is cancelled at the remote endpoint");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_dropped_or_cancelled_call_leaves_the_queue() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(at_most(1)));
    let first = tokio::spawn(client.request::<u8>("x", (1,)));
    let request = raw.receive().await;
    let wait = |n: u8| client.request::<u8>("x", (n,)).wait_for_capacity();
    let (mut dropped, mut cancelled, mut last) = (wait(2), wait(3), wait(4));
    for call in [&mut dropped, &mut cancelled, &mut last] {
        assert!(call.now_or_never().is_none());
    }
    drop(dropped);
    cancelled.cancel(&Reason::new("enough"));
    respond(&mut raw, &request).await;
    first.await??;
    let request = timeout(LONG, raw.receive()).await?;
    assert_eq!(request["a"], json!(["x", 4]));
    respond(&mut raw, &request).await;
    assert_eq!(last.await?, 4);
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_fail_when_the_connection_closes() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(at_most(1)));
    let sent = tokio::spawn(client.request::<u8>("x", (1,)));
    raw.receive().await;
    let waiting = tokio::spawn(client.request::<u8>("x", (2,)).wait_for_capacity());
    let_others_run().await;
    raw.close(4000, "enough").await;
    assert!(matches!(timeout(LONG, sent).await??, Err(CallError::Closed(_))));
    let waiting = timeout(LONG, waiting).await??;
    assert!(matches!(waiting, Err(CallError::NotSent(SendError::Closed(_)))), "{waiting:?}");
    let late = client.request::<u8>("x", (3,)).wait_for_capacity().await;
    assert!(matches!(late, Err(CallError::NotSent(SendError::Closed(_)))), "{late:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn with_a_limit_of_zero_a_call_waits_until_its_timeout_or_the_close() -> Result<(), Box<dyn Error>> {
    let (raw, client) = RawPeer::accept(Client::builder().limits(at_most(0)));
    let call = client.request::<u8>("x", ()).wait_for_capacity().timeout(Duration::from_secs(1)).await;
    assert!(matches!(call, Err(CallError::NotSent(SendError::TimedOut))), "{call:?}");
    drop(raw);
    client.closed().await;
    let call = timeout(LONG, client.request::<u8>("x", ()).wait_for_capacity()).await?;
    assert!(matches!(call, Err(CallError::NotSent(SendError::Closed(_)))), "{call:?}");
    Ok(())
}

/// Each call is polled twice: once to start, and once when its answer is there.
#[tokio::test]
async fn each_of_a_crowd_of_waiting_calls_is_woken_once_and_in_order() -> Result<(), Box<dyn Error>> {
    const CROWD: usize = 10_000;
    let server = Server::builder();
    let pair = pair_with(server, Client::builder().limits(at_most(7)));
    pair.server.on("next", {
        let count = std::sync::atomic::AtomicUsize::new(0);
        move || {
            let count = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                count
            }
        }
    })?;
    let mut calls: Vec<(Call<usize, Rejection>, Arc<ThreadWaker>)> = Vec::new();
    for _ in 0..CROWD {
        let waker = ThreadWaker::new();
        let mut call = pair.client.request::<usize>("next", ()).wait_for_capacity();
        let task = Arc::clone(&waker).into();
        assert!(Pin::new(&mut call).poll(&mut Context::from_waker(&task)).is_pending());
        calls.push((call, waker));
    }
    until(|| calls.iter().all(|(_, waker)| waker.wakes() > 0)).await;
    for (n, (call, waker)) in calls.iter_mut().enumerate() {
        assert_eq!(waker.wakes(), 1);
        let task = Arc::clone(waker).into();
        let answer = Pin::new(call).poll(&mut Context::from_waker(&task));
        assert!(matches!(answer, Poll::Ready(Ok(answer)) if answer == n), "{n}: {answer:?}");
    }
    drop(calls);
    nothing_is_left(&pair).await;
    Ok(())
}

struct Adder;

#[ws_handlers]
impl Adder {
    pub async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let mut sum = 0;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }

    pub async fn hold(&self) {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn uploads_wait_and_all_finish() -> Result<(), Box<dyn Error>> {
    let pair = pair_with(Server::builder().service(Adder), Client::builder().limits(at_most(1)));
    let adder = AdderProxy::new(&pair.client);
    let began = Instant::now();
    let mut hold = adder.hold();
    assert!((&mut hold).now_or_never().is_none());
    let refused = adder.sum(stream::iter([1, 2])).await;
    assert!(matches!(refused, Err(CallError::NotSent(SendError::TooManyCalls))), "{refused:?}");
    let uploads: Vec<_> = (0..20).map(|n| tokio::spawn(adder.sum(stream::iter([n, 2])).wait_for_capacity())).collect();
    hold.await?;
    for (n, upload) in uploads.into_iter().enumerate() {
        assert_eq!(timeout(LONG, upload).await??? as usize, n + 2);
    }
    assert_eq!(began.elapsed().as_secs(), 5);
    nothing_is_left(&pair).await;
    Ok(())
}

/// Emits events until the output queue has no capacity left.
async fn fill_queue(peer: &Peer) {
    let text = "x".repeat(5_000);
    while let Ok(sent) = timeout(Duration::from_millis(100), peer.emit("fill", (&text,))).await {
        sent.expect("the connection is open");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_output_never_fails_with_too_many_calls() -> Result<(), Box<dyn Error>> {
    let limits = at_most(2).max_outbound_bytes(20_000).write_timeout(LONG);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    fill_queue(client.peer()).await;
    let mut calls: Vec<_> = (0..2).map(|n| client.request::<u8>("x", (n,))).collect();
    for call in &mut calls {
        assert!(call.now_or_never().is_none());
    }
    let refused = client.request::<u8>("x", (2,)).now_or_never();
    assert!(matches!(refused, Some(Err(CallError::NotSent(SendError::TooManyCalls)))), "{refused:?}");
    let mut later = client.request::<u8>("x", (2,)).wait_for_capacity();
    assert!((&mut later).now_or_never().is_none());
    calls.push(later);
    let calls: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut order = Vec::new();
    while order.len() < 3 {
        let frame = timeout(LONG, raw.receive()).await?;
        if frame["a"][0] == "x" {
            order.push(frame["a"][1].clone());
            respond(&mut raw, &frame).await;
        }
    }
    assert_eq!(order, [0, 1, 2]);
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(usize::from(timeout(LONG, call).await???), n);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_and_calls_that_wait_for_output_keep_their_order() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_outbound_bytes(20_000).write_timeout(LONG);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    fill_queue(client.peer()).await;
    let text = "x".repeat(9_000);
    for n in 0..40 {
        if n % 3 == 0 {
            drop(tokio::spawn(client.emit("event", (n, &text))));
        } else {
            drop(tokio::spawn(client.request::<()>("call", (n, &text))));
        }
        tokio::task::yield_now().await;
    }
    // A sender that is never polled again does not stop the others.
    let mut idle = client.emit("idle", (&text,));
    assert!((&mut idle).now_or_never().is_none());
    drop(tokio::spawn(client.request::<()>("call", (40,))));
    let mut order = Vec::new();
    while order.len() < 41 {
        let frame = timeout(LONG, raw.receive()).await?;
        if frame["a"][0] != "fill" {
            order.push(frame["a"][1].as_u64().expect("a number"));
        }
        if order.len() % 5 == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(order, (0..41).collect::<Vec<_>>());
    drop(idle);
    Ok(())
}
