//! A line of the wire log.
//!
//! The text is copied token by token, and neither parsed into values nor encoded again. So each number and each escape
//! sequence is shown as it was sent, duplicate members are shown, and any depth is possible.

use crate::close::cut;
use serde::de::IgnoredAny;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// The length at which a line is cut. The value that reaches it is still shown.
const LINE_BYTES: usize = 4 * 1_024;

/// The length at which a number is cut. A peer may send any number of digits.
const NUMBER_BYTES: usize = 64;

/// The rules by which a message is shown.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    pub(super) max_value_bytes: usize,
    /// The names of members whose values are not shown.
    pub(super) redacted: BTreeSet<String>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { max_value_bytes: 256, redacted: BTreeSet::new() }
    }
}

impl Rules {
    /// Returns the line of a message, which begins with `start`.
    pub(super) fn line(&self, start: String, text: &str) -> String {
        let mut line = start;
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            self.push_json(&mut line, text);
        } else {
            self.push_other(&mut line, text);
        }
        line
    }

    /// Shows a text that is valid JSON.
    fn push_json(&self, line: &mut String, text: &str) {
        let mut rest = skip_space(text);
        while !rest.is_empty() {
            if line.len() >= LINE_BYTES {
                return push_left_out(line, rest.len());
            }
            let (token, others) = split_token(rest);
            rest = skip_space(others);
            self.push_token(line, token);
            // Only the name of a member is followed by a colon.
            if rest.starts_with(':') && self.is_redacted(token) {
                line.push_str(":\"…\"");
                rest = skip_space(skip_value(&rest[1..]));
            }
        }
    }

    /// Returns true if the value of the member with this name, a JSON string, is not shown.
    fn is_redacted(&self, name: &str) -> bool {
        // A lone surrogate is JSON but no text, and so is none of the names.
        !self.redacted.is_empty()
            && serde_json::from_str::<String>(name).is_ok_and(|name| self.redacted.contains(&name))
    }

    fn push_token(&self, line: &mut String, token: &str) {
        match token.strip_prefix('"').and_then(|token| token.strip_suffix('"')) {
            Some(inside) => {
                let shown = cut_string(inside, self.max_value_bytes);
                line.push('"');
                shown.chars().for_each(|c| push_visible(line, c));
                line.push('"');
                push_left_out(line, inside.len() - shown.len());
            }
            None => {
                let shown = cut(token, NUMBER_BYTES);
                line.push_str(shown);
                push_left_out(line, token.len() - shown.len());
            }
        }
    }

    /// Shows a text that is not JSON.
    fn push_other(&self, line: &mut String, text: &str) {
        let visible = self.redacted.iter().filter_map(|name| text.find(name.as_str())).min();
        let shown = cut(&text[..visible.unwrap_or(text.len())], self.max_value_bytes);
        line.push_str("not JSON: \"");
        for c in shown.chars() {
            if matches!(c, '"' | '\\') {
                line.push('\\');
            }
            push_visible(line, c);
        }
        line.push('"');
        push_left_out(line, text.len() - shown.len());
    }
}

fn push_left_out(line: &mut String, bytes: usize) {
    if bytes > 0 {
        // A `String` does not fail.
        let _ = write!(line, "…(+{bytes} bytes)");
    }
}

/// Shows a character. One that could end the line, or control or reorder the text of a terminal, is escaped as in JSON.
fn push_visible(line: &mut String, c: char) {
    match c {
        '\n' => line.push_str("\\n"),
        '\r' => line.push_str("\\r"),
        '\t' => line.push_str("\\t"),
        '\u{61c}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            push_escaped(line, c);
        }
        c if c.is_control() => push_escaped(line, c),
        c => line.push(c),
    }
}

fn push_escaped(line: &mut String, c: char) {
    let _ = write!(line, "\\u{:04x}", u32::from(c));
}

/// The white space of JSON is left out.
fn skip_space(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

/// Splits the first token from a text, which is part of valid JSON and does not begin with white space: a string, a sign
/// of punctuation, or a number, `true`, `false` or `null`.
fn split_token(text: &str) -> (&str, &str) {
    let length = match text.as_bytes() {
        [b'"', inside @ ..] => string_length(inside),
        [b'{' | b'}' | b'[' | b']' | b',' | b':', ..] => 1,
        bytes => bytes.iter().position(|byte| b" \t\n\r,]}".contains(byte)).unwrap_or(bytes.len()),
    };
    text.split_at(length)
}

/// Returns the length of a string with its quotes. `inside` begins after the first quote.
fn string_length(inside: &[u8]) -> usize {
    let mut is_escaped = false;
    let end = inside.iter().position(|byte| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    });
    end.map_or(inside.len(), |end| end + 1) + 1
}

