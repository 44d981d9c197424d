//! Methods that somebody is typing do not hide the other methods.

use proc_macro2::TokenStream;

use crate::pipeline;

/// Text between two finished methods, while a third is typed. The editor adds the closing brackets.
const UNFINISHED: [&str; 20] = [
    "/// Adds.",
    "#[ws(event)]",
    "pub",
    "pub(crate)",
    "asy",
    "async",
    "fn",
    "async fn",
    "async fn add",
    "async fn add()",
    "async fn add(&)",
    "async fn add(&self, a)",
    "async fn add(&self, a:)",
    "async fn add(&self, a: Vec<)",
    "async fn add(&self, a: i64, #[ws(context)])",
    "async fn add(&self, a: i64)",
    "async fn add(&self, a: i64) ->",
    "async fn add(&self, a: i64) -> Result<i64,",
    "#[ws(event)] async fn add(&self, a: ) -> ;",
    "pub async fn add(&self, a) -> i64 { a + }",
];

#[test]
fn a_trait_keeps_its_finished_methods() {
    for typed in UNFINISHED {
        let item = format!("trait Calc {{ async fn first(&self) -> i64; {typed}\n async fn last(&self); }}");
        let expanded = pipeline::service(TokenStream::new(), tokens(&item)).to_string();
        for method in ["first", "last"] {
            let in_the_trait_and_in_the_proxy = expanded.matches(&format!("fn {method} (")).count();
            assert_eq!(in_the_trait_and_in_the_proxy, 2, "{typed}\n{expanded}");
        }
    }
}

#[test]
fn a_block_keeps_its_finished_methods() {
    for typed in UNFINISHED {
        let item =
            format!("impl Desk {{ pub async fn first(&self) -> i64 {{ 1 }} {typed}\n pub async fn last(&self) {{}} }}");
        let expanded = pipeline::handlers(TokenStream::new(), tokens(&item)).to_string();
        for method in ["first", "last"] {
            let in_the_block_and_in_the_proxy = expanded.matches(&format!("fn {method} (")).count();
            assert_eq!(in_the_block_and_in_the_proxy, 2, "{typed}\n{expanded}");
        }
        assert!(!expanded.contains("# [ws"), "{typed}\n{expanded}");
    }
}

#[test]
fn an_impl_of_a_trait_still_serves() {
    for typed in UNFINISHED {
        let item = format!("impl Calc for Desk {{ async fn first(&self) {{}} {typed}\n async fn last(&self) {{}} }}");
        let expanded = pipeline::handlers(TokenStream::new(), tokens(&item)).to_string();
        assert!(expanded.contains("Serve < dyn Calc > for Desk"), "{typed}\n{expanded}");
        assert!(expanded.contains("async fn last"), "{typed}\n{expanded}");
    }
}

#[test]
fn a_method_of_a_trait_without_its_semicolon_is_a_method() {
    let item = "trait Calc { async fn add(&self, a: i64) -> i64 }";
    let expanded = pipeline::service(TokenStream::new(), tokens(item)).to_string();
    assert_eq!(expanded.matches("fn add (").count(), 2, "{expanded}");
}

fn tokens(item: &str) -> TokenStream {
    item.parse().expect("the brackets are balanced")
}
