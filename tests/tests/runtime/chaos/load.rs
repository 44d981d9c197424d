//! Many calls and connections at once.

use super::{ChaosProxy, ChaosService, TaskBaseline, chaos_server, connect, serve};
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde_json::json;
use std::error::Error;
use std::time::Duration;
use tokio::time::Instant;
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Server, error::SendError};
use wswrapper_tests::{pair_with, tasks, until};

#[tokio::test(start_paused = true)]
async fn ten_thousand_running_calls_are_answered_in_the_order_of_completion() {
    const CALLS: u64 = 10_000;
    let baseline = TaskBaseline::now();
    let (service, builder) = chaos_server();
    let (server, peer, client, _) =
        connect(builder, &memory::builder().latency(Duration::from_millis(10)).capacity(1 << 20));
    let proxy = ChaosProxy::new(&client);
    // 7,919 and 10,000 have no common factor, so each duration occurs once, in a mixed order.
    let mut calls: FuturesUnordered<_> = (0..CALLS)
        .map(|n| {
            let time = 1_000 + n * 7_919 % CALLS;
            let call = proxy.sleep(time);
            async move { (time, call.await.expect("an answer")) }
        })
        .collect();
    let mut answers = Vec::new();
    let counting = async {
        service.handlers.becomes(usize::try_from(CALLS).expect("it fits")).await;
        assert_eq!(client.calls_in_flight(), 10_000);
    };
    let answering = async {
        while let Some((asked, answered)) = calls.next().await {
            assert_eq!(asked, answered);
            answers.push(answered);
        }
    };
    tokio::join!(counting, answering);
    assert!(answers.is_sorted(), "the shortest call was answered first");
    assert_eq!(answers.len(), 10_000);
    drop(calls);
    assert_eq!((client.calls_in_flight(), peer.calls_in_flight()), (0, 0));
    drop((proxy, client));
    baseline.is_restored(&server, &service).await;
}

#[tokio::test]
async fn calls_of_a_thousand_concurrent_connections_are_answered() {
    // One thread opens all of them.
    let running = serve(Limits::default().handshake_timeout(Duration::from_mins(1))).await;
    let clients = join_all((0..1_000).map(|n| {
        let running = &running;
        async move {
            let client = running.client().await;
            let proxy = ChaosProxy::new(&client);
            let answers = join_all((0..10).map(|call| proxy.echo(json!([n, call])))).await;
            for (call, answer) in answers.into_iter().enumerate() {
                assert_eq!(answer.expect("an answer"), json!([n, call]));
            }
            assert_eq!(client.calls_in_flight(), 0);
            client
        }
    }))
    .await;
    assert_eq!(running.server.peers().len(), 1_000);
    drop(clients);
    running.shut_down_cleanly().await;
}

/// Floods both endpoints with nested calls, and returns how many reached their full depth.
async fn flood(limits: Limits, calls: u32, depth: u32) -> usize {
    let baseline = TaskBaseline::now();
    let (server_service, client_service) = (ChaosService::default(), ChaosService::default());
    let pair = pair_with(
        Server::builder().limits(limits.clone()).service(server_service.clone()),
        Client::builder().limits(limits).service(client_service.clone()),
    );
    let proxies = [ChaosProxy::new(&pair.client), ChaosProxy::new(&pair.peer)];
    let answers = join_all(proxies.iter().flat_map(|proxy| (0..calls).map(|_| proxy.bounce(depth)))).await;
    let (mut complete, mut incomplete) = (0, 0);
    for answer in answers {
        match answer {
            Ok(answer) if answer == depth => complete += 1,
            Ok(_) | Err(CallError::TimedOut | CallError::NotSent(SendError::TooManyCalls)) => incomplete += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    assert_eq!(complete + incomplete, 2 * calls as usize);
    until(|| pair.client.calls_in_flight() + pair.peer.calls_in_flight() == 0).await;
    client_service.handlers.becomes(0).await;
    server_service.handlers.becomes(0).await;
    assert!(pair.client.is_open());
    drop((proxies, pair.client));
    baseline.is_restored(&pair.server, &server_service).await;
    complete
}

#[tokio::test(start_paused = true)]
async fn two_endpoints_that_flood_each_other_with_nested_calls_answer_all() {
    let began = Instant::now();
    assert_eq!(flood(Limits::default(), 1_000, 6).await, 2_000);
    // Small queues.
    let small = Limits::default().max_outbound_bytes(500).max_held_bytes(500);
    assert_eq!(flood(small, 1_000, 6).await, 2_000);
    assert!(began.elapsed() < Duration::from_secs(1), "a call had to wait for a timeout");
}

#[tokio::test(start_paused = true)]
async fn nested_calls_beyond_the_handler_limit_time_out_and_leave_nothing_behind() {
    let began = Instant::now();
    let few = Limits::default().max_handlers_in_flight(10);
    // Each level of depth needs a handler while those above it wait, so some calls must time out.
    assert!(flood(few.clone(), 100, 6).await < 200);
    assert!(began.elapsed() <= 2 * Limits::default().call_timeout.expect("calls have a default timeout"));
    // One level deep, the handlers of the remote endpoint answer at once.
    assert_eq!(flood(few, 5, 1).await, 10);
}

#[tokio::test]
async fn a_closing_server_fails_all_of_a_thousand_running_calls() -> Result<(), Box<dyn Error>> {
    let running = serve(Limits::default()).await;
    let mut calls = Vec::new();
    let mut clients = Vec::new();
    for _ in 0..10 {
        let client = running.client().await;
        for _ in 0..100 {
            let proxy = ChaosProxy::new(&client);
            calls.push(tokio::spawn(async move { proxy.wait().await }));
        }
        clients.push(client);
    }
    running.service.handlers.becomes(1_000).await;
    running.server.close();
    running.server.closed().await;
    assert_eq!(running.service.handlers.count(), 0);
    assert!(running.server.peers().is_empty());
    for call in calls {
        assert!(matches!(call.await?, Err(CallError::Closed(_))));
    }
    for client in clients {
        assert_eq!((client.closed().await.code, client.calls_in_flight()), (1001, 0));
    }
    running.serving.await??;
    until(|| tasks() == running.baseline.tasks).await;
    Ok(())
}
