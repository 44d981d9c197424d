use wswrapper::{Scoped, ws_service};

#[ws_service(channel = "calc")]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn calculator(&self) -> Scoped<Calculator>;
}

fn main() {}
