use wswrapper::{Context, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: &i64) -> i64;
    async fn sum(&self, all: &[i64]) -> i64;
    async fn join(&self, line: &mut str, other: &'static str) -> String;
    async fn about(&self, context: &Context) -> String;
}

fn main() {}
