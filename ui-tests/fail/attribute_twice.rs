use wswrapper::{Peer, ws_handlers, ws_service};

#[ws_service]
#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64) -> i64;
    #[ws(name = "sub")]
    #[ws(name = "minus")]
    async fn sub(&self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers(channel = "calc")]
#[wswrapper::ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64) -> i64 {
        a
    }
    async fn sub(&self, a: i64) -> i64 {
        -a
    }
}

struct Plain;

#[ws_handlers]
#[ws_handlers]
impl Plain {
    pub async fn add(&self, a: i64) -> i64 {
        a
    }
}

async fn calls(peer: &Peer) {
    let _ = CalcProxy::new(peer).sub(1).await;
    let _ = PlainProxy::new(peer).add(1).await;
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk).service(Plain);
}
