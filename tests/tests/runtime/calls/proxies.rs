//! Calls through proxies from both endpoints.

use super::{CalcError, CalcProxy, CalcService, calc_server};
use std::error::Error;
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::{pair, pair_with};

#[tokio::test]
async fn a_proxy_calls_a_service() -> Result<(), Box<dyn Error>> {
    let pair = pair(calc_server());
    let calc = CalcProxy::new(&pair.client);
    assert_eq!(calc.add(1, 2).await?, 3);
    assert_eq!(calc.negate(7).await?, -7);
    assert_eq!(calc.twice(21).await?, 42);
    assert_eq!(calc.length("a \"quoted\" \u{1f600} line\n").await?, 18);
    assert_eq!(calc.sum(&[1, 2, 250]).await?, 253);
    assert_eq!(calc.flip(vec![1, 2, 3].into()).await?, [3, 2, 1]);
    calc.nothing().await?;
    assert_eq!(calc.none().await?, None);
    Ok(())
}

#[tokio::test]
async fn the_server_calls_the_client_with_the_same_proxy() -> Result<(), Box<dyn Error>> {
    let pair = pair_with(Server::builder(), Client::builder().service(CalcService));
    assert_eq!(CalcProxy::new(&pair.peer).add(20, 22).await?, 42);
    assert_eq!(CalcProxy::new(pair.peer).div(9, 3).await?, 3);
    Ok(())
}

#[tokio::test]
async fn a_contracts_error_is_decoded_by_the_caller() {
    let pair = pair(calc_server());
    let calc = CalcProxy::new(&pair.client);
    for (a, b, expected) in
        [(1, 0, CalcError::DivisionByZero), (1, 1, CalcError::TooSmall { by: 1 }), (3, 2, CalcError::Odd(3, 2))]
    {
        match calc.div(a, b).await {
            Err(CallError::Handler(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn ten_thousand_concurrent_calls_each_get_their_own_response() {
    let pair = pair(calc_server());
    let calc = CalcProxy::new(&pair.client);
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..10_000 {
        let calc = calc.clone();
        calls.spawn(async move { (n, calc.add(n, n).await) });
    }
    while let Some(call) = calls.join_next().await {
        let (n, sum) = call.expect("no panic");
        assert_eq!(sum.expect("an answer"), 2 * n);
    }
    assert_eq!(pair.client.calls_in_flight(), 0);
}
