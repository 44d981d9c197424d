use futures_util::stream::{BoxStream, Iter};
use wswrapper::{Streaming, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> Iter<std::vec::IntoIter<u32>>;
    async fn tail(&self) -> Result<BoxStream<'static, u32>, String>;
    async fn list(&self) -> Streaming<u32>;
}

fn main() {}
