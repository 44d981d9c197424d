//! What Rust values are in JSON: each row of the tables in `values.md`, over the wire.

#![expect(clippy::option_option, reason = "it is a row of a table")]

mod support;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::future::Future;
use std::net::IpAddr;
use std::num::NonZero;
use std::pin::Pin;
use std::time::{Duration, SystemTime};
use support::{RawPeer, pair};
use wswrapper::{Bytes, CallError, Client, SendError, Server, ws_handlers, ws_service};

const DOCUMENTATION: &str = include_str!("../wswrapper/src/values.md");

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Colour {
    Red,
}

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number(u8);

#[derive(Serialize, Deserialize, Debug)]
struct Point(i32, i32);

#[derive(Serialize, Deserialize, Debug)]
struct Nothing;

#[derive(Serialize, Deserialize, Debug, Default)]
#[serde(default)]
struct Options {
    name: String,
    list: Vec<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl Options {
    fn full() -> Self {
        Self { name: "n".to_owned(), list: vec![1], note: Some("x".to_owned()) }
    }
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(rename_all = "camelCase")]
struct Renamed {
    first_name: u8,
    r#type: u8,
}

#[derive(Serialize, Deserialize, Debug)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    more: Renamed,
}

#[derive(Serialize, Deserialize, Debug)]
enum Shape {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Box { w: i32, h: i32 },
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "kind")]
enum Internal {
    Empty,
    Box { w: i32 },
    Of(Renamed),
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(tag = "t", content = "c")]
enum Adjacent {
    Empty,
    Circle(f64),
    Line(i32, i32),
    Box { w: i32 },
}

#[derive(Serialize, Deserialize, Debug)]
#[serde(untagged)]
enum Untagged {
    Empty,
    Number(u8),
    Text(String),
    Box { w: i32 },
}

/// What a row is known by, and what shows that it is true of the text in its other cell.
struct Row {
    key: [&'static str; 2],
    check: Box<dyn Fn(String) -> Checking>,
}

type Checking = Pin<Box<dyn Future<Output = ()>>>;

impl Row {
    fn new<F: Future<Output = ()> + 'static>(key: [&'static str; 2], check: impl Fn(String) -> F + 'static) -> Self {
        Self { key, check: Box::new(move |text| Box::pin(check(text))) }
    }
}

