//! Handlers that take `self: Arc<Self>`, to start tasks that hold their service.

#![deny(warnings)]

use std::sync::Arc;

use wswrapper::{Context, Peer, Stream, Upload, ws_handlers, ws_service};

#[ws_service(channel = "jobs")]
pub trait Jobs {
    async fn start(self: Arc<Self>, name: String) -> bool;
    fn plain(self: std::sync::Arc<Self>, ctx: Context) -> u64;
    #[ws(event)]
    async fn log(self: Arc<Self>, line: &str);
    #[ws(blocking)]
    fn blocks(self: Arc<Self>) -> u32;
    async fn items(self: Arc<Self>) -> impl Stream<Item = u32> + Send;
    async fn sum(self: Arc<Self>, numbers: Upload<u32>) -> u32;
    async fn with_body(self: Arc<Self>) -> u32 {
        self.plain_number()
    }
    #[ws(name = "plainNumber")]
    fn plain_number(&self) -> u32 {
        1
    }
}

#[derive(Default)]
pub struct Queue {
    count: u32,
}

#[ws_handlers]
impl Jobs for Queue {
    async fn start(self: Arc<Self>, name: String) -> bool {
        drop(tokio::spawn(async move {
            let _ = (self.count, name);
        }));
        true
    }

    fn plain(self: Arc<Self>, ctx: Context) -> u64 {
        ctx.peer_id().get()
    }

    async fn log(self: Arc<Self>, _line: &str) {}

    fn blocks(self: Arc<Self>) -> u32 {
        self.count
    }

    async fn items(self: Arc<Self>) -> impl Stream<Item = u32> + Send {
        futures_util::stream::iter([self.count])
    }

    async fn sum(self: Arc<Self>, mut numbers: Upload<u32>) -> u32 {
        let mut sum = self.count;
        while let Some(Ok(number)) = numbers.next().await {
            sum += number;
        }
        sum
    }
}

pub struct Desk;

#[ws_handlers]
impl Desk {
    pub async fn add(self: Arc<Self>, a: i64, b: i64) -> i64 {
        a + b
    }
}

pub async fn calls(peer: &Peer) -> Option<()> {
    let jobs = JobsProxy::new(peer);
    let _: bool = jobs.start("a".to_owned()).await.ok()?;
    let _: u32 = jobs.blocks().await.ok()?;
    let _: i64 = DeskProxy::new(peer).add(1, 2).await.ok()?;
    Some(())
}

fn main() {
    drop(wswrapper::Server::builder().service(Queue::default()).service(Desk));
}
