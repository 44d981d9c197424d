//! Generates frames and values, from ordinary to invalid ones.

use crate::proto::{RESERVED, Side};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

/// Generates names of events and channels.
pub(crate) fn name() -> BoxedStrategy<String> {
    let odd = select(vec![
        "é漢😀",
        "a\"b",
        "\\",
        "\u{0}",
        "\u{7f}",
        "\u{2028}",
        "\n",
        "]",
        "]}",
        "],\"i\":5",
        ",\"c\":\"x",
        "\",\"c\":\"b",
        "<&>",
        "null",
        "5",
        " ",
        "a]",
        "[",
        "__proto__",
    ]);
    prop_oneof![
        5 => select(vec!["echo", "add", "e", "news"]).prop_map(str::to_owned),
        1 => select(RESERVED.to_vec()).prop_map(str::to_owned),
        3 => odd.prop_map(str::to_owned),
        1 => any::<String>(),
    ]
    .boxed()
}

/// Generates any JSON value. Its floats are exact in binary, so that they are unchanged after decoding.
pub(crate) fn value() -> BoxedStrategy<Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 8.0)),
        name().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![vec(inner.clone(), 0..5).prop_map(Value::from), members(inner).prop_map(Value::Object)]
    })
    .boxed()
}

/// Generates an object of any JSON values.
pub(crate) fn object() -> BoxedStrategy<Map<String, Value>> {
    members(value()).boxed()
}

fn members(value: BoxedStrategy<Value>) -> BoxedStrategy<Map<String, Value>> {
    btree_map(prop_oneof![name(), key().prop_map(str::to_owned)], value, 0..4).prop_map(Map::from_iter).boxed()
}

/// Generates a valid frame, a damaged frame, or any text.
pub(crate) fn frame() -> BoxedStrategy<String> {
    prop_oneof![
        12 => compact(),
        3 => channel_frame(1..4_u64),
        6 => odd_object(),
        5 => (prop_oneof![3 => compact(), 1 => odd_object()], vec(damage(), 1..4)).prop_map(|(frame, damages)| {
            damages.into_iter().fold(frame, |frame, damage| damage.apply_to(&frame))
        }),
        1 => json_text(),
        1 => vec(any::<u8>(), 0..40).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        1 => vec(select(TOKENS.to_vec()), 0..16).prop_map(|tokens| tokens.concat()),
    ]
    .boxed()
}

/// Generates an object with keys of the protocol in any order, without white space, as JavaScript and Go write it.
fn compact() -> BoxedStrategy<String> {
    let arguments =
        prop_oneof![5 => vec(json_text(), 0..4), 2 => vec(value().prop_map(|value| value.to_string()), 0..4)];
    let call = (plain_string(), arguments)
        .prop_map(|(event, arguments)| format!("\"a\":[{}]", [vec![event], arguments].concat().join(",")));
    let channel = prop_oneof![
        2 => plain_string().prop_map(|name| format!("\"c\":{name}")),
        1 => id().prop_map(|id| format!("\"h\":{id}")),
    ];
    let call_members = (
        call,
        proptest::option::weighted(0.7, id().prop_map(|id| format!("\"i\":{id}"))),
        proptest::option::weighted(0.7, channel),
        proptest::option::weighted(0.15, member(String::new)),
    )
        .prop_map(|(call, id, channel, more)| [Some(call), id, channel, more].into_iter().flatten().collect());
    let outcome = prop_oneof![
        3 => value().prop_map(|value| format!("\"d\":{value}")),
        1 => json_text().prop_map(|value| format!("\"d\":{value}")),
        2 => value_for("e").prop_map(|value| format!("\"e\":{value}")),
        1 => value_for("x").prop_map(|value| format!("\"x\":{value}")),
        1 => Just("\"h\":1".to_owned()),
    ];
    let response = (
        id().prop_map(|id| format!("\"i\":{id}")),
        proptest::option::weighted(0.8, outcome),
        proptest::option::weighted(0.5, value_for("_").prop_map(|mark| format!("\"_\":{mark}"))),
        proptest::option::weighted(0.1, member(String::new)),
    )
        .prop_map(|(id, outcome, mark, more)| [Some(id), outcome, mark, more].into_iter().flatten().collect());
    let members = prop_oneof![
        6 => call_members.prop_shuffle(),
        3 => response,
        1 => vec(member(String::new), 0..5),
    ];
    let trailing = select(vec!["", "", "", "\n", " ", "\r\n\t", "\u{c}"]);
    (members, trailing)
        .prop_map(|(members, trailing): (Vec<String>, _)| format!("{{{}}}{trailing}", members.join(",")))
        .boxed()
}

