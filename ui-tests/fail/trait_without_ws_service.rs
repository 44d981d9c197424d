use wswrapper::ws_handlers;

trait Calc {
    fn sum(&self, all: Vec<i64>) -> i64;
    fn multiply(&self, a: i64, b: i64) -> i64;
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    fn sum(&self, all: Vec<i64>) -> i64 {
        all.iter().sum()
    }
    fn multiply(&self, a: i64, b: i64) -> i64 {
        a * b
    }
}

fn main() {
    let _ = Desk;
}
