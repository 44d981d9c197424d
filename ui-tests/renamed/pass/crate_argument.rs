use rpc::{Peer, Server, WsError, ws_handlers, ws_service};

#[derive(Debug, thiserror::Error, WsError)]
#[ws(crate = rpc)]
enum CalcError {
    #[error("larger than {max}")]
    TooBig { max: i64 },
}

#[ws_service(crate = rpc)]
trait Calc {
    async fn add(&self, a: i64, unit: String) -> Result<i64, CalcError>;
}

struct Desk;

#[ws_handlers(crate = rpc)]
impl Calc for Desk {
    async fn add(&self, a: i64, _unit: String) -> Result<i64, CalcError> {
        if a > 9 { Err(CalcError::TooBig { max: 9 }) } else { Ok(a) }
    }
}

struct Plain;

#[ws_handlers(crate = "rpc", channel = "plain")]
impl Plain {
    pub async fn half(&self, a: i64) -> i64 {
        a / 2
    }
}

async fn calls(peer: &Peer) {
    let _ = CalcProxy::new(peer).add(1, "cm").await;
    let _ = PlainProxy::new(peer).half(1).await;
}

fn main() {
    let _ = calls;
    let _ = Server::builder().service(Desk).service(Plain);
}
