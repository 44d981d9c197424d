//! Handlers of a channel that panic when they are dropped.

use super::{ChannelService, channel_server};
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::{AnonymousChannel, Context, error::NameError};
use wswrapper_tests::{Log, Pair, nothing_is_left, pair, until};

const LONG: Duration = Duration::from_hours(1);

struct DropBomb(&'static str);

impl Drop for DropBomb {
    fn drop(&mut self) {
        // A second panic would abort the program and hide why the test failed.
        assert!(std::thread::panicking(), "{}", self.0);
    }
}

impl ChannelService {
    /// Opens a channel with handlers that panic when they are dropped, among others that do not.
    fn channel_with_drop_bombs(&self, ctx: &Context) -> Result<AnonymousChannel, NameError> {
        let channel = self.channel(ctx);
        for name in ["one", "two"] {
            let (drop_bomb, guard) = (DropBomb(name), self.alive.guard());
            channel.on(name, move || {
                let _ = (&drop_bomb, &guard);
                async { 7 }
            })?;
        }
        channel.on("close", {
            let channel = channel.clone();
            move || {
                channel.close();
                async {}
            }
        })?;
        Ok(channel)
    }
}

/// Pairs a server with a client. `mine` returns a channel with drop bombs, `forget` opens one without returning it.
fn drop_bomb_server() -> Result<(Log, ChannelService, Pair), Box<dyn Error>> {
    let (service, server) = channel_server();
    let pair = pair(server);
    let creator = service.clone();
    pair.server.on("mine", move |ctx: Context| {
        let channel = creator.channel_with_drop_bombs(&ctx).map_err(|error| error.to_string());
        async { channel }
    })?;
    let creator = service.clone();
    pair.server.on("forget", move |ctx: Context| {
        let opened = creator.channel_with_drop_bombs(&ctx).is_ok();
        async move { opened }
    })?;
    pair.server.on("wait", || async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        7
    })?;
    Ok((service.log.clone(), service, pair))
}

/// Checks that both panics were reported, in any order.
async fn both_are_reported(log: &Log) {
    let mut reports = log.has(2).await;
    reports.sort();
    let report = |text| format!("handler of `an anonymous channel's handlers` panicked: {text}");
    assert_eq!(reports, [report("one"), report("two")]);
}

#[tokio::test(start_paused = true)]
async fn panics_in_dropping_handlers_are_reported_and_close_only_their_channel() -> Result<(), Box<dyn Error>> {
    for end in ["the caller's", "the maker's", "nobody's"] {
        let (log, service, pair) = drop_bomb_server()?;
        let other = tokio::spawn(pair.client.request::<u8>("wait", ()));
        if end == "nobody's" {
            assert!(timeout(LONG, pair.client.request::<bool>("forget", ())).await??);
        } else {
            let channel = pair.client.request::<AnonymousChannel>("mine", ()).await?;
            assert_eq!(channel.request::<u8>("one", ()).await?, 7);
            if end == "the maker's" {
                channel.emit("close", ()).await?;
                until(|| service.last_channel().is_closed()).await;
                // A close sends nothing: the next use finds out.
                let used = timeout(LONG, channel.request::<u8>("one", ())).await?;
                assert!(used.is_err());
            }
        }
        both_are_reported(&log).await;
        service.alive.becomes(0).await;
        assert_eq!(timeout(LONG, other).await???, 7, "{end}");
        nothing_is_left(&pair).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn panics_in_dropping_handlers_are_reported_when_the_connection_closes() -> Result<(), Box<dyn Error>> {
    let (log, service, pair) = drop_bomb_server()?;
    let channel = pair.client.request::<AnonymousChannel>("mine", ()).await?;
    let signal = service.last_channel().close_signal();
    let call = tokio::spawn(channel.request::<u8>("nothing", ()));
    pair.peer.abort_connection();
    assert_eq!(timeout(LONG, pair.peer.closed()).await?.code, 1006);
    both_are_reported(&log).await;
    service.alive.becomes(0).await;
    assert_eq!(timeout(LONG, signal.closed()).await?.to_string(), "Connection closed");
    assert!(timeout(LONG, call).await??.is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_dropping_a_once_handler_is_reported_after_it_ran() -> Result<(), Box<dyn Error>> {
    let (log, service, pair) = drop_bomb_server()?;
    let channel = pair.client.request::<AnonymousChannel>("make", ()).await?;
    let drop_bomb = DropBomb("once");
    service.last_channel().once("once", move || {
        let _ = &drop_bomb;
        async { 7 }
    })?;
    let other = tokio::spawn(pair.client.request::<u8>("wait", ()));
    assert_eq!(timeout(LONG, channel.request::<u8>("once", ())).await??, 7);
    assert_eq!(log.has(1).await, ["handler of `once` panicked: once"]);
    assert_eq!(channel.request::<i64>("add", (1, 2)).await?, 3);
    assert_eq!(timeout(LONG, other).await???, 7);
    drop(channel);
    nothing_is_left(&pair).await;
    Ok(())
}
