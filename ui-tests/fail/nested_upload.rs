use wswrapper::{Upload, ws_service};

#[ws_service]
trait Numbers {
    async fn sum(&self, numbers: &mut Upload<i64>) -> i64;
    async fn product(&self, numbers: &Upload<i64, String>) -> i64;
    async fn maybe(&self, numbers: Option<Upload<i64>>) -> i64;
    async fn several(&self, numbers: Vec<(u8, wswrapper::Upload<i64>)>) -> i64;
}

fn main() {}
