use wswrapper::{Scoped, ws_service};

#[ws_service]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn use_it(&self, calculator: Scoped<dyn Calculator>);
    async fn use_all(&self, calculators: Vec<wswrapper::Scoped<dyn Calculator>>);
}

fn main() {}
