use wswrapper::ws_service;

#[ws_service]
trait Calc {
    /// Documented.
    type Number;
    const ZERO: i64;
    async fn add(&self, a: i64) -> i64;
}

fn main() {}
