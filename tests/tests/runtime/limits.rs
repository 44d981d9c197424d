//! The behaviour at each limit.
//!
//! Tests of `max_head_size` and `handshake_timeout` are in the suite `sockets`.

mod backlog;
mod budget;
mod calls;
mod closing;
mod handlers;
mod large_messages;
mod message_rate;
mod message_size;
mod outgoing_size;
mod output;
mod shared_memory;
mod streams;
mod zero;

use futures_util::{StreamExt, stream};
use std::sync::Arc;
use tokio::sync::Semaphore;
use wswrapper::{Limits, Server, Stream, server::ServerBuilder, ws_handlers};
use wswrapper_tests::{Alive, Log, let_others_run};

/// A service whose handlers wait for a permit of `gate`.
#[derive(Clone)]
struct GatedService {
    log: Log,
    running: Alive,
    gate: Arc<Semaphore>,
}

#[ws_handlers]
impl GatedService {
    pub async fn wait(&self, n: u32) -> u32 {
        let _alive = self.running.guard();
        self.log.add(format!("wait {n}"));
        self.gate.acquire().await.expect("the gate is never closed").forget();
        n
    }

    pub fn quick(&self, n: u32) -> u32 {
        self.log.add(format!("quick {n}"));
        n
    }

    pub async fn length(&self, text: &str) -> usize {
        text.len()
    }

    pub fn large(&self, n: u32) -> (u32, String) {
        self.log.add(format!("large {n}"));
        (n, "x".repeat(10_000))
    }

    pub async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        let alive = self.running.guard();
        stream::iter(1..=to).inspect(move |_| {
            let _ = &alive;
        })
    }

    pub async fn pages(&self, count: u32) -> impl Stream<Item = (u32, String)> + Send {
        let log = self.log.clone();
        stream::iter(1..=count).map(move |n| {
            log.add(format!("page {n}"));
            (n, "x".repeat(10_000))
        })
    }

    #[ws(event)]
    async fn note(&self, text: String) {
        self.log.add(text);
    }
}

impl GatedService {
    fn new() -> Self {
        Self { log: Log::default(), running: Alive::default(), gate: Arc::new(Semaphore::new(0)) }
    }

    fn serve(&self, limits: Limits) -> ServerBuilder {
        Server::builder().limits(limits).service(self.clone())
    }
}
