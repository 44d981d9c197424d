//! WebSocket over a byte stream, with tungstenite as a codec without I/O.

use super::codec::CodecSlot;
use super::control_frame::{write_close_frame, write_ping_frame};
use super::frame_follower::FrameFollower;
use super::output::Output;
use super::{BegunMessage, Frame, Transport, TransportError};
use crate::close::Close;
use crate::limits::Limits;
use crate::proto::Side;
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes that one read can return.
const READ_SIZE: usize = 64 * 1024;
/// The largest write buffer that is kept for other connections, in bytes.
const MAX_KEPT_BUFFER: usize = 256 * 1024;

/// The largest payload after which an idle connection passes its codec on, in bytes. After a larger one the codec has a
/// large buffer, so the connection keeps it for some time and then frees it.
const MAX_SHARED: u64 = 1024;

thread_local! {
    /// One read and one write buffer for all connections of a thread. An idle connection owns neither.
    static READ_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static WRITE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A WebSocket connection after its handshake.
pub(crate) struct WebSocket<S> {
    stream: S,
    codec: CodecSlot,
    /// The position in the bytes that the codec has read, and the peer's close frame.
    frames: FrameFollower,
    /// The read buffer; `start..end` was not decoded yet. Empty while there is nothing to read.
    input: Vec<u8>,
    start: usize,
    end: usize,
    /// All bytes that the stream has returned.
    received: u64,
    eof: bool,
    output: Output,
    /// The bytes of one write at most.
    max_write: usize,
    /// True after the peer has violated the protocol or has closed. Its further data are discarded, so that our close
    /// frame can reach it.
    draining: bool,
    /// True after the write side of the stream was shut down. A client waits for its server to close the TCP connection
    /// first (RFC 6455, 7.1.1).
    write_shut_down: bool,
    closing: Closing,
}

/// The close frames that were exchanged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Closing {
    None,
    /// The codec has written a close frame.
    ByCodec,
    /// We have written a close frame that the codec does not accept. The codec writes nothing any more.
    ByHand,
    /// We have written such a frame, and the peer's was received. The codec is not used any more.
    Done,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Continues a stream after its handshake; `rest` are the bytes that were read beyond it.
    pub(crate) fn new(stream: S, side: Side, rest: Vec<u8>, max_message_size: usize) -> Self {
        let role = match side {
            Side::Client => Role::Client,
            Side::Server => Role::Server,
        };
        let output = match role {
            Role::Client => Output::websocket_client(rand::random),
            Role::Server => Output::websocket_server(),
        };
        Self {
            stream,
            codec: CodecSlot::new(role, max_message_size),
            frames: FrameFollower::default(),
            start: 0,
            end: rest.len(),
            // Not given to the codec, which would keep the buffer.
            input: rest,
            received: 0,
            eof: false,
            output,
            max_write: usize::MAX,
            draining: false,
            write_shut_down: false,
            closing: Closing::None,
        }
    }

    /// Limits each write, for a stream that takes more than it can send.
    #[cfg(feature = "http2")]
    pub(crate) fn with_max_write(self, max_write: usize) -> Self {
        Self { max_write, ..self }
    }

    /// Fills the read buffer. Sets `eof` if the stream is closed.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            self.input = READ_BUFFER.take();
        }
        self.input.resize(READ_SIZE, 0);
        let mut buffer = ReadBuf::new(&mut self.input);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        (self.start, self.end) = (0, buffer.filled().len());
        match read {
            Poll::Pending => {
                READ_BUFFER.set(std::mem::take(&mut self.input));
                if self.is_idle() && self.frames.largest_payload() <= MAX_SHARED {
                    self.codec.share();
                }
            }
            Poll::Ready(_) => {
                self.eof = self.end == 0;
                self.received += self.end as u64;
            }
        }
        read
    }

    /// Returns true if there is a codec in its initial state: between messages, and before any close frame or
    /// violation.
    #[inline]
    fn is_idle(&self) -> bool {
        !self.draining && self.frames.begun_message().is_none() && self.closing == Closing::None && self.codec.is_open()
    }

    /// Writes a close frame that the codec does not accept.
    fn write_close_frame(&mut self, close: &Close) {
        write_close_frame(self.output.buffer(), close, mask_key(&self.codec));
        self.closing = Closing::ByHand;
    }

    /// Returns the peer's close frame, whose status and reason the codec may have replaced.
    fn close_received(&mut self, close: Close) -> Result<Frame, TransportError> {
        let received = self.frames.close().filter(|received| received.code != close.code);
        match received {
            Some(received) if received.code == Close::BAD_GATEWAY => {
                if self.closing == Closing::None {
                    self.write_close_frame(&received);
                }
                if self.closing == Closing::ByHand {
                    self.finish_by_hand();
                }
                Ok(Frame::Close(received))
            }
            // The codec has queued its answer, status 1002.
            Some(received) if self.closing == Closing::None => {
                self.draining = true;
                let reason = format!("the status {} of a close frame is not allowed", received.code);
                Err(TransportError::Violation(Close::new(Close::PROTOCOL_ERROR, reason)))
            }
            received => {
                if self.closing == Closing::ByHand {
                    self.finish_by_hand();
                }
                Ok(Frame::Close(received.unwrap_or(close)))
            }
        }
    }

    /// Stops using the codec after both close frames. A server closes the TCP connection, a client waits for that.
    fn finish_by_hand(&mut self) {
        self.closing = Closing::Done;
        self.draining = true;
    }

    /// Returns the error for a message that is larger than the codec accepts. Further data are discarded.
    fn too_large(&mut self) -> TransportError {
        self.draining = true;
        TransportError::too_large(self.codec.max_message_size())
    }

    /// Takes the thread's write buffer unless this connection has one already.
    #[inline]
    fn ensure_write_buffer(&mut self) {
        if self.output.buffer().capacity() == 0 {
            self.take_write_buffer();
        }
    }

    #[cold]
    fn take_write_buffer(&mut self) {
        *self.output.buffer() = WRITE_BUFFER.take();
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for WebSocket<S> {
    fn set_limits(&mut self, limits: &Limits) {
        self.codec.set_max_message_size(limits.max_message_size);
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        self.ensure_write_buffer();
        if self.closing == Closing::Done && matches!(self.codec.role(), Role::Server) {
            return Poll::Ready(None);
        }
        while self.draining {
            if ready!(self.poll_fill(cx)).is_err() || self.eof {
                return Poll::Ready(None);
            }
        }
        let mut refilled = false;
        loop {
            let input = &self.input[self.start..self.end];
            let mut discarded = Vec::new();
            let output = if self.closing == Closing::ByHand { &mut discarded } else { self.output.buffer() };
            let mut buffers = Buffers { input, eof: self.eof, frames: &mut self.frames, output };
            let read = self.codec.context().read(&mut buffers);
            self.start = self.end - buffers.input.len();
            match read {
                Ok(message @ Message::Close(_)) => {
                    return Poll::Ready(Some(match frame(message) {
                        Frame::Close(close) => self.close_received(close),
                        frame => Ok(frame),
                    }));
                }
                Ok(message) => return Poll::Ready(Some(Ok(frame(message)))),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A full buffer held only fragments, which may be empty. Lets other tasks run.
                    if std::mem::replace(&mut refilled, true) && self.end == READ_SIZE {
                        READ_BUFFER.set(std::mem::take(&mut self.input));
                        (self.start, self.end) = (0, 0);
                        cx.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    if let Err(error) = ready!(self.poll_fill(cx)) {
                        return Poll::Ready(Some(Err(error.into())));
                    }
                }
                Err(Error::Capacity(_)) => return Poll::Ready(Some(Err(self.too_large()))),
                Err(error) => {
                    self.draining = true;
                    return Poll::Ready(transport_error(error).map(Err));
                }
            }
        }
    }

    fn received_bytes(&self) -> u64 {
        self.received
    }

    fn begun_message(&self) -> Option<BegunMessage> {
        self.frames.begun_message()
    }

    /// Returns true if the connection keeps a codec between messages, because its buffer has grown.
    fn has_spare_memory(&self) -> bool {
        self.frames.largest_payload() > MAX_SHARED && self.is_idle()
    }

    /// Drops the codec, because it keeps its largest buffer.
    fn free_spare_memory(&mut self) {
        if self.has_spare_memory() {
            self.codec.free();
            self.frames.reset_largest_payload();
        }
    }

    fn output(&mut self) -> &mut Output {
        self.ensure_write_buffer();
        &mut self.output
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.stream().is_empty() {
            let output = self.output.stream();
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &output[..output.len().min(self.max_write)]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.output.advance(written),
            }
        }
        let buffer = self.output.take_buffer();
        if buffer.capacity() <= MAX_KEPT_BUFFER {
            WRITE_BUFFER.set(buffer);
        }
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.draining && !self.write_shut_down {
            // An error means that it is shut down already.
            self.write_shut_down = Pin::new(&mut self.stream).poll_shutdown(cx).is_ready();
        }
        Poll::Ready(Ok(()))
    }

    /// Writes the ping without the codec, which an idle connection does not own.
    fn ping(&mut self, payload: &[u8]) -> bool {
        if self.closing == Closing::None && !self.draining {
            self.ensure_write_buffer();
            write_ping_frame(self.output.buffer(), payload, mask_key(&self.codec));
        }
        true
    }

    fn close(&mut self, close: &Close) {
        self.ensure_write_buffer();
        if self.closing != Closing::None {
            return;
        }
        if close.code == Close::BAD_GATEWAY {
            return self.write_close_frame(close);
        }
        self.closing = Closing::ByCodec;
        let frame = (close.code != Close::NO_STATUS)
            .then(|| CloseFrame { code: CloseCode::from(close.code), reason: close.sent_reason().into() });
        let mut buffers = Buffers { input: &[], eof: false, frames: &mut self.frames, output: self.output.buffer() };
        // Writing to memory cannot fail, and an error because it is closed already does not matter.
        let _ = self.codec.context().close(&mut buffers, frame);
    }
}

