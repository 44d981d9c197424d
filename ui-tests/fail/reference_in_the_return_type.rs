use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn name(&self) -> &str;
}

struct Desk(String);

#[ws_handlers(channel = "desk")]
impl Desk {
    fn name(&self) -> &str {
        &self.0
    }
}

fn main() {
    let _ = Desk;
}
