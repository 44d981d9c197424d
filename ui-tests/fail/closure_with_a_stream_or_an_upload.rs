use futures_util::stream;
use wswrapper::{Server, Upload};

fn handle(server: &Server) -> Result<(), wswrapper::error::NameError> {
    server.on("count", |to: u32| async move { stream::iter(0..to) })?;
    server.on("sum", |mut numbers: Upload<i64>| async move { numbers.next().await.is_some() })
}

fn main() {
    let _ = handle;
}
