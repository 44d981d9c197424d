//! Heavy load, malformed frames, lost networks and slow peers.
//!
//! After each test nothing is left: no peer, call, handler or task.

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
use wswrapper::{
    Client, Context, Limits, Peer, Server, error::ServeError, server::ServerBuilder, ws_handlers, ws_service,
};
use wswrapper_tests::websocket::websocket;
use wswrapper_tests::{Alive, Log, tasks, until};

#[ws_service]
trait Chaos {
    async fn echo(&self, value: Value) -> Value;
    async fn sleep(&self, milliseconds: u64) -> u64;
    async fn wait(&self);
    /// Calls `bounce` of the caller with `depth - 1`, and returns how many nested calls succeeded.
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
        // A nested call that fails is not counted.
        ChaosProxy::new(ctx.peer()).bounce(depth - 1).await.map_or(0, |deeper| deeper + 1)
    }

    async fn note(&self, text: String) {
        self.log.add(text);
    }
}

/// The number of tasks at the start of a test.
struct TaskBaseline {
    tasks: usize,
}

impl TaskBaseline {
    fn now() -> Self {
        Self { tasks: tasks() }
    }

    /// Waits until no connection, handler or task of the server is left.
    async fn is_restored(&self, server: &Server, service: &ChaosService) {
        until(|| server.peers().is_empty()).await;
        service.handlers.becomes(0).await;
        until(|| tasks() == self.tasks).await;
    }
}

/// A server that listens on a port.
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
    let listener = Server::builder().limits(limits).service(service.clone()).bind("127.0.0.1:0").await;
    let listener = listener.expect("a port is free");
    let (server, address) = (listener.server().clone(), listener.local_addr());
    RunningServer { server, service, address, serving: tokio::spawn(listener.serve()), baseline }
}

impl RunningServer {
    async fn client(&self) -> Client {
        let builder = Client::builder().connect_timeout(Duration::from_mins(1));
        builder.connect(&format!("ws://{}", self.address)).await.expect("it takes WebSockets")
    }

    /// Connects and returns the socket after the handshake, for frames written byte by byte.
    async fn socket(&self) -> TcpStream {
        let known = self.server.peers().len();
        let stream = websocket(self.address).await.into_inner();
        until(|| self.server.peers().len() > known).await;
        stream
    }

    /// Waits until exactly one peer is connected, and returns it.
    async fn peer(&self) -> Peer {
        until(|| self.server.peers().len() == 1).await;
        self.server.peers().remove(0)
    }

    /// Checks that the server still serves, closes it and checks that nothing is left.
    async fn shut_down_cleanly(self) {
        let client = self.client().await;
        assert_eq!(ChaosProxy::new(&client).echo(json!("still there")).await.expect("an answer"), "still there");
        drop(client);
        until(|| self.server.peers().is_empty()).await;
        self.service.handlers.becomes(0).await;
        self.server.close();
        self.server.closed().await;
        self.serving.await.expect("no panic").expect("it served");
        until(|| tasks() == self.baseline.tasks).await;
    }
}

fn chaos_server() -> (ChaosService, ServerBuilder) {
    let service = ChaosService::default();
    (service.clone(), Server::builder().service(service))
}

/// Connects a client to a server over a pair of `network`.
fn connect(builder: ServerBuilder, network: &memory::Builder) -> (Server, Peer, Client, memory::Control) {
    let (local, remote) = network.pair();
    let control = local.control();
    let server = builder.build().expect("it can be mounted");
    let peer = server.accept_transport(remote).expect("the server is open");
    (server, peer, Client::connect_transport(local).expect("nothing to mount"), control)
}
