use wswrapper::{Stream, Streaming, ws_service};

#[ws_service]
trait Numbers {
    async fn sum(&self, numbers: impl Stream<Item = i64> + Send) -> i64;
    async fn product(&self, numbers: Streaming<i64>) -> i64;
    async fn last(&self, numbers: Box<dyn Stream<Item = i64> + Send>) -> i64;
}

fn main() {}
