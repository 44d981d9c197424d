//! Encoders of frames: compact JSON, with the keys in the order of the JavaScript implementation.
//!
//! Each function appends one frame to `out`. After an error the caller truncates `out` to its previous length.

use super::json;
use super::null::{is_none, is_unit};
use crate::rejection::ABORTED;
use crate::time::Duration;
use crate::{Address, Call, ChannelKey, Message, Position, Reason, Rejection, RequestId, Resume, TraceContext};
use serde::Serialize;
use std::sync::Arc;

/// Encodes the name and the arguments of an event or a request.
#[must_use = "nothing is sent until the encoder is finished"]
#[derive(Debug)]
pub struct CallEncoder {
    frame: Vec<u8>,
    /// The length up to the last argument that is not `None`.
    end: usize,
}

impl CallEncoder {
    /// Starts with the event's name.
    #[inline]
    pub fn new(event: &str) -> Self {
        let mut frame = Vec::with_capacity(96);
        frame.extend_from_slice(b"{\"a\":[");
        string(&mut frame, event);
        Self { end: frame.len(), frame }
    }

    /// Adds an argument. Trailing `None`s are left out [P-34]. The encoder cannot be used after an error.
    pub fn argument<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), serde_json::Error> {
        self.frame.push(b',');
        let start = self.frame.len();
        json::write(&mut self.frame, value)?;
        if &self.frame[start..] != b"null" || !is_none(value) {
            self.end = self.frame.len();
        }
        Ok(())
    }

    /// Finishes a call on a named channel, or on the main one if `channel` is `None`.
    #[inline]
    pub fn finish(mut self, channel: Option<&str>) -> EncodedCall {
        self.finish_arguments();
        if let Some(channel) = channel {
            self.frame.extend_from_slice(b",\"c\":");
            string(&mut self.frame, channel);
        }
        EncodedCall { frame: self.frame, on: None, meta: None }
    }

    /// Finishes a call on an anonymous channel.
    #[inline]
    pub fn finish_on(self, channel: ChannelKey) -> EncodedCall {
        self.finish(None).on_channel(channel)
    }

    #[inline]
    fn finish_arguments(&mut self) {
        self.frame.truncate(self.end);
        self.frame.push(b']');
    }
}

/// An encoded call that becomes an event or a request.
#[must_use = "an encoded call is not sent yet"]
#[derive(Clone, Debug)]
pub struct EncodedCall {
    /// Without the closing brace.
    frame: Vec<u8>,
    /// The anonymous channel of the call.
    on: Option<ChannelKey>,
    /// Metadata beside the timeout. Most calls have none.
    meta: Option<Box<ExtraMeta>>,
}

/// Metadata that few calls have.
#[derive(Clone, Debug, Default)]
struct ExtraMeta {
    /// The start of the resumable stream that the call asks for.
    resume: Option<Resume>,
    /// The place of the call in a distributed trace.
    trace: Option<TraceContext>,
    /// Members of the program, without braces.
    members: Option<Arc<str>>,
}

impl EncodedCall {
    /// Moves a call of the main channel to an anonymous channel.
    #[inline]
    pub fn on_channel(mut self, channel: ChannelKey) -> Self {
        on_channel(&mut self.frame, channel.id());
        Self { frame: self.frame, on: Some(channel), meta: self.meta }
    }

    /// Asks for a resumable stream [X-07].
    pub fn resume(&mut self, resume: Resume) {
        self.meta.get_or_insert_default().resume = Some(resume);
    }

    /// Sets the place of the call in a distributed trace [X-04]. Only a request carries it.
    pub fn set_trace_context(&mut self, trace: TraceContext) {
        self.meta.get_or_insert_default().trace = Some(trace);
    }

    /// Sets metadata of the program: the members of a JSON object, without its braces. Only a request carries them.
    pub fn set_members(&mut self, members: Arc<str>) {
        self.meta.get_or_insert_default().members = Some(members);
    }

    /// Returns the place of the call in a distributed trace.
    pub fn trace_context(&self) -> Option<&TraceContext> {
        self.meta.as_ref()?.trace.as_ref()
    }

    /// Returns the event and the named channel of the call.
    pub fn event_and_channel(&self) -> (String, Option<String>) {
        let names = self.inspect(|call| match &call.address {
            Address::Named(channel) => (call.event.to_string(), Some(channel.to_string())),
            _ => (call.event.to_string(), None),
        });
        // Never the default: the frame is that of a call.
        names.unwrap_or_default()
    }