/// Generates a message of a stream on a channel with one of these numbers. Some are damaged.
pub(crate) fn channel_frame(number: impl Strategy<Value = u64> + 'static) -> BoxedStrategy<String> {
    let text = |text: &str| Just(text.to_owned());
    let boolean = || select(vec!["true", "false", "1", "0", "null", "\"\"", "[]"]).prop_map(str::to_owned);
    let pair = prop_oneof![
        2 => json_text().prop_map(|value| format!("\"value\":{value}")),
        2 => boolean().prop_map(|done| format!("\"done\":{done}")),
        1 => id().prop_map(|lost| format!("\"lost\":{lost}")),
        1 => (string(), json_text()).prop_map(|(key, value)| format!("{key}:{value}")),
        1 => Just("\"\\u0076alue\":1".to_owned()),
    ];
    let payload = prop_oneof![
        4 => value().prop_map(|value| format!("{{\"value\":{value},\"done\":false}}")),
        3 => json_text().prop_map(|value| format!("{{\"value\":{value},\"done\":false}}")),
        1 => text("{\"done\":true}"),
        3 => vec(pair, 0..5).prop_map(|members| format!("{{{}}}", members.join(","))),
        1 => json_text(),
    ];
    let call = prop_oneof![
        3 => text("\"start\""),
        2 => id().prop_map(|items| format!("\"credit\",{items}")),
        8 => payload.prop_map(|payload| format!("\"next\",{payload}")),
        2 => text("\"result\""),
        1 => plain_string(),
    ];
    let request = proptest::option::weighted(0.4, 1..6_u64);
    let frame = (call, number, request, proptest::option::weighted(0.2, value_for("m"))).prop_map(
        |(call, channel, request, meta)| {
            let request = request.map_or_else(String::new, |id| format!(",\"i\":{id}"));
            let meta = meta.map_or_else(String::new, |meta| format!(",\"m\":{meta}"));
            format!("{{\"a\":[{call}],\"h\":{channel}{request}{meta}}}")
        },
    );
    let damages = prop_oneof![4 => vec(damage(), 0..1), 1 => vec(damage(), 1..3)];
    (frame, damages)
        .prop_map(|(frame, damages)| damages.into_iter().fold(frame, |frame, damage| damage.apply_to(&frame)))
        .boxed()
}

/// Generates an object with any of the protocol's keys, also repeated, and white space anywhere.
fn odd_object() -> BoxedStrategy<String> {
    (whitespace(), vec((whitespace(), member(|| " ".to_owned()), whitespace()), 0..7), whitespace())
        .prop_map(|(before, members, after)| {
            let members: Vec<String> =
                members.into_iter().map(|(before, member, after)| before + &member + &after).collect();
            format!("{before}{{{}}}{after}", members.join(","))
        })
        .boxed()
}

fn member(space: fn() -> String) -> BoxedStrategy<String> {
    (key(), any::<Index>(), prop::bool::weighted(0.1))
        .prop_flat_map(move |(key, letter, escaped)| {
            let key_text = if escaped { with_escape(key, letter.index(key.len())) } else { format!("\"{key}\"") };
            value_for(key).prop_map(move |value| format!("{key_text}{0}:{0}{value}", space()))
        })
        .boxed()
}

fn key() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        4 => Just("a"), 8 => Just("i"), 3 => Just("c"), 2 => Just("h"), 3 => Just("d"), 3 => Just("e"), 3 => Just("x"),
        3 => Just("_"), 1 => Just("m"), 1 => Just("ws-wrapper"),
        1 => select(vec!["I", "A", "zzz", "message", "0", "code"]),
    ]
}

