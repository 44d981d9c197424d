//! Messages to frames: compact JSON, keys in the order in which JavaScript writes them.

use super::nothing::{is_none, is_unit};
use crate::proto::{Reason, Rejection, RequestId};
use serde::Serialize;
use std::time::Duration;

/// An event's name and its arguments, encoded as they are given; not yet an event or a request.
#[derive(Debug)]
pub struct CallEncoder {
    frame: Vec<u8>,
    /// Where the last argument ends that is not an absent one.
    end: usize,
}

impl CallEncoder {
    /// Begins with the event's name.
    pub fn new(event: &str) -> Self {
        let mut frame = Vec::with_capacity(96);
        frame.extend_from_slice(b"{\"a\":[");
        string(&mut frame, event);
        Self { end: frame.len(), frame }
    }

    /// Adds an argument. A `None` at the end is left out [P-34]. After an error the encoder is of no more use.
    pub fn argument<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        self.frame.push(b',');
        let start = self.frame.len();
        serde_json::to_writer(&mut self.frame, value)?;
        if &self.frame[start..] != b"null" || !is_none(value) {
            self.end = self.frame.len();
        }
        Ok(())
    }

    /// Ends with the channel, `None` being the main one.
    pub fn finish(mut self, channel: Option<&str>) -> EncodedCall {
        self.frame.truncate(self.end);
        self.frame.push(b']');
        if let Some(channel) = channel {
            self.frame.extend_from_slice(b",\"c\":");
            string(&mut self.frame, channel);
        }
        EncodedCall { frame: self.frame }
    }
}

/// A name with its arguments and channel, ready to become an event or a request.
#[derive(Debug)]
pub struct EncodedCall {
    /// Without the closing brace.
    frame: Vec<u8>,
}

impl EncodedCall {
    /// The frame of an event.
    pub fn into_event(mut self) -> Vec<u8> {
        self.frame.push(b'}');
        self.frame
    }

    /// The frame of a request, with the milliseconds that its caller will wait, if the other end is to know.
    pub fn into_request(mut self, id: RequestId, wait: Option<Duration>) -> Vec<u8> {
        self.frame.extend_from_slice(b",\"i\":");
        number(&mut self.frame, id.get());
        if let Some(wait) = wait {
            self.frame.extend_from_slice(b",\"m\":{\"t\":");
            number(&mut self.frame, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).min((1 << 53) - 1));
            self.frame.push(b'}');
        }
        self.frame.push(b'}');
        self.frame
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    /// Never: it has a name.
    pub fn is_empty(&self) -> bool {
        false
    }
}

/// Writes a request's result; `()` is written as no value at all [P-31, P-32]. On an error the frame is to be cut off
/// by the caller.
pub fn result<T: Serialize + ?Sized>(out: &mut Vec<u8>, id: RequestId, value: &T) -> Result<(), serde_json::Error> {
    begin(out, id);
    let plain = out.len();
    out.extend_from_slice(b",\"d\":");
    let start = out.len();
    serde_json::to_writer(&mut *out, value)?;
    if &out[start..] == b"null" && size_of_val(value) == 0 && is_unit(value) {
        out.truncate(plain);
    }
    out.push(b'}');
    Ok(())
}

/// Writes a request's rejection [P-40, P-41].
pub fn rejection(out: &mut Vec<u8>, id: RequestId, rejection: &Rejection) {
    begin(out, id);
    reason(out, "e", Some(rejection), "Error");
}

/// Writes a cancellation [P-50]; without a reason `Request aborted` [P-52].
pub fn cancellation(out: &mut Vec<u8>, id: RequestId, why: Option<&Reason>) {
    begin(out, id);
    reason(out, "x", why, ABORTED);
}

/// Writes the abort of an anonymous channel [P-63]; without a reason `Request aborted` [P-52].
pub fn abort(out: &mut Vec<u8>, channel: RequestId, why: Option<&Reason>) {
    out.extend_from_slice(b"{\"h\":");
    number(out, channel.get());
    reason(out, "x", why, ABORTED);
}

fn begin(out: &mut Vec<u8>, id: RequestId) {
    out.extend_from_slice(b"{\"i\":");
    number(out, id.get());
}

/// What a cancellation or an abort says that has no reason [P-52].
const ABORTED: &str = "Request aborted";

/// Null is never sent, as not everyone takes it for a reason: it becomes an Error [P-42, P-44, P-55].
fn reason(out: &mut Vec<u8>, key: &str, why: Option<&Reason>, default: &str) {
    let none;
    let why = match why.filter(|why| why.as_value().is_none_or(|value| !value.is_null())) {
        Some(why) => why,
        None => {
            none = Reason::new(default);
            &none
        }
    };
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    write(out, why);
    out.extend_from_slice(if why.is_error() { b",\"_\":1}" } else { b"}" });
}

fn string(out: &mut Vec<u8>, text: &str) {
    write(out, text);
}

fn number(out: &mut Vec<u8>, number: u64) {
    write(out, &number);
}

/// Writes what cannot fail: a string, a number, a tree of JSON.
fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
