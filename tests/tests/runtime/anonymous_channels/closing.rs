//! Channels that are closed, aborted or dropped.

use super::{ChannelService, channel_pair};
use futures_util::FutureExt;
use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use wswrapper::{
    AnonymousChannel, CallError, Context,
    connection::CloseSignal,
    error::{Reason, SendError},
};
use wswrapper_tests::{Alive, Pair, nothing_is_left};

/// Waits until the channel is closed, and returns the reason.
async fn reason(signal: &CloseSignal) -> String {
    let reason = signal.closed().await.to_string();
    assert!(signal.is_closed());
    assert_eq!(signal.reason().map(ToString::to_string), Some(reason.clone()));
    reason
}

#[tokio::test]
async fn a_close_signal_reports_why_the_channel_was_closed() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let open = async || {
        let local = pair.client.request::<AnonymousChannel>("make", ()).await.expect("a channel");
        let (remote, signals) = (service.last_channel(), (local.close_signal(), service.last_channel().close_signal()));
        assert!(!signals.0.is_closed() && signals.1.reason().is_none());
        (local, remote, signals)
    };
    let (local, remote, (local_signal, remote_signal)) = open().await;
    let waiting = tokio::spawn({
        let local_signal = local_signal.clone();
        async move { local_signal.closed().await.clone() }
    });
    remote.abort(&Reason::new("enough"));
    assert_eq!((reason(&local_signal).await, reason(&remote_signal).await), ("enough".to_owned(), "enough".to_owned()));
    assert_eq!(waiting.await?, Reason::new("enough"));
    // Only the first close counts.
    local.abort(&Reason::new("too late"));
    local.close();
    assert_eq!(reason(&local_signal).await, "enough");

    let (local, _, (local_signal, remote_signal)) = open().await;
    local.abort(&Reason::value(json!({"code": 5})));
    assert_eq!(remote_signal.closed().await.as_value(), Some(&json!({"code": 5})));
    assert_eq!(local_signal.closed().await.as_value(), Some(&json!({"code": 5})));

    let (local, _, (local_signal, remote_signal)) = open().await;
    drop(local);
    assert_eq!(
        (reason(&local_signal).await, reason(&remote_signal).await),
        ("Request aborted".to_owned(), "Request aborted".to_owned())
    );

    let (_local, _, (local_signal, remote_signal)) = open().await;
    pair.peer.abort_connection();
    pair.peer.closed().await;
    assert_eq!(
        (reason(&local_signal).await, reason(&remote_signal).await),
        ("Connection closed".to_owned(), "Connection closed".to_owned())
    );
    service.alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn closing_a_channel_sends_nothing_and_the_peer_finds_out_at_its_next_use() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    service.last_channel().close();
    assert_eq!(reason(&service.last_channel().close_signal()).await, "Channel closed");
    assert_eq!(service.alive.count(), 0);
    assert_eq!(pair.client.request::<u8>("quick", ()).await?, 1);
    assert!(!local.is_closed());
    let error = local.request::<i64>("add", (1, 2)).await;
    assert!(matches!(error, Err(CallError::ChannelClosed(_))), "{error:?}");
    assert_eq!(reason(&local.close_signal()).await, "Anonymous channel '268435457' does not exist");
    assert!(matches!(local.emit("note", ("a",)).await, Err(SendError::ChannelClosed { .. })));
    let error = local.request::<i64>("add", (1, 2)).await;
    assert!(matches!(error, Err(CallError::NotSent(SendError::ChannelClosed { .. }))), "{error:?}");
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn running_handlers_continue_after_a_close_and_stop_at_an_abort() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    for aborts in [false, true] {
        let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
        let (remote, resume, alive) = (service.last_channel(), Arc::clone(&service.resume), Alive::default());
        remote.on("work", {
            let alive = alive.clone();
            move || {
                let (resume, alive) = (Arc::clone(&resume), alive.guard());
                async move {
                    resume.notified().await;
                    drop(alive);
                    "done"
                }
            }
        })?;
        let call = tokio::spawn(local.request::<String>("work", ()));
        alive.becomes(1).await;
        if aborts {
            remote.abort(&Reason::new("stop"));
            assert!(matches!(call.await?, Err(CallError::ChannelClosed(_))));
        } else {
            remote.close();
            pair.client.request::<u8>("quick", ()).await?;
            assert_eq!(alive.count(), 1);
            service.resume.notify_one();
            assert_eq!(call.await??, "done");
        }
        alive.becomes(0).await;
    }
    nothing_is_left(&pair).await;
    Ok(())
}

