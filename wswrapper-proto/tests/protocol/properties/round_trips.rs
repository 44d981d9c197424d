//! Round trips: encoded frames are decoded to the same content.

use super::decoders::{Decoded, decoded, decoded_whole, item};
use super::generate::{name, object, value};
use super::multiplied_cases;
use crate::outgoing::assert_valid;
use crate::proto::{
    Address, CallEncoder, Message, Position, RawReason, Rejection, RequestId, Response, check_event, encode,
};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;
use std::time::Duration;

fn id() -> impl Strategy<Value = RequestId> {
    prop_oneof![1..10_u64, 1..1_u64 << 53].prop_map(|number| RequestId::new(number).expect("the id is in range"))
}

fn rejection() -> impl Strategy<Value = Rejection> {
    let error = (any::<String>(), object()).prop_map(|(message, properties)| {
        properties.into_iter().fold(Rejection::new(message), |error, (name, value)| error.with_property(&name, value))
    });
    // A null is excluded because it is sent as an error.
    let bare = value().prop_filter("not null", |value| !value.is_null()).prop_map(Rejection::value);
    prop_oneof![error, bare]
}

fn text(frame: &[u8]) -> &str {
    assert_valid(frame);
    std::str::from_utf8(frame).expect("UTF-8")
}

/// Returns the content of a frame. Panics if the decoders differ.
fn decoded_by_both(frame: &str) -> Decoded {
    let whole = decoded_whole(frame);
    assert_eq!(decoded(Message::decode(frame)).as_ref(), Some(&whole), "{frame}");
    whole
}

proptest! {
    #![proptest_config(multiplied_cases(2))]

    #[test]
    fn events_and_requests_arrive_as_they_were_sent(
        event in name(),
        channel in proptest::option::of(name()),
        arguments in vec(proptest::option::weighted(0.8, value()), 0..5),
        request in proptest::option::of((id(), proptest::option::of(any::<u64>()))),
    ) {
        let channel = channel.as_deref().filter(|channel| !channel.is_empty());
        if check_event(&event, channel).is_err() {
            return Ok(());
        }
        let mut call = CallEncoder::new(&event);
        for argument in &arguments {
            call.argument(argument).expect("JSON");
        }
        let call = call.finish(channel);
        let (frame, wait) = match request {
            Some((id, wait)) => (call.into_request(id, wait.map(Duration::from_millis), false), wait),
            None => (call.into_event(), None),
        };
        let sent_count = arguments.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
        let sent = arguments[..sent_count].iter().map(|argument| argument.clone().unwrap_or_default());
        let sent: Vec<Value> = sent.collect();
        let text = text(&frame);
        prop_assert_eq!(decoded_by_both(text), Decoded::Call {
            id: request.map(|(id, _)| id),
            address: format!("{:?}", channel.map_or(Address::Main, |channel| Address::Named(channel.into()))),
            event,
            arguments: sent.iter().map(Value::to_string).collect(),
            meta: wait.map(|wait| format!("{{\"t\":{}}}", wait.min((1 << 53) - 1))),
        });
        let Message::Call(mut call) = Message::decode(text) else { panic!("a call") };
        prop_assert_eq!(call.arguments.collect::<Value>().expect("JSON"), sent);
    }

    #[test]
    fn results_arrive_as_they_were_sent(id in id(), value in value()) {
        let mut frame = Vec::new();
        encode::result(&mut frame, id, &value).expect("JSON");
        prop_assert_eq!(decoded_by_both(text(&frame)), Decoded::Response(id, Some(value.to_string())));
    }

    #[test]
    fn rejections_arrive_as_they_were_sent(id in id(), rejection in rejection()) {
        let mut frame = Vec::new();
        encode::rejection(&mut frame, id, &rejection);
        let Message::Response(seen, Response::Rejection(reason)) = Message::decode(text(&frame)) else {
            panic!("{frame:?}")
        };
        prop_assert_eq!((seen, reason.read()), (id, rejection));
    }

    #[test]
    fn cancellations_and_aborts_arrive_as_they_were_sent(id in id(), reason in rejection()) {
        let mut frame = Vec::new();
        encode::cancellation(&mut frame, id, Some(&reason));
        let Message::Cancellation(seen, raw) = Message::decode(text(&frame)) else { panic!("{frame:?}") };
        prop_assert_eq!((seen, raw.read()), (id, reason.clone()));
        frame.clear();
        encode::abort(&mut frame, id, Some(&reason));
        let Message::Abort(seen, raw) = Message::decode(text(&frame)) else { panic!("{frame:?}") };
        prop_assert_eq!((seen, raw.read()), (Address::Anonymous(id), reason));
    }

    #[test]
    fn items_arrive_as_they_were_sent(
        channel in id(),
        request in proptest::option::of(id()),
        lost in prop_oneof![Just(0), 1..1_u64 << 53],
        at in proptest::option::of((id(), id())),
        value in value(),
    ) {
        let at = at.map(|(epoch, offset)| Position { epoch: epoch.get(), offset: offset.get() });
        let mut frame = Vec::new();
        encode::item_at(&mut frame, channel, request, lost, at, &value).expect("JSON");
        let frame = text(&frame);
        prop_assert_eq!(item(&Message::decode(frame)), Some((Some(value.to_string()), false, lost, at)));
        let Decoded::Call { id, address, event, .. } = decoded_by_both(frame) else { panic!("{frame}") };
        prop_assert_eq!((id, address, &*event), (request, format!("{:?}", Address::Anonymous(channel)), "next"));
        if let Some(id) = request {
            let mut later = Vec::new();
            encode::item_at(&mut later, channel, None, lost, at, &value).expect("JSON");
            encode::item_as_request(&mut later, id);
            prop_assert_eq!(text(&later), frame);
        }
    }

    /// A received reason may be passed on to another peer.
    #[test]
    fn any_received_reason_can_be_sent(json in value(), error in any::<bool>()) {
        let reason = RawReason { value: &json.to_string(), error }.read();
        let mut frame = Vec::new();
        encode::rejection(&mut frame, RequestId::new(1).expect("an id"), &reason);
        assert_valid(&frame);
        frame.clear();
        encode::cancellation(&mut frame, RequestId::new(1).expect("an id"), Some(&reason));
        assert_valid(&frame);
    }
}
