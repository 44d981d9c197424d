//! Decodes frames: a fast path for the common forms, a full parse for all others.

use super::envelope::{Envelope, is_truthy};
use crate::message::SPACE;
use crate::{Address, Arguments, Call, Message, RawReason, RequestId, Response, is_reserved};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;

impl<'f> Message<'f> {
    /// Decodes a frame [P-10].
    ///
    /// The arguments of a call may not be checked yet. If reading them fails with
    /// [`ArgumentsError::NotJson`](crate::ArgumentsError::NotJson), the frame has to be decoded with
    /// [`decode_whole`](Self::decode_whole). [`Arguments::is_validated`] returns false for such a call.
    #[inline]
    pub fn decode(frame: &'f str) -> Self {
        quick_call(frame)
            .map(Message::Call)
            .or_else(|| quick_response(frame))
            .unwrap_or_else(|| Self::decode_whole(frame))
    }

    /// Decodes a frame and checks all of it.
    pub fn decode_whole(frame: &'f str) -> Self {
        serde_json::from_str(frame).map_or(Message::Nothing, |envelope| classify(&envelope).unwrap_or(Message::Nothing))
    }
}

fn classify<'f>(envelope: &Envelope<'f>) -> Option<Message<'f>> {
    if envelope.is_foreign() {
        return None;
    }
    let id = envelope.id.and_then(|id| RequestId::from_json(id.get()));
    let anonymous = envelope.anonymous.map(RawValue::get).filter(|h| *h != "null");
    if let Some(call) = call(envelope, id, anonymous) {
        return Some(call);
    }
    let raw = |value: &'f RawValue| RawReason {
        value: value.get(),
        error: envelope.error_mark.is_some_and(|mark| is_truthy(mark.get())),
    };
    if let Some(reason) = envelope.reason {
        return match anonymous {
            None => id.map(|id| Message::Cancellation(id, raw(reason))),
            Some(h) => Some(Message::Abort(anonymous_address(h), raw(reason))),
        };
    }
    let response = match (envelope.rejection, anonymous) {
        (Some(rejection), _) => {
            let reason = raw(rejection);
            Response::Rejection(RawReason { error: reason.error && is_truthy(reason.value), ..reason })
        }
        (None, Some(_)) => Response::Channel,
        (None, None) => Response::Result(envelope.result.map(RawValue::get)),
    };
    id.map(|id| Message::Response(id, response))
}

/// Returns the event or request in the envelope, if it is one [P-11].
fn call<'f>(envelope: &Envelope<'f>, id: Option<RequestId>, anonymous: Option<&'f str>) -> Option<Message<'f>> {
    let inside = envelope.arguments?.get().strip_prefix('[')?.trim_start_matches(SPACE);
    if inside.starts_with(']') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(inside).into_iter::<Cow<'_, str>>();
    let name = values.next().and_then(Result::ok);
    let rest = values.byte_offset();
    let channel = envelope.channel.map(RawValue::get).filter(|c| *c != "null");
    let address = match (anonymous, channel) {
        (Some(h), _) => anonymous_address(h),
        (None, Some(c)) => {
            serde_json::from_str::<String>(c).map_or(Address::InvalidName(c), |name| Address::Named(Cow::Owned(name)))
        }
        (None, None) => Address::Main,
    };
    let elsewhere = channel.is_some_and(|c| c.starts_with('"') && c != "\"\"") || anonymous.is_some_and(is_truthy);
    match name {
        None => Some(Message::BadName(id)),
        Some(name) if !elsewhere && is_reserved(&name) => None,
        Some(name) => {
            let event = Cow::Owned(name.into_owned());
            let arguments = Arguments::new(&inside[rest..], true);
            Some(Message::Call(Call { id, address, event, arguments, meta: envelope.meta }))
        }
    }
}

/// Reads an `h`: a number, or a numeric string from an old peer [P-16, P-72].
fn anonymous_address(h: &str) -> Address<'_> {
    let string = h.starts_with('"').then(|| serde_json::from_str::<String>(h).unwrap_or_default());
    RequestId::from_json(string.as_deref().unwrap_or(h)).map_or(Address::InvalidNumber(h), Address::Anonymous)
}

