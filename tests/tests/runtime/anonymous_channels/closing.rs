//! How channels end.

use super::{Made, made};
use futures_util::FutureExt;
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use wswrapper::{AnonymousChannel, CallError, CloseSignal, Context, Reason, SendError};
use wswrapper_tests::{Alive, Pair, nothing_is_left};

/// The reason of an end that has come.
async fn reason(signal: &CloseSignal) -> String {
    let reason = signal.closed().await.to_string();
    assert!(signal.is_closed());
    assert_eq!(signal.reason().map(ToString::to_string), Some(reason.clone()));
    reason
}

#[tokio::test]
async fn a_close_signal_reports_why_the_channel_was_closed() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let open = async || {
        let here = pair.client.request::<AnonymousChannel>("make", ()).await.expect("a channel");
        let (there, signals) = (made.last(), (here.close_signal(), made.last().close_signal()));
        assert!(!signals.0.is_closed() && signals.1.reason().is_none());
        (here, there, signals)
    };
    let (here, there, (near, far)) = open().await;
    let waiting = tokio::spawn({
        let near = near.clone();
        async move { near.closed().await.clone() }
    });
    there.abort(&Reason::new("enough"));
    assert_eq!((reason(&near).await, reason(&far).await), ("enough".to_owned(), "enough".to_owned()));
    assert_eq!(waiting.await?, Reason::new("enough"));
    // Only the first end counts.
    here.abort(&Reason::new("too late"));
    here.close();
    assert_eq!(reason(&near).await, "enough");

    let (here, _, (near, far)) = open().await;
    here.abort(&Reason::value(json!({"code": 5})));
    assert_eq!(far.closed().await.as_value(), Some(&json!({"code": 5})));
    assert_eq!(near.closed().await.as_value(), Some(&json!({"code": 5})));

    let (here, _, (near, far)) = open().await;
    drop(here);
    assert_eq!((reason(&near).await, reason(&far).await), ("Request aborted".to_owned(), "Request aborted".to_owned()));

    let (_here, _, (near, far)) = open().await;
    pair.peer.abort_connection().await;
    assert_eq!(
        (reason(&near).await, reason(&far).await),
        ("Connection closed".to_owned(), "Connection closed".to_owned())
    );
    made.alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn closing_a_channel_sends_nothing_and_the_peer_finds_out_at_its_next_use() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    made.last().close();
    assert_eq!(reason(&made.last().close_signal()).await, "Channel closed");
    assert_eq!(made.alive.count(), 0);
    assert_eq!(pair.client.request::<u8>("quick", ()).await?, 1);
    assert!(!here.is_closed());
    let error = here.request::<i64>("add", (1, 2)).await;
    assert!(matches!(error, Err(CallError::Closed)), "{error:?}");
    assert_eq!(reason(&here.close_signal()).await, "Anonymous channel '268435457' does not exist");
    assert!(matches!(here.emit("note", ("a",)).await, Err(SendError::ChannelClosed)));
    let error = here.request::<i64>("add", (1, 2)).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed))), "{error:?}");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn running_handlers_continue_after_a_close_and_stop_at_an_abort() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    for aborts in [false, true] {
        let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
        let (there, go_on, alive) = (made.last(), Arc::clone(&made.go_on), Alive::default());
        there.on("work", {
            let alive = alive.clone();
            move || {
                let (go_on, alive) = (Arc::clone(&go_on), alive.guard());
                async move {
                    go_on.notified().await;
                    drop(alive);
                    "done"
                }
            }
        })?;
        let call = tokio::spawn(here.request::<String>("work", ()));
        alive.becomes(1).await;
        if aborts {
            there.abort(&Reason::new("stop"));
            assert!(matches!(call.await?, Err(CallError::Closed)));
        } else {
            there.close();
            pair.client.request::<u8>("quick", ()).await?;
            assert_eq!(alive.count(), 1);
            made.go_on.notify_one();
            assert_eq!(call.await??, "done");
        }
        alive.becomes(0).await;
    }
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn the_callers_last_handle_aborts_a_channel_and_the_creators_keep_nothing_open() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let clone = here.clone();
    drop(here);
    assert_eq!(clone.request::<i64>("add", (1, 2)).await?, 3);
    let signal = clone.close_signal();
    drop(clone);
    assert_eq!(reason(&signal).await, "Request aborted");
    made.alive.becomes(0).await;
    assert!(made.last().is_closed());
    // A channel that a client has been given keeps its connection open; one that it has made does not.
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    pair.client.on("make", {
        let made = made.clone();
        move |ctx: Context| {
            let channel = made.channel(&ctx);
            async move { channel }
        }
    })?;
    let theirs = pair.peer.request::<AnonymousChannel>("make", ()).await?;
    let Pair { server: _server, peer, client } = pair;
    drop(client);
    assert_eq!(here.request::<i64>("add", (1, 2)).await?, 3);
    assert_eq!(theirs.request::<i64>("add", (1, 2)).await?, 3);
    assert!(peer.is_open());
    drop(here);
    assert_eq!(peer.closed().await.code, 1000);
    assert_eq!(reason(&theirs.close_signal()).await, "Connection closed");
    made.alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn a_closed_channel_keeps_no_handlers() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let here = pair.client.request::<AnonymousChannel>("make", ()).await?;
    here.close();
    let handler = || {
        let guard = made.alive.guard();
        move || {
            let _ = &guard;
            async {}
        }
    };
    here.on("x", handler())?;
    here.once("x", handler())?;
    here.serve::<Made>(Made::default());
    made.last().close();
    assert_eq!(made.alive.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_thousand_channels_of_every_kind_leave_nothing_behind() -> Result<(), Box<dyn Error>> {
    let (made, pair) = made();
    let client = &pair.client;
    for n in 0..1_000 {
        match n % 8 {
            0 => drop(client.request::<AnonymousChannel>("make", ()).await?),
            1 => made.last().abort(&Reason::new("by its maker")),
            2 => {
                let here = client.request::<AnonymousChannel>("make", ()).await?;
                let (kept, guard) = (here.clone(), made.alive.guard());
                here.on("x", move || {
                    let _ = (&guard, &kept);
                    async {}
                })?;
                match n % 16 {
                    2 => here.close(),
                    _ => made.last().abort(&Reason::new("by its maker")),
                }
                // Who closes says nothing: the other end's use of the channel finds it.
                let _ = made.last().request::<u8>("x", ()).await;
            }
            3 => drop(client.request::<u8>("keeps", ()).await?),
            4 => drop(client.request::<AnonymousChannel>("fails", ()).await),
            5 => drop(client.request::<AnonymousChannel>("closed", ()).await),
            6 => drop((&mut client.request::<AnonymousChannel>("make", ())).now_or_never()),
            _ => drop((&mut client.request::<AnonymousChannel>("waits", ())).now_or_never()),
        }
    }
    made.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}