/// Services of values of one type each, and the rows of the values.
macro_rules! values {
    ($($type:ty: $($value:expr),+;)+) => {
        vec![$($({
            #[ws_service]
            trait Echo {
                async fn echo(&self, value: $type, last: u8) -> $type;
                async fn give(&self) -> $type;
            }
            struct Desk;
            #[ws_handlers]
            impl Echo for Desk {
                async fn echo(&self, value: $type, _: u8) -> $type {
                    value
                }
                async fn give(&self) -> $type {
                    $value
                }
            }
            Row::new([stringify!($value), "sent"], |json| async move {
                let (mut raw, client) = RawPeer::accept(Client::builder());
                let echo = EchoProxy::new(&client);
                if let Some(error) = json.strip_prefix("error: ") {
                    let failed = echo.echo($value, 0).await;
                    let Err(CallError::NotSent(SendError::Encode { source, .. })) = failed else { panic!("{failed:?}") };
                    assert_eq!(source.to_string(), error);
                    let server = Server::builder().service(Desk).build().expect("it can be mounted");
                    let rejection = RawPeer::dial(&server).0.ask(r#"{"a":["give"],"i":1}"#).await;
                    assert!(rejection.get("e").is_some(), "{rejection}");
                    return;
                }
                // From our client to any peer, and back from it.
                let call = tokio::spawn(async move { echo.echo($value, 0).await });
                assert_eq!(raw.receive_text().await, format!(r#"{{"a":["echo",{json},0],"i":268435457}}"#));
                raw.send(&format!(r#"{{"i":268435457,"d":{json}}}"#)).await;
                let back = call.await.expect("no panic");
                // From our server to any peer.
                let server = Server::builder().service(Desk).build().expect("it can be mounted");
                let (mut raw, _) = RawPeer::dial(&server);
                raw.send(r#"{"a":["give"],"i":1}"#).await;
                let answer = raw.receive_text().await;
                if stringify!($value) == "()" {
                    assert_eq!(answer, r#"{"i":1}"#);
                } else {
                    assert_eq!(answer, format!(r#"{{"i":1,"d":{json}}}"#));
                }
                // Between two of ours.
                let pair = pair(Server::builder().service(Desk));
                let echo = EchoProxy::new(&pair.client);
                let (there_and_back, given) = (echo.echo($value, 0).await, echo.give().await);
                if ONE_WAY.contains(&stringify!($value)) {
                    assert!([back.is_err(), there_and_back.is_err(), given.is_err()].iter().all(|lost| *lost));
                    return;
                }
                let same = LOSSY.iter().find(|(value, _)| *value == stringify!($value));
                let same = same.map_or_else(|| format!("{:?}", $value), |(_, back)| (*back).to_owned());
                for back in [back, there_and_back, given] {
                    assert_eq!(format!("{:?}", back.expect("an answer")), same);
                }
            })
        }),+),+]
    };
}

/// What does not come back: `null` is no float.
const ONE_WAY: [&str; 3] = ["f64::NAN", "f64::INFINITY", "f32::NEG_INFINITY"];
/// What comes back as something else.
const LOSSY: [(&str, &str); 2] = [("Some(None::<u8>)", "None"), ("Some(f64::NAN)", "None")];

fn sent() -> Vec<Row> {
    let mut rows = values! {
        u8: 0_u8, u8::MAX;
        i8: i8::MIN;
        u16: u16::MAX;
        i16: i16::MIN;
        u32: u32::MAX;
        i32: i32::MIN;
        u64: 9_007_199_254_740_991_u64, 9_007_199_254_740_993_u64, u64::MAX;
        i64: i64::MIN, i64::MAX;
        u128: u128::MAX;
        i128: i128::MIN;
        NonZero<u8>: NonZero::<u8>::MIN;
        f64: 1.0_f64, -0.0_f64, 0.1_f64 + 0.2, 434.291_987_228_963_65_f64, 1.071_566_039_146_582_6e-75_f64, f64::MAX, f64::MIN_POSITIVE, f64::NAN, f64::INFINITY;
        f32: 0.1_f32, f32::NEG_INFINITY;
        bool: true, false;
        char: 'ß', '\0';
        String: String::new(), String::from("a \"b\" \\ c/d\n\t\u{8}\u{1f}"),
            String::from("naïve 日本 😀 <script>&");
        IpAddr: IpAddr::from([127, 0, 0, 1]);
        Option<u8>: None::<u8>, Some(7_u8);
        Option<Option<u8>>: Some(None::<u8>), Some(Some(7_u8));
        Option<f64>: Some(f64::NAN);
        (): ();
        Nothing: Nothing;
        (u8, String, bool): (1_u8, String::from("a"), true);
        (u8,): (1_u8,);
        Vec<u8>: Vec::<u8>::new(), vec![1_u8, 2], vec![1_u8, 2, 255];
        [u8; 3]: [1_u8, 2, 255];
        [[i16; 2]; 2]: [[1_i16, 2], [3, 4]];
        BTreeSet<char>: BTreeSet::from(['b', 'a']);
        BTreeMap<String, u8>: BTreeMap::from([(String::from("k"), 1_u8)]);
        HashMap<u64, char>: HashMap::from([(1_u64, 'a')]);
        BTreeMap<i8, char>: BTreeMap::from([(-1_i8, 'a'), (1, 'b')]);
        BTreeMap<u128, u8>: BTreeMap::from([(u128::MAX, 1_u8)]);
        BTreeMap<bool, u8>: BTreeMap::from([(false, 0_u8), (true, 1)]);
        BTreeMap<char, u8>: BTreeMap::from([('k', 1_u8)]);
        BTreeMap<Colour, u8>: BTreeMap::from([(Colour::Red, 1_u8)]);
        BTreeMap<Number, u8>: BTreeMap::from([(Number(5), 1_u8)]);
        BTreeMap<(u8, u8), u8>: BTreeMap::from([((1_u8, 2_u8), 3_u8)]);
        BTreeMap<Option<u8>, u8>: BTreeMap::from([(Some(1_u8), 3_u8)]);
        Bytes: Bytes::from(vec![1, 2, 255]), Bytes::default();
        Number: Number(5);
        Point: Point(1, 2);
        Options: Options::default(), Options::full();
        Renamed: Renamed { first_name: 1, r#type: 2 };
        Flat: Flat { id: 1, more: Renamed { first_name: 2, r#type: 3 } };
        Shape: Shape::Empty, Shape::Circle(1.5), Shape::Line(1, 2), Shape::Box { w: 1, h: 2 };
        Internal: Internal::Empty, Internal::Box { w: 1 }, Internal::Of(Renamed { first_name: 1, r#type: 2 });
        Adjacent: Adjacent::Empty, Adjacent::Circle(1.5), Adjacent::Line(1, 2), Adjacent::Box { w: 1 };
        Untagged: Untagged::Empty, Untagged::Number(7), Untagged::Text(String::from("x")), Untagged::Box { w: 1 };
        Duration: Duration::from_millis(1_500);
        SystemTime: SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        Value: Value::Null, json!({ "b": [1, -1, 1.5, "x", null], "a": u64::MAX });
    };
    rows.extend(result_and_borrowed());
    rows
}

/// What only arguments can be, and what only is a value inside others.
fn result_and_borrowed() -> Vec<Row> {
    #[ws_service]
    trait Take {
        async fn text(&self, text: &str, last: u8) -> String;
        async fn bytes(&self, bytes: &[u8], last: u8) -> Vec<u8>;
        async fn results(&self, results: Vec<Result<u8, String>>) -> Vec<Result<u8, String>>;
    }
    struct Desk;
    #[ws_handlers]
    impl Take for Desk {
        async fn text(&self, text: &str, _: u8) -> String {
            text.to_owned()
        }
        async fn bytes(&self, bytes: &[u8], _: u8) -> Vec<u8> {
            bytes.to_owned()
        }
        async fn results(&self, results: Vec<Result<u8, String>>) -> Vec<Result<u8, String>> {
            results
        }
    }
    fn ours() -> support::Pair {
        pair(Server::builder().service(Desk))
    }
    let sent = |call: &str, json: &str| format!(r#"{{"a":["{call}",{json}],"i":268435457}}"#);
    vec![
        Row::new([r#""borrowed""#, "sent"], move |json| async move {
            let (mut raw, client) = RawPeer::accept(Client::builder());
            let call = tokio::spawn(async move { TakeProxy::new(&client).text("borrowed", 0).await });
            assert_eq!(raw.receive_text().await, sent("text", &format!("{json},0")));
            drop(call);
            assert_eq!(TakeProxy::new(&ours().client).text("borrowed", 0).await.expect("an answer"), "borrowed");
        }),
        Row::new(["&[1, 2, 255]", "sent"], move |json| async move {
            let (mut raw, client) = RawPeer::accept(Client::builder());
            let call = tokio::spawn(async move { TakeProxy::new(&client).bytes(&[1, 2, 255], 0).await });
            assert_eq!(raw.receive_text().await, sent("bytes", &format!("{json},0")));
            drop(call);
            assert_eq!(TakeProxy::new(&ours().client).bytes(&[1, 2, 255], 0).await.expect("an answer"), [1, 2, 255]);
        }),
        Row::new(["Ok::<u8, String>(1)", "sent"], move |json| async move {
            let (mut raw, client) = RawPeer::accept(Client::builder());
            let results = || vec![Ok::<u8, String>(1)];
            let call = tokio::spawn(async move { TakeProxy::new(&client).results(results()).await });
            assert_eq!(raw.receive_text().await, sent("results", &format!("[{json}]")));
            drop(call);
            assert_eq!(TakeProxy::new(&ours().client).results(results()).await.expect("an answer"), results());
        }),
    ]
}

/// Services that read values of one type each, and the rows of what they read.
macro_rules! reads {
    ($($type:ty: $($json:literal),+;)+) => {
        vec![$($({
            struct Desk;
            #[ws_handlers]
            impl Desk {
                async fn get(&self) -> $type {
                    unreachable!("only its proxy is used")
                }
                async fn read(&self, value: $type, last: u8) -> String {
                    let _ = last;
                    format!("{value:?}")
                }
            }
            Row::new([$json, stringify!($type)], |gives| async move {
                let server = Server::builder().service(Desk).build().expect("it can be mounted");
                let (mut raw, _) = RawPeer::dial(&server);
                let answer = raw.ask(&format!(r#"{{"a":["read",{},0],"i":1}}"#, $json)).await;
                let (mut raw, client) = RawPeer::accept(Client::builder());
                let call = tokio::spawn(async move { DeskProxy::new(&client).get().await });
                raw.receive().await;
                raw.send(&format!(r#"{{"i":268435457,"d":{}}}"#, $json)).await;
                let result = call.await.expect("no panic");
                if let Some(error) = gives.strip_prefix("error: ") {
                    assert_eq!(answer["e"]["message"], format!("argument 1 (`value`) of `read`: {error}"));
                    let Err(CallError::Decode(failed)) = result else { panic!("{result:?}") };
                    assert!(failed.to_string().starts_with(error), "{failed}");
                } else {
                    assert_eq!(answer, json!({ "i": 1, "d": gives }));
                    assert_eq!(format!("{:?}", result.expect("an answer")), gives);
                }
            })
        }),+),+]
    };
}

fn read() -> Vec<Row> {
    reads! {
        f64: "1", "1e2", "null", "1e400";
        f32: "16777217";
        u8: "1.0", "1e2", "256";
        u64: "-1", "\"1\"";
        i64: "9223372036854775808";
        bool: "1";
        char: r#""ab""#;
        String: r#""\u00e4\ud83d\ude00\/""#, "null", r#""\ud800""#;
        Option<u8>: "null";
        Option<Option<u8>>: "null";
        (): "null";
        Bytes: "[1,2]", "[1,256]", r#""?""#;
        Vec<u8>: r#""AQI=""#;
        [u8; 2]: "[1]";
        BTreeMap<char, u8>: r#"{"a":1,"a":2}"#;
        Options: "{}", r#"{"note":null,"unknown":{}}"#;
        Renamed: r#"{"firstName":1}"#, r#"{"firstName":1,"type":2,"type":3}"#;
        Shape: r#""Round""#, r#"{"Empty":null}"#;
        Untagged: "true";
        Value: "18446744073709551616";
    }
}

/// The documentation's tables, as lists of cells; the heads are left out.
fn tables(columns: &[&str]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut ours = false;
    for line in DOCUMENTATION.lines() {
        let Some(line) = line.strip_prefix("| ").and_then(|line| line.strip_suffix(" |")) else {
            ours = false;
            continue;
        };
        let cells: Vec<_> = line.split(" | ").map(code).collect();
        if cells.starts_with(&columns.iter().map(|column| (*column).to_owned()).collect::<Vec<_>>()) {
            ours = true;
        } else if ours && cells[0] != "---" {
            rows.push(cells);
        }
    }
    assert!(!rows.is_empty(), "no tables of {columns:?}");
    rows
}

/// What is in a code span, if the whole cell is one.
fn code(cell: &str) -> String {
    let inner = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`')).filter(|inner| !inner.contains('`'));
    inner.unwrap_or(cell).to_owned()
}

/// Checks each row of the tables, and that there are no others at either place.
async fn check_all(rows: Vec<Row>, documented: Vec<([String; 2], String)>) {
    let mut documented: BTreeMap<_, _> = documented.into_iter().collect();
    let mut missing = Vec::new();
    for row in rows {
        match documented.remove(&row.key.map(ToOwned::to_owned)) {
            Some(text) => {
                println!("{:?}: {text}", row.key);
                (row.check)(text).await;
            }
            None => missing.push(row.key),
        }
    }
    assert!(missing.is_empty(), "not in the documentation: {missing:?}");
    assert!(documented.is_empty(), "not in this test: {documented:?}");
}

#[tokio::test]
async fn every_value_is_sent_as_documented_and_comes_back() {
    let documented = tables(&["Rust", "JSON"]);
    let documented = documented.into_iter().map(|row| ([row[0].clone(), "sent".to_owned()], row[1].clone())).collect();
    check_all(sent(), documented).await;
}

#[tokio::test]
async fn other_forms_are_read_as_documented() {
    let documented = tables(&["JSON", "as", "gives"]);
    let documented = documented.into_iter().map(|row| ([row[0].clone(), row[1].clone()], row[2].clone())).collect();
    check_all(read(), documented).await;
}

#[test]
fn javascript_has_the_numbers_that_are_documented() {
    for row in tables(&["Rust", "JSON", "JavaScript"]) {
        let [_, json, javascript] = &row[..] else { panic!("three cells: {row:?}") };
        let expected = match json.parse::<f64>() {
            Ok(double) => in_javascript(double),
            Err(_) => json.clone(),
        };
        assert_eq!(*javascript, expected, "{row:?}");
    }
}

/// A double as JavaScript's `String` writes it.
fn in_javascript(double: f64) -> String {
    if double == 0.0 {
        "0".to_owned()
    } else if (1e-6..1e21).contains(&double.abs()) {
        double.to_string()
    } else {
        let text = format!("{double:e}");
        if text.contains("e-") { text } else { text.replace('e', "e+") }
    }
}
