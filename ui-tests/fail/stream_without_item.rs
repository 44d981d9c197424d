use wswrapper::{Stream, ws_handlers, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> impl Stream + Send;
    #[ws(on_full = "close")]
    async fn tail(&self) -> Result<impl wswrapper::Stream + Send, String>;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    fn list(&self) -> impl Stream {
        futures_util::stream::empty::<u32>()
    }
}

fn main() {
    let _ = Desk;
}
