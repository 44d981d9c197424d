//! The values of parameters, as segments of a channel's name.

use std::borrow::Cow;
use std::fmt::{self, Display, Write};

/// The characters that are percent-encoded in a value, and their codes.
const ENCODED: [(char, &str); 4] = [('%', "%25"), ('/', "%2F"), ('{', "%7B"), ('}', "%7D")];

/// Appends an encoded value to the name of a channel. Returns false if the value is empty.
pub(crate) fn encode_value(name: &mut String, value: &dyn Display) -> bool {
    struct Encoder<'n>(&'n mut String);
    impl Write for Encoder<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            let mut rest = text;
            while let Some(at) = rest.find(ENCODED.map(|(c, _)| c)) {
                let (before, from) = rest.split_at(at);
                self.0.push_str(before);
                let code = ENCODED.iter().find(|(c, _)| from.starts_with(*c));
                self.0.push_str(code.map_or("", |(_, code)| code));
                rest = &from[1..];
            }
            self.0.push_str(rest);
            Ok(())
        }
    }
    let start = name.len();
    // A `Display` that fails has no value.
    write!(Encoder(name), "{value}").is_ok() && name.len() > start
}

/// Decodes a value. Returns `None` if it is empty, or encoded otherwise than [`encode_value`] does.
pub(crate) fn decode_value(encoded: &str) -> Option<Cow<'_, str>> {
    if encoded.is_empty() || encoded.contains(['/', '{', '}']) {
        return None;
    }
    let mut parts = encoded.split('%');
    let first = parts.next()?;
    if first.len() == encoded.len() {
        return Some(Cow::Borrowed(encoded));
    }
    let mut value = String::with_capacity(encoded.len());
    value.push_str(first);
    for part in parts {
        let (c, code) = ENCODED.iter().find(|(_, code)| part.starts_with(&code[1..]))?;
        value.push(*c);
        value.push_str(&part[code.len() - 1..]);
    }
    Some(Cow::Owned(value))
}

/// Returns true if the value displays as this text.
pub(crate) fn displays_as(value: &dyn Display, text: &str) -> bool {
    struct Rest<'t>(&'t str);
    impl Write for Rest<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(text).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    let mut rest = Rest(text);
    write!(rest, "{value}").is_ok() && rest.0.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{decode_value, displays_as, encode_value};

    fn encode(value: &str) -> Option<String> {
        let mut name = "doc/".to_owned();
        encode_value(&mut name, &value).then_some(name)
    }

    #[test]
    fn four_characters_are_encoded() {
        assert_eq!(encode("a/b%c{d}e").as_deref(), Some("doc/a%2Fb%25c%7Bd%7De"));
        assert_eq!(encode("ä 😀?#&").as_deref(), Some("doc/ä 😀?#&"));
        assert_eq!(encode(""), None);
    }

    #[test]
    fn a_value_has_one_name() {
        for value in ["a", "%", "%%2F", "a/b", "ä%", "{}", "x{", " "] {
            let name = encode(value).expect("not empty");
            assert_eq!(decode_value(&name["doc/".len()..]).as_deref(), Some(value));
        }
        for encoded in ["", "%", "%2", "%2f", "%41", "a%", "%%25", "a/b", "{", "}", "%7b", "%C3%A4"] {
            assert_eq!(decode_value(encoded), None, "{encoded}");
        }
    }

    #[test]
    fn a_text_is_compared_with_the_display_of_a_value() {
        assert!(displays_as(&17, "17") && displays_as(&format_args!("{}-{}", 1, 2), "1-2"));
        assert!(
            !displays_as(&17, "017") && !displays_as(&17, "1") && !displays_as(&17, "171") && !displays_as(&"", "a")
        );
    }
}
