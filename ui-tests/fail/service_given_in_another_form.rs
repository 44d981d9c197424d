use std::sync::Arc;

use wswrapper::{Server, ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
}

#[derive(Default)]
struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64) -> i64 {
        a
    }
}

fn main() {
    let desk = Desk;
    let _ = Server::builder().service(&desk);
    let _ = Server::builder().service(Desk::default);
    let _ = Server::builder().service(Arc::new(desk) as Arc<dyn Calc>);
}
