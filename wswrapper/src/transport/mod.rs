//! What moves frames: the seam between this crate and WebSocket libraries.

pub mod memory;
mod output;
#[cfg(feature = "tungstenite")]
mod websocket;

pub use crate::close::Close;
pub use output::Output;
#[cfg(feature = "tungstenite")]
pub(crate) use websocket::WebSocket;

use bytes::Bytes;
use std::io;
use std::task::{Context, Poll};

/// Frames in and out of one connection, by polling, independently in both directions.
///
/// A transport answers pings and closing handshakes by itself and does not read ahead of what it is asked for by more
/// than a buffer. It lends its [output buffer](Self::output), into which text frames are written in place.
pub trait Transport: Send + 'static {
    /// The next frame; `None` once the connection is over.
    ///
    /// After an error there are no more frames, only the end.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>>;

    /// Where text frames are written; they leave with the next [`poll_flush`](Self::poll_flush).
    fn output(&mut self) -> &mut Output;

    /// Sends what the output holds. While it is pending, more may be written.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Has the next [`poll_flush`](Self::poll_flush) send something that a peer does not heed, so that it fails where there
    /// is no peer any more; for a connection that is not read.
    fn probe(&mut self);

    /// Writes a close frame into the output. Only the first counts, and no text may be written after it.
    fn close(&mut self, close: &Close);
}

/// What a transport receives.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Frame {
    /// A text message, valid UTF-8.
    Text(Bytes),
    /// A binary message.
    Binary(Bytes),
    /// A ping, which the transport answers.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// The peer closes; the transport answers, and the end of the connection follows.
    Close(Close),
}

/// Why a transport gives up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The peer broke a rule of the transport or one of its limits; it is told by this status.
    #[error("{}", .0.reason)]
    Violation(Close),
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}
