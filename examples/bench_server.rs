//! A server for load tests, with default settings. Not an example of an application.
//!
//! Run `cargo run --release --example bench_server -- PORT`. It prints its address and serves `echo(string)`,
//! `add(int, int)`, `publish(string)`, which sends the event `news` to every connection, and `nap(microseconds)`.
//!
//! A connection to the path `/tea/milk` is in the rooms `tea` and `milk`, and what it publishes is sent to its first room.

mod arguments;

use std::error::Error;
use wswrapper::{Context, Peer, Server, ws_handlers, ws_service};

/// Served by the clients.
#[ws_service]
trait News {
    #[ws(event)]
    fn news(&self, text: String);
}

struct BenchService;

#[ws_handlers]
impl BenchService {
    pub async fn echo(&self, text: String) -> String {
        text
    }

    pub async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    pub async fn publish(&self, ctx: Context, text: String) -> Result<Option<u8>, String> {
        let audience = rooms(ctx.handshake().path()).next().map_or_else(|| ctx.broadcast(), |room| ctx.room(room));
        NewsProxy::new(audience).news(text).await.map_err(|error| error.to_string())?;
        Ok(None)
    }

    pub async fn nap(&self, microseconds: u64) -> u64 {
        tokio::time::sleep(std::time::Duration::from_micros(microseconds)).await;
        microseconds
    }
}

/// Returns the rooms of a path.
fn rooms(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|room| !room.is_empty())
}

fn join_rooms(peer: &Peer) {
    for room in rooms(peer.handshake().path()) {
        if let Err(error) = peer.join(room) {
            eprintln!("{error}");
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let port = arguments::or_exit(port(), "Usage: bench_server PORT\n");
    let listener = Server::builder().service(BenchService).on_added(join_rooms).bind(("127.0.0.1", port)).await?;
    println!("listening on {}", listener.local_addr());
    listener.serve().await?;
    Ok(())
}

fn port() -> Result<Option<u16>, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut port, mut arguments) = (None, lexopt::Parser::from_env());
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) if port.is_none() => port = Some(value.parse()?),
            Long("help") | Short('h') => return Ok(None),
            other => return Err(other.unexpected()),
        }
    }
    port.map(Some).ok_or_else(|| "missing argument PORT".into())
}
