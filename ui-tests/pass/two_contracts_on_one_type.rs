use wswrapper::{Peer, ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
}

// Names no channel, so the `impl` names it.
#[ws_service]
trait Files {
    async fn add(&self, path: String);
}

struct Desk;

#[ws_handlers(channel = "calc")]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

#[ws_handlers(channel = "io")]
impl Files for Desk {
    async fn add(&self, _path: String) {}
}

async fn calls(peer: &Peer) {
    let _ = CalcProxy::new(peer).add(1, 2).await;
    let _ = FilesProxy::new(peer).add("a").await;
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder()
        .service_as::<dyn Calc>(Desk)
        .service_as::<dyn Files>(Desk)
        .service_at::<dyn Calc>("calc", Desk)
        .service_with::<dyn Files, _, _>(|_peer| Desk);
}
