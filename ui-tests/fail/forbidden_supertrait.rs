use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Math: Send + Clone {
    async fn add(&self, a: i64) -> i64;
}

#[ws_service]
trait Other: Sized {}

#[derive(Clone)]
struct Desk;

#[ws_handlers]
impl Math for Desk {
    async fn add(&self, a: i64) -> i64 {
        a
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