#[tokio::test]
async fn the_callers_last_handle_aborts_a_channel_and_the_creators_keep_nothing_open() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let clone = local.clone();
    drop(local);
    assert_eq!(clone.request::<i64>("add", (1, 2)).await?, 3);
    let signal = clone.close_signal();
    drop(clone);
    assert_eq!(reason(&signal).await, "Request aborted");
    service.alive.becomes(0).await;
    assert!(service.last_channel().is_closed());
    // A channel that a client received keeps its connection open. A channel that it opened does not.
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    pair.client.on("make", {
        let service = service.clone();
        move |ctx: Context| {
            let channel = service.channel(&ctx);
            async move { channel }
        }
    })?;
    let clients_channel = pair.peer.request::<AnonymousChannel>("make", ()).await?;
    let Pair { server: _server, peer, client } = pair;
    drop(client);
    assert_eq!(local.request::<i64>("add", (1, 2)).await?, 3);
    assert_eq!(clients_channel.request::<i64>("add", (1, 2)).await?, 3);
    assert!(peer.is_open());
    drop(local);
    assert_eq!(peer.closed().await.code, 1000);
    assert_eq!(reason(&clients_channel.close_signal()).await, "Connection closed");
    service.alive.becomes(0).await;
    Ok(())
}

#[tokio::test]
async fn a_closed_channel_keeps_no_handlers() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let local = pair.client.request::<AnonymousChannel>("make", ()).await?;
    local.close();
    let handler = || {
        let guard = service.alive.guard();
        move || {
            let _ = &guard;
            async {}
        }
    };
    local.on("x", handler())?;
    local.once("x", handler())?;
    local.serve::<ChannelService>(ChannelService::default());
    service.last_channel().close();
    assert_eq!(service.alive.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_thousand_channels_of_every_kind_leave_nothing_behind() -> Result<(), Box<dyn Error>> {
    let (service, pair) = channel_pair();
    let client = &pair.client;
    for n in 0..1_000 {
        match n % 8 {
            0 => drop(client.request::<AnonymousChannel>("make", ()).await?),
            1 => service.last_channel().abort(&Reason::new("by its maker")),
            2 => {
                let local = client.request::<AnonymousChannel>("make", ()).await?;
                let (held_channel, guard) = (local.clone(), service.alive.guard());
                local.on("x", move || {
                    let _ = (&guard, &held_channel);
                    async {}
                })?;
                match n % 16 {
                    2 => local.close(),
                    _ => service.last_channel().abort(&Reason::new("by its maker")),
                }
                // A close sends nothing: the remote endpoint finds out at its next use of the channel.
                let _ = service.last_channel().request::<u8>("x", ()).await;
            }
            3 => drop(client.request::<u8>("keeps", ()).await?),
            4 => drop(client.request::<AnonymousChannel>("fails", ()).await),
            5 => drop(client.request::<AnonymousChannel>("closed", ()).await),
            6 => drop((&mut client.request::<AnonymousChannel>("make", ())).now_or_never()),
            _ => drop((&mut client.request::<AnonymousChannel>("waits", ())).now_or_never()),
        }
    }
    service.alive.becomes(0).await;
    nothing_is_left(&pair).await;
    Ok(())
}
