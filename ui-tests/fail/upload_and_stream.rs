use wswrapper::{Stream, Upload, ws_service};

#[ws_service]
trait Numbers {
    async fn double(&self, numbers: Upload<i64>) -> impl Stream<Item = i64> + Send;
}

fn main() {}
