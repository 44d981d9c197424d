//! Values that are encoded for a raw peer, and sent between a client and a server.

use super::Row;
use super::types::{
    Adjacent, Colour, Flat, FlatMap, FlatWide, Internal, Nothing, Number, Numbers, Options, Point, Renamed, Shape,
    Untagged, Wide,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::num::NonZero;
use std::time::{Duration, SystemTime};
use wswrapper::{Base64, CallError, Client, Server, error::SendError, ws_handlers, ws_service};
use wswrapper_tests::{Pair, RawPeer, pair};

/// Makes a service for each type, and a row for each value.
macro_rules! values {
    ($($type:ty: $($value:expr),+;)+) => {
        vec![$($({
            #[ws_service]
            trait Echo {
                async fn echo(&self, value: $type, last: u8) -> $type;
                async fn give(&self) -> $type;
            }
            struct Service;
            #[ws_handlers]
            impl Echo for Service {
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
                    let Err(CallError::NotSent(SendError::Encode { source, .. })) = failed else {
                        panic!("{failed:?}")
                    };
                    assert_eq!(source.to_string(), error);
                    let server = Server::builder().service(Service).build().expect("it can be mounted");
                    let rejection = RawPeer::dial(&server).0.ask(r#"{"a":["give"],"i":1}"#).await;
                    assert!(rejection.get("e").is_some(), "{rejection}");
                    return;
                }
                // From a client to a raw peer, and back.
                let call = tokio::spawn(async move { echo.echo($value, 0).await });
                assert_eq!(raw.receive_text().await, format!(r#"{{"a":["echo",{json},0],"i":268435457}}"#));
                raw.send(&format!(r#"{{"i":268435457,"d":{json}}}"#)).await;
                let back = call.await.expect("no panic");
                // From a server to a raw peer.
                let server = Server::builder().service(Service).build().expect("it can be mounted");
                let (mut raw, _) = RawPeer::dial(&server);
                raw.send(r#"{"a":["give"],"i":1}"#).await;
                let answer = raw.receive_text().await;
                if stringify!($value) == "()" {
                    assert_eq!(answer, r#"{"i":1}"#);
                } else {
                    assert_eq!(answer, format!(r#"{{"i":1,"d":{json}}}"#));
                }
                // Between a client and a server.
                let pair = pair(Server::builder().service(Service));
                let echo = EchoProxy::new(&pair.client);
                let (echoed, given) = (echo.echo($value, 0).await, echo.give().await);
                if ONE_WAY.contains(&stringify!($value)) {
                    assert!([back.is_err(), echoed.is_err(), given.is_err()].iter().all(|lost| *lost));
                    return;
                }
                let same = LOSSY.iter().find(|(value, _)| *value == stringify!($value));
                let same = same.map_or_else(|| format!("{:?}", $value), |(_, back)| (*back).to_owned());
                for back in [back, echoed, given] {
                    assert_eq!(format!("{:?}", back.expect("an answer")), same);
                }
            })
        }),+),+]
    };
}

/// Values that cannot be decoded again: `null` is no float, and serde buffers no 128-bit integers and no integer keys.
const ONE_WAY: [&str; 9] = [
    "f64::NAN",
    "f64::INFINITY",
    "f32::NEG_INFINITY",
    "FlatWide { more: Wide { n: 7 } }",
    "Internal::Wide { n: 7 }",
    "Internal::Map { keys: BTreeMap::from([(1, 2)]) }",
    "Numbers::Wide(7)",
    "Numbers::Map(BTreeMap::from([(1, 2)]))",
    "FlatMap { more: BTreeMap::from([(1, 2)]) }",
];
/// Values that are decoded as another value.
const LOSSY: [(&str, &str); 2] = [("Some(None::<u8>)", "None"), ("Some(f64::NAN)", "None")];

pub(super) fn sent() -> Vec<Row> {
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
        f64: 1.0_f64, -0.0_f64, 0.1_f64 + 0.2, 434.291_987_228_963_65_f64, 1.071_566_039_146_582_6e-75_f64, f64::MAX,
            f64::MIN_POSITIVE, f64::NAN, f64::INFINITY;
        f32: 0.1_f32, f32::NEG_INFINITY;
        bool: true, false;
        char: 'ß', '\0';
        String: String::new(), String::from("a \"b\" \\ c/d\n\t\u{8}\u{1f}"),
            String::from("naïve 日本 😀 <script>&");
        IpAddr: IpAddr::from([127, 0, 0, 1]);
        Option<u8>: None::<u8>, Some(7_u8);
        Option<Option<u8>>: Some(None::<u8>), Some(Some(7_u8));
        Option<f64>: Some(f64::NAN);
        Option<Result<u8, String>>: Some(Ok::<u8, String>(1)), Some(Err::<u8, String>(String::from("no"))),
            None::<Result<u8, String>>;
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
        Base64: Base64::from(vec![1, 2, 255]), Base64::default();
        Number: Number(5);
        Point: Point(1, 2);
        Options: Options::default(), Options::full();
        Renamed: Renamed { first_name: 1, r#type: 2 };
        Flat: Flat { id: 1, more: Renamed { first_name: 2, r#type: 3 } };
        Shape: Shape::Empty, Shape::Circle(1.5), Shape::Line(1, 2), Shape::Box { w: 1, h: 2 };
        Internal: Internal::Empty, Internal::Box { w: 1 }, Internal::Of(Renamed { first_name: 1, r#type: 2 }),
            Internal::Map { keys: BTreeMap::from([(1, 2)]) }, Internal::Wide { n: 7 };
        FlatWide: FlatWide { more: Wide { n: 7 } };
        FlatMap: FlatMap { more: BTreeMap::from([(1, 2)]) };
        Numbers: Numbers::Wide(7), Numbers::Map(BTreeMap::from([(1, 2)]));
        Adjacent: Adjacent::Empty, Adjacent::Circle(1.5), Adjacent::Line(1, 2), Adjacent::Box { w: 1 },
            Adjacent::Map(BTreeMap::from([(1, 2)]));
        Untagged: Untagged::Empty, Untagged::Number(7), Untagged::Text(String::from("x")), Untagged::Box { w: 1 };
        Duration: Duration::from_millis(1_500);
        SystemTime: SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        Value: Value::Null, json!({ "b": [1, -1, 1.5, "x", null], "a": u64::MAX });
    };
    rows.extend(result_and_borrowed());
    rows
}

/// Rows of borrowed values, which only arguments can be, and of results, which only occur inside other values.
fn result_and_borrowed() -> Vec<Row> {
    #[ws_service]
    trait Take {
        async fn text(&self, text: &str, last: u8) -> String;
        async fn bytes(&self, bytes: &[u8], last: u8) -> Vec<u8>;
        async fn results(&self, results: Vec<Result<u8, String>>) -> Vec<Result<u8, String>>;
    }
    struct Service;
    #[ws_handlers]
    impl Take for Service {
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
    fn pair_of_ours() -> Pair {
        pair(Server::builder().service(Service))
    }
    let sent = |call: &str, json: &str| format!(r#"{{"a":["{call}",{json}],"i":268435457}}"#);
    vec![
        Row::new([r#""borrowed""#, "sent"], move |json| async move {
            let (mut raw, client) = RawPeer::accept(Client::builder());
            let call = tokio::spawn(async move { TakeProxy::new(&client).text("borrowed", 0).await });
            assert_eq!(raw.receive_text().await, sent("text", &format!("{json},0")));
            drop(call);
            assert_eq!(
                TakeProxy::new(&pair_of_ours().client).text("borrowed", 0).await.expect("an answer"),
                "borrowed"
            );
        }),
        Row::new(["&[1, 2, 255]", "sent"], move |json| async move {
            let (mut raw, client) = RawPeer::accept(Client::builder());
            let call = tokio::spawn(async move { TakeProxy::new(&client).bytes(&[1, 2, 255], 0).await });
            assert_eq!(raw.receive_text().await, sent("bytes", &format!("{json},0")));
            drop(call);
            assert_eq!(
                TakeProxy::new(&pair_of_ours().client).bytes(&[1, 2, 255], 0).await.expect("an answer"),
                [1, 2, 255]
            );
        }),
        Row::new(["Ok::<u8, String>(1)", "sent"], move |json| async move {
            let (mut raw, client) = RawPeer::accept(Client::builder());
            let results = || vec![Ok::<u8, String>(1)];
            let call = tokio::spawn(async move { TakeProxy::new(&client).results(results()).await });
            assert_eq!(raw.receive_text().await, sent("results", &format!("[{json}]")));
            drop(call);
            assert_eq!(TakeProxy::new(&pair_of_ours().client).results(results()).await.expect("an answer"), results());
        }),
    ]
}
