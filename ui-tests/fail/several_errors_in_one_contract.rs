use wswrapper::{ws_handlers, ws_service};

#[ws_service(chanel = "calc")]
trait Calc: Clone {
    async fn add(&mut self, a: &i64, (b, c): (i64, i64)) -> i64;
    async fn new(&self);
    #[ws(event)]
    async fn log<T>(&self, line: T) -> bool;
    async fn fine(&self) -> i64;
}

#[derive(Clone)]
struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&mut self, _a: &i64, (_b, _c): (i64, i64)) -> i64 {
        1
    }
    async fn new(&self) {}
    async fn log<T>(&self, _line: T) -> bool {
        true
    }
    async fn fine(&self) -> i64 {
        1
    }
}

async fn call(peer: &wswrapper::Peer) {
    let _ = CalcProxy::new(peer).fine().await;
}

fn main() {
    let _ = call;
    let _ = wswrapper::Server::builder().service(Desk);
}
