use std::pin::Pin;

use wswrapper::{Stream, ws_handlers, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> Pin<Box<dyn Stream<Item = u32> + Send>>;
    async fn tail(&self) -> Result<Box<dyn wswrapper::Stream<Item = u32> + Send + Unpin>, String>;
    async fn list(&self) -> Box<impl Stream<Item = u32> + Send>;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn list(&self) -> Pin<Box<dyn Send + Stream<Item = u32>>> {
        Box::pin(futures_util::stream::empty())
    }
}

fn main() {
    let _ = Desk;
}
