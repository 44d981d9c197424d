//! The WebSocket codecs of a thread. A connection has one only while it reads or writes, or is in the middle of a
//! message.

use std::cell::Cell;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

/// Bytes of a codec's own read buffer.
const BUFFER_SIZE: usize = 1024;

thread_local! {
    /// The codec of the connection that became idle last.
    static SPARE: Cell<Option<Box<Codec>>> = const { Cell::new(None) };
}

/// A codec of tungstenite.
struct Codec {
    role: Role,
    max_message_size: usize,
    context: WebSocketContext,
}

/// The place of a connection's codec. It is empty while the connection is idle.
///
/// A codec between two messages is in the same state as a new one, so the next connection of the thread may use it.
pub(super) struct CodecSlot {
    role: Role,
    max_message_size: usize,
    codec: Option<Box<Codec>>,
}

impl CodecSlot {
    /// Creates the slot of a connection whose messages have at most `max_message_size` bytes.
    pub(super) fn new(role: Role, max_message_size: usize) -> Self {
        Self { role, max_message_size, codec: None }
    }

    pub(super) fn role(&self) -> Role {
        self.role
    }

    pub(super) fn max_message_size(&self) -> usize {
        self.max_message_size
    }

    /// Sets the limit. Called before the first codec is taken.
    pub(super) fn set_max_message_size(&mut self, max_message_size: usize) {
        self.max_message_size = max_message_size;
    }

    /// Returns the codec. It is in its initial state if there was none.
    #[inline]
    pub(super) fn context(&mut self) -> &mut WebSocketContext {
        let Self { role, max_message_size, codec } = self;
        &mut codec.get_or_insert_with(|| take(*role, *max_message_size)).context
    }

    /// Returns true if there is a codec that has neither read nor written a close frame.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.codec.as_ref().is_some_and(|codec| codec.context.can_write())
    }

    /// Passes the codec on to the next connection. It must be open, between two messages, and without an error.
    #[inline]
    pub(super) fn share(&mut self) {
        SPARE.set(self.codec.take());
    }

    /// Drops the codec.
    pub(super) fn free(&mut self) {
        self.codec = None;
    }
}

/// Takes the spare codec of this thread if it has the same settings, or creates one.
fn take(role: Role, max_message_size: usize) -> Box<Codec> {
    SPARE
        .take()
        .filter(|spare| spare.role == role && spare.max_message_size == max_message_size)
        .unwrap_or_else(|| create(role, max_message_size))
}

#[cold]
fn create(role: Role, max_message_size: usize) -> Box<Codec> {
    let config = WebSocketConfig::default()
        .read_buffer_size(BUFFER_SIZE)
        .write_buffer_size(0)
        .max_message_size(Some(max_message_size))
        .max_frame_size(Some(max_message_size));
    Box::new(Codec { role, max_message_size, context: WebSocketContext::new(role, Some(config)) })
}

#[cfg(test)]
mod tests {
    use crate::proto::Side;
    use crate::transport::websocket::WebSocket;
    use crate::transport::{Frame, Transport};
    use std::task::{Context, Poll, Waker};
    use tokio::io::{AsyncWriteExt, DuplexStream};

    /// A small generator of pseudorandom numbers (xorshift).
    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            usize::try_from(self.0 % end as u64).expect("it fits")
        }
    }

    /// A masked frame with the mask 0.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![first];
        match payload.len() {
            len @ ..126 => frame.push(0x80 | u8::try_from(len).expect("it is small")),
            len @ ..65_536 => {
                frame.push(0xfe);
                frame.extend(u16::try_from(len).expect("it is small").to_be_bytes());
            }
            len => {
                frame.push(0xff);
                frame.extend((len as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        frame
    }

    /// A random message, in fragments with pings between them, and its text.
    fn message(random: &mut Random, text: &str) -> Vec<u8> {
        let mut frames = Vec::new();
        let mut rest = text.as_bytes();
        let mut first = 1;
        while random.below(3) == 0 {
            let (fragment, left) = rest.split_at(random.below(rest.len() + 1));
            frames.extend(frame(first, fragment));
            (rest, first) = (left, 0);
            if random.below(2) == 0 {
                frames.extend(frame(0x89, b"ping"));
            }
        }
        frames.extend(frame(0x80 | first, rest));
        frames
    }

    /// A connection, the bytes that its peer will still send, and the texts that were sent and received.
    struct Connection {
        websocket: WebSocket<DuplexStream>,
        peer: DuplexStream,
        unsent: Vec<u8>,
        texts: Vec<String>,
        received: Vec<String>,
    }

    /// All connections of the thread use one spare codec. A byte that stays in it would reach another connection.
    #[tokio::test]
    async fn connections_that_share_codecs_receive_their_own_messages() {
        for seed in 1..=20 {
            let mut random = Random(seed);
            let mut connections: Vec<_> = (0..4)
                .map(|connection| {
                    let (peer, stream) = tokio::io::duplex(1 << 20);
                    let mut unsent = Vec::new();
                    let texts: Vec<_> = (0..20)
                        .map(|n| {
                            let size = [0, 5, 200, 2_000, 70_000][random.below(5)];
                            let text = format!("{connection}:{n}:{}", "x".repeat(random.below(size + 1)));
                            unsent.extend(message(&mut random, &text));
                            text
                        })
                        .collect();
                    let websocket = WebSocket::new(stream, Side::Server, Vec::new(), 1 << 20);
                    Connection { websocket, peer, unsent, texts, received: Vec::new() }
                })
                .collect();
            while connections.iter().any(|connection| !connection.unsent.is_empty()) {
                let connection = random.below(connections.len());
                let connection = &mut connections[connection];
                let most = [2, 20, 3_000][random.below(3)];
                let len = random.below(most).min(connection.unsent.len());
                let bytes: Vec<_> = connection.unsent.drain(..len).collect();
                connection.peer.write_all(&bytes).await.expect("it is open");
                while let Poll::Ready(frame) = connection.websocket.poll_frame(&mut Context::from_waker(Waker::noop()))
                {
                    if let Frame::Text(text) = frame.expect("it is open").expect("its frames are valid") {
                        connection.received.push(text.to_string());
                    }
                }
            }
            for connection in connections {
                assert_eq!(connection.received, connection.texts);
            }
        }
    }

    #[tokio::test]
    async fn a_codec_that_has_seen_a_violation_or_a_close_is_not_passed_on() {
        let cx = &mut Context::from_waker(Waker::noop());
        for bad in [frame(0x83, b"reserved"), frame(0x88, &[3, 0xe8]), frame(0x81, &[0xff]), frame(0x80, b"no start")] {
            let (mut peer, stream) = tokio::io::duplex(1 << 10);
            let mut broken = WebSocket::new(stream, Side::Server, Vec::new(), 1 << 20);
            // Bytes behind the frame, which nobody may see.
            peer.write_all(&[&bad[..], &frame(0x81, b"left over")].concat()).await.expect("it is open");
            while broken.poll_frame(cx).is_ready() {}
            let (mut peer, stream) = tokio::io::duplex(1 << 10);
            let mut next = WebSocket::new(stream, Side::Server, Vec::new(), 1 << 20);
            peer.write_all(&frame(0x81, b"own")).await.expect("it is open");
            match next.poll_frame(cx) {
                Poll::Ready(Some(Ok(Frame::Text(text)))) => assert_eq!(&*text, "own"),
                other => panic!("expected a text, got {other:?}"),
            }
            assert!(next.poll_frame(cx).is_pending());
        }
    }
}
