// A call that returns a scoped service can be passed to a generic function, also in a task.

use std::future::Future;

use wswrapper::{Peer, Scoped, ws_service};

#[ws_service]
trait Register {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn register(&self) -> Scoped<dyn Register>;
}

async fn both<A: Future, B: Future>(a: A, b: B) -> (A::Output, B::Output) {
    (a.await, b.await)
}

async fn spawn_them(peer: &Peer) {
    let desk = DeskProxy::new(peer);
    let _ = tokio::spawn(async move {
        let (first, second) = both(desk.register(), desk.register()).await;
        if let (Ok(first), Ok(second)) = (first, second) {
            let _ = both(first.add(1), second.add(2)).await;
        }
    })
    .await;
}

fn main() {
    let _ = spawn_them;
}
