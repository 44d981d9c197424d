use wswrapper::ws_service;

#[ws_service]
trait Calc {
    unsafe fn add(&self, a: i64) -> i64;
}

fn main() {}
