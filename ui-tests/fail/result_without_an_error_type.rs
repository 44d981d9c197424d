use wswrapper::ws_service;

#[ws_service]
trait Calc {
    async fn half(&self, a: i64) -> Result<i64>;
}

fn main() {}
