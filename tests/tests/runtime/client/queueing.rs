//! Calls and events that wait while a client has no connection.

use serde_json::json;
use std::error::Error;
use std::future::pending;
use tokio::time::Instant;
use wswrapper::error::SendError;
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits};
use wswrapper_tests::{RawPeer, SECOND, let_others_run};

/// Returns a client whose connection was lost.
async fn offline_client(limits: Limits) -> Client {
    let (raw, client) = RawPeer::accept(Client::builder().limits(limits));
    drop(raw);
    client.closed().await;
    let_others_run().await;
    client
}

#[tokio::test(start_paused = true)]
async fn calls_and_events_wait_in_their_order_and_others_fail() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default()).await;
    let (mut calls, mut events) = (Vec::new(), Vec::new());
    for n in 0..20 {
        if n % 2 == 0 {
            events.push(tokio::spawn(client.emit("event", (n,)).queue(60 * SECOND)));
        } else {
            calls.push(tokio::spawn(client.channel("desk").request::<u32>("request", (n,)).queue(60 * SECOND)));
        }
        let_others_run().await;
    }
    assert!(matches!(client.emit("event", (99,)).await, Err(SendError::Closed(_))));
    assert!(matches!(client.request::<()>("request", ()).await, Err(CallError::NotSent(SendError::Closed(_)))));
    tokio::time::sleep(59 * SECOND).await;
    let mut raw = RawPeer::rebind(&client).await?;
    for n in 0..20 {
        let frame = raw.receive().await;
        assert_eq!(frame["a"], json!([if n % 2 == 0 { "event" } else { "request" }, n]));
        if let Some(id) = frame["i"].as_u64() {
            raw.send(&json!({"i": id, "d": n}).to_string()).await;
        }
    }
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await??, 2 * u32::try_from(n)? + 1);
    }
    for event in events {
        event.await??;
    }
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_wait_ends_after_its_time_or_the_timeout_of_the_call() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default().heartbeat_interval(None)).await;
    let began = Instant::now();
    let late = client.request::<()>("late", ()).queue(3 * SECOND).await;
    assert!(matches!(late, Err(CallError::NotSent(SendError::Closed(_)))), "{late:?}");
    assert_eq!(began.elapsed(), 3 * SECOND);
    let late = client.emit("late", ()).queue(3 * SECOND).await;
    assert!(matches!(late, Err(SendError::Closed(_))), "{late:?}");
    assert_eq!(began.elapsed(), 6 * SECOND);
    let timed_out = client.request::<()>("late", ()).queue(3 * SECOND).timeout(SECOND).await;
    assert!(matches!(timed_out, Err(CallError::NotSent(SendError::TimedOut))), "{timed_out:?}");
    assert_eq!(began.elapsed(), 7 * SECOND);
    // Of a call that was sent only the timeout counts.
    let call = tokio::spawn(client.request::<u32>("sent", ()).queue(3 * SECOND));
    let_others_run().await;
    let mut raw = RawPeer::rebind(&client).await?;
    let id = raw.receive().await["i"].clone();
    tokio::time::sleep(60 * SECOND).await;
    raw.send(&json!({"i": id, "d": 7}).to_string()).await;
    assert_eq!(call.await??, 7);
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_number_of_waiting_calls_is_a_limit() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default().max_queued_calls(2)).await;
    let event = tokio::spawn(client.emit("event", ()).queue(SECOND));
    let call = tokio::spawn(client.request::<()>("call", ()).queue(SECOND));
    let_others_run().await;
    assert!(matches!(client.emit("event", ()).queue(SECOND).await, Err(SendError::Full)));
    let full = client.request::<()>("call", ()).queue(SECOND).await;
    assert!(matches!(full, Err(CallError::NotSent(SendError::Full))), "{full:?}");
    call.abort();
    let_others_run().await;
    for waited in [client.emit("event", ()).queue(SECOND).await, event.await?] {
        assert!(matches!(waited, Err(SendError::Closed(_))), "{waited:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_and_events_that_are_dropped_while_they_wait_are_not_sent() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default()).await;
    let call = tokio::spawn(client.request::<()>("call", ()).queue(60 * SECOND));
    let event = tokio::spawn(client.emit("event", ()).queue(60 * SECOND));
    let_others_run().await;
    call.abort();
    event.abort();
    let_others_run().await;
    let mut raw = RawPeer::rebind(&client).await?;
    raw.silence().await;
    assert_eq!(client.counters(), wswrapper::connection::Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_sent_fails_with_the_cause_of_the_loss_and_is_not_sent_again() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default()).await;
    let call = tokio::spawn(client.request::<()>("call", ()).queue(60 * SECOND));
    let_others_run().await;
    let mut raw = RawPeer::rebind(&client).await?;
    assert_eq!(raw.receive().await["a"][0], "call");
    raw.close(4001, "enough").await;
    assert!(matches!(call.await?, Err(CallError::Closed(closed)) if closed.code == 4001));
    client.closed().await;
    RawPeer::rebind(&client).await?.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_queued_and_not_written_when_the_connection_was_lost_fails() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default()).await;
    let written = tokio::spawn(client.emit("written", ()).queue(60 * SECOND));
    let_others_run().await;
    let event = tokio::spawn(client.emit("event", ()).queue(60 * SECOND));
    let_others_run().await;
    // The transport has capacity for one message, and the peer reads nothing.
    let (near, far) = memory::builder().capacity(1).pair();
    client.rebind(near).await?;
    let_others_run().await;
    assert!(!written.is_finished() && !event.is_finished());
    drop(far);
    assert!(written.await?.is_err());
    let failed = event.await?;
    assert!(matches!(failed, Err(SendError::Closed(_))), "{failed:?}");
    client.closed().await;
    RawPeer::rebind(&client).await?.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_queued_event_of_a_connected_client_is_ready_when_it_was_written() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    client.emit("event", (1,)).queue(SECOND).await?;
    assert_eq!(raw.receive().await, json!({"a": ["event", 1]}));
    assert_eq!(client.counters(), wswrapper::connection::Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_bytes_of_what_waits_are_counted_and_a_limit() -> Result<(), Box<dyn Error>> {
    let client = offline_client(Limits::default().max_outbound_bytes(10_000)).await;
    let queue = |bytes| tokio::spawn(client.emit("event", ("x".repeat(bytes),)).queue(60 * SECOND));
    // A single one may be larger.
    let large = queue(100_000);
    let_others_run().await;
    assert!(client.counters().queued_bytes > 100_000);
    assert!(matches!(queue(1).await?, Err(SendError::Full)));
    large.abort();
    let_others_run().await;
    let waiting = [queue(4_000), queue(4_000)];
    let_others_run().await;
    assert!(matches!(queue(4_000).await?, Err(SendError::Full)));
    let call = client.request::<()>("call", ("x".repeat(4_000),)).queue(60 * SECOND).await;
    assert!(matches!(call, Err(CallError::NotSent(SendError::Full))), "{call:?}");
    let _raw = RawPeer::rebind(&client).await?;
    for event in waiting {
        event.await??;
    }
    assert_eq!(client.counters(), wswrapper::connection::Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_the_events_that_wait_for_the_hook() -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .on_open(|peer| async move {
            peer.emit("first", ()).await.map_err(|error| error.to_string())?;
            // What the hook has sent was written, although others wait.
            peer.flush().await.map_err(|error| error.to_string())?;
            tokio::time::sleep(5 * SECOND).await;
            Ok::<_, String>(())
        })
        .build()?;
    client.emit("early", ()).await?;
    let (mut raw, binding) = RawPeer::rebinding(&client);
    let began = Instant::now();
    assert_eq!(raw.receive().await["a"][0], "first");
    // Those that are dropped occupy no memory.
    for _ in 0..1_000 {
        assert!(futures_util::FutureExt::now_or_never(client.flush()).is_none());
    }
    client.flush().await?;
    assert_eq!(began.elapsed(), 5 * SECOND);
    assert_eq!(raw.receive().await["a"][0], "early");
    binding.await??;
    // A flush fails with the connection.
    let client = Client::builder().on_open(|_| pending::<()>()).build()?;
    client.emit("early", ()).await?;
    let (raw, binding) = RawPeer::rebinding(&client);
    let_others_run().await;
    let flushing = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    let_others_run().await;
    drop(raw);
    assert!(matches!(flushing.await?, Err(SendError::Closed(_))));
    assert!(binding.await?.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_hook_waits_for_its_own_events_alone() -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .on_open(|peer| async move {
            let mut event = Box::pin(peer.emit("first", ()).queue(SECOND));
            assert!(futures_util::FutureExt::now_or_never(&mut event).is_none());
            peer.flush().await?;
            assert!(futures_util::FutureExt::now_or_never(&mut event).is_some());
            Ok::<_, SendError>(())
        })
        .build()?;
    client.emit("early", ()).await?;
    let (near, far) = memory::pair();
    client.rebind(near).await?;
    let mut raw = RawPeer::on(far);
    assert_eq!(raw.receive().await["a"][0], "first");
    assert_eq!(raw.receive().await["a"][0], "early");
    Ok(())
}

/// An event with `queue` waits for the next turn of the driver.
#[tokio::test(start_paused = true)]
async fn a_broadcast_goes_behind_a_queued_event_and_is_not_left_out() -> Result<(), Box<dyn Error>> {
    let pair = wswrapper_tests::pair(wswrapper::Server::builder());
    let log = wswrapper_tests::Log::default();
    pair.client.on("note", log.handler())?;
    let mut own = Box::pin(pair.peer.emit("note", ("own",)).queue(SECOND));
    assert!(futures_util::FutureExt::now_or_never(&mut own).is_none());
    let delivery = pair.server.broadcast().emit("note", ("all",)).await?;
    assert!(delivery.failed.is_empty(), "{delivery:?}");
    own.await?;
    assert_eq!(log.has(2).await, ["own", "all"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_event_whose_channel_closes_while_it_waits_says_so() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let making = tokio::spawn(client.request::<wswrapper::AnonymousChannel>("make", ()));
    let id = raw.receive().await["i"].clone();
    raw.send(&json!({"i": id, "h": 1}).to_string()).await;
    let channel = making.await??;
    raw.write(&json!({"h": id, "x": 1}).to_string());
    let event = channel.emit("note", ()).queue(SECOND);
    let (event, ()) = tokio::join!(event, raw.send(r#"{"a":["x"]}"#));
    assert!(matches!(event, Ok(()) | Err(SendError::ChannelClosed { .. })), "{event:?}");
    let event = channel.emit("note", ()).queue(SECOND).await;
    assert!(matches!(event, Err(SendError::ChannelClosed { .. })), "{event:?}");
    Ok(())
}
