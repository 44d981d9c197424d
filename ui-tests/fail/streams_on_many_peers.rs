use futures_util::stream;
use wswrapper::{Scoped, Server, Stream, Upload, ws_service};

#[ws_service]
trait Desk {
    async fn count(&self) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
    async fn lend(&self) -> Scoped<dyn Desk>;
}

async fn calls(server: &Server) {
    let everyone = DeskProxy::new(server.broadcast());
    let _ = everyone.count().await;
    let each = DeskProxy::new(server.room("tea").each());
    let _ = each.count();
    let _ = each.sum(stream::empty()).await;
    let _ = each.lend();
}

fn main() {
    let _ = calls;
}
