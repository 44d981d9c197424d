//! The buffer into which frames are written in place.

use std::collections::VecDeque;

/// Text frames on their way out, framed as the transport needs them.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    /// How much of the bytes has left.
    consumed: usize,
    /// Bytes that have left since the beginning.
    sent: u64,
    framing: Framing,
}

#[derive(Debug)]
enum Framing {
    /// WebSocket frames; a client's are masked with fresh keys.
    WebSocket { key: Option<fn() -> [u8; 4]> },
    /// The bare texts, with the lengths of those that are complete.
    Texts(VecDeque<usize>),
}

impl Output {
    /// Keeps the texts apart, to be taken by [`take_text`](Self::take_text).
    pub fn texts() -> Self {
        Self::new(Framing::Texts(VecDeque::new()))
    }

    /// Makes the WebSocket frames of a server, to be written as a [stream of bytes](Self::stream).
    pub fn websocket_server() -> Self {
        Self::new(Framing::WebSocket { key: None })
    }

    /// Makes the WebSocket frames of a client, masked with keys from a strong source of entropy (RFC 6455, 5.3).
    pub fn websocket_client(key: fn() -> [u8; 4]) -> Self {
        Self::new(Framing::WebSocket { key: Some(key) })
    }

    fn new(framing: Framing) -> Self {
        Self { bytes: Vec::new(), consumed: 0, sent: 0, framing }
    }

    /// Writes a text frame in place. `hint` guesses its length; if `write` fails or panics, nothing is left of it.
    pub fn text<E>(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        self.compact();
        let start = self.bytes.len();
        let reserved = self.framing.header_len(hint);
        let mut frame = PartialFrame { bytes: &mut self.bytes, start, complete: false };
        frame.bytes.resize(start + reserved, 0);
        write(frame.bytes)?;
        frame.complete = true;
        drop(frame);
        self.framing.complete(&mut self.bytes, start, reserved);
        Ok(())
    }

    /// Writes a text frame in place that cannot fail.
    pub fn plain_text(&mut self, hint: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let written = self.text(hint, |bytes| {
            write(bytes);
            Ok::<(), std::convert::Infallible>(())
        });
        match written {
            Ok(()) => {}
        }
    }

    /// Bytes that wait to be sent.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.consumed
    }

    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes the first text, if texts are kept apart and there is one of at most `room` bytes.
    pub fn take_text(&mut self, max_bytes: usize) -> Option<Vec<u8>> {
        let Framing::Texts(lengths) = &mut self.framing else { return None };
        let length = lengths.pop_front_if(|length| *length <= max_bytes)?;
        let text = self.bytes[self.consumed..self.consumed + length].to_vec();
        self.consumed += length;
        self.sent += length as u64;
        if lengths.is_empty() {
            self.take_buffer();
        }
        Some(text)
    }

    /// The bytes that are to be sent, where they are sent as a stream.
    pub fn stream(&self) -> &[u8] {
        &self.bytes[self.consumed..]
    }

    /// So many bytes of the stream have left.
    pub fn advance(&mut self, bytes: usize) {
        self.consumed = (self.consumed + bytes).min(self.bytes.len());
        self.sent += bytes as u64;
    }

    /// Bytes that have left since the beginning: tells a slow reader from one that does not read.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// The buffer itself, into which frames of other kinds can be written.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        // A peer that only pings has nothing else written.
        self.compact();
        &mut self.bytes
    }

    /// Forgets what has left once that is more than what waits: each byte is moved at most once for each that leaves.
    fn compact(&mut self) {
        if self.consumed > self.len() {
            self.bytes.drain(..self.consumed);
            self.consumed = 0;
        }
    }

    /// Gives away the buffer, emptied, for others to use.
    pub fn take_buffer(&mut self) -> Vec<u8> {
        self.consumed = 0;
        self.bytes.clear();
        std::mem::take(&mut self.bytes)
    }
}

/// A frame that is being written; removed again unless it is completed.
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
    /// The length of the header of a text of this length.
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

    /// Writes the header into the `reserved` bytes at `start`, moving the text if they are too many or too few.
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
                // One whole text message.
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

/// Puts the key into the first four bytes and masks the rest with it.
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
    // At most seven bytes are left: the key once, and once more.
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

    /// A reader that is always ten frames behind.
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
            // Not by whole frames, which is all the same to a stream.
            output.advance(51);
            assert_eq!(output.stream()[..51], frame(n)[51..]);
            output.advance(51);
            assert_eq!((output.len(), output.sent()), (10 * 102, 102 * (n as u64 + 1)));
            assert!(output.bytes.len() <= 3 * 11 * 102, "{} bytes are kept after {n} frames", output.bytes.len());
        }
        assert!(output.bytes.capacity() <= 8 * 1024);
    }

    /// A peer that only pings, and always leaves some answers unread.
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
            assert_eq!(output.take_text(4), None, "there is no room for it");
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
        // More has left than waits: the next frame finds it moved.
        output.advance(10);
        let failed = output.text(0, |bytes| {
            bytes.extend_from_slice(b"half of");
            Err(())
        });
        assert_eq!((failed, output.stream()), (Err(()), &b"\x81\x05three"[..]));
        assert_eq!(output.bytes.len(), 7);
    }
}
