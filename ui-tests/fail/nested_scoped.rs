use wswrapper::{Scoped, ws_service};

#[ws_service(channel = "calc")]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn optional(&self) -> Option<Scoped<dyn Calculator>>;
    async fn several(&self) -> Result<Vec<Scoped<dyn Calculator>>, String>;
    async fn with_more(&self) -> (u32, wswrapper::Scoped<dyn Calculator>);
}

fn main() {}
