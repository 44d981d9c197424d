//! The example `observed`, with a collector of the test's own.

use super::TIME_LIMIT;
use axum::Router;
use axum::body::Bytes;
use axum::routing::post;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use wswrapper_tests::example;

/// The spans that were exported to a collector.
type Spans = Arc<Mutex<Vec<Value>>>;

/// Serves a collector, and returns its URL.
async fn collect(spans: Spans) -> String {
    let export = move |body: Bytes| async move {
        let export: Value = serde_json::from_slice(&body).expect("an export is JSON");
        for resource in export["resourceSpans"].as_array().expect("a list") {
            for scope in resource["scopeSpans"].as_array().expect("a list") {
                spans.lock().unwrap().extend(scope["spans"].as_array().expect("a list").iter().cloned());
            }
        }
        "{}"
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    tokio::spawn(axum::serve(listener, Router::new().route("/v1/traces", post(export))).into_future());
    url
}

#[tokio::test]
async fn observed_exports_a_trace_of_two_hops_by_otlp() {
    let spans = Spans::default();
    let collector = collect(Arc::clone(&spans)).await;
    let mut program = Command::new(example::program_with("observed", "otlp"));
    let output = program.args(["--collector", &collector]).kill_on_drop(true).output();
    let output = timeout(TIME_LIMIT, output).await.expect("the example exits in time").expect("the example can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).expect("the example prints text");
    assert_eq!(printed, format!("three packets of tea are 36\nthe spans are at {collector}\n"));
    let spans = spans.lock().unwrap();
    // 2 is a server and 3 a client.
    let one = |name: &str, kind: u64| {
        let found: Vec<_> = spans.iter().filter(|span| span["name"] == name && span["kind"] == kind).collect();
        assert_eq!(found.len(), 1, "{name}: {spans:?}");
        found[0]
    };
    let path = [one("shop/total", 3), one("shop/total", 2), one("stock/price", 3), one("stock/price", 2)];
    assert_eq!(path[0]["parentSpanId"].as_str().unwrap_or_default(), "");
    for (parent, child) in path.iter().zip(&path[1..]) {
        assert_eq!((&child["parentSpanId"], &child["traceId"]), (&parent["spanId"], &path[0]["traceId"]));
    }
    let events = path[3]["events"].as_array().expect("a list");
    assert_eq!(events.iter().map(|event| &event["name"]).collect::<Vec<_>>(), ["somebody wants tea"]);
}
