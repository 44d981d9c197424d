use wswrapper::{Peer, Stream, ws_handlers, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> impl Stream + Send;
    #[ws(on_full = "close")]
    async fn tail(&self) -> Result<impl wswrapper::Stream + Send, String>;
    async fn unnamed(&self) -> impl Stream<u32> + Send;
    async fn other(&self) -> Result<impl Send + Stream<Output = u32>, String>;
}

async fn calls(peer: &Peer) {
    let _: Result<wswrapper::Streaming<u32>, _> = NumbersProxy::new(peer).unnamed().await;
    let _: Result<wswrapper::Streaming<u32>, _> = NumbersProxy::new(peer).other().await;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn list(&self) -> impl Stream {
        futures_util::stream::empty::<u32>()
    }
}

fn main() {
    let _ = (Desk, calls);
}
