use wswrapper::{Stream, ws_service};

#[ws_service]
trait Numbers {
    async fn optional(&self) -> Option<impl Stream<Item = u32> + Send>;
    async fn several(&self) -> Result<Vec<impl Stream<Item = u32> + Send>, String>;
    async fn with_more(&self) -> (u32, impl Stream<Item = u32> + Send);
    async fn of_streams(&self) -> impl Stream<Item = Box<dyn Stream<Item = u32> + Send>> + Send;
    async fn of_opaque_items(&self) -> impl Stream<Item = impl Clone> + Send;
}

fn main() {}
