//! `null` as the last argument, for peers that count arguments.

#![expect(clippy::option_option, reason = "the outer option is the argument, the inner one its value")]

use serde_json::Value;
use wswrapper::{Client, ws_service};
use wswrapper_tests::RawPeer;

#[ws_service]
trait Search {
    #[ws(event)]
    async fn find(&self, text: &str, limit: Option<Option<u32>>);
    #[ws(event)]
    async fn find_any(&self, text: &str, filter: Value);
}

#[tokio::test]
async fn null_is_sent_as_the_last_argument() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let search = SearchProxy::new(&client);
    search.find("a", Some(None)).await.expect("it is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["find","a",null]}"#);
    search.find("a", None).await.expect("it is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["find","a"]}"#);
    search.find_any("a", Value::Null).await.expect("it is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["find_any","a",null]}"#);
    client.emit("find", ("a", ())).await.expect("it is open");
    assert_eq!(raw.receive_text().await, r#"{"a":["find","a",null]}"#);
}