/// Returns a key for a frame that is written by hand. A server's frames have none.
fn mask_key(codec: &CodecSlot) -> Option<[u8; 4]> {
    matches!(codec.role(), Role::Client).then(rand::random)
}

#[inline]
fn frame(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::Text(text.into()),
        Message::Binary(bytes) => Frame::Binary(bytes),
        Message::Ping(bytes) => Frame::Ping(bytes),
        Message::Pong(bytes) => Frame::Pong(bytes),
        // Only written, never read.
        Message::Frame(frame) => Frame::Binary(frame.into_payload()),
        Message::Close(None) => Frame::Close(Close::new(Close::NO_STATUS, "")),
        Message::Close(Some(close)) => Frame::Close(Close::new(close.code.into(), close.reason.as_str())),
    }
}

/// Converts an error of the codec. `None` means that the connection is closed.
fn transport_error(error: Error) -> Option<TransportError> {
    let (code, reason) = match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return None,
        Error::Io(error) => return Some(error.into()),
        Error::Utf8(_) => (Close::INVALID_DATA, "a text message is not valid UTF-8".to_owned()),
        Error::Protocol(error) => (Close::PROTOCOL_ERROR, error.to_string()),
        error => (Close::PROTOCOL_ERROR, error.to_string()),
    };
    Some(TransportError::Violation(Close::new(code, reason)))
}

/// A socket for the codec. Reads come from the read buffer, writes go to the output.
struct Buffers<'b> {
    input: &'b [u8],
    eof: bool,
    frames: &'b mut FrameFollower,
    output: &'b mut Vec<u8>,
}

impl Read for Buffers<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() && !self.eof {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let read = self.input.read(buffer)?;
        self.frames.follow(&buffer[..read]);
        Ok(read)
    }
}

impl Write for Buffers<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
