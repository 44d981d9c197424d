use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Math {
    async fn new(&self) -> i64;
}

struct Desk;

#[ws_handlers]
impl Math for Desk {
    async fn new(&self) -> i64 {
        1
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
