use wswrapper::{AnonymousChannel, ws_service};

#[ws_service]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
}

#[ws_service]
trait Desk {
    async fn proxy(&self) -> CalculatorProxy<AnonymousChannel>;
    async fn boxed(&self) -> Box<dyn Calculator>;
}

#[ws_service(channel = "unnamed")]
trait Unnamed {
    async fn unnamed(&self) -> impl Calculator;
}

fn main() {}
