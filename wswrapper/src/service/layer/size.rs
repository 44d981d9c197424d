//! The guard that limits the size of calls.

use super::{Guard, GuardCall};
use crate::proto::{Rejection, code};

/// The guard that [`max_message_bytes`] returns.
#[derive(Clone, Debug)]
pub struct MaxMessageBytes(usize);

/// Returns a guard that rejects calls whose message has more than `bytes` bytes, with the code `ws:TooLarge`.
///
/// The message has been read already; [`max_message_size`](crate::Limits::max_message_size) limits what is read. The guard
/// is for methods whose arguments should be much smaller than those of others.
pub fn max_message_bytes(bytes: usize) -> MaxMessageBytes {
    MaxMessageBytes(bytes)
}

impl Guard for MaxMessageBytes {
    fn check(&self, call: &GuardCall<'_>) -> Result<(), Rejection> {
        if call.bytes() <= self.0 {
            return Ok(());
        }
        let text = format!("the message has {} bytes, and at most {} are allowed here", call.bytes(), self.0);
        Err(Rejection::new(text).with_code(code::TOO_LARGE))
    }
}