    /// Decodes the call and passes it to `inspect`, as an event.
    pub fn inspect<R>(&self, inspect: impl FnOnce(&Call<'_>) -> R) -> Option<R> {
        let frame = [&self.frame[..], b"}"].concat();
        match Message::decode_whole(std::str::from_utf8(&frame).ok()?) {
            Message::Call(call) => Some(inspect(&call)),
            _ => None,
        }
    }

    /// Returns the anonymous channel of the call.
    #[inline]
    pub const fn channel(&self) -> Option<ChannelKey> {
        self.on
    }

    /// Returns the frame of an event.
    #[inline]
    pub fn into_event(mut self) -> Vec<u8> {
        self.frame.push(b'}');
        self.frame
    }

    /// Returns the frame of a request. Its metadata holds `caller_timeout` if there is one [X-03], a mark if the caller
    /// sends an upload and listens on its channel at once [X-05], the start of a [resumable](Self::resume) stream [X-07],
    /// and the place of the call in a [trace](Self::set_trace_context) [X-04].
    #[inline]
    pub fn into_request(mut self, id: RequestId, caller_timeout: Option<Duration>, sends_items: bool) -> Vec<u8> {
        self.frame.extend_from_slice(b",\"i\":");
        number(&mut self.frame, id.get());
        if let Some(meta) = self.meta {
            write_meta(&mut self.frame, &meta, caller_timeout, sends_items);
        } else if let Some(caller_timeout) = caller_timeout {
            self.frame.extend_from_slice(b",\"m\":{\"t\":");
            number(&mut self.frame, milliseconds(caller_timeout));
            self.frame.extend_from_slice(if sends_items { b",\"u\":1}" } else { b"}" });
        } else if sends_items {
            self.frame.extend_from_slice(b",\"m\":{\"u\":1}");
        }
        self.frame.push(b'}');
        self.frame
    }

    /// Returns the length of the [frame of a request](Self::into_request), in bytes.
    pub fn request_len(&self, id: RequestId, caller_timeout: Option<Duration>, sends_items: bool) -> usize {
        let meta = self.meta.clone();
        let end = Self { frame: Vec::new(), on: None, meta }.into_request(id, caller_timeout, sends_items);
        self.frame.len() + end.len()
    }

    /// Returns a bound on the bytes that the trace and the members of the program add to the frame of a request.
    #[inline]
    pub fn meta_bytes(&self) -> usize {
        let Some(meta) = &self.meta else { return 0 };
        // A character of the state may be escaped.
        let trace = meta.trace.as_ref().map_or(0, |trace| 80 + 2 * trace.state().map_or(0, str::len));
        trace + meta.members.as_ref().map_or(0, |members| members.len() + 8)
    }

    /// Returns the length of the encoded call so far, in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.frame.len()
    }

    /// Returns false: a call always has a name.
    pub fn is_empty(&self) -> bool {
        false
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min((1 << 53) - 1)
}

/// Writes the metadata of a request that has more than a timeout.
#[cold]
fn write_meta(out: &mut Vec<u8>, meta: &ExtraMeta, caller_timeout: Option<Duration>, sends_items: bool) {
    out.extend_from_slice(b",\"m\":{");
    let start = out.len();
    if let Some(caller_timeout) = caller_timeout {
        member(out, start, "t");
        number(out, milliseconds(caller_timeout));
    }
    if sends_items {
        member(out, start, "u");
        out.push(b'1');
    }
    match meta.resume {
        None => {}
        Some(Resume::New) => {
            member(out, start, "r");
            out.extend_from_slice(b"[]");
        }
        Some(Resume::After(position)) => {
            member(out, start, "r");
            write_position(out, position);
        }
    }
    if let Some(trace) = &meta.trace {
        member(out, start, "tp");
        string(out, &trace.to_string());
        if let Some(state) = trace.state() {
            member(out, start, "ts");
            string(out, state);
        }
    }
    if let Some(members) = &meta.members {
        if out.len() > start {
            out.push(b',');
        }
        out.extend_from_slice(members.as_bytes());
    }
    out.push(b'}');
}

/// Writes the key of a member of the object that begins at `start`.
fn member(out: &mut Vec<u8>, start: usize, key: &str) {
    if out.len() > start {
        out.push(b',');
    }
    string(out, key);
    out.push(b':');
}

fn write_position(out: &mut Vec<u8>, Position { epoch, offset }: Position) {
    out.push(b'[');
    number(out, epoch);
    out.push(b',');
    number(out, offset);
    out.push(b']');
}

/// Writes the result of a request. `()` is encoded as no value [P-31, P-32].
pub fn result<T: Serialize + ?Sized>(out: &mut Vec<u8>, id: RequestId, value: &T) -> Result<(), serde_json::Error> {
    open_frame(out, id);
    let plain = out.len();
    out.extend_from_slice(b",\"d\":");
    let start = out.len();
    json::write(out, value)?;
    if &out[start..] == b"null" && size_of_val(value) == 0 && is_unit(value) {
        out.truncate(plain);
    }
    out.push(b'}');
    Ok(())
}

/// Writes the rejection of a request [P-40, P-41].
pub fn rejection(out: &mut Vec<u8>, id: RequestId, rejection: &Rejection) {
    open_frame(out, id);
    write_reason(out, "e", Some(rejection), "Error");
}

/// Writes the cancellation of a request [P-50]. The default reason is `Request aborted` [P-52].
pub fn cancellation(out: &mut Vec<u8>, id: RequestId, reason: Option<&Reason>) {
    open_frame(out, id);
    write_reason(out, "x", reason, ABORTED);
}

/// Writes the abort of an anonymous channel [P-63]. The default reason is `Request aborted` [P-52].
pub fn abort(out: &mut Vec<u8>, channel: RequestId, reason: Option<&Reason>) {
    out.extend_from_slice(b"{\"h\":");
    number(out, channel.get());
    write_reason(out, "x", reason, ABORTED);
}

/// Writes the response that opens an anonymous channel [P-60].
#[inline]
pub fn channel(out: &mut Vec<u8>, id: RequestId) {
    open_frame(out, id);
    out.extend_from_slice(b",\"h\":1}");
}

/// Writes a result without a value [P-31].
#[inline]
pub fn empty_result(out: &mut Vec<u8>, id: RequestId) {
    open_frame(out, id);
    out.push(b'}');
}

/// Writes an item of a stream: a request if `request` is an id, otherwise an event [P-81, P-85].
///
/// `lost` is the number of items that were dropped before this one [X-06].
pub fn item<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    channel: RequestId,
    request: Option<RequestId>,
    lost: u64,
    value: &T,
) -> Result<(), serde_json::Error> {
    item_at(out, channel, request, lost, None, value)
}

