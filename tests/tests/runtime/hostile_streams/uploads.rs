//! Invalid credit and repeated starts for an upload of the server.

use super::credit::INVALID_CREDIT;
use super::{Fixture, SourcesProxy, guarded, item};
use serde_json::json;
use std::convert::Infallible;
use tokio::task::JoinHandle;
use wswrapper::CallError;

/// A call of the server that uploads 1, 2, 3 and so on to the peer.
struct Upload {
    fixture: Fixture,
    call: JoinHandle<Result<u32, CallError<Infallible>>>,
    channel: u64,
    /// The id of the request for the result.
    result: u64,
}

impl Upload {
    async fn new() -> Self {
        let mut fixture = Fixture::new();
        let numbers = guarded(u32::MAX, fixture.service.sources.guard());
        let call = tokio::spawn(SourcesProxy::new(&fixture.peer).sum(numbers));
        let channel = fixture.raw.receive().await["i"].as_u64().expect("a request");
        let result = fixture.raw.ask(&json!({"i": channel, "h": 1}).to_string()).await;
        assert_eq!((&result["a"], &result["h"]), (&json!(["result"]), &json!(channel)));
        let result = result["i"].as_u64().expect("a request");
        Self { fixture, call, channel, result }
    }

    /// Sends an event on the upload's channel. `event` is the content of the array.
    async fn send(&mut self, event: &str) {
        self.fixture.raw.send(&format!(r#"{{"a":[{event}],"h":{}}}"#, self.channel)).await;
    }

    /// Sends an event, and checks that it is ignored.
    async fn send_ignored(&mut self, event: &str) {
        self.fixture.send_ignored(&format!(r#"{{"a":[{event}],"h":{}}}"#, self.channel)).await;
    }

    /// Checks that these items arrive as events.
    async fn expect_items(&mut self, numbers: impl IntoIterator<Item = u32>) {
        for number in numbers {
            assert_eq!(self.fixture.raw.receive().await, item(self.channel, number));
        }
    }

    /// Checks that this item arrives as a request, and returns the request's id.
    async fn expect_item_as_request(&mut self, number: u32) -> u64 {
        let frame = self.fixture.raw.receive().await;
        assert_eq!(frame["a"], item(self.channel, number)["a"]);
        frame["i"].as_u64().unwrap_or_else(|| panic!("{frame} is no request"))
    }

    /// Checks that the call completes and leaves nothing behind.
    async fn finish(mut self) {
        self.fixture.raw.send(&json!({"i": self.result, "d": 7}).to_string()).await;
        assert_eq!(self.call.await.expect("no panic").expect("an answer"), 7);
        assert_eq!(self.fixture.finish(0).await.entries(), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn invalid_first_credit_for_an_upload_is_ignored() {
    for credit in INVALID_CREDIT {
        let mut upload = Upload::new().await;
        upload.send_ignored(&format!(r#""credit"{credit}"#)).await;
        upload.send(r#""start""#).await;
        upload.expect_item_as_request(1).await;
        upload.send_ignored(&format!(r#""credit"{credit}"#)).await;
        upload.finish().await;
    }
}

#[tokio::test]
async fn invalid_later_credit_for_an_upload_is_ignored() {
    let mut upload = Upload::new().await;
    upload.send_ignored(r#""credit",2"#).await;
    // No item was sent yet, so this lifts the credit in hand above 65,536 and is ignored.
    upload.send_ignored(r#""credit",65535"#).await;
    upload.send(r#""start""#).await;
    upload.expect_items([1, 2]).await;
    for credit in INVALID_CREDIT.into_iter().chain([",65537", ",9007199254740991"]) {
        upload.send_ignored(&format!(r#""credit"{credit}"#)).await;
    }
    upload.send(r#""credit",2.0,"more""#).await;
    upload.expect_items([3, 4]).await;
    upload.finish().await;
}

#[tokio::test]
async fn credit_for_an_upload_without_a_start_sends_no_item() {
    let mut upload = Upload::new().await;
    for _ in 0..100 {
        upload.send(r#""credit",1"#).await;
    }
    upload.send_ignored(r#""credit",65536"#).await;
    upload.finish().await;
}

#[tokio::test]
async fn first_credit_after_the_start_of_an_upload_is_ignored() {
    let mut upload = Upload::new().await;
    upload.send(r#""start""#).await;
    let first = upload.expect_item_as_request(1).await;
    upload.send_ignored(r#""credit",50"#).await;
    upload.fixture.raw.send(&json!({"i": first}).to_string()).await;
    upload.expect_item_as_request(2).await;
    upload.finish().await;
}

#[tokio::test]
async fn a_repeated_start_of_an_upload_sends_no_item_twice() {
    let mut upload = Upload::new().await;
    upload.send(r#""credit",3"#).await;
    upload.send(r#""start""#).await;
    upload.send(r#""start",{"again":true}"#).await;
    upload.expect_items(1..=3).await;
    upload.send_ignored(r#""start""#).await;
    upload.finish().await;
}
