//! The buffer for outgoing frames.

use std::collections::VecDeque;

/// A buffer of outgoing text frames in the format of the transport.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    /// The bytes at the start of the buffer that were sent.
    consumed: usize,
    /// All bytes that were sent.
    sent: u64,
    /// All texts that were written, and their bytes.
    texts: (u64, u64),
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    /// WebSocket frames. Those of a client are masked with fresh keys.
    WebSocket { key: Option<fn() -> [u8; 4]> },
    /// Texts without headers, with the lengths of the complete ones.
    Texts(VecDeque<usize>),
}

impl Output {
    /// Creates an output of separate texts, for [`take_text`](Self::take_text).
    pub fn texts() -> Self {
        Self::new(Framing::Texts(VecDeque::new()))
    }

    /// Creates an output of WebSocket frames of a server, for a [stream of bytes](Self::stream).
    pub fn websocket_server() -> Self {
        Self::new(Framing::WebSocket { key: None })
    }

    /// Creates an output of WebSocket frames of a client, for a [stream of bytes](Self::stream).
    ///
    /// The frames are masked. `key` must return keys from a strong source of entropy (RFC 6455, 5.3).
    pub fn websocket_client(key: fn() -> [u8; 4]) -> Self {
        Self::new(Framing::WebSocket { key: Some(key) })
    }

    fn new(framing: Framing) -> Self {
        Self { bytes: Vec::new(), consumed: 0, sent: 0, texts: (0, 0), framing }
    }

    /// Writes a text frame in place by `write`, which appends the text to the buffer.
    ///
    /// `hint` is the expected length of the text in bytes; the exact length saves a copy. If `write` fails or panics,
    /// the frame is removed, and the error is returned.
    pub fn text<E>(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.compact();
        let start = self.bytes.len();
        let reserved = self.framing.header_len(hint);
        let mut frame = PartialFrame { bytes: &mut self.bytes, start, complete: false };
        frame.bytes.resize(start + reserved, 0);
        write(frame.bytes)?;
        frame.complete = true;
        drop(frame);
        self.texts.0 += 1;
        self.texts.1 += (self.bytes.len() - start - reserved) as u64;
        self.framing.complete(&mut self.bytes, start, reserved);
        Ok(())
    }

    /// Writes a text frame in place, as [`text`](Self::text) does, by a `write` that cannot fail.
    pub fn plain_text(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.text(hint, |bytes| {
            write(bytes);
            Ok::<(), std::convert::Infallible>(())
        });
        match written {
            Ok(()) => {}
        }
    }

    /// Returns the number of bytes that wait to be sent.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.consumed
    }

    /// Returns true if no bytes wait to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first text if it has at most `max_bytes` bytes.
    ///
    /// Returns `None` if there is none, or if the output is not one of [separate texts](Self::texts).
    pub fn take_text(&mut self, max_bytes: usize) -> Option<Vec<u8>> {
        let Framing::Texts(lengths) = &mut self.framing else { return None };
        let length = *lengths.front().filter(|length| **length <= max_bytes)?;
        lengths.pop_front();
        let text = self.bytes[self.consumed..self.consumed + length].to_vec();
        self.consumed += length;
        self.sent += length as u64;
        if lengths.is_empty() {
            self.take_buffer();
        }
        Some(text)
    }

    /// Returns the bytes that wait to be sent, for transports that send a stream of bytes.
    pub fn stream(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    /// Records that the first `bytes` of the [stream](Self::stream) were sent.
    pub fn advance(&mut self, bytes: usize) {
        self.consumed = (self.consumed + bytes).min(self.bytes.len());
        self.sent += bytes as u64;
    }

    /// Returns the number of all bytes that were sent. If it stands still, the peer does not read.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Returns the number of all texts that were written, and their bytes without the headers of frames.
    pub(crate) fn written_texts(&self) -> (u64, u64) {
        self.texts
    }

    /// Returns the buffer, to append frames of other kinds.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        // For a peer that only pings, nothing else compacts the buffer.
        self.compact();
        &mut self.bytes
    }

    /// Removes sent bytes once they are more than the waiting ones. So each sent byte costs at most one moved byte.
    fn compact(&mut self) {
        if self.consumed > self.len() {
            self.bytes.drain(..self.consumed);
            self.consumed = 0;
        }
    }

    /// Takes the buffer, emptied, for use by another connection.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        self.consumed = 0;
        self.bytes.clear();
        std::mem::take(&mut self.bytes)
    }
}

