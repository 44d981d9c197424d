use wswrapper::{Context as Ctx, ws_service};

type Caller = wswrapper::Context;

#[ws_service]
trait Calc {
    async fn add(&self, ctx: Ctx, a: i64) -> i64;
    async fn sub(&self, caller: Caller, a: i64) -> i64;
}

fn main() {}
