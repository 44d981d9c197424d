//! Close frames that the codec does not accept: it answers status 1014, which was registered after RFC 6455, with 1002.

use crate::close::Close;

/// The opcode of a close frame, with the bit of the final fragment.
const CLOSE: u8 = 0x88;
/// The bit of a masked frame, in its second byte.
const MASKED: u8 = 0x80;
/// The longest header of a frame: two bytes, a length of eight and a mask of four.
const MAX_HEADER: usize = 14;
/// The largest payload of a control frame.
const MAX_CONTROL_PAYLOAD: usize = 125;

/// Follows the frames of a peer and keeps the payload of its close frame.
#[derive(Default)]
pub(super) struct CloseFrameReader {
    header: [u8; MAX_HEADER],
    header_length: usize,
    /// The rest of the payload that follows the header.
    payload_left: u64,
    /// The header and the payload of the close frame, once its header was read. Nothing is followed after it.
    close: Option<Vec<u8>>,
}

impl CloseFrameReader {
    /// Reads bytes that the codec has consumed.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.payload_left > 0 {
                let length = usize::try_from(self.payload_left).map_or(bytes.len(), |left| left.min(bytes.len()));
                let (payload, rest) = bytes.split_at(length);
                self.payload_left -= length as u64;
                if let Some(close) = &mut self.close {
                    close.extend_from_slice(payload);
                }
                bytes = rest;
            } else if self.close.is_some() {
                return;
            } else {
                bytes = self.read_header(bytes);
            }
        }
    }

    /// Reads a part of a header. Returns the bytes after it.
    fn read_header<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        while let Some((&byte, rest)) = bytes.split_first() {
            self.header[self.header_length] = byte;
            self.header_length += 1;
            bytes = rest;
            if self.header_length >= 2 && self.header_length == header_length(self.header[1]) {
                self.payload_left = match self.header[1] & !MASKED {
                    126 => u16::from_be_bytes([self.header[2], self.header[3]]).into(),
                    127 => {
                        let [_, _, length @ .., _, _, _, _] = self.header;
                        u64::from_be_bytes(length)
                    }
                    length => length.into(),
                };
                if self.header[0] == CLOSE && self.payload_left <= MAX_CONTROL_PAYLOAD as u64 {
                    self.close = Some(self.header[..self.header_length].to_vec());
                }
                self.header_length = 0;
                break;
            }
        }
        bytes
    }

    /// Returns the status and the reason of the close frame, once it was read and if it has a valid status and reason.
    pub(super) fn close(&self) -> Option<Close> {
        let frame = self.close.as_ref().filter(|_| self.payload_left == 0)?;
        let (header, payload) = frame.split_at(header_length(frame[1]));
        let mut payload = payload.to_vec();
        if let [_, _, key @ ..] = header
            && let Ok(key) = key.try_into()
        {
            apply_mask(&mut payload, key);
        }
        let (code, reason) = payload.split_first_chunk()?;
        Some(Close::new(u16::from_be_bytes(*code), std::str::from_utf8(reason).ok()?))
    }
}

/// Returns the length of the header whose second byte is `second`.
fn header_length(second: u8) -> usize {
    let length = match second & !MASKED {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    2 + length + if second & MASKED == 0 { 0 } else { 4 }
}

fn apply_mask(bytes: &mut [u8], key: [u8; 4]) {
    bytes.iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
}

/// Returns the longest part of a reason that fits into a close frame.
pub(super) fn fitting_reason(reason: &str) -> &str {
    &reason[..reason.floor_char_boundary(MAX_CONTROL_PAYLOAD - 2)]
}

/// Writes a close frame. A client's frame has a `key`.
pub(super) fn write_close_frame(output: &mut Vec<u8>, close: &Close, key: Option<[u8; 4]>) {
    let mut payload = close.code.to_be_bytes().to_vec();
    payload.extend_from_slice(fitting_reason(&close.reason).as_bytes());
    let length = u8::try_from(payload.len()).unwrap_or_default();
    output.extend_from_slice(&[CLOSE, if key.is_some() { length | MASKED } else { length }]);
    if let Some(key) = key {
        apply_mask(&mut payload, key);
        output.extend_from_slice(&key);
    }
    output.extend_from_slice(&payload);
}

#[cfg(test)]
mod tests {
    use super::{CLOSE, CloseFrameReader, MASKED, write_close_frame};
    use crate::close::Close;

    /// Returns frames of all lengths, and a close frame at their end.
    fn frames(key: Option<[u8; 4]>) -> Vec<u8> {
        let lengths: [(&[u8], usize); 6] = [
            (&[0], 0),
            (&[1], 1),
            (&[125], 125),
            (&[126, 0, 126], 126),
            (&[126, 0xff, 0xff], 0xffff),
            (&[127, 0, 0, 0, 0, 0, 1, 0, 0], 0x1_0000),
        ];
        let mut stream = Vec::new();
        for (header, length) in lengths {
            let start = stream.len() + 1;
            stream.push(0x81);
            stream.extend_from_slice(header);
            if let Some(key) = key {
                stream[start] |= MASKED;
                stream.extend_from_slice(&key);
            }
            // Like the start of a close frame.
            stream.resize(stream.len() + length, CLOSE);
        }
        write_close_frame(&mut stream, &Close::new(1014, "no answer \u{1f600}"), key);
        stream
    }

    #[test]
    fn a_close_frame_after_other_frames_is_found_in_pieces_of_any_size() {
        for key in [None, Some([1, 2, 3, 4])] {
            let stream = frames(key);
            for size in [1, 2, 3, 7, 1_000, stream.len()] {
                let mut reader = CloseFrameReader::default();
                for piece in stream.chunks(size) {
                    assert_eq!(reader.close(), None);
                    reader.read(piece);
                }
                // What follows does not count.
                reader.read(&[0x88, 0, 0x81, 1, 0]);
                assert_eq!(reader.close(), Some(Close::new(1014, "no answer \u{1f600}")), "{size} {key:?}");
            }
        }
    }

    #[test]
    fn a_close_frame_without_a_status_or_with_invalid_contents_has_no_close() {
        for frame in [&[0x88, 0][..], &[0x88, 1, 3], &[0x88, 3, 3, 0xe8, 0xff], &[0x88, 126, 0, 200], &[0x88, 2, 3]] {
            let mut reader = CloseFrameReader::default();
            reader.read(frame);
            assert_eq!(reader.close(), None, "{frame:?}");
        }
    }

    #[test]
    fn a_long_reason_is_shortened_between_characters() {
        let mut output = Vec::new();
        write_close_frame(&mut output, &Close::new(1014, "\u{e4}".repeat(100)), None);
        assert_eq!((output.len(), &output[..4]), (2 + 2 + 122, &[0x88, 124, 0x03, 0xf6][..]));
    }
}
