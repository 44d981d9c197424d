//! JSON that is decoded as arguments and as results.

use super::Row;
use super::types::{FlatWide, Internal, Numbers, Options, Renamed, Shape, Untagged};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use wswrapper::{Base64, CallError, Client, Server, ws_handlers};
use wswrapper_tests::RawPeer;

/// Makes a service for each type, and a row for each text that it decodes.
macro_rules! reads {
    ($($type:ty: $($json:literal),+;)+) => {
        vec![$($({
            struct Service;
            #[ws_handlers]
            impl Service {
                pub async fn get(&self) -> $type {
                    unreachable!("only its proxy is used")
                }
                pub async fn read(&self, value: $type, last: u8) -> String {
                    let _ = last;
                    format!("{value:?}")
                }
            }
            Row::new([$json, stringify!($type)], |gives| async move {
                let server = Server::builder().service(Service).build().expect("it can be mounted");
                let (mut raw, _) = RawPeer::dial(&server);
                let answer = raw.ask(&format!(r#"{{"a":["read",{},0],"i":1}}"#, $json)).await;
                let (mut raw, client) = RawPeer::accept(Client::builder());
                let call = tokio::spawn(async move { ServiceProxy::new(&client).get().await });
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

pub(super) fn read() -> Vec<Row> {
    reads! {
        f64: "-0", "1", "1e2", "null", "1e400";
        f32: "16777217";
        u8: "-0", "-0.0", "1.0", "1e2", "256";
        u64: "-1", "\"1\"";
        u128: "-0";
        Option<i8>: "-0";
        Vec<i64>: "[1,-0]";
        i64: "9223372036854775808";
        bool: "1";
        char: r#""ab""#;
        String: r#""\u00e4\ud83d\ude00\/""#, "null", r#""\ud800""#;
        Option<u8>: "null";
        Option<Option<u8>>: "null";
        (): "null";
        Base64: "[1,2]", "[1,256]", r#""?""#;
        Vec<u8>: r#""AQI=""#;
        [u8; 2]: "[1]";
        BTreeMap<char, u8>: r#"{"a":1,"a":2}"#, r#"{"-":-0}"#;
        Options: "{}", r#"{"note":null,"unknown":{}}"#;
        Renamed: r#"{"firstName":-0,"type":2}"#, r#"{"firstName":-0,"type":"x"}"#, r#"{"firstName":1}"#, r#"{"firstName":1,"type":2,"type":3}"#;
        Shape: r#""Round""#, r#"{"Empty":null}"#;
        Untagged: "true";
        FlatWide: r#"{"n":7}"#;
        Internal: r#"{"kind":"Map","keys":{"1":2}}"#;
        Numbers: "7";
        Value: "-0", "18446744073709551616";
    }
}
