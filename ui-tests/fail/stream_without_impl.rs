use wswrapper::{Stream, ws_handlers, ws_service};

#[ws_service]
trait Numbers {
    async fn count(&self) -> Stream<Item = u32>;
    async fn tail(&self) -> Result<Stream<Item = u32> + Send, String>;
    fn list(&self) -> dyn wswrapper::Stream<Item = u32> + Send;
}

struct Desk;

#[ws_handlers]
impl Numbers for Desk {
    async fn count(&self) -> Stream<Item = u32> {
        futures_util::stream::empty()
    }
    async fn tail(&self) -> Result<impl Stream<Item = u32> + Send, String> {
        Ok(futures_util::stream::empty())
    }
    fn list(&self) -> impl Stream<Item = u32> + Send {
        futures_util::stream::empty()
    }
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    pub fn list(&self) -> std::io::Result<dyn Stream<Item = u32>> {
        Ok(futures_util::stream::empty())
    }
}

fn main() {
    let _ = (Desk, Plain);
}