/// Returns the text after the value with which `text` begins.
fn skip_value(text: &str) -> &str {
    let (mut rest, mut depth) = (skip_space(text), 0_usize);
    while !rest.is_empty() {
        let (token, others) = split_token(rest);
        rest = skip_space(others);
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    rest
}

/// Cuts the inside of a JSON string. No character and no escape sequence is split.
fn cut_string(inside: &str, max_bytes: usize) -> &str {
    if inside.len() <= max_bytes {
        return inside;
    }
    let mut end = 0;
    loop {
        let next = end + unit_length(&inside[end..]);
        if next > max_bytes {
            return &inside[..end];
        }
        end = next;
    }
}

/// Returns the length of the character or the escape sequence with which `text`, the inside of a JSON string, begins. Two
/// sequences that are one character together have one length.
fn unit_length(text: &str) -> usize {
    match text.as_bytes() {
        [b'\\', b'u', b'd' | b'D', b'8'..=b'9' | b'a'..=b'b' | b'A'..=b'B', _, _, b'\\', b'u', ..] => 12,
        [b'\\', b'u', ..] => 6,
        [b'\\', ..] => 2,
        _ => text.chars().next().map_or(0, char::len_utf8),
    }
}

#[cfg(test)]
mod tests {
    use super::{LINE_BYTES, NUMBER_BYTES, Rules};

    fn shown(max_value_bytes: usize, text: &str) -> String {
        let redacted = ["password", "token", "näme"].map(str::to_owned).into();
        Rules { max_value_bytes, redacted }.line(String::new(), text)
    }

    #[test]
    fn json_is_shown_as_it_was_sent_without_white_space() {
        for text in [
            r#"{"a":["x",1,-2.5e300,123456789012345678901234567890,true,null,{},[],""],"i":1}"#,
            r#"{"x":1,"x":2,"\ud800":"\udc00\"\\"}"#,
            "[[[]]]",
            "7",
        ] {
            assert_eq!(shown(256, text), text);
        }
        assert_eq!(shown(256, " { \"a b\" :\r\n[ 1 ,\t\" : \" ] } "), r#"{"a b":[1," : "]}"#);
    }

    #[test]
    fn values_of_redacted_members_are_not_shown_at_any_depth() {
        for (text, expected) in [
            (r#"{"a":["login",{"password":"s3cret"}]}"#, r#"{"a":["login",{"password":"…"}]}"#),
            (r#"{"d":[[{"token":{"token":["]}",{}]},"x":1}]]}"#, r#"{"d":[[{"token":"…","x":1}]]}"#),
            (r#"{"token" : 12 , "x":"token"}"#, r#"{"token":"…","x":"token"}"#),
            (r#"{"token":1,"token":2}"#, r#"{"token":"…","token":"…"}"#),
            // Names are compared after their escape sequences were read.
            (r#"{"pass\u0077ord":"s3cret","n\u00e4me":1}"#, r#"{"pass\u0077ord":"…","n\u00e4me":"…"}"#),
            // A lone surrogate is no text, and its neighbours are still redacted.
            (r#"{"\ud800":1,"token":"\ud800"}"#, r#"{"\ud800":1,"token":"…"}"#),
            (r#"["token","password",":"]"#, r#"["token","password",":"]"#),
            (r#"{"Token":1,"tokens":2}"#, r#"{"Token":1,"tokens":2}"#),
        ] {
            assert_eq!(shown(256, text), expected);
        }
        let depth = 10_000;
        let deep = format!("{}{{\"token\":1}}{}", "[".repeat(depth), "]".repeat(depth));
        let line = Rules::default().line(String::new(), &deep);
        assert_eq!(line, format!("{}…(+{} bytes)", "[".repeat(LINE_BYTES), deep.len() - LINE_BYTES));
        let redacted = shown(256, &format!(r#"{{"token":{deep},"x":1}}"#));
        assert_eq!(redacted, r#"{"token":"…","x":1}"#);
    }

    #[test]
    fn values_are_cut_between_characters_and_escape_sequences() {
        for (max, text, expected) in [
            (5, r#""abcde""#, r#""abcde""#),
            (5, r#""abcdef""#, r#""abcde"…(+1 bytes)"#),
            (5, r#""ääää""#, r#""ää"…(+4 bytes)"#),
            (5, r#""€€""#, r#""€"…(+3 bytes)"#),
            (5, r#""a😀😀""#, r#""a😀"…(+4 bytes)"#),
            (5, r#""abcd\n""#, r#""abcd"…(+2 bytes)"#),
            (5, r#""abcd\\\\""#, r#""abcd"…(+4 bytes)"#),
            (8, r#""abcd\u00e4""#, r#""abcd"…(+6 bytes)"#),
            (8, r#""\ud83d\ude00x""#, r#"""…(+13 bytes)"#),
            (12, r#""\ud83d\ude00x""#, r#""\ud83d\ude00"…(+1 bytes)"#),
            (5, r#"{"names are values":1234567}"#, r#"{"names"…(+11 bytes):1234567}"#),
            (0, r#"["a",1,false]"#, r#"[""…(+1 bytes),1,false]"#),
        ] {
            assert_eq!(shown(max, text), expected);
        }
    }

    #[test]
    fn long_numbers_are_cut() {
        let digits = "7".repeat(NUMBER_BYTES);
        assert_eq!(shown(5, &format!("[{digits},{digits}8]")), format!("[{digits},{digits}…(+1 bytes)]"));
    }

    #[test]
    fn a_member_whose_name_is_cut_is_redacted() {
        assert_eq!(shown(5, r#"{"password":"s3cret"}"#), r#"{"passw"…(+3 bytes):"…"}"#);
    }

    #[test]
    fn a_line_has_a_bounded_length() {
        let many = format!("[{}]", vec!["1"; 100_000].join(","));
        let line = shown(256, &many);
        assert_eq!(line, format!("{}…(+{} bytes)", &many[..LINE_BYTES], many.len() - LINE_BYTES));
        // A control character of one byte takes six.
        let del = format!("[{}]", vec![format!("\"{}\"", "\u{7f}".repeat(256)); 1_000].join(","));
        assert!(shown(256, &del).len() < LINE_BYTES + 6 * 256 + 32);
    }

    #[test]
    fn no_text_ends_the_line_or_controls_a_terminal() {
        let hostile = "\u{7f}\u{85}\u{9b}31m\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}";
        let expected = r"\u007f\u0085\u009b31m\u2028\u2029\u202e\u2066\u200f";
        assert_eq!(
            shown(256, &format!("{{\"{hostile}\":\"{hostile}\"}}")),
            format!("{{\"{expected}\":\"{expected}\"}}")
        );
        assert_eq!(
            shown(256, "{}\n→ 1 {\"a\":[]}\r\t\u{1b}[2J\u{0}\\"),
            r#"not JSON: "{}\n→ 1 {\"a\":[]}\r\t\u001b[2J\u0000\\""#
        );
    }

    #[test]
    fn a_text_that_is_not_json_is_cut_at_its_length_and_at_redacted_names() {
        assert_eq!(shown(256, ""), r#"not JSON: """#);
        assert_eq!(shown(5, "ääää"), r#"not JSON: "ää"…(+4 bytes)"#);
        assert_eq!(shown(256, r#"{"x":1,"password":"s3cret","token":1,}"#), r#"not JSON: "{\"x\":1,\""…(+30 bytes)"#);
    }

    /// Any text is one line, and no text causes a panic.
    #[test]
    fn random_texts_are_one_line() {
        let pieces = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\\",
            "\\\"",
            "\\u00e4",
            "\\ud83d",
            "\\ude00",
            "ä",
            "😀",
            "\n",
            "\u{85}",
            " ",
            "1",
            "token",
            "\"token\":",
            "\"a\":[",
            "null",
        ];
        let mut random = fastrand::Rng::with_seed(7);
        let mut valid = 0;
        for _ in 0..200_000 {
            let count = random.usize(..12);
            let text: String = (0..count).map(|_| pieces[random.usize(..pieces.len())]).collect();
            let line = shown(random.usize(..12), &text);
            assert!(!line.contains(char::is_control), "{text:?} {line:?}");
            valid += usize::from(!line.starts_with("not JSON"));
        }
        assert!(valid > 1_000, "{valid} texts were JSON");
    }
}
