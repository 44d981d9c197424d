//! Servers and clients over TCP: handshakes, pages, invalid frames and closing.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

mod access;
mod calls;
mod close_status;
mod closing;
mod fragments;
mod frames;
mod handshake_requests;
mod handshake_responses;
mod handshakes;
mod headers;
mod open_hooks;
mod pages;
mod protocol_errors;
mod redirects;
mod request_targets;
mod slow_readers;
mod slow_websockets;
mod subprotocols;
mod urls;

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wswrapper::{
    Context, Server,
    error::ServeError,
    server::{Listener, ServerBuilder},
    ws_handlers,
};

struct TestService;

#[ws_handlers]
impl TestService {
    pub fn echo(&self, text: String) -> String {
        text
    }

    pub fn handshake(&self, ctx: Context) -> (String, Option<String>, bool) {
        let header = ctx.handshake().headers().get("host").and_then(|host| host.to_str().ok());
        (ctx.handshake().uri().to_string(), header.map(ToOwned::to_owned), ctx.handshake().remote_addr().is_some())
    }

    /// Returns the values of a header.
    pub fn header(&self, ctx: Context, name: String) -> Vec<String> {
        let values = ctx.handshake().headers().get_all(&name).into_iter();
        values.map(|value| value.to_str().unwrap_or("?").to_owned()).collect()
    }

    pub fn subprotocol(&self, ctx: Context) -> Option<String> {
        ctx.handshake().subprotocol().map(ToOwned::to_owned)
    }

    pub async fn wait(&self) {
        std::future::pending::<()>().await;
    }
}

struct Running {
    server: Server,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<Result<(), ServeError>>,
}

async fn serve(builder: ServerBuilder) -> Running {
    let listener: Listener = builder.service(TestService).bind("127.0.0.1:0").await.expect("a port is free");
    let (server, address) = (listener.server().clone(), listener.local_addr());
    Running { server, address, serving: tokio::spawn(listener.serve()) }
}

impl Running {
    fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// Sends an HTTP request and reads until the server closes.
    async fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        let mut response = Vec::new();
        // The server may reset the connection before it has read the whole request.
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8(response).expect("HTTP is text")
    }
}

/// Binds a port on which no server runs yet.
async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    (listener, address)
}
