//! Limits of handshakes and connections, and the observers of refused handshakes.

use super::{Running, serve};
use http::StatusCode;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use wswrapper::{
    Client, Limits, Server,
    error::ConnectError,
    observe::{Observer, RefusedHandshake},
};
use wswrapper_tests::{Log, until, websocket::REQUEST};

/// Notes the reasons of refused handshakes.
struct Refusals(Log);

impl Observer for Refusals {
    fn handshake_refused(&self, refused: &RefusedHandshake<'_>) {
        let RefusedHandshake { reason, status, .. } = refused;
        assert!(refused.remote_addr.is_some());
        self.0.add(format!("{reason:?} {} {}", status.as_u16(), refused.uri()));
    }
}

/// Returns true if the server is busy.
async fn is_refused(running: &Running) -> bool {
    match Client::connect(&running.url()).await {
        Err(ConnectError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, headers, .. }) => {
            headers["retry-after"] == "1"
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_are_refused_until_one_closes() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let limits = Limits::default().max_connections(2);
    let running = serve(Server::builder().limits(limits).observer(Refusals(log.clone()))).await;
    let first = Client::connect(&running.url()).await?;
    let second = Client::connect(&running.url()).await?;
    assert!(is_refused(&running).await);
    first.close(1000, "");
    first.closed().await;
    until(|| running.server.peers().len() == 1).await;
    let third = Client::connect(&running.url()).await?;
    assert!(second.is_open() && third.is_open());
    assert_eq!(log.entries(), ["TooManyConnections 503 /"]);
    Ok(())
}

#[tokio::test]
async fn connections_from_one_address_are_counted_by_the_found_address() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_connections_per_address(Some(1));
    let by_header = |request: &http::request::Parts| -> Option<SocketAddr> {
        request.headers.get("x-forwarded-for")?.to_str().ok()?.parse().ok().map(|address| SocketAddr::new(address, 0))
    };
    let running = serve(Server::builder().limits(limits).remote_addr(by_header)).await;
    let url = running.url();
    let connect = |address: &'static str| {
        let url = url.clone();
        async move { Client::builder().header("X-Forwarded-For", address).connect(&url).await }
    };
    let first = connect("192.0.2.1").await?;
    let refused = connect("192.0.2.1").await;
    assert!(matches!(refused, Err(ConnectError::Refused { status: StatusCode::SERVICE_UNAVAILABLE, .. })));
    let other = connect("192.0.2.2").await?;
    assert_eq!(running.server.peers()[1].handshake().remote_addr(), Some(([192, 0, 2, 2], 0).into()));
    first.close(1000, "");
    first.closed().await;
    until(|| running.server.peers().len() == 1).await;
    assert!(connect("192.0.2.1").await.is_ok() && other.is_open());
    Ok(())
}

#[tokio::test]
async fn observers_see_the_rule_that_a_handshake_breaks() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let builder = Server::builder().path("/ws").hosts(["x"]).observer(Refusals(log.clone()));
    let running = serve(builder).await;
    let valid = REQUEST.replacen("GET /", "GET /ws", 1) + "\r\n";
    for (request, expected) in [
        (valid.replacen("Host: x", "Host: y", 1), "Host 403 /ws"),
        (valid.replacen("GET", "POST", 1), "Method 405 /ws"),
        (valid.replacen("HTTP/1.1", "HTTP/1.0", 1), "HttpVersion 400 /ws"),
        (valid.replacen("/ws", "*", 1), "Target 400 *"),
        (valid.replacen("\r\n\r\n", "\r\nContent-Length: 1\r\n\r\n1", 1), "Body 400 /ws"),
        (valid.replacen("Connection: Upgrade", "Connection: close", 1), "Connection 400 /ws"),
        (valid.replacen("==", "=", 1), "Key 400 /ws"),
        (valid.replacen("13", "12", 1), "WebSocketVersion 426 /ws"),
        (valid.replacen("/ws", "/else", 1), "Path 404 /else"),
        (valid.replacen("Host: x", "Host: x\r\nOrigin: null", 1), "Origin 403 /ws"),
    ] {
        running.http(&request).await;
        assert_eq!(log.entries().pop().as_deref(), Some(expected), "{request}");
    }
    let refused = log.entries().len();
    // A request for a page is no handshake.
    running.http("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert_eq!(log.entries().len(), refused);
    Ok(())
}

#[tokio::test]
async fn streams_that_send_nothing_are_cut_off_beyond_their_number() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_connections(1);
    let running = serve(Server::builder().limits(limits)).await;
    let mut silent = Vec::new();
    for _ in 0..17 {
        silent.push(TcpStream::connect(running.address).await?);
    }
    let mut cut_off = TcpStream::connect(running.address).await?;
    assert!(!matches!(cut_off.read(&mut [0; 8]).await, Ok(1..)));
    // Each of the others may still send its request.
    let (socket, _) = tokio_tungstenite::client_async("ws://x", silent.remove(0)).await?;
    drop((socket, silent));
    // The server notices after a moment.
    let connecting = async {
        while Client::connect(&running.url()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), connecting).await?;
    Ok(())
}
