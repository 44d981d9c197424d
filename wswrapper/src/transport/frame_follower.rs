//! Follows the headers of the WebSocket frames that are read (RFC 6455, 5.2).

use super::BegunMessage;
use super::control_frame::{is_close_header, read_close_frame};
use crate::close::Close;

/// The bytes of the longest header.
const MAX_HEADER: usize = 14;

/// The position of a reader in the frames of its peer.
///
/// The codec does not say where it is in a message, how large its buffer has become, or which status the peer has sent.
/// This follows the same bytes. It looks at the headers, and keeps the close frame. Frames that the codec refuses end
/// the connection, so they are not checked here.
#[derive(Default, Debug)]
pub(super) struct FrameFollower {
    /// The bytes of a header that is not complete.
    header: [u8; MAX_HEADER],
    header_len: usize,
    payload_len: u64,
    payload_left: u64,
    is_data: bool,
    is_final: bool,
    /// True after a fragment of a message, until its last one is complete.
    in_message: bool,
    /// The payload of the complete fragments of a message, in bytes.
    fragments: u64,
    /// The number of messages and of control frames between them.
    completed: u64,
    largest_payload: u64,
    /// The header and the payload of the close frame, once its header was read. Nothing is followed after it.
    close: Option<Vec<u8>>,
}

impl FrameFollower {
    /// Follows further bytes.
    #[inline]
    pub(super) fn follow(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload_left == 0 {
                if self.close.is_some() {
                    return;
                }
                bytes = self.follow_small_messages(bytes);
                let Some(header_len) = self.follow_header(bytes) else { return };
                bytes = &bytes[header_len..];
            }
            let len = usize::try_from(self.payload_left).map_or(bytes.len(), |left| left.min(bytes.len()));
            self.payload_left -= len as u64;
            let (payload, rest) = bytes.split_at(len);
            if self.close.is_some() {
                self.follow_close(payload);
            }
            bytes = rest;
            if self.payload_left == 0 {
                self.complete_frame();
            }
        }
    }

    /// Follows whole messages of one small frame each, quickly, because most messages are of this kind. Returns the
    /// rest.
    #[inline]
    fn follow_small_messages<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        if self.in_message || self.header_len > 0 {
            return bytes;
        }
        while let [first, second, ..] = *bytes {
            let payload_len = usize::from(second & 0x7f);
            let header_len = if second & 0x80 == 0 { 2 } else { 6 };
            // The last frame of a message, with data.
            if first & 0x88 != 0x80 || payload_len > 125 || header_len + payload_len > bytes.len() {
                break;
            }
            bytes = &bytes[header_len + payload_len..];
            self.completed += 1;
        }
        bytes
    }

    /// Reads a header and begins its frame. Returns the number of its bytes in `bytes`, or `None` if all of them belong
    /// to an incomplete header.
    #[inline]
    fn follow_header(&mut self, bytes: &[u8]) -> Option<usize> {
        if self.header_len == 0
            && let Some(len) = header_len(bytes)
            && len <= bytes.len()
        {
            self.begin_frame(&bytes[..len]);
            return Some(len);
        }
        self.follow_partial_header(bytes)
    }

    #[cold]
    fn follow_partial_header(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            self.header[self.header_len] = *byte;
            self.header_len += 1;
            if header_len(&self.header[..self.header_len]) == Some(self.header_len) {
                let header = self.header;
                self.begin_frame(&header[..self.header_len]);
                self.header_len = 0;
                return Some(index + 1);
            }
        }
        None
    }

    #[inline]
    fn begin_frame(&mut self, header: &[u8]) {
        self.is_final = header[0] & 0x80 != 0;
        self.is_data = header[0] & 0x08 == 0;
        self.payload_len = match header[1] & 0x7f {
            126 => u64::from(u16::from_be_bytes([header[2], header[3]])),
            127 => header[2..10].iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
            len => u64::from(len),
        };
        self.payload_left = self.payload_len;
        self.largest_payload = self.largest_payload.max(self.payload_len);
        if is_close_header(header) {
            self.begin_close(header);
        }
    }

    #[cold]
    fn begin_close(&mut self, header: &[u8]) {
        self.close = Some(header.to_vec());
    }

    #[cold]
    fn follow_close(&mut self, payload: &[u8]) {
        if let Some(close) = &mut self.close {
            close.extend_from_slice(payload);
        }
    }

    /// Returns the status and the reason of the close frame, once it was read and if it has a valid status and reason.
    pub(super) fn close(&self) -> Option<Close> {
        self.close.as_deref().filter(|_| self.payload_left == 0).and_then(read_close_frame)
    }

    #[inline]
    fn complete_frame(&mut self) {
        if self.is_data {
            self.in_message = !self.is_final;
            self.fragments = if self.is_final { 0 } else { self.fragments + self.payload_len };
            self.largest_payload = self.largest_payload.max(self.fragments);
        }
        if !self.in_message {
            self.completed += 1;
        }
    }

    /// Returns the message that has begun and is not complete. A control frame between messages counts as one.
    pub(super) fn begun_message(&self) -> Option<BegunMessage> {
        let in_frame = self.payload_left > 0 || self.header_len > 0;
        if !in_frame && !self.in_message {
            return None;
        }
        let payload = if self.is_data && self.payload_left > 0 { self.payload_len - self.payload_left } else { 0 };
        Some(BegunMessage { number: self.completed, bytes: self.fragments + payload })
    }

    /// Returns the largest payload of a frame, or of all fragments of a message but the last, since the last
    /// [reset](Self::reset_largest_payload).
    pub(super) fn largest_payload(&self) -> u64 {
        self.largest_payload
    }

    pub(super) fn reset_largest_payload(&mut self) {
        self.largest_payload = 0;
    }
}

