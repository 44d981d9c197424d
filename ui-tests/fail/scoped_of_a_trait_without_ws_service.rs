use wswrapper::{Scoped, ws_service};

trait Calculator {
    fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn calculator(&self) -> Scoped<dyn Calculator>;
    async fn locked(&self) -> Result<Scoped<dyn Calculator>, String>;
}

fn main() {}
