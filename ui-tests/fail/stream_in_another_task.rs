use wswrapper::{Stream, ws_service};

#[ws_service]
trait Numbers {
    #[ws(spawn)]
    async fn count(&self) -> impl Stream<Item = u32> + Send;
    #[ws(blocking)]
    fn list(&self) -> Result<impl Stream<Item = u32> + Send, String>;
    #[ws(blocking, spawn)]
    async fn tail(&self) -> impl Stream<Item = u32> + Send;
}

fn main() {}
