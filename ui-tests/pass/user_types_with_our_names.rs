// User types called `Upload`, `Stream`, `Scoped` or `Streaming` are treated as any other type.

use wswrapper::{Peer, ws_handlers, ws_service};

#[derive(serde::Serialize, serde::Deserialize)]
struct Upload;

#[derive(serde::Serialize, serde::Deserialize)]
struct Stream;

#[derive(serde::Serialize, serde::Deserialize)]
struct Scoped<T>(T);

#[derive(serde::Serialize, serde::Deserialize)]
struct Streaming;

#[ws_service]
trait Files {
    async fn put(&self, file: Upload, others: Vec<Upload>) -> Stream;
    async fn find(&self, scope: Scoped<String>, then: Option<Streaming>) -> Vec<Scoped<Stream>>;
    fn all(&self, from: Stream) -> Result<Scoped<Upload>, String>;
}

struct Desk;

#[ws_handlers]
impl Files for Desk {
    async fn put(&self, _file: Upload, _others: Vec<Upload>) -> Stream {
        Stream
    }
    async fn find(&self, _scope: Scoped<String>, _then: Option<Streaming>) -> Vec<Scoped<Stream>> {
        vec![Scoped(Stream)]
    }
    fn all(&self, _from: Stream) -> Result<Scoped<Upload>, String> {
        Ok(Scoped(Upload))
    }
}

async fn calls(peer: &Peer) {
    let files = FilesProxy::new(peer);
    let _: Result<Stream, _> = files.put(Upload, Vec::new()).await;
    let _: Result<Scoped<Upload>, _> = files.all(Stream).await;
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
