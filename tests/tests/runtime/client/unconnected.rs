//! Clients that are not connected yet.

use serde_json::json;
use std::error::Error;
use std::time::Duration;
use wswrapper::client::{ClientState, Disconnected};
use wswrapper::connection::{CloseCause, Handshake};
use wswrapper::error::{ConnectError, RebindError, SendError};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Server};
use wswrapper_tests::connectors::{self, Attempt};
use wswrapper_tests::network::Network;
use wswrapper_tests::{Log, RawPeer, let_others_run, rebinding, tasks, until};

#[tokio::test(start_paused = true)]
async fn handlers_that_were_added_before_the_first_connection_get_its_first_frame() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    assert_eq!((client.peer().epoch(), client.is_open(), client.close_info()), (0, false, None));
    assert_eq!(client.handshake().path(), "/");
    client.on("name", || async { "Ada" })?;
    let (near, far) = memory::pair();
    let mut raw = RawPeer::on(far);
    raw.write(r#"{"a":["name"],"i":1}"#);
    client.rebind(near).await?;
    assert_eq!((client.peer().epoch(), client.is_open()), (1, true));
    assert_eq!(raw.receive().await, json!({"i": 1, "d": "Ada"}));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn ten_calls_and_events_wait_for_the_first_connection_in_their_order() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    let mut calls = Vec::new();
    for n in 0..10 {
        if n % 2 == 0 {
            client.emit("event", (n,)).await?;
        } else {
            calls.push(tokio::spawn(client.request::<u32>("request", (n,))));
            let_others_run().await;
        }
    }
    assert!(matches!(client.emit("event", (10,)).await, Err(SendError::Full)));
    assert!(matches!(client.request::<u32>("request", (10,)).await, Err(CallError::NotSent(SendError::Full))));
    let (near, far) = memory::pair();
    let mut raw = RawPeer::on(far);
    client.rebind(near).await?;
    for n in 0..10 {
        let frame = raw.receive().await;
        assert_eq!(frame["a"], json!([if n % 2 == 0 { "event" } else { "request" }, n]));
        if let Some(id) = frame["i"].as_u64() {
            raw.send(&json!({"i": id, "d": n}).to_string()).await;
        }
    }
    for (call, n) in calls.into_iter().zip([1, 3, 5, 7, 9]) {
        assert_eq!(call.await??, n);
    }
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_number_of_calls_that_wait_for_the_first_connection_is_a_limit() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().limits(Limits::default().max_calls_before_open(1)).build()?;
    client.emit("event", ()).await?;
    assert!(matches!(client.emit("event", ()).await, Err(SendError::Full)));
    let none = Client::builder().limits(Limits::default().max_calls_before_open(0)).build()?;
    assert!(matches!(none.emit("event", ()).await, Err(SendError::Closed(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_or_timed_out_before_the_first_connection_is_not_sent() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    let dropped = tokio::spawn(client.request::<()>("dropped", ()));
    let_others_run().await;
    dropped.abort();
    let late = client.request::<()>("late", ()).timeout(Duration::from_secs(1)).await;
    assert!(matches!(late, Err(CallError::NotSent(SendError::TimedOut))), "{late:?}");
    client.emit("last", ()).await?;
    let mut raw = RawPeer::rebind(&client).await?;
    assert_eq!(raw.receive().await, json!({"a": ["last"]}));
    raw.silence().await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_go_on_waiting_after_a_first_attempt_that_failed() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("double", |n: u32| async move { 2 * n })?;
    let network = Network::with(server.clone());
    network.set_server(None);
    let client = Client::builder().build()?;
    let call = tokio::spawn(client.request::<u32>("double", (2,)));
    let_others_run().await;
    let failed = client.connect_with(network.connector()).await.expect_err("the server is away");
    assert_eq!(failed.to_string(), "the server is away");
    let state = client.state().borrow().clone();
    let ClientState::Closed { cause: Disconnected::Failed(error) } = state else { panic!("{state:?}") };
    assert_eq!(error.to_string(), "the server is away");
    network.set_server(Some(server));
    client.connect_with(network.connector()).await?;
    assert_eq!(call.await??, 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_before_the_first_connection_fails_the_calls_that_wait_for_it() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    let call = tokio::spawn(client.request::<()>("call", ()));
    let closed = tokio::spawn(client.closed());
    let_others_run().await;
    assert!(!closed.is_finished());
    client.close(4001, "not needed");
    let Err(CallError::NotSent(SendError::Closed(why))) = call.await? else { panic!("it was not sent") };
    assert_eq!((why.code, why.reason.as_str(), why.cause), (4001, "not needed", CloseCause::Local));
    assert_eq!(closed.await?.code, 4001);
    // It can be connected all the same.
    let mut raw = RawPeer::rebind(&client).await?;
    client.emit("event", ()).await?;
    assert_eq!(raw.receive().await, json!({"a": ["event"]}));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn closed_waits_for_the_close_of_the_first_connection() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    let closed = tokio::spawn(client.closed());
    let (near, far) = memory::pair();
    client.rebind(near).await?;
    let_others_run().await;
    assert!(!closed.is_finished());
    RawPeer::on(far).close(4002, "enough").await;
    assert_eq!(closed.await?.code, 4002);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_dropped_before_its_first_connection_leaves_no_task() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let client = Client::builder().build()?;
    let closed = client.closed();
    client.emit("lost", ()).await?;
    assert_eq!(tasks(), before + 1);
    drop(client);
    assert_eq!(closed.await.cause, CloseCause::Local);
    until(|| tasks() == before).await;
    // While it connects, too.
    let client = Client::builder().build()?;
    let connecting = tokio::spawn(async move { client.connect_with(connectors::never).await });
    let_others_run().await;
    connecting.abort();
    until(|| tasks() == before).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn rebinding_a_live_client_closes_its_connection_first_with_1001() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let logged = log.clone();
    let (mut raw, client) = RawPeer::accept(Client::builder().on_close(move |_, closed| {
        logged.add(format!("closed {}", closed.code));
        async {}
    }));
    client.on("name", || async { "Ada" })?;
    let lost = tokio::spawn(client.request::<()>("slow", ()));
    let first = raw.receive().await;
    assert_eq!(first["a"][0], "slow");
    let (near, far) = memory::pair();
    let binding = rebinding(&client, near);
    let closing = raw.frame().await;
    assert!(matches!(&closing, Some(wswrapper::transport::Frame::Close(close)) if close.code == 1001), "{closing:?}");
    drop(raw);
    binding.await??;
    assert_eq!((log.entries(), client.peer().epoch()), (vec!["closed 1001".to_owned()], 2));
    assert!(matches!(lost.await?, Err(CallError::Closed(closed)) if closed.code == 1001));
    let mut raw = RawPeer::on(far);
    assert_eq!(raw.ask(r#"{"a":["name"],"i":1}"#).await, json!({"i": 1, "d": "Ada"}));
    // Ids go on counting.
    drop(tokio::spawn(client.request::<()>("next", ())));
    assert_eq!(raw.receive().await["i"].as_u64(), first["i"].as_u64().map(|id| id + 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn rebind_returns_the_error_of_on_open() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().on_open(|_| async { Err::<(), _>("not today") }).build()?;
    let (near, _far) = memory::pair();
    let failed = client.rebind(near).await.expect_err("the hook fails");
    assert!(matches!(&failed, RebindError::Open(_)) && failed.to_string() == "on_open failed: not today", "{failed}");
    let (near, far) = memory::pair();
    drop(far);
    let lost = client.rebind(near).await.expect_err("the connection is lost");
    assert!(matches!(&lost, RebindError::Open(_)), "{lost}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_later_request_for_a_connection_replaces_an_earlier_one() -> Result<(), Box<dyn Error>> {
    let (raw, client) = RawPeer::accept(Client::builder());
    let (first, _first_peer) = memory::pair();
    let (second, second_peer) = memory::pair();
    let (first, second) = (rebinding(&client, first), rebinding(&client, second));
    let_others_run().await;
    drop(raw);
    assert!(matches!(first.await?, Err(RebindError::Superseded)));
    second.await??;
    client.emit("event", ()).await?;
    assert_eq!(RawPeer::on(second_peer).receive().await, json!({"a": ["event"]}));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_of_a_connector_times_out() -> Result<(), Box<dyn Error>> {
    let failed = Client::builder().connect_with(connectors::never).await.expect_err("it never connects");
    assert!(matches!(failed, ConnectError::TimedOut { .. }), "{failed}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_a_connector_is_an_error() -> Result<(), Box<dyn Error>> {
    let panics = |_| async {
        panic!("broken");
        #[expect(unreachable_code, reason = "it gives the future its type")]
        Attempt::Ok((memory::pair().0, Handshake::default()))
    };
    let failed = Client::builder().connect_with(panics).await.expect_err("it panics");
    assert_eq!(failed.to_string(), "the connector panicked: broken");
    Ok(())
}
