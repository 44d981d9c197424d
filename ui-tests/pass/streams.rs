// A stream is the return type or its `Ok` type. It may borrow from `self` and arguments, and its items may be errors.

use std::pin::Pin;

use futures_util::stream;
use wswrapper::{CallError, Context, Peer, Stream, Streaming, ws_handlers, ws_service};

type Answer<T> = Result<T, String>;

/// Can be encoded, but not decoded.
#[derive(serde::Serialize)]
struct Line(String);

#[ws_service]
trait Numbers {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn find(&self, context: Context, word: &str) -> Answer<impl Stream<Item = Answer<u32>> + Send>;
    async fn alias(&self) -> Answer<impl wswrapper::Stream<Item = u32> + Send>;
    #[ws(on_full = "drop_oldest")]
    fn now(&self) -> impl Stream<Item = u32> + Send + 'static;
    #[ws(on_full = "latest", name = "last")]
    async fn boxed(&self) -> impl Stream<Item = u32> + Send;
    async fn body(&self, to: u32) -> impl Stream<Item = u32> + Send {
        self.count(to).await
    }
    async fn lines(&self) -> impl Stream<Item = Line> + Send;
}

struct Desk(Vec<u32>);

#[ws_handlers]
impl Numbers for Desk {
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        stream::iter(self.0.iter().copied().filter(move |n| *n < to))
    }
    async fn find(&self, _context: Context, word: &str) -> Result<impl Stream<Item = Answer<u32>> + Send, String> {
        Ok(stream::iter(self.0.iter().map(move |n| if word.is_empty() { Err("no".to_owned()) } else { Ok(*n) })))
    }
    async fn alias(&self) -> Answer<impl Stream<Item = u32> + Send> {
        Ok(stream::empty())
    }
    fn now(&self) -> impl Stream<Item = u32> + Send + 'static {
        stream::empty()
    }
    async fn boxed(&self) -> impl Stream<Item = u32> + Send {
        let boxed: Pin<Box<dyn Stream<Item = u32> + Send>> = Box::pin(stream::empty());
        boxed
    }
    async fn lines(&self) -> impl Stream<Item = Line> + Send {
        stream::iter([Line("a".to_owned())])
    }
}

struct Plain(Vec<u32>);

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn count(&self) -> impl Stream<Item = u32> {
        stream::iter(self.0.iter().copied())
    }
    pub fn maybe(&self) -> std::io::Result<impl Stream<Item = u32>> {
        Ok(stream::empty())
    }
}

async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let numbers = NumbersProxy::new(peer);
    let mut count: Streaming<u32> = numbers.count(3).await?;
    while let Some(n) = count.next().await {
        let _n: u32 = n?;
    }
    let mut found: Streaming<u32, String> = numbers.find("a").await?;
    let _found: Option<Result<u32, CallError<String>>> = found.next().await;
    let _alias: Result<Streaming<u32>, CallError<String>> = numbers.alias().await;
    let _maybe: Streaming<u32> = PlainProxy::new(peer).maybe().await?;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk(Vec::new())).service(Plain(Vec::new()));
}