/// A frame that is being written. It is removed when it is dropped before it is complete.
struct PartialFrame<'b> {
    bytes: &'b mut Vec<u8>,
    start: usize,
    complete: bool,
}

impl Drop for PartialFrame<'_> {
    fn drop(&mut self) {
        if !self.complete {
            self.bytes.truncate(self.start);
        }
    }
}

impl Framing {
    /// Returns the length of the header for a text of `text` bytes.
    fn header_len(&self, text: usize) -> usize {
        match self {
            Self::Texts(_) => 0,
            Self::WebSocket { key } => {
                let length = match text {
                    0..126 => 2,
                    126..0x1_0000 => 4,
                    _ => 10,
                };
                if key.is_some() { length + 4 } else { length }
            }
        }
    }

    /// Writes the header at `start`. Moves the text if `reserved` is not the length of the header.
    fn complete(&mut self, bytes: &mut Vec<u8>, start: usize, reserved: usize) {
        let text = bytes.len() - start - reserved;
        let header = self.header_len(text);
        match self {
            Self::Texts(lengths) => lengths.push_back(text),
            Self::WebSocket { key } => {
                if header > reserved {
                    bytes.resize(bytes.len() + header - reserved, 0);
                    bytes.copy_within(start + reserved..start + reserved + text, start + header);
                } else if header < reserved {
                    bytes.drain(start..start + reserved - header);
                }
                // A text message in one frame.
                bytes[start] = 0x81;
                write_length(&mut bytes[start + 1..start + header], text);
                if let Some(key) = key {
                    bytes[start + 1] |= 0x80;
                    mask(&mut bytes[start + header - 4..], key());
                }
            }
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "each arm is as wide as its numbers")]
fn write_length(header: &mut [u8], text: usize) {
    match text {
        0..126 => header[0] = text as u8,
        126..0x1_0000 => {
            header[0] = 126;
            header[1..3].copy_from_slice(&(text as u16).to_be_bytes());
        }
        _ => {
            header[0] = 127;
            header[1..9].copy_from_slice(&(text as u64).to_be_bytes());
        }
    }
}

/// Writes the key into the first four bytes and masks the rest with it.
fn mask(bytes: &mut [u8], key: [u8; 4]) {
    let (head, text) = bytes.split_at_mut(4);
    head.copy_from_slice(&key);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = text.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
    // At most seven bytes are left, so the key is applied at most twice.
    for (byte, key) in rest.iter_mut().skip(4).zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::{Output, mask};

    #[test]
    fn a_frame_header_has_the_actual_length_for_any_hint() {
        for length in [0, 1, 125, 126, 127, 0xffff, 0x1_0000, 0x1_0001] {
            for hint in [0, 125, 126, 0xffff, 0x1_0000] {
                let mut output = Output::websocket_server();
                output.plain_text(hint, |bytes| bytes.resize(bytes.len() + length, b'x'));
                let head = match length {
                    0..126 => vec![0x81, u8::try_from(length).expect("it is small")],
                    126..0x1_0000 => {
                        [&[0x81, 126], &u16::try_from(length).expect("it fits").to_be_bytes()[..]].concat()
                    }
                    _ => [&[0x81, 127], &(length as u64).to_be_bytes()[..]].concat(),
                };
                assert_eq!(output.stream()[..head.len()], head, "{length} bytes, {hint} guessed");
                assert_eq!(output.len(), head.len() + length);
                assert!(output.stream()[head.len()..].iter().all(|byte| *byte == b'x'));
            }
        }
    }

    #[test]
    fn a_clients_frame_is_masked_with_its_key() {
        let mut output = Output::websocket_client(|| [1, 2, 3, 4]);
        output.plain_text(0, |bytes| bytes.extend_from_slice(b"0123456"));
        assert_eq!(
            output.stream(),
            [0x81, 0x87, 1, 2, 3, 4, b'0' ^ 1, b'1' ^ 2, b'2' ^ 3, b'3' ^ 4, b'4' ^ 1, b'5' ^ 2, b'6' ^ 3]
        );
    }

    #[test]
    fn masking_repeats_the_key() {
        for length in 0..40 {
            let mut bytes = vec![0; 4 + length];
            mask(&mut bytes, [1, 2, 3, 4]);
            let expected: Vec<u8> = [1, 2, 3, 4].into_iter().cycle().take(4 + length).collect();
            assert_eq!(bytes, expected);
        }
    }

    #[test]
    fn a_failed_frame_leaves_no_bytes() {
        let mut output = Output::texts();
        output.plain_text(0, |bytes| bytes.push(b'a'));
        let failed = output.text(0, |bytes| {
            bytes.extend_from_slice(b"half of");
            Err("it failed")
        });
        assert_eq!(failed, Err("it failed"));
        assert_eq!(output.take_text(usize::MAX).as_deref(), Some(&b"a"[..]));
        assert_eq!(output.take_text(usize::MAX), None);
        assert!(output.is_empty());
    }

    /// The reader is always ten frames behind.
    #[test]
    fn sent_bytes_are_removed_while_frames_always_wait() {
        let frame = |n: usize| [&[0x81, 100], format!("{n:0100}").as_bytes()].concat();
        let mut output = Output::websocket_server();
        let write = |output: &mut Output, n: usize| {
            output.plain_text(100, |bytes| bytes.extend_from_slice(format!("{n:0100}").as_bytes()));
        };
        (0..10).for_each(|n| write(&mut output, n));
        for n in 0..10_000 {
            write(&mut output, n + 10);
            assert_eq!(output.stream()[..102], frame(n));
            // A stream is not sent by whole frames.
            output.advance(51);
            assert_eq!(output.stream()[..51], frame(n)[51..]);
            output.advance(51);
            assert_eq!((output.len(), output.sent()), (10 * 102, 102 * (n as u64 + 1)));
            assert!(output.bytes.len() <= 3 * 11 * 102, "{} bytes are kept after {n} frames", output.bytes.len());
        }
        assert!(output.bytes.capacity() <= 8 * 1024);
    }

    /// The peer only pings, and some answers are always unread.
    #[test]
    fn sent_bytes_are_removed_when_only_control_frames_are_written() {
        let mut output = Output::websocket_server();
        output.buffer().extend_from_slice(&[0; 1_000]);
        for _ in 0..10_000 {
            output.buffer().extend_from_slice(&[0; 100]);
            output.advance(100);
        }
        assert_eq!(output.len(), 1_000);
        assert!(output.bytes.len() <= 3_000, "{} bytes are kept", output.bytes.len());
    }

    #[test]
    fn taken_texts_are_removed() {
        let mut output = Output::texts();
        let text = |n: usize| format!("{n:0width$}", width = 5 + n % 100).into_bytes();
        (0..10).for_each(|n| output.plain_text(0, |bytes| bytes.extend(text(n))));
        for n in 0..10_000 {
            output.plain_text(0, |bytes| bytes.extend(text(n + 10)));
            assert_eq!(output.take_text(4), None, "it is too large");
            assert_eq!(output.take_text(105), Some(text(n)));
            assert!(output.bytes.len() <= 3 * 11 * 105, "{} bytes are kept after {n} texts", output.bytes.len());
        }
        (10_000..10_010).for_each(|n| assert_eq!(output.take_text(105), Some(text(n))));
        assert!(output.is_empty());
    }

    #[test]
    fn a_failed_frame_leaves_waiting_frames_unchanged() {
        let mut output = Output::websocket_server();
        for text in ["one", "two", "three"] {
            output.plain_text(0, |bytes| bytes.extend_from_slice(text.as_bytes()));
        }
        // More was sent than waits, so the next frame compacts the buffer.
        output.advance(10);
        let failed = output.text(0, |bytes| {
            bytes.extend_from_slice(b"half of");
            Err(())
        });
        assert_eq!((failed, output.stream()), (Err(()), &b"\x81\x05three"[..]));
        assert_eq!(output.bytes.len(), 7);
    }
}
