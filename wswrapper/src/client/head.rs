//! The head of a response.

use http::StatusCode;
use std::io;
use std::mem;
use tokio::io::{AsyncRead, AsyncReadExt};

/// The head of a request or a response.
pub(crate) struct Head<T> {
    pub(crate) parsed: T,
    /// The bytes that were read beyond the head.
    pub(crate) rest: Vec<u8>,
}

/// Reads until `parse` returns a head, of which `begun` has arrived. An invalid head, or one larger than `max_bytes`, is returned as its error
/// status.
pub(crate) async fn read_head<S, T>(
    stream: &mut S,
    begun: Vec<u8>,
    max_bytes: usize,
    parse: impl Fn(&[u8]) -> Result<Option<(T, usize)>, StatusCode>,
) -> io::Result<Result<Head<T>, StatusCode>>
where
    S: AsyncRead + Unpin,
{
    let mut head = begun;
    head.reserve(1024);
    let mut is_begun = !head.is_empty();
    loop {
        let before = head.len();
        if !mem::take(&mut is_begun) {
            if stream.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            // Only a line feed can complete a head. A head that arrives byte by byte is not parsed at each byte.
            if before > 0 && head.len() < max_bytes && !head[before..].contains(&b'\n') {
                continue;
            }
        }
        match parse(&head) {
            Err(status) => return Ok(Err(status)),
            Ok(Some((parsed, length))) => {
                let rest = head.split_off(length);
                return Ok(Ok(Head { parsed, rest }));
            }
            Ok(None) if head.len() >= max_bytes => return Ok(Err(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)),
            Ok(None) => {}
        }
    }
}

pub(crate) fn status_of(error: httparse::Error) -> StatusCode {
    match error {
        httparse::Error::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    }
}
