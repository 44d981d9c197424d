//! Waiting until queued messages were written.

use futures_util::FutureExt;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::timeout;
use wswrapper::{
    AnonymousChannel, Client, Context, Limits, Server,
    error::{Rejection, SendError},
};
use wswrapper_tests::{RawPeer, let_others_run, pair, until};

const LONG: Duration = Duration::from_hours(1);

fn client() -> (RawPeer, Client) {
    RawPeer::accept(Client::builder().limits(Limits::default().write_timeout(LONG)))
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_ready_when_the_last_queued_event_was_written() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = client();
    timeout(LONG, client.flush()).await??;
    let text = "x".repeat(10_000);
    for _ in 0..100 {
        client.emit("x", (&text,)).await?;
    }
    let flush = tokio::spawn({
        let client = client.clone();
        async move { client.flush().await }
    });
    // 64 KiB of text are written and not read.
    for _ in 0..90 {
        raw.receive().await;
        let_others_run().await;
        assert!(!flush.is_finished());
    }
    for _ in 0..10 {
        raw.receive().await;
    }
    timeout(LONG, flush).await???;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flush_is_ready_although_the_output_is_never_empty() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_outbound_bytes(50_000).write_timeout(LONG);
    let (mut raw, client) = RawPeer::accept(Client::builder().limits(limits));
    let sender = tokio::spawn({
        let client = client.clone();
        async move {
            let text = "x".repeat(10_000);
            while client.emit("x", (&text,)).await.is_ok() {}
        }
    });
    let reader = tokio::spawn(async move {
        loop {
            raw.receive().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    timeout(Duration::from_secs(1), client.flush()).await??;
    assert!(!sender.is_finished());
    reader.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flush_fails_if_the_connection_closes_first() -> Result<(), Box<dyn Error>> {
    for lost in [true, false] {
        let (mut raw, client) = client();
        client.emit("x", ("x".repeat(100_000),)).await?;
        client.emit("x", ("x".repeat(100_000),)).await?;
        let mut early = Box::pin(client.flush());
        assert!((&mut early).now_or_never().is_none());
        let_others_run().await;
        let mut late = Box::pin(client.flush());
        assert!((&mut late).now_or_never().is_none());
        if lost {
            drop(raw);
        } else {
            raw.close(4000, "enough").await;
            raw.receive().await;
            drop(raw);
        }
        client.closed().await;
        if lost {
            assert!(matches!(timeout(LONG, early).await?, Err(SendError::Closed(_))));
            assert!(matches!(timeout(LONG, late).await?, Err(SendError::Closed(_))));
        } else {
            // The second event may have been written before the end.
            timeout(LONG, early).await?.ok();
            timeout(LONG, late).await?.ok();
        }
        assert!(matches!(client.flush().await, Err(SendError::Closed(_))));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_flush_before_a_close_is_ready_when_its_frames_were_written() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = client();
    client.emit("x", ()).await?;
    let closing = async {
        client.close(1000, "");
        client.closed().await
    };
    let (flushed, closed, received) = tokio::join!(client.flush(), closing, async {
        let received = raw.receive().await;
        raw.frame().await;
        raw.close(1000, "").await;
        received
    });
    flushed?;
    assert_eq!((closed.code, &received["a"][0]), (1000, &"x".into()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn dropped_flushes_change_nothing_for_the_others() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = client();
    for _ in 0..10 {
        client.emit("x", ("x".repeat(20_000),)).await?;
    }
    let mut first = Box::pin(client.flush());
    assert!((&mut first).now_or_never().is_none());
    for n in 0..1_000 {
        assert!(client.flush().now_or_never().is_none());
        if n % 10 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let mut last = Box::pin(client.flush());
    assert!((&mut last).now_or_never().is_none());
    for _ in 0..10 {
        raw.receive().await;
    }
    timeout(LONG, first).await??;
    timeout(LONG, last).await??;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn peers_and_channels_can_be_flushed() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let open = |ctx: Context| async move { Ok::<_, Rejection>(ctx.open_channel()) };
    pair.server.on("new", open)?;
    let channel = pair.client.request::<AnonymousChannel>("new", ()).await?;
    channel.emit("x", ()).await?;
    timeout(LONG, channel.flush()).await??;
    let channel = pair.client.channel("io");
    channel.emit("x", ()).await?;
    timeout(LONG, channel.flush()).await??;
    pair.peer.emit("x", ()).await?;
    timeout(LONG, pair.peer.flush()).await??;
    Ok(())
}

/// The client's runtime is dropped, like that of a program whose `main` returns.
#[test]
fn flushed_events_arrive_although_the_program_ends_at_once() -> Result<(), Box<dyn Error>> {
    const EVENTS: u32 = 2_000;
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let received = Arc::new(AtomicU32::new(0));
    let url = runtime.block_on(async {
        let listener = Server::builder().bind("127.0.0.1:0").await?;
        listener.server().on("x", {
            let received = Arc::clone(&received);
            move |_: String| {
                received.fetch_add(1, Ordering::Relaxed);
                async {}
            }
        })?;
        let url = format!("ws://{}", listener.local_addr());
        tokio::spawn(listener.serve());
        Ok::<_, Box<dyn Error>>(url)
    })?;
    let program = Builder::new_current_thread().enable_all().build()?;
    program.block_on(async {
        let client = Client::connect(&url).await?;
        let text = "x".repeat(1_000);
        for _ in 0..EVENTS {
            client.emit("x", (&text,)).await?;
        }
        client.flush().await?;
        Ok::<_, Box<dyn Error>>(())
    })?;
    drop(program);
    runtime.block_on(until(|| received.load(Ordering::Relaxed) == EVENTS));
    Ok(())
}
