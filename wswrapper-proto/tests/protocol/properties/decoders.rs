//! Compares the quick decoder with the whole decoder.

use crate::proto::{Item, Message, Position, RawReason, RequestId, Response};
use serde_json::value::RawValue;

/// The content of a frame, including its arguments.
#[derive(PartialEq, Debug)]
pub(crate) enum Decoded {
    Call { id: Option<RequestId>, address: String, event: String, arguments: Vec<String>, meta: Option<String> },
    BadName(Option<RequestId>),
    Response(RequestId, Option<String>),
    Rejection(RequestId, String, bool),
    Channel(RequestId),
    Cancellation(RequestId, String, bool),
    Abort(String, String, bool),
    Nothing,
}

/// Returns the content of a message, or `None` if its arguments are malformed.
pub(crate) fn decoded(message: Message<'_>) -> Option<Decoded> {
    Some(match message {
        Message::Call(mut call) => Decoded::Call {
            arguments: call
                .arguments
                .collect::<&RawValue>()
                .ok()?
                .into_iter()
                .map(|raw| raw.get().to_owned())
                .collect(),
            id: call.id,
            address: format!("{:?}", call.address),
            event: call.event.into_owned(),
            meta: call.meta.map(|meta| meta.get().to_owned()),
        },
        Message::BadName(id) => Decoded::BadName(id),
        Message::Response(id, Response::Result(json)) => Decoded::Response(id, json.map(|json| json.trim().to_owned())),
        Message::Response(id, Response::Rejection(RawReason { value, error })) => {
            Decoded::Rejection(id, value.to_owned(), error)
        }
        Message::Response(id, Response::Channel) => Decoded::Channel(id),
        Message::Cancellation(id, RawReason { value, error }) => Decoded::Cancellation(id, value.to_owned(), error),
        Message::Abort(address, RawReason { value, error }) => {
            Decoded::Abort(format!("{address:?}"), value.to_owned(), error)
        }
        Message::Nothing => Decoded::Nothing,
    })
}

pub(crate) fn decoded_whole(frame: &str) -> Decoded {
    decoded(Message::decode_whole(frame)).expect("the whole decoder validates a frame")
}

/// Returns true if the quick decoder reads the frame as a call.
pub(crate) fn is_quick(frame: &str) -> bool {
    matches!(Message::decode(frame), Message::Call(call) if !call.arguments.is_validated())
}

pub(crate) fn kind(decoded: &Decoded) -> &'static str {
    match decoded {
        Decoded::Call { .. } => "call",
        Decoded::BadName(_) => "bad name",
        Decoded::Response(_, Some(_)) => "result",
        Decoded::Response(_, None) => "no result",
        Decoded::Rejection(_, _, true) => "error",
        Decoded::Rejection(_, _, false) => "bare rejection",
        Decoded::Channel(_) => "channel",
        Decoded::Cancellation(..) => "cancellation",
        Decoded::Abort(..) => "abort",
        Decoded::Nothing => "nothing",
    }
}

/// Returns the value, `done`, `lost` and `at` of a stream's item, or `None` if the message is no call or is malformed.
pub(crate) fn item(message: &Message<'_>) -> Option<(Option<String>, bool, u64, Option<Position>)> {
    let Message::Call(call) = message else { return None };
    let Item { value, done, lost, at } = Item::read(&call.arguments)?;
    Some((value.map(|value| value.trim().to_owned()), done, lost, at))
}

/// Returns an error if the decoders differ on a frame.
pub(crate) fn difference(frame: &str) -> Result<(), String> {
    let whole = decoded_whole(frame);
    let (quick_item, whole_item) = (item(&Message::decode(frame)), item(&Message::decode_whole(frame)));
    if quick_item.is_some() && quick_item != whole_item {
        return Err(format!("{frame:?} is the item {quick_item:?} to the quick decoder, {whole_item:?} to the whole"));
    }
    if let Some(quick) = decoded(Message::decode(frame))
        && quick != whole
    {
        return Err(format!("{frame:?} is {quick:?} to the quick decoder, {whole:?} to the whole"));
    }
    // Reads the arguments as a handler with one parameter does.
    if let Message::Call(mut call) = Message::decode(frame)
        && let Ok(first) = call.arguments.next::<Option<&RawValue>>()
        && let Ok(left) = call.arguments.finish()
    {
        let arguments = match whole {
            Decoded::Call { arguments, .. } => arguments,
            other => return Err(format!("{frame:?} is a call to the quick decoder, {other:?} to the whole")),
        };
        let seen = (first.map(RawValue::get), call.arguments.taken(), left);
        let first = arguments.first().map(String::as_str).filter(|first| *first != "null");
        if seen != (first, arguments.len(), arguments.len().saturating_sub(1)) {
            return Err(format!(
                "{frame:?} has the arguments {seen:?} to the quick decoder, {arguments:?} to the whole"
            ));
        }
    }
    Ok(())
}
