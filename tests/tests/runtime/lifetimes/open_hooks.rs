//! `on_open` hooks that fail or take too long.

use std::error::Error;
use std::future::pending;
use std::io;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wswrapper::transport::{Frame, memory};
use wswrapper::{
    CallError, Client, Limits, Server,
    connection::CloseCause,
    error::{OpenError, ServiceError},
    server::ServerBuilder,
};
use wswrapper_tests::{Alive, Log, RawPeer, pair};

const LONG: Duration = Duration::from_hours(1);

fn logging(builder: ServerBuilder, log: &Log) -> ServerBuilder {
    let (errors, closes) = (log.clone(), log.clone());
    let builder = builder.on_error(move |_, error| {
        assert!(matches!(error, ServiceError::Open(OpenError::Failed(_) | OpenError::TimedOut)), "{error:?}");
        errors.add(error.to_string());
    });
    builder.on_close(move |_, closed| {
        closes.add(closed.to_string());
        async {}
    })
}

#[tokio::test(start_paused = true)]
async fn a_failing_hook_closes_with_1011_and_its_error_is_reported_and_not_sent() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let builder = Server::builder().on_open(|_| async { Err::<(), _>(io::Error::other("the password is 1234")) });
    let server = logging(builder, &log).build()?;
    server.on("x", || async { log_never() })?;
    let (local, remote) = memory::pair();
    server.accept_transport(remote)?;
    let client = Client::connect_transport(local)?;
    let error = client.request::<()>("x", ()).await.expect_err("it does not open");
    let CallError::Closed(closed) = error else { panic!("{error:?}") };
    assert_eq!((closed.code, &*closed.reason), (1011, "the connection could not be opened"));
    assert_eq!(closed.cause, CloseCause::Remote);
    let closed = "this endpoint closed the connection (status 1011): the connection could not be opened";
    assert_eq!(log.has(2).await, ["on_open failed: the password is 1234", closed]);
    Ok(())
}

fn log_never() {
    panic!("the hook has failed");
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_hook_closes_with_1011_and_is_reported() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = logging(Server::builder().on_open(|_| async { panic!("no header") }), &log).build()?;
    server.on("x", || async { log_never() })?;
    let (local, remote) = memory::pair();
    server.accept_transport(remote)?;
    let error = Client::connect_transport(local)?.request::<()>("x", ()).await.expect_err("it does not open");
    assert!(matches!(&error, CallError::Closed(closed) if closed.code == 1011), "{error:?}");
    assert_eq!(log.has(2).await[0], "on_open failed: the hook panicked: no header");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_has_closed_the_connection_itself_chooses_the_status() -> Result<(), Box<dyn Error>> {
    for fails in [false, true] {
        let server = Server::builder().on_open(move |peer| async move {
            // The close is requested by the call; its future only waits for the end.
            peer.close(4401, "log in first");
            if fails { Err("not logged in") } else { Ok(()) }
        });
        let server = server.build()?;
        server.on("x", || async { log_never() })?;
        let (local, remote) = memory::pair();
        server.accept_transport(remote)?;
        let error = Client::connect_transport(local)?.request::<()>("x", ()).await.expect_err("it does not open");
        let CallError::Closed(closed) = error else { panic!("{error:?}") };
        assert_eq!((closed.code, &*closed.reason), (4401, "log in first"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_takes_too_long_closes_with_1011_and_is_dropped() -> Result<(), Box<dyn Error>> {
    for open_timeout in [Duration::from_secs(30), Duration::from_millis(1), Duration::ZERO] {
        let (log, hooks) = (Log::default(), Alive::default());
        let guards = hooks.clone();
        let builder = Server::builder().limits(Limits::default().open_timeout(open_timeout)).on_open(move |_| {
            let guard = guards.guard();
            async move {
                let _guard = guard;
                pending::<()>().await;
            }
        });
        let server = logging(builder, &log).build()?;
        let began = Instant::now();
        let (mut raw, peer) = RawPeer::dial(&server);
        raw.send(r#"{"a":["x"],"i":1}"#).await;
        let frame = timeout(LONG, raw.frame()).await?;
        assert!(matches!(&frame, Some(Frame::Close(close)) if close.code == 1011), "{frame:?}");
        assert_eq!((began.elapsed(), hooks.count()), (open_timeout, 0));
        drop(raw);
        assert_eq!(timeout(LONG, peer.closed()).await?.code, 1011);
        let error = &log.entries()[0];
        assert!(error.starts_with("on_open did not return within `open_timeout`; "), "{error}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_returns_in_time_has_no_effect_afterwards() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().on_open(|_| async {
        tokio::time::sleep(Duration::from_secs(29)).await;
        Ok::<(), &str>(())
    });
    let pair = pair(server);
    pair.server.on("x", || async { 1 })?;
    assert_eq!(pair.client.request::<u8>("x", ()).await?, 1);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(pair.client.request::<u8>("x", ()).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_over_a_transport_is_closed_when_its_hook_fails() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("x", || async { 1 })?;
    let (local, remote) = memory::pair();
    server.accept_transport(remote)?;
    let client =
        Client::builder().on_open(|_| async { Err::<(), String>("no key".into()) }).connect_transport(local)?;
    let closed = timeout(LONG, client.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1011, CloseCause::Local));
    let error = client.emit("x", ()).await.expect_err("it is closed").to_string();
    assert!(error.ends_with("this endpoint closed the connection (status 1011): the connection could not be opened"));
    Ok(())
}
