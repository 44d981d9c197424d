//! Events at peers whose queues are full.

mod bounds;
mod closing;
mod dropping;
mod latest;
mod offline;
mod order;
mod waiting;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::task::yield_now;
use wswrapper::call::OnFull;
use wswrapper::transport::memory::{self, Control};
use wswrapper::{Client, Limits, Peer, Server, ws_handlers, ws_service};
use wswrapper_tests::{Log, let_others_run};

#[ws_service]
trait Market {
    #[ws(event)]
    async fn plain(&self, n: u32);
    #[ws(event, on_full = "latest", key = "symbol")]
    async fn price(&self, n: u32, symbol: String);
    #[ws(event, on_full = "latest")]
    async fn index(&self, n: u32);
    #[ws(event, on_full = "drop")]
    async fn moved(&self, n: u32);
    #[ws(event, on_full = "close")]
    async fn traded(&self, n: u32);
    #[ws(event, on_full = "wait")]
    async fn notice(&self, n: u32);
    #[ws(event)]
    async fn fill(&self, text: String);
    async fn ask(&self, n: u32) -> u32;
}

#[derive(Clone, Default)]
struct Screen(Log);

#[ws_handlers]
impl Market for Screen {
    async fn plain(&self, n: u32) {
        self.0.add(format!("plain {n}"));
    }
    async fn price(&self, n: u32, symbol: String) {
        self.0.add(format!("{symbol} {n}"));
    }
    async fn index(&self, n: u32) {
        self.0.add(format!("index {n}"));
    }
    async fn moved(&self, n: u32) {
        self.0.add(format!("moved {n}"));
    }
    async fn traded(&self, n: u32) {
        self.0.add(format!("traded {n}"));
    }
    async fn notice(&self, n: u32) {
        self.0.add(format!("notice {n}"));
    }
    async fn fill(&self, _text: String) {}
    async fn ask(&self, n: u32) -> u32 {
        self.0.add(format!("ask {n}"));
        n
    }
}

/// A client that logs the events it gets, and can stop reading.
struct Reader {
    client: Client,
    peer: Peer,
    control: Control,
    screen: Screen,
}

impl Reader {
    fn of(server: &Server) -> Self {
        let screen = Screen::default();
        let (near, far) = memory::builder().capacity(16).pair();
        let control = near.control();
        let peer = server.accept_transport(far).expect("the server is open");
        let client = Client::builder().service(screen.clone()).connect_transport(near).expect("it can be mounted");
        Self { client, peer, control, screen }
    }

    /// Stops reading, and waits until the queue of the server is full. Its events are not logged.
    async fn stall(&self, server: &Server) {
        self.control.stall();
        fill(server, &self.peer).await;
    }

    /// Reads again, and returns the log when everything was read.
    async fn resume(&self) -> Vec<String> {
        self.control.resume();
        let_others_run().await;
        self.screen.0.entries()
    }

    fn proxy(&self) -> MarketProxy {
        MarketProxy::new(&self.peer)
    }
}

fn limits() -> Limits {
    Limits::default().max_outbound_bytes(2_000).heartbeat_interval(None)
}

fn server(limits: Limits) -> Server {
    Server::builder().limits(limits).build().expect("nothing to mount")
}

/// Sends events to a peer that does not read, until its queue stays full.
async fn fill(server: &Server, peer: &Peer) {
    let mut left_out = 0;
    while left_out < 100 {
        let before = server.status().events_left_out;
        let fill = MarketProxy::new(peer).fill("x".repeat(100)).on_full(OnFull::Drop);
        fill.await.expect("it is open");
        left_out += server.status().events_left_out - before;
        yield_now().await;
    }
}

/// Polls a future once, and returns true if it is ready.
async fn is_ready<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_ready())).await
}

const MINUTE: Duration = Duration::from_mins(1);
