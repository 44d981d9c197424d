use wswrapper::service::layer::GuardCall;
use wswrapper::ws_service;

#[ws_service(client, guard = user)]
trait Calc {
    #[ws(guard = role::<u8>)]
    async fn add(&self, a: i64) -> i64;
}

fn user(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn role<T>(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn main() {}
