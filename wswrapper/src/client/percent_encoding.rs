//! Percent-encoding of paths and queries.

use std::borrow::Cow;

/// Encodes the bytes that the path and the query of a URL may not contain (RFC 3986), such as spaces and letters beyond
/// ASCII. What is encoded already stays.
pub(super) fn percent_encode(target: &str) -> Cow<'_, str> {
    if target.bytes().all(is_allowed) {
        return Cow::Borrowed(target);
    }
    let mut encoded = String::with_capacity(target.len() + 32);
    for byte in target.bytes() {
        if is_allowed(byte) {
            encoded.push(char::from(byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Cow::Owned(encoded)
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(&byte)
}
