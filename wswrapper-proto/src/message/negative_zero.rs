//! Decodes values whose integers may be written as `-0`.
//!
//! serde decodes `-0` as a float, and no integer type accepts a float. So an error is followed by a second attempt with
//! the text `0`. A value that decodes at once costs nothing.

use serde::de::DeserializeOwned;

/// Decodes a value. `-0` is accepted for an integer.
#[inline]
pub fn decode_value<T: DeserializeOwned>(json: &[u8]) -> serde_json::Result<T> {
    match serde_json::from_slice(json) {
        Err(error) => without_negative_zeros(json).map_or(Err(error), |json| serde_json::from_slice(&json)),
        value => value,
    }
}

/// Replaces each number `-0` by ` 0`, so that positions stay the same. Returns `None` if there is none.
#[cold]
pub(super) fn without_negative_zeros(json: &[u8]) -> Option<Vec<u8>> {
    let mut replaced = None;
    let (mut in_string, mut previous) = (false, b' ');
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => at += 1,
            // The sign of an exponent follows its letter.
            b'-' if !in_string && !matches!(previous, b'e' | b'E') && is_zero(&json[at + 1..]) => {
                replaced.get_or_insert_with(|| json.to_vec())[at] = b' ';
            }
            _ => {}
        }
        previous = byte;
        at += 1;
    }
    replaced
}

/// Returns true if the text begins with the number `0` and not with a longer one.
fn is_zero(json: &[u8]) -> bool {
    json.first() == Some(&b'0') && !matches!(json.get(1), Some(b'0'..=b'9' | b'.' | b'e' | b'E'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_numbers_are_replaced() {
        for (json, expected) in [
            ("-0", Some(" 0")),
            ("[-0,-0 , -0]", Some("[ 0, 0 ,  0]")),
            (r#"{"-0":-0,"a":"\"-0"}"#, Some(r#"{"-0": 0,"a":"\"-0"}"#)),
            (r#"["\\",-0]"#, Some(r#"["\\", 0]"#)),
            ("[-0.0,-0e1,-0E1,1e-0,1E-0,-01,-10,0]", None),
            (r#""-0\"-0""#, None),
            ("-", None),
            (r#""\"#, None),
            ("", None),
        ] {
            let replaced = without_negative_zeros(json.as_bytes());
            assert_eq!(replaced.as_deref(), expected.map(str::as_bytes), "{json}");
        }
    }

    #[test]
    fn floats_keep_their_sign() {
        let zero: f64 = decode_value(b"-0").expect("a float");
        assert!(zero == 0.0 && zero.is_sign_negative());
    }
}
