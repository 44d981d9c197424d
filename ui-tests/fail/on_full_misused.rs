use wswrapper::{Stream, ws_service};

#[ws_service]
trait Numbers {
    #[ws(on_full = "drop")]
    async fn count(&self) -> impl Stream<Item = u32> + Send;
    #[ws(on_full)]
    async fn tail(&self) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = latest)]
    async fn list(&self) -> impl Stream<Item = u32> + Send;
    #[ws(on_full = "latest")]
    async fn last(&self) -> u32;
}

fn main() {}
