use std::future::Future;
use std::pin::Pin;

use wswrapper::{ws_handlers, ws_service};

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[ws_service]
trait Calc {
    fn add(&self, a: i64) -> impl Future<Output = i64> + Send;
    async fn twice(&self, a: i64) -> impl Future<Output = i64>;
    fn boxed(&self, a: i64) -> Pin<Box<dyn Future<Output = i64> + Send>>;
    fn alias(&self, a: i64) -> BoxFuture<'_, i64>;
}

struct Desk;

#[ws_handlers]
impl Desk {
    pub fn add(&self, a: i64) -> impl Future<Output = i64> {
        async move { a }
    }
}

fn main() {
    let _ = Desk;
}
