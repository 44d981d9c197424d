//! WebSocket frames, built byte by byte.

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const FIRST: u8 = 0x01;
pub(crate) const NEXT: u8 = 0x00;
pub(crate) const LAST: u8 = 0x80;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// Returns a client's frame, masked with zeros.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match u8::try_from(payload.len()) {
        Ok(length @ 0..126) => frame.push(0x80 | length),
        _ => {
            frame.push(0xfe);
            frame.extend(u16::try_from(payload.len()).expect("it is short").to_be_bytes());
        }
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}
