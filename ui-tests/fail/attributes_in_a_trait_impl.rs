use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64) -> i64;
}

struct Desk;

#[ws_handlers(rename_all = "camelCase")]
impl Calc for Desk {
    #[ws(name = "sum")]
    async fn add(&self, a: i64) -> i64 {
        a
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
