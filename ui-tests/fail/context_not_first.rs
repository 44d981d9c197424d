use wswrapper::{Context, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64, context: Context) -> i64;
    async fn sub(&self, context: Context, #[ws(context)] again: wswrapper::Context) -> i64;
}

fn main() {}
