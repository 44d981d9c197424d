use wswrapper::{Upload, ws_service};

#[ws_service]
trait Numbers {
    #[ws(spawn)]
    async fn sum(&self, numbers: Upload<i64>) -> i64;
    #[ws(blocking)]
    fn product(&self, numbers: Upload<i64>) -> i64;
}

fn main() {}
