//! Bad weather: very many at once, broken frames, lost networks, peers that do not do their part.
//!
//! Each test ends with nothing left: no peers, no calls, no handlers, no tasks.

mod disconnects;
mod load;
mod malformed;
mod network;
mod slow_peers;
mod websocket_frames;

use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use wswrapper::transport::memory;
use wswrapper::{Client, Context, Limits, Peer, ServeError, Server, ServerBuilder, ws_handlers, ws_service};
use wswrapper_tests::websocket::websocket;
use wswrapper_tests::{Alive, Log, until};

#[ws_service]
trait Chaos {
    async fn echo(&self, value: Value) -> Value;
    async fn sleep(&self, milliseconds: u64) -> u64;
    async fn wait(&self);
    /// Calls back so many times, in each other.
    async fn bounce(&self, ctx: Context, depth: u32) -> u32;
    #[ws(event)]
    async fn note(&self, text: String);
}

#[derive(Clone, Default)]
struct ChaosService {
    handlers: Alive,
    log: Log,
}

#[ws_handlers]
impl Chaos for ChaosService {
    async fn echo(&self, value: Value) -> Value {
        value
    }

    async fn sleep(&self, milliseconds: u64) -> u64 {
        let _alive = self.handlers.guard();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    async fn wait(&self) {
        let _alive = self.handlers.guard();
        std::future::pending::<()>().await;
    }

    async fn bounce(&self, ctx: Context, depth: u32) -> u32 {
        let _alive = self.handlers.guard();
        if depth == 0 {
            return 0;
        }
        // A call back that fails leaves its depth out.
        ChaosProxy::new(ctx.peer()).bounce(depth - 1).await.map_or(0, |deeper| deeper + 1)
    }

    async fn note(&self, text: String) {
        self.log.add(text);
    }
}

/// What was there before, and must be again.
struct TaskBaseline {
    tasks: usize,
}

impl TaskBaseline {
    fn now() -> Self {
        Self { tasks: Self::tasks() }
    }

    fn tasks() -> usize {
        tokio::runtime::Handle::current().metrics().num_alive_tasks()
    }

    /// Waits until nothing is left of a server's connections.
    async fn is_restored(&self, server: &Server, service: &ChaosService) {
        until(|| server.peers().is_empty()).await;
        service.handlers.becomes(0).await;
        until(|| Self::tasks() == self.tasks).await;
    }
}

/// A server with a port.
struct RunningServer {
    server: Server,
    service: ChaosService,
    address: SocketAddr,
    serving: JoinHandle<Result<(), ServeError>>,
    baseline: TaskBaseline,
}

async fn serve(limits: Limits) -> RunningServer {
    let service = ChaosService::default();
    let baseline = TaskBaseline::now();
    let listening = Server::builder().limits(limits).service(service.clone()).bind("127.0.0.1:0").await;
    let listening = listening.expect("a port is free");
    let (server, address) = (listening.server(), listening.local_addr());
    RunningServer { server, service, address, serving: tokio::spawn(listening.serve()), baseline }
}

impl RunningServer {
    async fn client(&self) -> Client {
        Client::connect(&format!("ws://{}", self.address)).await.expect("it takes WebSockets")
    }

    /// A socket after the handshake, to write bytes of our own making.
    async fn socket(&self) -> TcpStream {
        let known = self.server.peers().len();
        let stream = websocket(self.address).await.into_inner();
        until(|| self.server.peers().len() > known).await;
        stream
    }

    /// The one peer that is connected.
    async fn peer(&self) -> Peer {
        until(|| self.server.peers().len() == 1).await;
        self.server.peers().remove(0)
    }

    /// The server still serves, and then leaves nothing.
    async fn shut_down_cleanly(self) {
        let client = self.client().await;
        assert_eq!(ChaosProxy::new(&client).echo(json!("still there")).await.expect("an answer"), "still there");
        drop(client);
        until(|| self.server.peers().is_empty()).await;
        self.service.handlers.becomes(0).await;
        self.server.close().await;
        self.serving.await.expect("no panic").expect("it served");
        until(|| TaskBaseline::tasks() == self.baseline.tasks).await;
    }
}

fn chaos_server() -> (ChaosService, ServerBuilder) {
    let service = ChaosService::default();
    (service.clone(), Server::builder().service(service))
}

/// A server and a client of it over a pair of one's own.
fn connect(builder: ServerBuilder, network: &memory::Builder) -> (Server, Peer, Client, memory::Control) {
    let (local, remote) = network.pair();
    let control = local.control();
    let server = builder.build().expect("it can be mounted");
    let peer = server.accept_transport(remote).expect("the server is open");
    (server, peer, Client::over(local).expect("nothing to mount"), control)
}
