use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn close(&self);
    #[ws(event, name = "message")]
    async fn log(&self);
}

struct Desk;

#[ws_handlers]
impl Desk {
    pub async fn open(&self) {}
}

fn main() {
    let _ = Desk;
}
