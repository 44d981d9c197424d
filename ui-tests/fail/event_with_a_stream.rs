use wswrapper::{Stream, ws_service};

#[ws_service]
trait Numbers {
    #[ws(event)]
    async fn count(&self) -> impl Stream<Item = u32> + Send;
}

fn main() {}
