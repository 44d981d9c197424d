// Names of the user do not conflict with names inside expansions.

use wswrapper::{Peer, ws_handlers, ws_service};

#[derive(serde::Serialize, serde::Deserialize)]
struct T;

#[ws_service]
trait Proxy {
    async fn call(&self, call: i64, this: i64, methods: i64, to: i64) -> i64;
    async fn to(&self, t: T) -> T;
    async fn argument(&self, context: i64);
    async fn methods(&self);
    async fn service(&self);
}

struct Desk;

impl Desk {
    async fn call(&self) {}
}

#[ws_handlers]
impl Proxy for Desk {
    async fn call(&self, call: i64, this: i64, methods: i64, to: i64) -> i64 {
        Desk::call(self).await;
        call + this + methods + to
    }
    async fn to(&self, t: T) -> T {
        t
    }
    async fn argument(&self, _context: i64) {}
    async fn methods(&self) {}
    async fn service(&self) {}
}

async fn calls(peer: &Peer) {
    let proxy = ProxyProxy::new(peer);
    let _ = proxy.to(T).await;
    let _ = proxy.call(1, 2, 3, 4).await;
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
