//! The built-in layers and guards.

use std::error::Error;
use std::future::pending;
use tokio::time::{Instant, sleep};
use wswrapper::error::Rejection;
use wswrapper::service::layer::{self, GuardCall, LayerCall, Next};
use wswrapper::{CallError, Server};
use wswrapper_tests::{Alive, Log, SECOND, let_others_run, nothing_is_left, pair};

/// Returns the code of a rejection.
fn code<T>(result: Result<T, CallError<Rejection>>) -> String {
    match result {
        Err(CallError::Handler(rejection) | CallError::Rejected(rejection)) => {
            rejection.code().unwrap_or("none").to_owned()
        }
        Err(other) => format!("{other:?}"),
        Ok(_) => "ok".to_owned(),
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_of_a_call_ends_with_a_rejection_and_drops_the_handler() -> Result<(), Box<dyn Error>> {
    let alive = Alive::default();
    let pair = pair(Server::builder().layer(layer::timeout(2 * SECOND)).layer(layer::timeout(SECOND)));
    let in_handler = alive.clone();
    pair.server.on("never", move || {
        let guard = in_handler.guard();
        async move {
            let _guard = guard;
            pending::<()>().await;
        }
    })?;
    pair.server.on("quick", || async { sleep(SECOND / 2).await })?;
    let began = Instant::now();
    assert_eq!(code(pair.client.request::<()>("never", ()).await), "ws:TimedOut");
    assert_eq!((began.elapsed(), alive.count()), (SECOND, 0));
    pair.client.request::<()>("quick", ()).await?;
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_layer_sees_the_time_that_is_left() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let logged = log.clone();
    let server = Server::builder().layer(move |mut call: LayerCall, next: Next| {
        let log = logged.clone();
        async move {
            log.add(format!("{:?}", call.time_left().map(|time| time.as_secs())));
            call.shorten(3 * SECOND);
            // It only gets shorter.
            call.shorten(50 * SECOND);
            log.add(format!("{:?}", call.time_left().map(|time| time.as_secs())));
            next.run(call).await
        }
    });
    let seen = log.clone();
    let pair = pair(server.guard(move |call: &GuardCall<'_>| {
        seen.add(format!("{:?}", call.time_left().map(|time| time.as_secs())));
        Ok::<(), String>(())
    }));
    pair.server.on("x", || async {})?;
    pair.client.request::<()>("x", ()).timeout(10 * SECOND).await?;
    assert_eq!(log.entries(), ["Some(10)", "Some(3)", "Some(3)"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn further_calls_wait_for_their_turn_or_are_rejected() -> Result<(), Box<dyn Error>> {
    for rejects in [false, true] {
        let limit = layer::concurrency(2);
        let limit = if rejects { limit.or_reject() } else { limit };
        let pair = pair(Server::builder().layer_on("desk", limit));
        let alive = Alive::default();
        let in_handler = alive.clone();
        pair.server.channel("desk").on("work", move || {
            let guard = in_handler.guard();
            async move {
                let _guard = guard;
                sleep(SECOND).await;
            }
        })?;
        let call = || tokio::spawn(pair.client.channel("desk").request::<()>("work", ()));
        let (began, calls) = (Instant::now(), [call(), call(), call(), call(), call()]);
        alive.becomes(2).await;
        let_others_run().await;
        assert_eq!(alive.count(), 2);
        let mut codes = Vec::new();
        for call in calls {
            codes.push(code(call.await?));
        }
        let (expected, seconds) =
            if rejects { (["ok", "ok", "ws:TooMany", "ws:TooMany", "ws:TooMany"], 1) } else { (["ok"; 5], 3) };
        assert_eq!((codes, began.elapsed().as_secs()), (expected.map(str::to_owned).to_vec(), seconds));
        // A call that is cancelled gives its place back.
        let (first, second) = (call(), call());
        alive.becomes(2).await;
        first.abort();
        second.abort();
        alive.becomes(0).await;
        pair.client.channel("desk").request::<()>("work", ()).await?;
        nothing_is_left(&pair).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn large_calls_and_calls_without_a_value_are_rejected() -> Result<(), Box<dyn Error>> {
    #[derive(Clone)]
    struct Admin;
    let server =
        Server::builder().guard_on("small", layer::max_message_bytes(100)).guard_on("admin", layer::require::<Admin>());
    let pair = pair(server);
    for channel in ["small", "admin"] {
        pair.server.channel(channel).on("x", |text: String| async move { text.len() })?;
    }
    let call = |channel: &str, len| pair.client.channel(channel).request::<usize>("x", ("x".repeat(len),));
    assert_eq!(
        (code(call("small", 10).await), code(call("small", 100).await)),
        ("ok".to_owned(), "ws:TooLarge".to_owned())
    );
    assert_eq!(code(call("admin", 1).await), "ws:Forbidden");
    pair.peer.extensions().insert(Admin);
    assert_eq!(code(call("admin", 1).await), "ok");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_calls_is_limited_by_key() -> Result<(), Box<dyn Error>> {
    let limit = layer::rate(5, SECOND, |call: &GuardCall<'_>| call.argument::<String>(0));
    let pair = pair(Server::builder().guard(limit.clone()));
    pair.server.on("x", |_key: String| async {})?;
    let call = |key: &str| pair.client.request::<()>("x", (key,));
    for key in ["a", "b"] {
        for _ in 0..5 {
            call(key).await?;
        }
    }
    let Err(CallError::Handler(rejection)) = call("a").await else { panic!("it is rejected") };
    assert_eq!((rejection.code(), rejection.retry_after()), (Some("ws:RateLimited"), Some(SECOND / 5)));
    sleep(SECOND / 5).await;
    call("a").await?;
    assert_eq!(code(call("a").await), "ws:RateLimited");
    // All of it comes back, and not more.
    sleep(10 * SECOND).await;
    for _ in 0..5 {
        call("a").await?;
    }
    assert_eq!(code(call("a").await), "ws:RateLimited");
    // An event is dropped.
    pair.client.emit("x", ("a",)).await?;
    pair.client.flush().await?;
    let_others_run().await;
    assert_eq!(pair.server.status().events_dropped, 1);
    Ok(())
}

/// A peer may make up keys.
#[tokio::test(start_paused = true)]
async fn keys_that_are_no_longer_used_are_forgotten() -> Result<(), Box<dyn Error>> {
    let limit = layer::rate(1, SECOND, |call: &GuardCall<'_>| call.argument::<u32>(0));
    let pair = pair(Server::builder().guard(limit.clone()));
    pair.server.on("x", |_key: u32| async {})?;
    for n in 0..20_000_u32 {
        pair.client.request::<()>("x", (n,)).await?;
        if n % 100 == 0 {
            sleep(SECOND).await;
        }
    }
    let keys = format!("{limit:?}");
    let count: usize = keys.chars().filter(char::is_ascii_digit).collect::<String>().parse()?;
    assert!(count <= 2_048, "{keys}");
    Ok(())
}