/// Writes an item as [`item`] does, with its position if there is one [X-07].
#[inline]
pub fn item_at<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    channel: RequestId,
    request: Option<RequestId>,
    lost: u64,
    at: Option<Position>,
    value: &T,
) -> Result<(), serde_json::Error> {
    out.extend_from_slice(b"{\"a\":[\"next\",{\"value\":");
    json::write(out, value)?;
    out.extend_from_slice(b",\"done\":false");
    if let Some(at) = at {
        out.extend_from_slice(b",\"at\":");
        write_position(out, at);
    }
    finish_item(out, channel, lost);
    if let Some(id) = request {
        out.extend_from_slice(b",\"i\":");
        number(out, id.get());
    }
    out.push(b'}');
    Ok(())
}

/// Turns an item that was written as an event into a request [P-85].
pub fn item_as_request(item: &mut Vec<u8>, id: RequestId) {
    item.pop();
    item.extend_from_slice(b",\"i\":");
    number(item, id.get());
    item.push(b'}');
}

/// Writes the end of a stream [P-82].
pub fn done(out: &mut Vec<u8>, channel: RequestId, lost: u64) {
    out.extend_from_slice(b"{\"a\":[\"next\",{\"done\":true");
    finish_item(out, channel, lost);
    out.push(b'}');
}

#[inline]
fn finish_item(out: &mut Vec<u8>, channel: RequestId, lost: u64) {
    if lost > 0 {
        out.extend_from_slice(b",\"lost\":");
        number(out, lost);
    }
    out.extend_from_slice(b"}]");
    on_channel(out, channel);
}

/// Writes a consumer's request for the first items [P-80].
pub fn start(out: &mut Vec<u8>, channel: RequestId) {
    out.extend_from_slice(b"{\"a\":[\"start\"]");
    on_channel(out, channel);
    out.push(b'}');
}

/// Writes a consumer's credit for further items [X-02].
pub fn credit(out: &mut Vec<u8>, channel: RequestId, items: u32) {
    out.extend_from_slice(b"{\"a\":[\"credit\",");
    number(out, items.into());
    out.push(b']');
    on_channel(out, channel);
    out.push(b'}');
}

#[inline]
fn on_channel(out: &mut Vec<u8>, channel: RequestId) {
    out.extend_from_slice(b",\"h\":");
    number(out, channel.get());
}

#[inline]
fn open_frame(out: &mut Vec<u8>, id: RequestId) {
    out.extend_from_slice(b"{\"i\":");
    number(out, id.get());
}

/// Writes a rejection or a reason. Null becomes an Error, because not every peer accepts it [P-42, P-44, P-55].
fn write_reason(out: &mut Vec<u8>, key: &str, reason: Option<&Reason>, default: &str) {
    let none;
    let reason = match reason.filter(|reason| reason.as_value().is_none_or(|value| !value.is_null())) {
        Some(reason) => reason,
        None => {
            none = Reason::new(default);
            &none
        }
    };
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
    write(out, reason);
    out.extend_from_slice(if reason.is_error() { b",\"_\":1}" } else { b"}" });
}

#[inline]
fn string(out: &mut Vec<u8>, text: &str) {
    write(out, text);
}

#[inline]
fn number(out: &mut Vec<u8>, number: u64) {
    write(out, &number);
}

/// Writes a string, a number or JSON, which cannot fail.
fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    let written = json::write(out, value);
    debug_assert!(written.is_ok(), "{written:?}");
}
