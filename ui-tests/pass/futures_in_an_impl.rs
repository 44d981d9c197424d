// A contract names the output of a future. Its `impl` may return the future itself.

use std::future::Future;

use wswrapper::{ws_handlers, ws_service};

#[ws_service]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    #[allow(clippy::manual_async_fn)]
    fn add(&self, a: i64, b: i64) -> impl Future<Output = i64> + Send {
        async move { a + b }
    }
}

fn main() {
    let _ = wswrapper::Server::builder().service(Desk);
}
