//! Authentication by the first message, and its end.

use serde_json::json;
use std::error::Error;
use std::time::SystemTime;
use tokio::time::{Instant, sleep};
use wswrapper::connection::CloseCause;
use wswrapper::error::{MountError, Rejection};
use wswrapper::server::{FirstMessage, ServerBuilder};
use wswrapper::{CallError, Context, Server};
use wswrapper_tests::{Log, Pair, RawPeer, SECOND, let_others_run, nothing_is_left, pair};

/// A server with a login, whose tokens are names of users.
fn guarded(builder: ServerBuilder) -> Result<Pair, Box<dyn Error>> {
    let pair = pair(builder);
    pair.server
        .on("login", |token: String| async move { if token == "wrong" { Err("wrong token") } else { Ok(1) } })?;
    pair.server.on("renew", |ctx: Context, user: String, seconds: u32| async move {
        ctx.peer().authenticated_until(&user, SystemTime::now() + SECOND * seconds);
    })?;
    pair.server.on("news", || async { "it rains" })?;
    Ok(pair)
}

fn code<T>(result: Result<T, CallError<Rejection>>) -> Option<String> {
    match result {
        Err(CallError::Handler(rejection)) => rejection.code().map(str::to_owned),
        _ => None,
    }
}

#[tokio::test(start_paused = true)]
async fn every_other_call_is_rejected_until_the_request_has_succeeded() -> Result<(), Box<dyn Error>> {
    let pair = guarded(Server::builder().first_message(FirstMessage::request("login")))?;
    let news = || pair.client.request::<String>("news", ());
    assert_eq!(code(news().await).as_deref(), Some("ws:Unauthenticated"));
    assert_eq!(code(pair.client.request::<()>("unknown", ()).await).as_deref(), Some("ws:Unauthenticated"));
    // An event of that name is no login, and the request on another channel neither.
    pair.client.emit("login", ("Ada",)).await?;
    pair.client.emit("news", ()).await?;
    let elsewhere = pair.client.channel("elsewhere").request::<()>("login", ("Ada",)).await;
    assert_eq!(code(elsewhere).as_deref(), Some("ws:Unauthenticated"));
    assert_eq!(pair.server.status().events_dropped, 2);
    let wrong = pair.client.request::<u32>("login", ("wrong",)).await;
    assert_eq!(wrong.expect_err("it is wrong").to_string(), "wrong token");
    assert_eq!(code(news().await).as_deref(), Some("ws:Unauthenticated"));
    assert_eq!(pair.client.request::<u32>("login", ("Ada",)).await?, 1);
    assert_eq!(news().await?, "it rains");
    // Nothing is due any more.
    sleep(60 * SECOND).await;
    assert_eq!(news().await?, "it rains");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_not_authenticated_in_time_is_closed() -> Result<(), Box<dyn Error>> {
    for (first, seconds) in [
        (FirstMessage::request("login"), 10),
        (FirstMessage::request("login").on_channel("auth").timeout(3 * SECOND), 3),
    ] {
        let pair = guarded(Server::builder().first_message(first))?;
        let began = Instant::now();
        let wrong = pair.client.request::<u32>("login", ("wrong",)).await;
        assert!(wrong.is_err());
        let closed = pair.peer.closed().await;
        assert_eq!((closed.code, closed.cause, began.elapsed().as_secs()), (1008, CloseCause::Limit, seconds));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_may_authenticate_too() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().first_message(FirstMessage::request("login")).on_open(|peer| async move {
        peer.authenticated_until("Ada", SystemTime::now() + 100 * SECOND);
    });
    let pair = guarded(server)?;
    assert_eq!(pair.client.request::<String>("news", ()).await?, "it rains");
    let began = Instant::now();
    assert_eq!(pair.peer.closed().await.code, 4401);
    assert!((99..=100).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_authentication_expires_after_a_warning_unless_it_is_renewed() -> Result<(), Box<dyn Error>> {
    for channel in [None, Some("auth")] {
        let pair = guarded(Server::builder().auth_warning(10 * SECOND, channel))?;
        let (log, began) = (Log::default(), Instant::now());
        let logged = log.clone();
        let warned = move |left: u64| {
            logged.add(format!("{} of {left}", began.elapsed().as_secs()));
            async {}
        };
        match channel {
            Some(channel) => pair.client.channel(channel).on("auth_expiring", warned)?,
            None => pair.client.on("auth_expiring", warned)?,
        }
        let renew = |user: &str, seconds: u32| pair.client.request::<()>("renew", (user, seconds));
        renew("Ada", 30).await?;
        sleep(25 * SECOND).await;
        assert_eq!(log.entries().len(), 1);
        // It is not closed at the old time, and warned once more.
        renew("Ada", 30).await?;
        sleep(28 * SECOND).await;
        assert!(pair.peer.is_open());
        let closed = pair.peer.closed().await;
        assert_eq!((closed.code, closed.reason.as_str()), (4401, "the authentication has expired"));
        let entries = log.entries();
        assert_eq!(entries.len(), 2);
        assert!(entries[0].starts_with("20 of 9") || entries[0].starts_with("20 of 10000"), "{entries:?}");
        assert!((54..=55).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn another_user_closes_the_connection() -> Result<(), Box<dyn Error>> {
    let pair = guarded(Server::builder())?;
    let renew = |user: &str| pair.client.request::<()>("renew", (user, 100));
    renew("Ada").await?;
    renew("Ada").await?;
    // The request itself may be answered before.
    drop(renew("Bob").await);
    let closed = pair.peer.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (4401, "the connection is another user's"));
    // A time that has passed closes at once.
    let pair = guarded(Server::builder())?;
    pair.peer.authenticated_until("Ada", SystemTime::UNIX_EPOCH);
    assert_eq!(pair.peer.closed().await.code, 4401);
    Ok(())
}

/// A peer that floods before it logs in.
#[tokio::test(start_paused = true)]
async fn rejected_calls_leave_nothing() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().first_message(FirstMessage::request("login")).build()?;
    let (mut raw, peer) = RawPeer::dial(&server);
    for n in 1..=200 {
        raw.send(&json!({"a": ["x", n], "i": n}).to_string()).await;
        assert_eq!(raw.receive().await["e"]["code"], "ws:Unauthenticated");
    }
    let_others_run().await;
    assert_eq!(peer.counters(), wswrapper::connection::Counters::default());
    Ok(())
}

#[test]
fn the_names_are_checked() {
    let name = |error: Result<Server, MountError>| assert!(matches!(error, Err(MountError::Name(_))), "{error:?}");
    name(Server::builder().first_message(FirstMessage::request("error")).build());
    name(Server::builder().first_message(FirstMessage::request("x").on_channel("")).build());
    name(Server::builder().auth_warning(SECOND, Some("")).build());
}
