use wswrapper::{Stream, Upload, ws_service};

#[ws_service]
trait Lines {
    async fn read(&self) -> impl Stream<Item = &str> + Send;
    async fn write(&self, lines: Upload<&str>);
}

fn main() {}
