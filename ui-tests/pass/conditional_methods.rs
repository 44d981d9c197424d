use wswrapper::{Peer, WsError, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    #[cfg(all())]
    async fn add(&self, a: i64, b: i64) -> i64;
    #[cfg(any())]
    async fn add(&self, a: Missing) -> Missing;
    #[cfg(any())]
    #[ws(event)]
    fn log(&self, line: Missing);
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    #[cfg(any())]
    pub async fn add(&self, a: Missing) -> Missing {}
}

#[derive(Debug, thiserror::Error, WsError)]
enum CalcError {
    #[cfg(any())]
    #[error("missing")]
    Missing(Missing),
    #[cfg(all())]
    #[error("there")]
    There,
}

async fn calls(peer: &Peer) {
    let _ = CalcProxy::new(peer).add(1, 2).await;
}

fn main() {
    let _ = calls;
    let _ = CalcError::There;
    let _ = wswrapper::Server::builder().service(Desk).service(Plain);
}
