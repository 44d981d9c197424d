use wswrapper::{WsError, ws_service};

#[ws_service(channel = "")]
trait Calc {
    #[ws(name = "")]
    async fn add(&self, a: i64) -> i64;
}

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError {
    #[error("busy")]
    #[ws(code = "")]
    Busy,
}

fn main() {}
