//! A reference decoder, which applies the rules to a `serde_json::Value`.

use serde_json::Value;
use serde_json::value::RawValue;

/// Returns the kind of a frame by the rules of classification, or `None` if `serde_json::Value` cannot hold the frame.
pub(crate) fn reference_kind(frame: &str) -> Option<&'static str> {
    let tree = match serde_json::from_str(frame) {
        Ok(Value::Object(tree)) => tree,
        Ok(_) => return Some("nothing"),
        Err(_) => return serde_json::from_str::<&RawValue>(frame).map_or(Some("nothing"), |_| None),
    };
    let number =
        |value: &Value| value.as_f64().filter(|n| n.fract() == 0.0 && *n >= 1.0 && *n < 9_007_199_254_740_992.0);
    if tree.get("ws-wrapper") == Some(&Value::Bool(false)) {
        return Some("nothing");
    }
    let id = tree.get("i").and_then(number);
    let on_anonymous = tree.get("h").is_some_and(|h| !h.is_null());
    if let Some(Value::Array(call)) = tree.get("a")
        && let Some(event) = call.first()
    {
        let named = tree.get("c").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
        // An `h` that is no number may or may not address a channel, because JavaScript converts it to a number.
        let anonymous = tree.get("h").is_some_and(|h| if h.is_number() { is_truthy(h) } else { !h.is_null() });
        let vague = tree.get("h").is_some_and(|h| !h.is_number() && !h.is_null());
        let reserved = event.as_str().is_some_and(crate::proto::is_reserved);
        match event {
            Value::String(_) if reserved && !named && vague => return None,
            Value::String(_) if !reserved || named || anonymous => return Some("call"),
            Value::String(_) => {}
            _ => return Some("bad name"),
        }
    }
    Some(match (id, tree.get("x"), tree.get("e")) {
        (_, Some(_), _) if on_anonymous => "abort",
        (Some(_), Some(_), _) => "cancellation",
        (None, ..) => "nothing",
        (_, _, Some(e)) if is_truthy(e) && tree.get("_").is_some_and(is_truthy) => "error",
        (_, _, Some(_)) => "bare rejection",
        _ if on_anonymous => "channel",
        _ if tree.contains_key("d") => "result",
        _ => "no result",
    })
}

/// Returns the value, `done` and `lost` of a stream's item, or `None` if the frame is no call.
///
/// The value is encoded again, so its text may differ from that in the frame.
pub(crate) fn reference_item(frame: &str) -> Option<(Option<String>, bool, u64)> {
    reference_kind(frame).filter(|kind| *kind == "call")?;
    let tree: Value = serde_json::from_str(frame).ok()?;
    let payload = tree.as_object()?.get("a")?.as_array()?.get(1).and_then(Value::as_object);
    let member = |name| payload.and_then(|payload| payload.get(name));
    let whole = |n: &f64| n.fract() == 0.0 && *n >= 1.0 && *n < 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is whole and in range")]
    let lost = member("lost").and_then(Value::as_f64).filter(whole).map_or(0, |lost| lost as u64);
    Some((member("value").map(Value::to_string), member("done").is_some_and(is_truthy), lost))
}

/// Returns true if the value is truthy in JavaScript.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}
