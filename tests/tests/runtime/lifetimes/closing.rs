//! Closing of connections and servers.

use super::{Slow, SlowProxy, slow_server};
use futures_util::FutureExt;
use std::error::Error;
use std::future::pending;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Output, Transport, TransportError};
use wswrapper::{CallError, Client, Limits, Server, connection::CloseCause, error::SendError};
use wswrapper_tests::{Alive, Log, RawPeer, pair, until};

/// A transport that delivers the peer's close frame and never ends afterwards.
struct NeverDisconnects {
    transport: Memory,
    closed: bool,
}

impl NeverDisconnects {
    fn over(transport: Memory) -> Self {
        Self { transport, closed: false }
    }
}

impl Transport for NeverDisconnects {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        if self.closed {
            return Poll::Pending;
        }
        let frame = self.transport.poll_frame(cx);
        self.closed = matches!(frame, Poll::Ready(Some(Ok(Frame::Close(_)))));
        frame
    }

    fn output(&mut self) -> &mut Output {
        self.transport.output()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.transport.poll_flush(cx)
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.transport.ping(payload)
    }

    fn close(&mut self, close: &Close) {
        self.transport.close(close);
    }
}

/// Returns limits with a close timeout of one minute and no call timeout.
fn patient_limits() -> Limits {
    Limits::default().close_timeout(Duration::from_mins(1)).call_timeout(None)
}

const LONG: Duration = Duration::from_hours(1);

#[tokio::test(start_paused = true)]
async fn a_closing_client_that_stays_connected_is_disconnected_after_the_timeout() -> Result<(), Box<dyn Error>> {
    let (slow, server) = slow_server();
    let server = server.limits(patient_limits()).build()?;
    let (local, remote) = memory::pair();
    let peer = server.accept_transport(NeverDisconnects::over(remote))?;
    let mut raw = RawPeer::on(local);
    raw.send(r#"{"a":["wait"],"i":1}"#).await;
    slow.handlers.becomes(1).await;
    let call = tokio::spawn(peer.request::<()>("x", ()));
    raw.receive().await;
    let began = Instant::now();
    raw.close(4001, "enough").await;
    // Running handlers are stopped at once.
    slow.handlers.becomes(0).await;
    assert_eq!(slow.log.has(1).await, ["Connection closed"]);
    // Nothing more can be sent, and no response arrives.
    assert!(matches!(timeout(LONG, call).await??, Err(CallError::Closed(_))));
    assert!(matches!(peer.emit("x", ()).await, Err(SendError::Closed(_))));
    assert_eq!((peer.is_open(), peer.close_info(), began.elapsed().as_secs()), (false, None, 0));
    let closed = timeout(LONG, peer.closed()).await?;
    assert_eq!((closed.code, closed.reason.as_str(), closed.cause), (4001, "enough", CloseCause::Remote));
    assert_eq!(began.elapsed().as_secs(), 60);
    assert_eq!(server.peers().len(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_closing_server_that_stays_connected_is_disconnected_after_the_timeout() -> Result<(), Box<dyn Error>> {
    let (local, remote) = memory::pair();
    let slow = Slow::default();
    let client = Client::builder()
        .limits(patient_limits())
        .service(slow.clone())
        .connect_transport(NeverDisconnects::over(remote))?;
    let mut raw = RawPeer::on(local);
    raw.send(r#"{"a":["wait"],"i":1}"#).await;
    slow.handlers.becomes(1).await;
    let call = tokio::spawn(client.request::<()>("x", ()));
    raw.receive().await;
    raw.close(1001, "going").await;
    slow.handlers.becomes(0).await;
    // Closing in return also completes after the timeout.
    client.close(1000, "");
    let closed = timeout(LONG, client.closed()).await?;
    assert_eq!((closed.code, closed.reason.as_str(), closed.cause), (1001, "going", CloseCause::Remote));
    assert!(matches!(timeout(LONG, call).await??, Err(CallError::Closed(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_handler_can_close_its_server_with_all_connections() -> Result<(), Box<dyn Error>> {
    let pair = pair(Server::builder());
    let server = &pair.server;
    server.on("shutdown", {
        let server = server.clone();
        move || {
            let server = server.clone();
            async move {
                server.close();
                server.closed().await;
            }
        }
    })?;
    let (local, remote) = memory::pair();
    let peer = server.accept_transport(remote)?;
    let other = Client::connect_transport(local)?;
    let call = timeout(LONG, pair.client.request::<()>("shutdown", ())).await?;
    assert!(matches!(call, Err(CallError::Closed(_))), "{call:?}");
    for (client, peer) in [(&pair.client, &pair.peer), (&other, &peer)] {
        let (remote, local) = (timeout(LONG, client.closed()).await?, timeout(LONG, peer.closed()).await?);
        assert_eq!((remote.code, remote.cause), (1001, CloseCause::Remote));
        assert_eq!((local.code, local.cause), (1001, CloseCause::Local));
    }
    server.close();
    timeout(LONG, server.closed()).await?;
    assert_eq!(server.peers().len(), 0);
    assert!(server.accept_transport(memory::pair().1).is_err());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_closes_though_nobody_waits_for_it() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let server = Server::builder().on_close({
        let log = log.clone();
        move |_, closed| {
            let log = log.clone();
            async move { log.add(closed.code.to_string()) }
        }
    });
    let pair = pair(server);
    // The server waits for a peer that does not answer.
    let (_silent, silent_peer) = RawPeer::dial(&pair.server);
    let began = Instant::now();
    pair.server.close();
    assert!(pair.server.is_closing());
    let closed = timeout(LONG, pair.client.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1001, CloseCause::Remote));
    until(|| pair.peer.close_info().is_some()).await;
    assert_eq!(silent_peer.close_info(), None);
    // A second call changes nothing.
    pair.server.close();
    assert!(pair.server.closed().now_or_never().is_none());
    timeout(LONG, pair.server.closed()).await?;
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(silent_peer.close_info().map(|closed| closed.code), Some(1001));
    assert_eq!(log.entries(), ["1001", "1001"]);
    pair.server.close();
    timeout(LONG, pair.server.closed()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_server_for_whose_close_nobody_waits_still_cancels_hooks_after_the_timeout() -> Result<(), Box<dyn Error>> {
    let hooks = Alive::default();
    let server = Server::builder().on_close({
        let hooks = hooks.clone();
        move |_, _| {
            let hook = hooks.guard();
            async move {
                let _hook = hook;
                pending::<()>().await;
            }
        }
    });
    let pair = pair(server);
    pair.server.close();
    assert_eq!(timeout(LONG, pair.client.closed()).await?.code, 1001);
    hooks.becomes(1).await;
    pair.server.close();
    timeout(LONG, pair.server.closed()).await?;
    assert_eq!(hooks.count(), 0);
    let call = SlowProxy::new(&pair.client).quick().await;
    assert!(matches!(call, Err(CallError::NotSent(_))), "{call:?}");
    Ok(())
}