/// Returns the length of a header that starts with `bytes`, if two bytes are there.
#[inline]
fn header_len(bytes: &[u8]) -> Option<usize> {
    let [_, second, ..] = bytes else { return None };
    let length = match second & 0x7f {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    Some(if second & 0x80 == 0 { length } else { length + 4 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the header of a frame and a payload of zeros.
    fn frame(opcode: u8, len: usize, masked: bool) -> Vec<u8> {
        let mask_bit = if masked { 0x80 } else { 0 };
        let mut frame = match len {
            0..126 => vec![opcode, mask_bit + u8::try_from(len).expect("it is small")],
            126..0x1_0000 => {
                let [high, low] = u16::try_from(len).expect("it fits").to_be_bytes();
                vec![opcode, mask_bit + 126, high, low]
            }
            _ => [&[opcode, mask_bit + 127], &(len as u64).to_be_bytes()[..]].concat(),
        };
        frame.resize(frame.len() + len + if masked { 4 } else { 0 }, 0);
        frame
    }

    fn message(number: u64, bytes: u64) -> BegunMessage {
        BegunMessage { number, bytes }
    }

    #[test]
    fn the_position_is_the_same_for_any_parts_of_the_bytes() {
        let frames = [
            frame(0x81, 5, true),
            frame(0x01, 300, true),
            frame(0x89, 0, true),
            frame(0x00, 0, false),
            frame(0x8a, 125, false),
            frame(0x80, 70_000, true),
            frame(0x82, 0, true),
            frame(0x81, 126, false),
        ];
        let bytes = frames.concat();
        for part in [1, 2, 3, 13, 14, 15, 1_000, bytes.len()] {
            let mut follower = FrameFollower::default();
            bytes.chunks(part).for_each(|part| follower.follow(part));
            assert_eq!((follower.begun_message(), follower.completed), (None, 4), "parts of {part} bytes");
            assert_eq!(follower.largest_payload(), 70_000);
        }
    }

    #[test]
    fn a_begun_message_counts_the_payload_of_its_fragments_only() {
        let mut follower = FrameFollower::default();
        assert_eq!(follower.begun_message(), None);
        follower.follow(&[0x01]);
        assert_eq!(follower.begun_message(), Some(message(0, 0)));
        follower.follow(&frame(0x01, 300, true)[1..108]);
        assert_eq!(follower.begun_message(), Some(message(0, 100)));
        follower.follow(&[0; 200]);
        assert_eq!(follower.begun_message(), Some(message(0, 300)));
        follower.follow(&frame(0x89, 20, true));
        assert_eq!(follower.begun_message(), Some(message(0, 300)));
        follower.follow(&frame(0x80, 10, true)[..9]);
        assert_eq!(follower.begun_message(), Some(message(0, 303)));
        follower.follow(&[0; 7]);
        assert_eq!(follower.begun_message(), None);
        follower.follow(&[0x89]);
        assert_eq!(follower.begun_message(), Some(message(1, 0)));
    }

    #[test]
    fn a_control_frame_between_messages_changes_the_number() {
        let mut follower = FrameFollower::default();
        follower.follow(&[0x89]);
        assert_eq!(follower.begun_message(), Some(message(0, 0)));
        follower.follow(&[0, 0x81]);
        assert_eq!(follower.begun_message(), Some(message(1, 0)));
    }
}
