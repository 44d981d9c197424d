use wswrapper::service::layer::GuardCall;
use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers(guard = user, guard = admin)]
impl Calc for Desk {
    #[ws(guard = user)]
    async fn add(&self, a: i64) -> i64 {
        a
    }
}

fn user(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn admin(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn main() {}
