use wswrapper::{Context as Ctx, Peer, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, #[ws(context)] ctx: Ctx, a: i64) -> i64;
    fn full(&self, context: wswrapper::Context) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, _ctx: Ctx, a: i64) -> i64 {
        a
    }
    fn full(&self, _context: wswrapper::Context) -> i64 {
        1
    }
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn add(&self, #[ws(context)] _ctx: Ctx, a: i64) -> i64 {
        a
    }
}

async fn calls(peer: &Peer) {
    let _ = CalcProxy::new(peer).add(1).await;
    let _ = CalcProxy::new(peer).full().await;
    let _ = PlainProxy::new(peer).add(1).await;
}

fn main() {
    let _ = calls;
    let _ = (Desk, Plain);
}
