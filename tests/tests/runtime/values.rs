//! Rust values in JSON: checks each row of the tables in `values.md` over the wire.

#![expect(clippy::option_option, reason = "a row of a table has this type")]

mod documentation;
mod negative_zero;
mod nesting;
mod read;
mod results;
mod sent;
mod types;

use documentation::tables;
use read::read;
use results::results;
use sent::sent;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

/// The key of a row, and a check of the text in its other cell.
struct Row {
    key: [&'static str; 2],
    check: Box<dyn Fn(String) -> CheckFuture>,
}

type CheckFuture = Pin<Box<dyn Future<Output = ()>>>;

impl Row {
    fn new<F: Future<Output = ()> + 'static>(key: [&'static str; 2], check: impl Fn(String) -> F + 'static) -> Self {
        Self { key, check: Box::new(move |text| Box::pin(check(text))) }
    }
}

/// Checks each row, and that the tables and this test have the same rows.
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
async fn every_value_is_encoded_as_documented_and_decoded_again() {
    let documented = tables(&["Rust", "JSON"]);
    let documented = documented.into_iter().map(|row| ([row[0].clone(), "sent".to_owned()], row[1].clone())).collect();
    check_all(sent(), documented).await;
}

#[tokio::test]
async fn other_forms_are_decoded_as_documented() {
    let documented = tables(&["JSON", "as", "gives"]);
    let documented = documented.into_iter().map(|row| ([row[0].clone(), row[1].clone()], row[2].clone())).collect();
    check_all(read(), documented).await;
}

#[tokio::test]
async fn results_of_methods_are_sent_as_documented() {
    let documented = tables(&["Result of a method", "Response"]);
    let documented = documented.into_iter().map(|row| ([row[0].clone(), "sent".to_owned()], row[1].clone())).collect();
    check_all(results(), documented).await;
}

#[test]
fn numbers_in_javascript_are_as_documented() {
    for row in tables(&["Rust", "JSON", "JavaScript"]) {
        let [_, json, javascript] = &row[..] else { panic!("expected three cells: {row:?}") };
        let expected = match json.parse::<f64>() {
            Ok(double) => in_javascript(double),
            Err(_) => json.clone(),
        };
        assert_eq!(*javascript, expected, "{row:?}");
    }
}

/// Formats a double like JavaScript's `String`.
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
