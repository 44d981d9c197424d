use wswrapper::{Stream, ws_handlers, ws_service};

struct NotJson;

#[ws_service]
trait Numbers {
    async fn count(&self) -> impl Stream<Item = NotJson> + Send;
    async fn tail(&self) -> Result<impl Stream<Item = Result<NotJson, String>> + Send, String>;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn list(&self) -> impl Stream<Item = NotJson> {
        futures_util::stream::empty()
    }
}

fn main() {
    let _ = (Desk, NotJson);
}
