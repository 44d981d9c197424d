use wswrapper::{Stream, Upload, ws_service};

#[ws_service]
trait Numbers {
    async fn copies(&self) -> impl Stream<Item = Self> + Send;
    async fn merge(&self, others: Upload<Vec<Self>>);
}

fn main() {}
