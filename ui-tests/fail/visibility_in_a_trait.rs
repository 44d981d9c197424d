use wswrapper::ws_service;

#[ws_service]
trait Calc {
    pub async fn add(&self, a: i64) -> i64;
    pub fn now(&self) -> u64 {
        0
    }
}

fn main() {}
