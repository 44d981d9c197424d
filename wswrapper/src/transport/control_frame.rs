//! Control frames that are written without the codec: pings, and close frames with a status that it does not know. It
//! answers status 1014, which was registered after RFC 6455, with 1002.

use super::MAX_CONTROL_PAYLOAD;
use crate::close::Close;

/// The opcode of a close frame, with the bit of the final fragment.
const CLOSE: u8 = 0x88;
/// The opcode of a ping, with the bit of the final fragment.
const PING: u8 = 0x89;
/// The bit of a masked frame, in its second byte.
const MASKED: u8 = 0x80;

/// Returns true if the header of a frame is that of a close frame.
#[inline]
pub(super) fn is_close_header(header: &[u8]) -> bool {
    header[0] == CLOSE && usize::from(header[1] & !MASKED) <= MAX_CONTROL_PAYLOAD
}

/// Returns the status and the reason of a close frame, if they are valid. Its header has no further length.
pub(super) fn read_close_frame(frame: &[u8]) -> Option<Close> {
    let header_length = if frame[1] & MASKED == 0 { 2 } else { 6 };
    let (header, payload) = frame.split_at(header_length);
    let mut payload = payload.to_vec();
    if let [_, _, key @ ..] = header
        && let Ok(key) = key.try_into()
    {
        apply_mask(&mut payload, key);
    }
    let (code, reason) = payload.split_first_chunk()?;
    Some(Close::new(u16::from_be_bytes(*code), std::str::from_utf8(reason).ok()?))
}

fn apply_mask(bytes: &mut [u8], key: [u8; 4]) {
    bytes.iter_mut().zip(key.into_iter().cycle()).for_each(|(byte, key)| *byte ^= key);
}

/// Writes a close frame. A client's frame has a `key`.
pub(super) fn write_close_frame(output: &mut Vec<u8>, close: &Close, key: Option<[u8; 4]>) {
    let mut payload = close.code.to_be_bytes().to_vec();
    payload.extend_from_slice(close.sent_reason().as_bytes());
    write_frame(output, CLOSE, &mut payload, key);
}

/// Writes a ping with the first 125 bytes of `payload`. A client's frame has a `key`.
pub(super) fn write_ping_frame(output: &mut Vec<u8>, payload: &[u8], key: Option<[u8; 4]>) {
    let mut copy = [0; MAX_CONTROL_PAYLOAD];
    let length = payload.len().min(MAX_CONTROL_PAYLOAD);
    copy[..length].copy_from_slice(&payload[..length]);
    write_frame(output, PING, &mut copy[..length], key);
}

/// Writes a control frame, and masks its payload in place.
fn write_frame(output: &mut Vec<u8>, opcode: u8, payload: &mut [u8], key: Option<[u8; 4]>) {
    let length = u8::try_from(payload.len()).unwrap_or_default();
    output.extend_from_slice(&[opcode, if key.is_some() { length | MASKED } else { length }]);
    if let Some(key) = key {
        apply_mask(payload, key);
        output.extend_from_slice(&key);
    }
    output.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::super::frame_follower::FrameFollower;
    use super::{CLOSE, MASKED, PING, write_close_frame, write_ping_frame};
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
                let mut follower = FrameFollower::default();
                for piece in stream.chunks(size) {
                    assert_eq!(follower.close(), None);
                    follower.follow(piece);
                }
                // What follows does not count.
                follower.follow(&[0x88, 0, 0x81, 1, 0]);
                assert_eq!(follower.close(), Some(Close::new(1014, "no answer \u{1f600}")), "{size} {key:?}");
            }
        }
    }

    #[test]
    fn a_close_frame_without_a_status_or_with_invalid_contents_has_no_close() {
        for frame in [&[0x88, 0][..], &[0x88, 1, 3], &[0x88, 3, 3, 0xe8, 0xff], &[0x88, 126, 0, 200], &[0x88, 2, 3]] {
            let mut follower = FrameFollower::default();
            follower.follow(frame);
            assert_eq!(follower.close(), None, "{frame:?}");
        }
    }

    #[test]
    fn a_ping_is_masked_with_its_key_and_has_at_most_125_bytes() {
        let mut output = Vec::new();
        write_ping_frame(&mut output, &[1, 2, 3, 4, 5], Some([1, 1, 1, 1]));
        assert_eq!(output, [PING, MASKED | 5, 1, 1, 1, 1, 0, 3, 2, 5, 4]);
        output.clear();
        write_ping_frame(&mut output, &[7; 200], None);
        assert_eq!((output.len(), &output[..3]), (2 + 125, &[PING, 125, 7][..]));
    }

    #[test]
    fn a_long_reason_is_shortened_between_characters() {
        let mut output = Vec::new();
        write_close_frame(&mut output, &Close::new(1014, "\u{e4}".repeat(100)), None);
        assert_eq!((output.len(), &output[..4]), (2 + 2 + 122, &[0x88, 124, 0x03, 0xf6][..]));
    }
}
