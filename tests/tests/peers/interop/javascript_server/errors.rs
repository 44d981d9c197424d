//! Errors of a JavaScript server.

use super::{CalcError, CalcProxy, MainServiceProxy, NodeServer};
use serde_json::{Value, json};
use wswrapper::{CallError, error::Rejection};

#[tokio::test]
async fn a_javascript_error_with_code_and_data_becomes_the_error_of_the_contract() {
    let Some(server) = NodeServer::start().await else { return };
    let calc = CalcProxy::new(&server.connect().await);
    let zero = calc.divide(1, 0).await;
    assert!(matches!(zero, Err(CallError::Handler(CalcError::DivisionByZero))), "{zero:?}");
    let odd = calc.divide(5, 3).await;
    assert!(matches!(odd, Err(CallError::Handler(CalcError::Odd { rest: 2 }))), "{odd:?}");
}

#[tokio::test]
async fn a_javascript_error_without_a_code_becomes_a_refusal_with_its_message() {
    // By default the library sends no properties of errors.
    let Some(server) = NodeServer::start_with(json!({})).await else { return };
    let refused = CalcProxy::new(&server.connect().await).divide(1, 0).await;
    assert!(
        matches!(&refused, Err(CallError::Rejected(r)) if r.message() == Some("division by zero") && r.code().is_none()),
        "{refused:?}"
    );
}

#[tokio::test]
async fn any_value_that_javascript_throws_is_received_unchanged() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    let main = MainServiceProxy::new(&client);
    let text = "a \"quoted\" \u{1f600} text";
    assert!(matches!(main.fail(text).await, Err(CallError::Handler(message)) if message == text));
    assert!(matches!(main.fail_later(text).await, Err(CallError::Handler(r)) if r == Rejection::new(text)));
    for value in [json!({"code": 42}), json!("text"), json!(0), json!(false), json!([]), Value::Null] {
        let rejected = main.reject(value.clone()).await;
        assert!(matches!(&rejected, Err(CallError::Handler(r)) if r.as_value() == Some(&value)), "{rejected:?}");
    }
    // Defect of ws-wrapper: a rejection without a value is sent as a result.
    main.reject_nothing().await.expect("the response is a result");
    // A value that cannot be encoded as JSON, from a promise.
    let big = main.big_later().await;
    assert!(matches!(&big, Err(CallError::Handler(r)) if r.to_string().contains("BigInt")), "{big:?}");
}

#[tokio::test]
async fn calls_that_a_javascript_server_does_not_handle_are_refused() {
    let Some(server) = NodeServer::start().await else { return };
    let client = server.connect().await;
    for (refused, message) in [
        (MainServiceProxy::new(&client).missing().await, "No event listener for 'missing'"),
        (CalcProxy::new(&client).missing().await, "No event listener for 'missing' on channel 'calc'"),
        (CalcProxy::new(&client.channel("nowhere")).missing().await, "Channel 'nowhere' does not exist"),
    ] {
        assert!(matches!(&refused, Err(CallError::Rejected(r)) if r.message() == Some(message)), "{refused:?}");
    }
}
