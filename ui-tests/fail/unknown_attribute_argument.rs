use wswrapper::{WsError, ws_handlers, ws_service};

#[ws_service(chanel = "calc")]
trait Calc {
    #[ws(nam = "sum")]
    async fn add(&self, a: i64) -> i64;
    async fn sub(&self, #[ws(ctx)] a: i64) -> i64;
}

struct Desk;

#[ws_handlers(chanel = "calc")]
impl Desk {}

#[derive(Debug, thiserror::Error, WsError)]
#[ws(rename = "camelCase")]
enum CalcError {
    #[error("busy")]
    #[ws(cod = "EBUSY")]
    Busy,
}

fn main() {}
