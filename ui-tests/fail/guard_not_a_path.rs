use wswrapper::service::layer::{GuardCall, require};
use wswrapper::{ws_handlers, ws_service};

#[ws_service(guard = 5)]
trait Calc {
    #[ws(guard = "not a path")]
    async fn add(&self);
    #[ws(guard = "")]
    async fn sub(&self);
    #[ws(guard = require::<u32>())]
    async fn mul(&self);
    #[ws(guard = |call: &GuardCall<'_>| Err("no"), event)]
    async fn div(&self);
    #[ws(guard = user<u32, u32>)]
    async fn rest(&self);
}

struct Desk;

#[ws_handlers(guard = !user)]
impl Desk {}

fn user(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn main() {}
