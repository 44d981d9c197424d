//! Timeouts, dropped calls and closing at a JavaScript server.

use super::{CalcProxy, MainServiceProxy, NodeServer};
use serde_json::json;
use std::time::Duration;
use wswrapper::{CallError, connection::CloseCause, error::SendError};

#[tokio::test]
async fn calls_that_a_javascript_server_does_not_answer_time_out() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    let in_time = |milliseconds| Duration::from_millis(milliseconds);
    let late = main.hold(1).timeout(in_time(30)).await;
    assert!(matches!(late, Err(CallError::TimedOut)), "{late:?}");
    // The server does not know cancellations, so it still sends the response, which is ignored.
    main.release(1).await.expect("a response");
    // Defect of ws-wrapper: a result that cannot be encoded is never sent as an error, unless it comes from a promise.
    let big = main.big().timeout(in_time(30)).await;
    assert!(matches!(big, Err(CallError::TimedOut)), "{big:?}");
    // Defect of ws-wrapper: a channel with the name of a property of all objects seems to exist, and its requests are
    // never answered.
    let constructor = CalcProxy::new(&client.channel("constructor")).add(1, 2).timeout(in_time(30)).await;
    assert!(matches!(constructor, Err(CallError::TimedOut)), "{constructor:?}");
    assert_eq!(client.calls_in_flight(), 0);
    assert_eq!(CalcProxy::new(&client).add(1, 2).await.expect("a response"), 3);
}

#[tokio::test]
async fn a_response_of_a_javascript_server_to_a_dropped_call_is_ignored() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    let mut held = main.hold(1);
    tokio::select! {
        _ = &mut held => panic!("the call was not released"),
        response = main.nothing() => response.expect("a response"),
    }
    drop(held);
    main.release(1).await.expect("a response");
    assert_eq!(client.calls_in_flight(), 0);
    assert_eq!(main.echo(json!("still here")).await.expect("a response"), "still here");
}

#[tokio::test]
async fn pings_of_a_javascript_server_are_answered() {
    let Some(server) = NodeServer::start_with(json!({"heartbeatInterval": 250})).await else { return };
    let client = server.connect().await;
    // The server disconnects a client that has not answered the previous ping.
    assert_eq!(MainServiceProxy::new(&client).pongs(3).await.expect("a response"), 3);
    assert!(client.is_open());
}

#[tokio::test]
async fn a_client_receives_the_code_and_reason_of_a_closing_javascript_server() {
    let Some(mut server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    let held = tokio::spawn({
        let main = main.clone();
        async move { main.hold(1).await }
    });
    wswrapper_tests::until(|| client.calls_in_flight() == 1).await;
    main.close_me(4002, "closing time \u{1f600}").await.expect("the queue has capacity");
    let closed = client.closed().await;
    assert_eq!(
        (closed.code, closed.reason.as_str(), closed.cause),
        (4002, "closing time \u{1f600}", CloseCause::Remote)
    );
    assert!(matches!(held.await.expect("no panic"), Err(CallError::Closed(_))));
    assert!(matches!(main.nothing().await, Err(CallError::NotSent(SendError::Closed(_)))));
    assert_eq!(server.report().await["closed"][0], 4002);
}

#[tokio::test]
async fn a_javascript_server_receives_the_code_and_reason_of_a_closing_client() {
    let Some(mut server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    MainServiceProxy::new(&client).note("before the end").await.expect("the queue has capacity");
    client.peer().close(4001, "enough \u{1f600}");
    assert_eq!(server.report().await, json!({"note": "before the end"}));
    assert_eq!(server.report().await, json!({"closed": [4001, "enough \u{1f600}"]}));
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str(), closed.cause), (4001, "enough \u{1f600}", CloseCause::Local));

    drop(server.connect().await);
    assert_eq!(server.report().await, json!({"closed": [1000, ""]}));
}

#[tokio::test]
async fn the_connection_is_lost_when_a_javascript_server_is_killed() {
    let Some(mut server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    main.nothing().await.expect("a response");
    let (held, killed) = tokio::join!(main.hold(1), server.child.kill());
    killed.expect("the server is running");
    assert!(matches!(held, Err(CallError::Closed(_))), "{held:?}");
    assert_eq!(client.closed().await.code, 1006);
}