/// Reads the keys of the envelope before and after the arguments, without a scan of the arguments:
/// `{"i":1,"c":"x","a":[` from the left, `],"c":"x","i":1}` or `],"h":1,"i":2}` from the right.
///
/// The text between is shown to be one array, and the frame to be JSON, when the arguments are read. Any other form is
/// left to the full parse.
#[inline]
fn quick_call(frame: &str) -> Option<Call<'_>> {
    let (mut id, mut channel, mut anonymous) = (None, None, None);
    let mut inside = frame.trim_end_matches(SPACE).strip_prefix('{')?.strip_suffix('}')?;
    loop {
        if let Some(rest) = inside.strip_prefix("\"a\":[") {
            inside = rest;
            break;
        } else if let (Some(rest), None) = (inside.strip_prefix("\"i\":"), id) {
            let end = rest.bytes().position(|b| !b.is_ascii_digit())?;
            id = Some(quick_id(&rest[..end])?);
            inside = rest[end..].strip_prefix(',')?;
        } else if let (Some(rest), None) = (inside.strip_prefix("\"c\":\""), channel) {
            let end = plain_string(rest)?;
            channel = Some(&rest[..end]);
            inside = rest[end + 1..].strip_prefix(',')?;
        } else {
            return None;
        }
    }
    while !inside.ends_with(']') {
        let digits = inside.bytes().rev().take_while(u8::is_ascii_digit).count();
        let (rest, last) = inside.split_at(inside.len() - digits);
        if let (Some(rest), None) = (rest.strip_suffix(",\"i\":"), id) {
            id = Some(quick_id(last)?);
            inside = rest;
        } else if let (Some(rest), None) = (rest.strip_suffix(",\"h\":"), anonymous) {
            anonymous = Some(quick_id(last)?);
            inside = rest;
        } else {
            let rest = inside.strip_suffix('"')?;
            let start = rest.bytes().rposition(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
            if channel.is_some() || rest.as_bytes()[start] != b'"' {
                return None;
            }
            channel = Some(&rest[start + 1..]);
            inside = rest[..=start].strip_suffix(",\"c\":\"")?;
        }
    }
    let rest = inside.strip_prefix('"')?;
    let end = plain_string(rest)?;
    let event = &rest[..end];
    let address = match (channel, anonymous) {
        (Some(""), _) | (Some(_), Some(_)) => return None,
        (None, None) if is_reserved(event) => return None,
        (None, None) => Address::Main,
        (Some(name), None) => Address::Named(Cow::Borrowed(name)),
        (None, Some(id)) => Address::Anonymous(id),
    };
    let arguments = Arguments::new(&rest[end + 1..], false);
    Some(Call { id, address, event: Cow::Borrowed(event), arguments, meta: None })
}

/// Decodes `{"i":1,"d":…}` and `{"i":1}`.
#[inline]
fn quick_response(frame: &str) -> Option<Message<'_>> {
    let inside = frame.trim_end_matches(SPACE).strip_prefix("{\"i\":")?.strip_suffix('}')?;
    let end = inside.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(inside.len());
    let (id, rest) = inside.split_at(end);
    let result = match rest {
        "" => None,
        rest => Some(rest.strip_prefix(",\"d\":").filter(|d| serde_json::from_str::<IgnoredAny>(d).is_ok())?),
    };
    Some(Message::Response(quick_id(id)?, Response::Result(result)))
}

/// Reads plain digits as JSON writes them. Other numbers are left to the full parse.
#[inline]
fn quick_id(digits: &str) -> Option<RequestId> {
    if digits.starts_with('0') { None } else { RequestId::new(digits.parse().ok()?) }
}

/// Returns the length of a string without escapes.
#[inline]
fn plain_string(rest: &str) -> Option<usize> {
    let end = rest.bytes().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
    (rest.as_bytes()[end] == b'"').then_some(end)
}
