use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    fn create() -> Desk;
    async fn consume(self);
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    pub async fn add(a: i64, b: i64) -> i64 {
        a + b
    }
    pub fn new() -> Self {
        Self
    }
}

fn main() {}