fn with_escape(key: &str, at: usize) -> String {
    let letters = key.chars().enumerate().map(|(position, letter)| {
        if position == at { format!("\\u{:04x}", u32::from(letter)) } else { letter.to_string() }
    });
    format!("\"{}\"", letters.collect::<String>())
}

/// Generates a value that is usual for the key, or any value.
fn value_for(key: &'static str) -> BoxedStrategy<String> {
    let texts = |texts: &[&'static str]| select(texts.to_vec()).prop_map(str::to_owned);
    let likely = match key {
        "a" => (whitespace(), string(), vec(json_text(), 0..4), whitespace())
            .prop_map(|(space, event, arguments, after)| {
                let values = [vec![event], arguments].concat().join(&format!("{space},{space}"));
                format!("[{space}{values}{after}]")
            })
            .boxed(),
        "i" => id().boxed(),
        "c" => string().boxed(),
        "h" => prop_oneof![id(), texts(&["1", "0", "\"7\"", "true", "null", "\"abc\"", "[1]"])].boxed(),
        "e" | "x" => prop_oneof![
            texts(&["{\"message\":\"m\"}", "{\"message\":5,\"code\":1}", "{}", "null", "false", "0", "\"\"", "\"s\""]),
            json_text()
        ]
        .boxed(),
        "_" => texts(&["1", "true", "0", "false", "null", "-0", "0e5", "\"\"", "\"x\"", "[]"]).boxed(),
        "m" => texts(&["{\"t\":5}", "{}", "null", "[1]"]).boxed(),
        "ws-wrapper" => texts(&["false", "false", "true", "0", "null"]).boxed(),
        _ => json_text().boxed(),
    };
    prop_oneof![6 => likely, 1 => json_text()].boxed()
}

/// Generates request ids: the first ones of a client and of its peer, unusual numbers, and other values.
fn id() -> BoxedStrategy<String> {
    let first = Side::Client.first_id().get();
    let odd = select(vec![
        "0",
        "-0",
        "-1",
        "1.0",
        "1e2",
        "1E+2",
        "100e-2",
        "1.5",
        "0.5",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "9007199254740991.0",
        "4294967296",
        "18446744073709551615",
        "18446744073709551616",
        "99999999999999999999999999",
        "1e400",
        "-1e400",
        "1e-400",
        "\"5\"",
        "null",
        "true",
        "[1]",
        "{}",
    ]);
    let invalid = select(vec!["01", "00", "+1", "", "1.", ".5", "0x1", "1_0", "١", "-"]);
    prop_oneof![
        8 => (1..6_u64).prop_map(|id| id.to_string()),
        8 => (first..first + 6).prop_map(|id| id.to_string()),
        3 => odd.prop_map(str::to_owned),
        1 => invalid.prop_map(str::to_owned),
    ]
    .boxed()
}

/// Generates a string, mostly without unnecessary escapes.
fn plain_string() -> BoxedStrategy<String> {
    prop_oneof![6 => name().prop_map(|name| Value::from(name).to_string()), 1 => Just("\"\"".to_owned()), 1 => string()]
        .boxed()
}

/// Generates the JSON text of a string, sometimes with unusual or invalid escapes.
fn string() -> BoxedStrategy<String> {
    let odd = select(vec!["\\u0061", "\\u0022", "\\ud83d\\ude00", "\\ud800", "\\udc00", "\\/", "\\b", "\\\"", "\\\\"]);
    let forbidden = select(vec!["\u{1}", "\n", "\u{c}", "\\x", "\\u12", "\""]);
    let plain = name().prop_map(|name| Value::from(name).to_string().trim_matches('"').to_owned());
    let piece = prop_oneof![24 => plain, 6 => odd.prop_map(str::to_owned), 1 => forbidden.prop_map(str::to_owned)];
    vec(piece, 1..3).prop_map(|pieces| format!("\"{}\"", pieces.concat())).boxed()
}

/// Generates the text of a JSON value. Some texts are invalid.
fn json_text() -> BoxedStrategy<String> {
    let deep = (select(vec![3_usize, 127, 128, 129, 2000]), any::<bool>()).prop_map(|(depth, lists)| {
        let (open, close) = if lists { ("[", "]") } else { ("{\"a\":", "}") };
        open.repeat(depth) + "1" + &close.repeat(depth)
    });
    let leaf = prop_oneof![
        24 => select(vec!["null", "true", "false", "0", "1", "-5", "2.5", "\"\"", "[]", "{}"]).prop_map(str::to_owned),
        12 => string(),
        4 => id(),
        1 => select(vec!["NaN", "tru", "'x'", "nulll", "Infinity", "undefined", "1 2", "\"", "]", "],[", "}"])
            .prop_map(str::to_owned),
        2 => deep,
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let list = (vec(inner.clone(), 0..4), whitespace())
            .prop_map(|(items, space)| format!("[{}]", items.join(&format!("{space},{space}"))));
        let object = (vec((string(), inner), 0..4), whitespace()).prop_map(|(members, space)| {
            let members: Vec<_> = members.into_iter().map(|(key, value)| format!("{key}{space}:{value}")).collect();
            format!("{{{}}}", members.join(","))
        });
        prop_oneof![list, object]
    })
    .boxed()
}

