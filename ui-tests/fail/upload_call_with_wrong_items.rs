use futures_util::stream;
use wswrapper::{Peer, Upload, ws_service};

#[ws_service]
trait Numbers {
    async fn sum(&self, numbers: Upload<i64>) -> i64;
    async fn product(&self, numbers: Upload<i64, String>) -> i64;
}

async fn calls(peer: &Peer) {
    let numbers = NumbersProxy::new(peer);
    let _ = numbers.sum(stream::iter(["one"])).await;
    let _ = numbers.product(stream::iter([1, 2])).await;
}

fn main() {
    let _ = calls;
}
