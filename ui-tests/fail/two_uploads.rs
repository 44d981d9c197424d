use wswrapper::{Upload, ws_service};

#[ws_service]
trait Numbers {
    async fn zip(&self, a: Upload<i64>, b: Upload<i64, String>) -> i64;
}

fn main() {}
