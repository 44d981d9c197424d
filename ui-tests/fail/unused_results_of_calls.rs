#![deny(unused_must_use)]

use futures_util::stream;
use wswrapper::{CallError, Peer, Scoped, Stream, Upload, ws_service};

#[ws_service(channel = "calc")]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn count(&self) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
    async fn calculator(&self) -> Scoped<dyn Calculator>;
}

async fn calls(peer: &Peer) -> Result<(), CallError<std::convert::Infallible>> {
    let desk = DeskProxy::new(peer);
    desk.count().await?;
    desk.sum(stream::empty());
    desk.calculator().await?;
    Ok(())
}

fn main() {
    let _ = calls;
}
