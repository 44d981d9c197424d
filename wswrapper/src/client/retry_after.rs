//! The header `Retry-After` of a refusal.

use crate::error::ConnectError;
use http::header;
use std::time::{Duration, SystemTime};

/// Returns the time that the server asks a client to wait. It is zero if the server does not say.
pub(super) fn retry_after(error: &ConnectError) -> Duration {
    let ConnectError::Refused { headers, .. } = error else { return Duration::ZERO };
    let value = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
    value.map_or(Duration::ZERO, |value| parse(value.trim(), SystemTime::now()))
}

/// Reads a number of seconds or a date.
fn parse(value: &str, now: SystemTime) -> Duration {
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large is a very long time.
        return Duration::from_secs(value.parse().unwrap_or(u64::MAX));
    }
    let date = httpdate::parse_http_date(value).ok();
    date.and_then(|date| date.duration_since(now).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::parse;
    use std::time::{Duration, SystemTime};

    #[test]
    fn seconds_and_dates_are_read() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let cases = [
            ("0", 0),
            ("120", 120),
            ("Sun, 06 Nov 1994 08:49:40 GMT", 3),
            ("Sun, 06 Nov 1994 08:49:30 GMT", 0),
            ("99999999999999999999999", u64::MAX),
            ("", 0),
            ("-1", 0),
            ("soon", 0),
            ("1.5", 0),
        ];
        for (value, seconds) in cases {
            assert_eq!(parse(value, now), Duration::from_secs(seconds), "{value}");
        }
    }
}
