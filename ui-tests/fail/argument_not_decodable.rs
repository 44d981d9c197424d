use wswrapper::{ws_handlers, ws_service};

struct NotJson;

#[ws_service]
trait Calc {
    async fn add(&self, a: i64, b: NotJson) -> i64;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub fn list(&self, all: Vec<NotJson>) -> i64 {
        let _ = all;
        1
    }
}

fn main() {
    let _ = (Desk, NotJson);
}
