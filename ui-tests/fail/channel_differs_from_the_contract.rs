use wswrapper::{ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Desk;

#[ws_handlers(channel = "x")]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {
    let _ = Desk;
}
