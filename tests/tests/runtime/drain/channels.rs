//! Streams, uploads and scoped services while a server drains.

use super::{LONG, RegisterProxy, WorkProxy, desk, numbers};
use futures_util::{FutureExt, StreamExt, stream};
use std::error::Error;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::error::Rejection;
use wswrapper::{AnonymousChannel, CallError, Context, Server, Streaming};
use wswrapper_tests::pair;

#[tokio::test(start_paused = true)]
async fn a_stream_runs_to_its_end() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let mut numbers_sent = WorkProxy::new(&pair.client).count(5).await?;
    assert_eq!(numbers_sent.next().await.transpose()?, Some(0));
    let shutdown = pair.server.shutdown(LONG);
    let mut rest = Vec::new();
    while let Some(n) = numbers_sent.next().await {
        rest.push(n?);
    }
    assert_eq!(rest, [1, 2, 3, 4]);
    assert_eq!(pair.client.closed().await.code, 1001);
    assert_eq!((numbers(shutdown.await), desk.handlers.count()), ((1, 0, 0), 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_the_peer_runs_to_its_end() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.client.serve(super::Desk::default())?;
    let mut items: Streaming<u32, Rejection> = pair.peer.request("count", (3,)).await?;
    assert_eq!(items.next().await.transpose()?, Some(0));
    let shutdown = pair.server.shutdown(LONG);
    assert_eq!(items.next().await.transpose()?, Some(1));
    assert_eq!(items.next().await.transpose()?, Some(2));
    assert!(items.next().await.is_none());
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_upload_runs_to_its_result() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let items = stream::iter(1..=4_u32).then(|n| async move {
        sleep(Duration::from_secs(1)).await;
        n
    });
    let call = tokio::spawn(WorkProxy::new(&pair.client).sum(items));
    desk.handlers.becomes(1).await;
    sleep(Duration::from_millis(1_500)).await;
    let shutdown = pair.server.shutdown(LONG);
    assert_eq!(call.await??, 10);
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_scoped_service_does_not_hold_up_the_drain() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let register: RegisterProxy<AnonymousChannel> = WorkProxy::new(&pair.client).register().await?;
    assert_eq!((register.add(2).await?, desk.registers.count()), (2, 1));
    let began = Instant::now();
    assert_eq!(numbers(pair.server.shutdown(LONG).await), (1, 0, 0));
    assert_eq!((desk.registers.count(), began.elapsed().as_secs()), (0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_on_the_channel_of_a_scoped_service_is_rejected() -> Result<(), Box<dyn Error>> {
    let (desk, server) = desk();
    let pair = pair(server);
    let register = WorkProxy::new(&pair.client).register().await?;
    let running = tokio::spawn(WorkProxy::new(&pair.client).sleep(1_000));
    desk.handlers.becomes(1).await;
    let shutdown = pair.server.shutdown(LONG);
    let added = register.add(1).await;
    assert!(
        matches!(&added, Err(CallError::Rejected(rejection)) if rejection.code() == Some("ws:Draining")),
        "{added:?}"
    );
    assert_eq!(running.await??, 1_000);
    assert_eq!(numbers(shutdown.await), (1, 0, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_end_ends_with_the_drain_if_its_handler_wants_that() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    pair.server.serve(Ticker)?;
    let mut ticks: Streaming<u32, Rejection> = pair.client.request("ticks", ()).await?;
    assert_eq!(ticks.next().await.transpose()?, Some(1));
    let began = Instant::now();
    let mut draining = pin!(pair.server.draining());
    assert!(draining.as_mut().now_or_never().is_none());
    let report = tokio::spawn({
        let server = pair.server.clone();
        async move {
            sleep(Duration::from_secs(3)).await;
            server.shutdown(LONG).await
        }
    });
    draining.await;
    while let Some(tick) = ticks.next().await {
        tick?;
    }
    assert_eq!((numbers(report.await?), began.elapsed().as_secs()), ((1, 0, 0), 3));
    pair.server.draining().await;
    Ok(())
}

struct Ticker;

#[wswrapper::ws_handlers]
impl Ticker {
    #[ws(handler)]
    async fn ticks(&self, ctx: Context) -> impl wswrapper::Stream<Item = u32> + Send {
        let seconds = stream::repeat(1).then(|tick| async move {
            sleep(Duration::from_secs(1)).await;
            tick
        });
        seconds.take_until(Box::pin(ctx.draining()))
    }
}
