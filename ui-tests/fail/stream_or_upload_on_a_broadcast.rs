use futures_util::stream;
use wswrapper::{Server, Stream, Upload, ws_service};

#[ws_service]
trait Desk {
    async fn count(&self) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
}

async fn calls(server: &Server) {
    let everyone = DeskProxy::new(server.broadcast());
    let _ = everyone.count().await;
    let _ = everyone.sum(stream::empty()).await;
}

fn main() {
    let _ = calls;
}
