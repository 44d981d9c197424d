use wswrapper::{Stream, Upload, ws_service};

#[ws_service]
trait Lines {
    async fn read(&self) -> impl Stream<Item = &str> + Send;
    async fn literals(&self) -> impl Stream<Item = &'static str> + Send;
    async fn pairs(&self) -> impl Stream<Item = Result<(u32, &'static str), &'static str>> + Send;
    async fn errors(&self) -> Result<impl Stream<Item = Result<u32, &str>> + Send, &str>;
    async fn write(&self, lines: Upload<&str>);
    async fn write_pairs(&self, lines: Upload<(u32, &'static str), &'static str>);
    async fn write_results(&self, lines: Upload<u32, &str>);
}

fn main() {}
