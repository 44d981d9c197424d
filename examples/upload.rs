//! An upload: the caller passes a stream as an argument. The handler reports its progress and may reject the rest.
//!
//! Run `cargo run --example upload`. One upload is accepted, a second one is rejected after 5,000 bytes.

mod arguments;

use futures_util::stream;
use wswrapper::{Base64, CallError, Client, Context, Server, Stream, Upload, WsError, ws_handlers, ws_service};

/// Served by the server.
#[ws_service(channel = "store")]
trait Store {
    /// Stores a file and returns its size in bytes.
    async fn put(&self, ctx: Context, name: &str, pieces: Upload<Base64>) -> Result<usize, StoreError>;
}

/// Served by the client.
#[ws_service(channel = "store")]
trait Progress {
    /// Reports that the server has received `bytes` bytes of a file.
    #[ws(event)]
    async fn received(&self, name: String, bytes: usize);
}

#[derive(Debug, thiserror::Error, WsError)]
enum StoreError {
    #[error("{name} has more than {limit} bytes")]
    TooLarge { name: String, limit: usize },
    #[error("the upload broke off")]
    Interrupted,
}

struct StoreService {
    limit: usize,
}

#[ws_handlers]
impl Store for StoreService {
    async fn put(&self, ctx: Context, name: &str, pieces: Upload<Base64>) -> Result<usize, StoreError> {
        let uploader = ProgressProxy::new(ctx.peer());
        let (mut pieces, mut bytes) = (pieces.window(4), 0);
        while let Some(piece) = pieces.try_next().await.map_err(|_| StoreError::Interrupted)? {
            bytes += piece.len();
            if bytes > self.limit {
                // Returning before the upload finishes stops the caller's stream.
                return Err(StoreError::TooLarge { name: name.to_owned(), limit: self.limit });
            }
            uploader.received(name, bytes).await.map_err(|_| StoreError::Interrupted)?;
        }
        Ok(bytes)
    }
}

struct ProgressPrinter;

#[ws_handlers]
impl Progress for ProgressPrinter {
    async fn received(&self, name: String, bytes: usize) {
        println!("{name}: {bytes} bytes are there");
    }
}

/// A file of `pieces` pieces of 1,000 bytes, produced on demand.
fn file(pieces: usize) -> impl Stream<Item = Base64> + Send {
    stream::iter((0..pieces).map(|_| Base64::from(vec![7; 1_000])))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let listener = Server::builder().service(StoreService { limit: 5_000 }).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());

    let client = Client::builder().service(ProgressPrinter).connect(&url).await?;
    let store = StoreProxy::new(&client);

    println!("small.bin is kept, all {} bytes", store.put("small.bin", file(3)).await?);
    match store.put("large.bin", file(1_000_000)).await {
        Err(CallError::Handler(StoreError::TooLarge { name, limit })) => {
            println!("{name} is refused after {limit} bytes");
        }
        other => println!("large.bin gave {other:?}"),
    }
    Ok(())
}
