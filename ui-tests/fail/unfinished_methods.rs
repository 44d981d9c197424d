use wswrapper::{Peer, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
    async fn sub(&self, a) -> i64;
    async fn half(&self) -> i64
    async fn last(&self);
}

struct Desk;

#[ws_handlers]
impl Desk {
    pub async fn add(&self, a: i64) -> i64 {
        a
    }
    pub async fn sub(&self, a:) -> i64 {
        1
    }
    pub async fn last(&self) {}
}

async fn calls(peer: &Peer) {
    let _ = CalcProxy::new(peer).add(1).await;
    let _ = CalcProxy::new(peer).half().await;
    let _ = CalcProxy::new(peer).last().await;
    let _ = DeskProxy::new(peer).last().await;
}

fn main() {
    let _ = calls;
    let _ = Desk;
}
