use wswrapper::{Base64, Peer, ws_handlers, ws_service};

#[ws_service]
trait Files {
    async fn write(&self, path: &str, content: &[u8], mode: Option<u32>) -> usize;
    fn write_now(&self, path: &str, content: &[u8]) -> usize;
    async fn copy(&self, content: Base64) -> Base64;
}

struct Desk;

#[ws_handlers]
impl Files for Desk {
    async fn write(&self, path: &str, content: &[u8], _mode: Option<u32>) -> usize {
        tokio::task::yield_now().await;
        path.len() + content.len()
    }
    fn write_now(&self, path: &str, content: &[u8]) -> usize {
        path.len() + content.len()
    }
    async fn copy(&self, content: Base64) -> Base64 {
        content
    }
}

async fn calls(peer: &Peer, path: String, content: Vec<u8>) {
    let files = FilesProxy::new(peer);
    let _ = files.write(&path, &content, None).await;
    let _ = files.write_now("a", b"b").await;
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
