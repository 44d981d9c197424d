use wswrapper::{Context, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, context: &Context, a: i64) -> i64;
}

fn main() {}