/// Generates white space: mostly none, sometimes characters that are no white space in JSON.
fn whitespace() -> BoxedStrategy<String> {
    prop_oneof![
        24 => Just(""),
        10 => select(vec![" ", "\n", "\t", "\r", " \r\n\t "]),
        1 => select(vec!["\u{c}", "\u{b}", "\u{a0}", "\u{feff}", "\u{2028}", "\0"]),
    ]
    .prop_map(str::to_owned)
    .boxed()
}

const TOKENS: [&str; 30] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "1",
    "0",
    "\"a\":[",
    "\"echo\"",
    "\"i\":1",
    "\"c\":\"x\"",
    ",\"i\":5",
    ",\"c\":\"y\"",
    "\"a\":[\"e\"],",
    "],\"a\":[\"f\"",
    "\\\"",
    "\u{c}",
    " ",
    "null",
    "\"ws-wrapper\":false",
    "\"x\":1",
    "\"d\":1",
    "\"h\":1",
    "\"e\":",
    "]}",
    "\u{0}",
    "é",
];

/// A change of a frame's text.
#[derive(Clone, Debug)]
enum Damage {
    Insert(Index, &'static str),
    Replace(Index, &'static str),
    Remove(Index),
    Cut(Index),
    /// Inserts a copy of one part at another position.
    Copy {
        from: Index,
        length: usize,
        to: Index,
    },
}

fn damage() -> BoxedStrategy<Damage> {
    let index = any::<Index>;
    prop_oneof![
        4 => (index(), select(TOKENS.to_vec())).prop_map(|(at, token)| Damage::Insert(at, token)),
        2 => (index(), select(TOKENS.to_vec())).prop_map(|(at, token)| Damage::Replace(at, token)),
        2 => index().prop_map(Damage::Remove),
        1 => index().prop_map(Damage::Cut),
        2 => (index(), 1..12_usize, index()).prop_map(|(from, length, to)| Damage::Copy { from, length, to }),
    ]
    .boxed()
}

impl Damage {
    fn apply_to(&self, frame: &str) -> String {
        let chars: Vec<char> = frame.chars().collect();
        let at = |index: &Index| index.index(chars.len() + 1);
        let text =
            |from: usize, to: usize| chars[from.min(chars.len())..to.min(chars.len())].iter().collect::<String>();
        let (position, until, new) = match self {
            Self::Insert(index, token) => (at(index), at(index), (*token).to_owned()),
            Self::Replace(index, token) => (at(index), at(index) + 1, (*token).to_owned()),
            Self::Remove(index) => (at(index), at(index) + 1, String::new()),
            Self::Cut(index) => (at(index), chars.len(), String::new()),
            Self::Copy { from, length, to } => (at(to), at(to), text(at(from), at(from) + length)),
        };
        text(0, position) + &new + &text(until, chars.len())
    }
}
