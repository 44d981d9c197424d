//! The connections of upgraded streams.

use super::Phase;
use super::entrance::Entrance;
use crate::engine::{Driver, Shared};
use crate::error::AcceptError;
use crate::http::Upgrade;
use crate::proto::Side;
use crate::rt;
use crate::transport::WebSocket;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use std::future::{Future, pending};
use std::io;
use std::sync::Arc;

/// The transport of a connection that hyper has upgraded.
pub(super) type UpgradedWebSocket = WebSocket<TokioIo<Upgraded>>;

/// The bytes of one write on a stream of HTTP/2. hyper accepts several writes of any size before the client reads.
#[cfg(feature = "http2")]
const MAX_HTTP2_WRITE: usize = 16 << 10;

impl Entrance {
    /// Opens the connection of a valid handshake when its response was written, and returns its driver.
    pub(super) async fn open(&self, upgrade: Upgrade) -> Result<(Arc<Shared>, Driver<UpgradedWebSocket>), AcceptError> {
        #[cfg(feature = "http2")]
        let is_http2 = upgrade.is_http2;
        let Upgrade { stream, handshake, extensions, admitted, .. } = upgrade;
        let limits = &self.endpoint.limits;
        let upgraded = rt::timeout(limits.write_timeout, stream).await.map_err(io::Error::from)?;
        let stream = TokioIo::new(upgraded.map_err(io::Error::other)?);
        let websocket = WebSocket::new(stream, Side::Server, Vec::new(), limits.max_message_size);
        #[cfg(feature = "http2")]
        let websocket = if is_http2 { websocket.with_max_write(MAX_HTTP2_WRITE) } else { websocket };
        let opened = self.enter(websocket, handshake, extensions);
        drop(admitted);
        opened
    }

    /// Opens the connection of a valid handshake, and drives it until it is closed.
    pub(super) async fn open_and_drive(self: Arc<Self>, upgrade: Upgrade) {
        // Boxed, because the task keeps the size of its largest part.
        let driver = match Box::pin(self.open(upgrade)).await.map(|(_, driver)| driver) {
            Ok(driver) => driver,
            Err(error) => return tracing::debug!("no connection: {error}"),
        };
        drop(self);
        driver.run().await;
    }

    /// Waits until the server begins to close its connections. A server that is closed already refuses each handshake, so
    /// it does not have to cut a stream off.
    pub(super) fn closing(&self) -> impl Future<Output = ()> + Send + use<> {
        let is_open = self.phase() < Phase::Closing;
        let closing = self.reaches(|phase| phase >= Phase::Closing);
        async move { if is_open { closing.await } else { pending().await } }
    }

    /// Waits until the server has reached a phase.
    pub(super) fn reaches(&self, is_reached: fn(Phase) -> bool) -> impl Future<Output = ()> + Send + use<> {
        let mut phase = self.phase.subscribe();
        async move {
            // Fails if the server is gone.
            let _ = phase.wait_for(|phase| is_reached(*phase)).await;
        }
    }
}
