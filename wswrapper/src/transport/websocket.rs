//! WebSocket over a byte stream: tungstenite as a codec without I/O of its own.

use super::output::Output;
use super::{Frame, Transport, TransportError};
use crate::close::Close;
use crate::proto::Side;
use bytes::Bytes;
use std::cell::Cell;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig, WebSocketContext};
use tokio_tungstenite::tungstenite::{Error, Message};

/// Bytes read at once.
const READ_SIZE: usize = 64 * 1024;
/// A write buffer that grew beyond this is not kept for others.
const MAX_KEPT_BUFFER: usize = 256 * 1024;
/// What the codec takes from the read buffer at once; it owns so much for each connection.
const CODEC_BUFFER_SIZE: usize = 1024;

thread_local! {
    /// One read and one write buffer for all connections of a thread: an idle connection owns neither.
    static READ_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
    static WRITE_BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A WebSocket connection after its handshake.
pub(crate) struct WebSocket<S> {
    stream: S,
    codec: WebSocketContext,
    /// What was read and not yet taken by the codec lies at `start..end`; empty while nothing is there to read.
    input: Vec<u8>,
    start: usize,
    end: usize,
    eof: bool,
    output: Output,
    /// The peer broke a rule, or has closed: what it still sends is read and thrown away, so that our close frame can reach
    /// it.
    draining: bool,
    /// After that nothing more is written, and the peer was told so: a client waits for its server to end the connection
    /// first (RFC 6455, 7.1.1).
    write_shut_down: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// Goes on after a handshake; `rest` is what was read beyond it.
    pub(crate) fn new(stream: S, side: Side, rest: Vec<u8>, frame_bytes: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(CODEC_BUFFER_SIZE)
            .write_buffer_size(0)
            .max_message_size(Some(frame_bytes))
            .max_frame_size(Some(frame_bytes));
        let role = match side {
            Side::Client => Role::Client,
            Side::Server => Role::Server,
        };
        let codec = WebSocketContext::from_partially_read(rest, role, Some(config));
        let output = match role {
            Role::Client => Output::websocket_client(rand::random),
            Role::Server => Output::websocket_server(),
        };
        Self {
            stream,
            codec,
            input: Vec::new(),
            start: 0,
            end: 0,
            eof: false,
            output,
            draining: false,
            write_shut_down: false,
        }
    }

    /// Fills the read buffer; false if nothing is there.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.input.is_empty() {
            self.input = READ_BUFFER.take();
            self.input.resize(READ_SIZE, 0);
        }
        let mut buffer = ReadBuf::new(&mut self.input);
        let read = Pin::new(&mut self.stream).poll_read(cx, &mut buffer);
        (self.start, self.end) = (0, buffer.filled().len());
        match read {
            Poll::Pending => READ_BUFFER.set(std::mem::take(&mut self.input)),
            Poll::Ready(_) => self.eof = self.end == 0,
        }
        read
    }

    /// Takes the thread's write buffer if there is none of our own in use.
    fn ensure_write_buffer(&mut self) {
        let bytes = self.output.buffer();
        if bytes.capacity() == 0 {
            *bytes = WRITE_BUFFER.take();
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for WebSocket<S> {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        self.ensure_write_buffer();
        while self.draining {
            if ready!(self.poll_fill(cx)).is_err() || self.eof {
                return Poll::Ready(None);
            }
        }
        let mut refilled = false;
        loop {
            let input = &self.input[self.start..self.end];
            let mut buffers = Buffers { input, eof: self.eof, output: self.output.buffer() };
            let read = self.codec.read(&mut buffers);
            self.start = self.end - buffers.input.len();
            match read {
                Ok(message) => return Poll::Ready(Some(Ok(frame(message)))),
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    // A buffer full of fragments, which may all be empty: others are to have their turn.
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
                Err(error) => {
                    self.draining = true;
                    return Poll::Ready(transport_error(error).map(Err));
                }
            }
        }
    }

    fn output(&mut self) -> &mut Output {
        self.ensure_write_buffer();
        &mut self.output
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.output.stream().is_empty() {
            match ready!(Pin::new(&mut self.stream).poll_write(cx, self.output.stream()))? {
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
            // Once is enough; that it cannot be done means that it was.
            self.write_shut_down = Pin::new(&mut self.stream).poll_shutdown(cx).is_ready();
        }
        Poll::Ready(Ok(()))
    }

    fn probe(&mut self) {
        self.ensure_write_buffer();
        let mut buffers = Buffers { input: &[], eof: false, output: self.output.buffer() };
        // A pong that nobody has asked for (RFC 6455, 5.5.3). It is written into memory.
        let _ = self.codec.write(&mut buffers, Message::Pong(Bytes::new()));
    }

    fn close(&mut self, close: &Close) {
        self.ensure_write_buffer();
        let frame = (close.code != Close::NO_STATUS).then(|| CloseFrame {
            code: CloseCode::from(close.code),
            reason: close.reason[..close.reason.floor_char_boundary(123)].into(),
        });
        let mut buffers = Buffers { input: &[], eof: false, output: self.output.buffer() };
        // It writes into memory, and that it is closed already is as well.
        let _ = self.codec.close(&mut buffers, frame);
    }
}

fn frame(message: Message) -> Frame {
    match message {
        Message::Text(text) => Frame::Text(Bytes::from(text)),
        Message::Binary(bytes) => Frame::Binary(bytes),
        Message::Ping(bytes) => Frame::Ping(bytes),
        Message::Pong(bytes) => Frame::Pong(bytes),
        // Never read, only written.
        Message::Frame(frame) => Frame::Binary(frame.into_payload()),
        Message::Close(None) => Frame::Close(Close::new(Close::NO_STATUS, "")),
        Message::Close(Some(close)) => Frame::Close(Close::new(close.code.into(), close.reason.as_str())),
    }
}

/// What an error of the codec means: the end of the connection, or a reason to end it.
fn transport_error(error: Error) -> Option<TransportError> {
    let code = match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => return None,
        Error::Io(error) => return Some(error.into()),
        Error::Capacity(_) => CloseCode::Size,
        Error::Utf8(_) => CloseCode::Invalid,
        _ => CloseCode::Protocol,
    };
    Some(TransportError::Violation(Close::new(code.into(), error.to_string())))
}

/// The codec's view of a socket: it reads what was read and writes into the output.
struct Buffers<'b> {
    input: &'b [u8],
    eof: bool,
    output: &'b mut Vec<u8>,
}

impl Read for Buffers<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.input.is_empty() && !self.eof {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.input.read(buffer)
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
