use wswrapper::{Upload, ws_service};

#[ws_service]
trait Numbers {
    fn sum(&self, numbers: Upload<i64>) -> i64;
}

fn main() {}
