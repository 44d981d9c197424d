//! Transports of frames: the interface between this crate and WebSocket libraries.

#[cfg(feature = "websocket")]
mod codec;
#[cfg(feature = "websocket")]
mod control_frame;
#[cfg(feature = "websocket")]
mod frame_follower;
pub mod memory;
mod output;
#[cfg(feature = "websocket")]
pub(crate) mod tcp;
mod text;
#[cfg(feature = "websocket")]
mod websocket;

pub use crate::close::Close;
pub use output::Output;
pub use text::Text;
#[cfg(feature = "websocket")]
pub(crate) use websocket::WebSocket;

use crate::limits::Limits;
use bytes::Bytes;
use std::io;
use std::task::{Context, Poll};

/// The largest payload of a control frame, in bytes.
const MAX_CONTROL_PAYLOAD: usize = 125;

/// Receives and sends the frames of one connection.
///
/// Both directions are polled, independently of each other. A transport answers pings and closing handshakes by
/// itself. It reads at most one buffer ahead of the frames that were polled. Text frames are written in place into its
/// [output buffer](Self::output).
///
/// [`memory::pair`] is an implementation without sockets.
pub trait Transport: Send + 'static {
    /// Sets the limits of the endpoint that uses the transport. Called once, before all other methods.
    ///
    /// By default they are ignored.
    fn set_limits(&mut self, _limits: &Limits) {}

    /// Receives the next frame, or `None` when the connection is closed.
    ///
    /// After an error only `None` follows.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>>;

    /// Returns the number of all bytes that were received.
    ///
    /// If it stands still and no frame comes, the peer is silent. The default, 0, is for transports that receive only
    /// whole messages.
    fn received_bytes(&self) -> u64 {
        0
    }

    /// Returns the message that has begun to arrive and is not complete.
    ///
    /// A message that arrives too slowly closes the connection. Its bytes count toward
    /// [`max_buffered_bytes`](crate::Limits::max_buffered_bytes). When that is reached, a connection that has more than
    /// 64 KiB of a message is not polled for frames. The default is for transports that receive only whole messages.
    fn begun_message(&self) -> Option<BegunMessage> {
        None
    }

    /// Returns true if the transport holds memory for large messages that it does not need now.
    ///
    /// Called only after [`poll_frame`](Self::poll_frame) has returned `Pending`, like
    /// [`free_spare_memory`](Self::free_spare_memory).
    fn has_spare_memory(&self) -> bool {
        false
    }

    /// Frees the memory that the transport does not need now. Called when it has held it for some time.
    fn free_spare_memory(&mut self) {}

    /// Returns the buffer for text frames. The next [`poll_flush`](Self::poll_flush) sends them.
    fn output(&mut self) -> &mut Output;

    /// Sends the contents of the output. More may be written while it is pending.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Makes the next [`poll_flush`](Self::poll_flush) send a ping with this payload, at most 125 bytes, behind the
    /// output. The flush fails if the peer is known to be gone. Returns false if the transport cannot send pings.
    ///
    /// The peer's transport answers with a [pong](Frame::Pong) of the same payload. Of several pings that were not
    /// answered, only the last may be sent or answered. A ping that finds an endpoint closing may be left out.
    ///
    /// By default it returns false. Then [`Peer::ping`](crate::Peer::ping) fails, and the connection has no
    /// [heartbeat](crate::Limits::heartbeat_interval), so a silent peer is never disconnected.
    fn ping(&mut self, _payload: &[u8]) -> bool {
        false
    }

    /// Writes a close frame into the output. Only the first call counts, and no text may be written after it.
    fn close(&mut self, close: &Close);
}

/// A frame that a transport has received.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Frame {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
    /// A ping. The transport answers it.
    Ping(Bytes),
    /// A pong.
    Pong(Bytes),
    /// The close frame of the peer. The transport answers it, and then closes the connection.
    Close(Close),
}

/// A message that has begun to arrive and is not complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BegunMessage {
    /// A number that no other message of the connection has.
    pub number: u64,
    /// The size of the part that has arrived, in bytes.
    pub bytes: u64,
}

/// An error that closes a transport.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The peer violated a rule or a limit of the transport. This status is sent to it.
    #[error("{}", .0.reason)]
    Violation(Close),
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl TransportError {
    /// The peer has sent a message that is larger than `limit` bytes [P-07].
    fn too_large(limit: usize) -> Self {
        Self::Violation(Close::new(Close::MESSAGE_TOO_BIG, format!("the message is larger than {limit} bytes")))
    }
}
