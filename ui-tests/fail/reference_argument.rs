use std::borrow::Cow;
use std::collections::HashMap;

use wswrapper::{Context, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: &i64) -> i64;
    async fn sum(&self, all: &[i64]) -> i64;
    async fn join(&self, line: &mut str, other: &'static str) -> String;
    async fn about(&self, context: &Context) -> String;
    async fn optional(&self, line: Option<&str>, lines: Vec<&'static str>) -> String;
    async fn deep(&self, pairs: HashMap<String, [(u32, &'static str); 2]>) -> String;
    async fn hidden(&self, line: Cow<'_, str>) -> String;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: &i64) -> i64 {
        *a
    }
    async fn sum(&self, all: &[i64]) -> i64 {
        all.iter().sum()
    }
    async fn join(&self, line: &mut str, other: &'static str) -> String {
        format!("{line}{other}")
    }
    async fn about(&self, context: &Context) -> String {
        context.peer_id().to_string()
    }
    async fn optional(&self, line: Option<&str>, lines: Vec<&'static str>) -> String {
        line.into_iter().chain(lines).collect()
    }
    async fn deep(&self, pairs: HashMap<String, [(u32, &'static str); 2]>) -> String {
        pairs.into_keys().collect()
    }
    async fn hidden(&self, line: Cow<'_, str>) -> String {
        line.into_owned()
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
