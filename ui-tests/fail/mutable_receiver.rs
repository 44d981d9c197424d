use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&mut self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&mut self, a: i64) -> i64 {
        a
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
