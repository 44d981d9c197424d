use wswrapper::service::layer::GuardCall;
use wswrapper::{ws_handlers, ws_service};

#[ws_service(guard = user, guard = user)]
trait Calc {
    #[ws(guard = crate::user, guard = role::<u8>, guard = role::<u16>)]
    #[ws(guard = "crate::user")]
    async fn add(&self);
    #[ws(guard = role::<u8>, guard = role::<u8>)]
    async fn sub(&self);
}

struct Desk;

#[ws_handlers(guard = user, guard = user)]
impl Desk {}

fn user(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn role<T>(_: &GuardCall<'_>) -> Result<(), &'static str> {
    Ok(())
}

fn main() {}
