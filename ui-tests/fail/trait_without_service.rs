use wswrapper::ws_handlers;

trait Calc {
    fn add(&self, a: i64, b: i64) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

fn main() {
    let _ = Desk;
}
