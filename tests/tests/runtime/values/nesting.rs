//! Deeply nested values: serde decodes at most 127 levels.

use serde_json::{Value, json};
use wswrapper::{CallError, Client, Server, ws_handlers, ws_service};
use wswrapper_tests::{RawPeer, pair};

#[ws_service]
trait Deep {
    async fn echo(&self, value: Value) -> Value;
    async fn make(&self, depth: usize) -> Value;
}

struct Service;

#[ws_handlers]
impl Deep for Service {
    async fn echo(&self, value: Value) -> Value {
        value
    }
    async fn make(&self, depth: usize) -> Value {
        nested(depth)
    }
}

fn nested(depth: usize) -> Value {
    (1..depth).fold(json!([]), |value, _| json!([value]))
}

#[tokio::test]
async fn arguments_and_results_with_127_levels_arrive() {
    let pair = pair(Server::builder().service(Service));
    let deep = DeepProxy::new(&pair.client);
    assert_eq!(deep.echo(nested(127)).await.expect("a result"), nested(127));
    assert_eq!(deep.make(127).await.expect("a result"), nested(127));
}

#[tokio::test]
async fn an_argument_with_128_levels_is_rejected() {
    let pair = pair(Server::builder().service(Service));
    let Err(CallError::Rejected(rejection)) = DeepProxy::new(&pair.client).echo(nested(128)).await else {
        panic!("it is too deep")
    };
    assert_eq!(rejection.to_string(), "argument 1 (`value`) of `echo`: recursion limit exceeded");
    // The connection goes on.
    assert_eq!(DeepProxy::new(&pair.client).make(1).await.expect("a result"), nested(1));
}

#[tokio::test]
async fn a_result_with_128_levels_cannot_be_decoded() {
    let pair = pair(Server::builder().service(Service));
    let Err(CallError::Decode(error)) = DeepProxy::new(&pair.client).make(128).await else { panic!("it is too deep") };
    assert!(error.to_string().starts_with("recursion limit exceeded"), "{error}");
}

#[tokio::test]
async fn a_rejection_with_128_levels_loses_its_text() {
    let (mut raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(async move { DeepProxy::new(&client).make(1).await });
    raw.receive().await;
    raw.send(&format!(r#"{{"i":268435457,"e":{{"message":"m","data":{}}},"_":1}}"#, nested(128))).await;
    let Err(CallError::Rejected(rejection)) = call.await.expect("no panic") else { panic!("it was rejected") };
    assert_eq!((rejection.message(), rejection.data()), (Some(""), None));
}
