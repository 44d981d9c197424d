//! Clients whose `on_open` hook fails.

use super::serve;
use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::{
    Client, Limits, Server,
    connection::CloseCause,
    error::{ConnectError, OpenError},
};
use wswrapper_tests::Log;

const LONG: Duration = Duration::from_secs(10);

/// Returns a server that logs how its connections close.
fn logging(log: &Log) -> wswrapper::server::ServerBuilder {
    let log = log.clone();
    Server::builder().on_close(move |_, closed| {
        log.add(format!("{} {}", closed.code, closed.reason));
        async {}
    })
}

#[tokio::test]
async fn connecting_fails_with_the_error_of_the_hook() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let running = serve(logging(&log)).await;
    let builder = Client::builder().on_open(|_| async { Err::<(), Box<dyn Error + Send + Sync>>("no key".into()) });
    let error = timeout(LONG, builder.connect(&running.url())).await?.expect_err("the hook fails");
    assert!(matches!(error, ConnectError::Open(OpenError::Failed(_))), "{error:?}");
    assert_eq!(error.to_string(), "on_open failed: no key");
    assert_eq!(log.has(1).await, ["1011 the connection could not be opened"]);
    Ok(())
}

#[tokio::test]
async fn connecting_fails_when_the_hook_takes_too_long() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let running = serve(logging(&log)).await;
    let limits = Limits::default().open_timeout(Duration::from_millis(50));
    let builder = Client::builder().limits(limits).on_open(|_| pending::<()>());
    let error = timeout(LONG, builder.connect(&running.url())).await?.expect_err("the hook is slow");
    assert!(matches!(error, ConnectError::Open(OpenError::TimedOut)), "{error:?}");
    assert_eq!(log.has(1).await, ["1011 the connection was not opened in time"]);
    Ok(())
}

#[tokio::test]
async fn connecting_waits_for_the_hook_beyond_the_time_of_the_handshake() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let log = Log::default();
    let opens = log.clone();
    let builder = Client::builder().connect_timeout(Duration::from_millis(300)).on_open(move |_| {
        let log = opens.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(400)).await;
            log.add("opened");
        }
    });
    let client = timeout(LONG, builder.connect(&running.url())).await??;
    assert_eq!(log.entries(), ["opened"]);
    assert!(client.is_open());
    Ok(())
}

#[tokio::test]
async fn connecting_fails_when_the_server_closes_before_the_hook_returns() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().on_open(|peer| async move { peer.close(4001, "not today") })).await;
    let builder = Client::builder().on_open(|_| pending::<()>());
    let error = timeout(LONG, builder.connect(&running.url())).await?.expect_err("the server closes");
    let ConnectError::Open(OpenError::Closed(closed)) = &error else { panic!("{error:?}") };
    assert_eq!((closed.code, &*closed.reason, closed.cause), (4001, "not today", CloseCause::Remote));
    Ok(())
}

#[tokio::test]
async fn a_connection_is_closed_when_connecting_is_dropped_during_the_hook() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let running = serve(logging(&log)).await;
    let url = running.url();
    let hooks = Log::default();
    let hook_log = hooks.clone();
    let hook = move |_| {
        hook_log.add("opening");
        pending::<()>()
    };
    let connecting = tokio::spawn(async move { Client::builder().on_open(hook).connect(&url).await });
    hooks.has(1).await;
    connecting.abort();
    assert_eq!(log.has(1).await, ["1000 "]);
    Ok(())
}
