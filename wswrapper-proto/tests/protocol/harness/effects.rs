//! Compares the effects of a step with the expected ones.

use serde_json::{Map, Value};

/// Checks that the effects are exactly the expected ones. The order is compared among sent frames only.
pub(crate) fn compare(expected: &[Value], seen: &[Value]) -> Result<(), String> {
    let is_send = |effect: &&Value| effect.get("send").is_some();
    compare_frames(expected.iter().filter(is_send), seen.iter().filter(is_send))?;
    let mut left: Vec<&Value> = seen.iter().filter(|effect| !is_send(effect)).collect();
    for wanted in expected.iter().filter(|effect| !is_send(effect)) {
        let found = left.iter().position(|effect| matches(&normalized(wanted), &normalized(effect)));
        left.swap_remove(found.ok_or_else(|| format!("missing: {wanted}"))?);
    }
    left.first().map_or(Ok(()), |effect| Err(format!("unexpected: {effect}")))
}

fn compare_frames<'v>(
    mut expected: impl Iterator<Item = &'v Value>,
    seen: impl Iterator<Item = &'v Value>,
) -> Result<(), String> {
    let is_optional = |effect: &Value| effect.get("optional") == Some(&Value::Bool(true));
    for effect in seen {
        let fits = |wanted: &&Value| matches(&normalized(wanted), &without_new_code(wanted, normalized(effect)));
        let next = expected.by_ref().find(|wanted| fits(wanted) || !is_optional(wanted));
        if !next.is_some_and(|wanted| fits(&wanted)) {
            return Err(format!("unexpected: {effect}"));
        }
    }
    expected.find(|wanted| !is_optional(wanted)).map_or(Ok(()), |wanted| Err(format!("missing: {wanted}")))
}

/// Removes the `code` of a rejection, or of an abort, that the library has made, if the expected frame has none.
fn without_new_code(wanted: &Value, mut effect: Value) -> Value {
    for part in ["/send/e", "/send/x"] {
        let Some(Value::Object(seen)) = effect.pointer_mut(part) else { continue };
        let is_new = wanted.pointer(part).is_some_and(|wanted| wanted.is_object() && wanted.get("code").is_none());
        let is_own = seen.get("code").and_then(Value::as_str).is_some_and(|code| code.starts_with("ws:"));
        if is_new && is_own {
            seen.remove("code");
        }
    }
    effect
}

/// Returns an effect in its normal form, because scenarios can write the same effect in several forms.
fn normalized(effect: &Value) -> Value {
    let mut effect = effect.as_object().cloned().unwrap_or_default();
    effect.remove("raw");
    effect.remove("optional");
    if let Some(mark) = effect.get_mut("send").and_then(|frame| frame.get_mut("_")).filter(|mark| **mark == true) {
        *mark = 1.into();
    }
    if let Some(result) = effect.get_mut("result").and_then(Value::as_object_mut)
        && result.remove("nothing").is_some()
    {
        result.insert("ok".to_owned(), Value::Null);
    }
    if effect.contains_key("refused") {
        effect = Map::from_iter([("refused".to_owned(), Value::Null)]);
    }
    Value::Object(effect)
}

fn matches(wanted: &Value, seen: &Value) -> bool {
    match (wanted, seen) {
        (Value::String(any), _) if any == "$any" => true,
        (Value::Array(wanted), Value::Array(seen)) => {
            wanted.len() == seen.len() && wanted.iter().zip(seen).all(|(wanted, seen)| matches(wanted, seen))
        }
        (Value::Object(wanted), Value::Object(seen)) => {
            let same = |(key, wanted): (&String, &Value)| seen.get(key).is_some_and(|seen| matches(wanted, seen));
            wanted.len() == seen.len() && wanted.iter().all(same)
        }
        _ => wanted == seen,
    }
}
