use wswrapper::{ws_handlers, ws_service};

struct NotJson;

#[ws_service]
trait Calc {
    async fn plain(&self) -> NotJson;
    async fn fallible(&self) -> Result<NotJson, String>;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn now(&self) -> NotJson {
        NotJson
    }
}

fn main() {
    let _ = Desk;
}
