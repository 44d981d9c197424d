use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    #[ws(event)]
    async fn log(&self, line: String) -> bool;
    #[ws(event)]
    async fn add(&self) -> Result<(), String>;
}

struct Desk;

#[ws_handlers(channel = "desk")]
impl Desk {
    #[ws(event)]
    async fn log(&self) -> bool {
        true
    }
}

fn main() {
    let _ = Desk;
}
