//! The limits of calls.

use super::{GatedService, GatedServiceProxy};
use std::time::Duration;
use wswrapper::{CallError, Client, Limits, error::SendError};
use wswrapper_tests::pair_with;

#[tokio::test(start_paused = true)]
async fn a_call_without_a_timeout_waits_for_ever() {
    let service = GatedService::new();
    // A year has a million heartbeats.
    let limits = Limits::default().call_timeout(None).heartbeat_interval(None);
    let pair = pair_with(service.serve(limits.clone()), Client::builder().limits(limits));
    let call = tokio::spawn({
        let proxy = GatedServiceProxy::new(&pair.client);
        async move { proxy.wait(7).await }
    });
    service.running.becomes(1).await;
    tokio::time::sleep(Duration::from_hours(24 * 365)).await;
    assert!(!call.is_finished());
    service.gate.add_permits(1);
    assert_eq!(call.await.expect("no panic").expect("an answer"), 7);
}

#[tokio::test]
async fn a_call_beyond_the_limit_fails_at_once_and_the_others_continue() {
    let service = GatedService::new();
    let limits = Limits::default().max_calls_in_flight(3);
    let pair = pair_with(service.serve(Limits::default()), Client::builder().limits(limits));
    let proxy = GatedServiceProxy::new(&pair.client);
    let mut calls: Vec<_> = (0..3)
        .map(|n| {
            let proxy = proxy.clone();
            tokio::spawn(async move { proxy.wait(n).await })
        })
        .collect();
    service.running.becomes(3).await;
    let refused = proxy.quick(1).await;
    assert!(matches!(refused, Err(CallError::NotSent(SendError::TooManyCalls))), "{refused:?}");
    assert_eq!(pair.client.calls_in_flight(), 3);
    // A cancelled call and an answered call free their place.
    calls.remove(0).abort();
    service.running.becomes(2).await;
    assert_eq!(proxy.quick(2).await.expect("a place is free"), 2);
    service.gate.add_permits(2);
    for (call, n) in calls.into_iter().zip([1, 2]) {
        assert_eq!(call.await.expect("no panic").expect("an answer"), n);
    }
    assert_eq!(pair.client.calls_in_flight(), 0);
    assert_eq!(service.log.entries().iter().filter(|entry| entry.starts_with("quick")).count(), 1);
}
