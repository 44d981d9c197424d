//! Servers and clients over TCP: handshakes, fallbacks, axum, invalid frames and closing.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

mod accept;
mod access;
mod admission;
mod axum;
mod calls;
mod close_status;
mod closing;
mod drain;
mod fallback;
mod fragments;
mod frames;
mod handshake_requests;
mod handshake_responses;
mod handshakes;
mod headers;
mod heartbeat;
mod open_hooks;
mod protocol_errors;
mod redirects;
mod request_targets;
mod slow_readers;
mod slow_websockets;
mod subprotocols;
mod urls;

use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
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

    /// Sends an HTTP request and reads the response.
    async fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("the server listens");
        stream.write_all(request.as_bytes()).await.expect("the server reads");
        read_response(&mut stream, request.starts_with("HEAD")).await
    }
}

/// Reads one response. The connection may stay open after it.
async fn read_response(stream: &mut (impl AsyncRead + Unpin), head_only: bool) -> String {
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => response.push(byte),
            // The server may reset the connection before it has read the whole request.
            Err(_) => return String::from_utf8(response).expect("HTTP is text"),
        }
    }
    let head = String::from_utf8(response).expect("HTTP is text");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; if head_only { 0 } else { length.map_or(0, |length| length.parse().expect("a number")) }];
    stream.read_exact(&mut body).await.expect("the whole body arrives");
    head + &String::from_utf8(body).expect("the body is text")
}

/// Binds a port on which no server runs yet.
async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("the listener is bound");
    (listener, address)
}

/// Binds a port at which nothing listens, so that connections to it are refused.
pub(crate) fn refused_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket can be made");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port is free");
    let address = socket.local_addr().expect("it is bound");
    (socket, address)
}
