// Aliases of `Result` are recognised. A user type called `Result` is not mistaken for one.

use std::io;

use wswrapper::{Peer, error::Rejection, ws_handlers, ws_service};

type Answer<T> = Result<T, Rejection>;

/// A type whose name ends in `Result` and that is none.
#[derive(serde::Serialize, serde::Deserialize)]
struct SearchResult {
    hits: Vec<String>,
}

mod sports {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Result {
        pub goals: [u8; 2],
    }
}

#[ws_service]
trait Files {
    async fn read(&self, path: String) -> io::Result<String>;
    async fn size(&self, path: String) -> Answer<u64>;
    async fn score(&self) -> sports::Result;
    async fn maybe(&self) -> Option<Result<u8, String>>;
    async fn search(&self) -> SearchResult;
    async fn swapped(&self) -> std::result::Result<(u8, Vec<String>), Rejection>;
}

struct Desk;

#[ws_handlers]
impl Files for Desk {
    async fn read(&self, path: String) -> io::Result<String> {
        std::fs::read_to_string(path)
    }
    async fn size(&self, _path: String) -> Answer<u64> {
        Ok(0)
    }
    async fn score(&self) -> sports::Result {
        sports::Result { goals: [2, 1] }
    }
    async fn maybe(&self) -> Option<Result<u8, String>> {
        None
    }
    async fn search(&self) -> SearchResult {
        SearchResult { hits: Vec::new() }
    }
    async fn swapped(&self) -> Result<(u8, Vec<String>), Rejection> {
        Ok((1, Vec::new()))
    }
}

/// The proxy's types are written out, so a function can name them.
fn swapped(proxy: &FilesProxy) -> wswrapper::Call<(u8, Vec<String>), Rejection> {
    proxy.swapped()
}


async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let files = FilesProxy::new(peer);
    let _text: String = files.read("a").await?;
    let _size: u64 = files.size("a").await?;
    let _goals: [u8; 2] = files.score().await?.goals;
    let _maybe: Option<Result<u8, String>> = files.maybe().await?;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
