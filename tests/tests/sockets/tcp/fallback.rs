//! Requests that are no handshakes, and the service that answers them.

use super::{read_response, serve};
use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use std::error::Error;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wswrapper::{Client, Server, server::RemoteAddr};

fn site() -> Router {
    Router::new()
        .route("/", get(|| async { "<p>hello" }))
        .route("/echo", post(|body: String| async { body }))
        .route(
            "/address",
            get(|request: Request| async move {
                request.extensions().get::<RemoteAddr>().map_or_else(String::new, |address| address.0.ip().to_string())
            }),
        )
        .fallback(|request: Request| async move { format!("no page {}", request.uri()) })
}

#[tokio::test]
async fn requests_that_are_no_handshakes_go_to_the_fallback() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().path("/ws").fallback(site())).await;
    for (request, expected) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "<p>hello"),
        ("GET /?q=1 HTTP/1.1\r\nHost: x\r\n\r\n", "<p>hello"),
        ("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nback", "back"),
        ("GET /address HTTP/1.1\r\nHost: x\r\n\r\n", "127.0.0.1"),
        ("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "no page /ws"),
        ("GET /other HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "no page /other"),
    ] {
        let response = running.http(request).await;
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{request}: {response}");
        assert!(response.ends_with(&format!("\r\n\r\n{expected}")), "{request}: {response}");
    }
    let head = running.http("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(head.contains("content-length: 8\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    assert!(Client::connect(&format!("{}/ws", running.url())).await.is_ok());
    Ok(())
}

#[tokio::test]
async fn the_fallback_sees_the_address_that_was_found() {
    let found = |_: &http::request::Parts| Some(([192, 0, 2, 1], 0).into());
    let running = serve(Server::builder().path("/ws").fallback(site()).remote_addr(found)).await;
    assert!(running.http("GET /address HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("\r\n\r\n192.0.2.1"));
}

#[tokio::test]
async fn one_stream_carries_several_requests_and_then_a_websocket() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().path("/ws").fallback(site())).await;
    let mut stream = TcpStream::connect(running.address).await?;
    for _ in 0..2 {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await?;
        assert!(read_response(&mut stream, false).await.ends_with("<p>hello"));
    }
    let (_, response) = tokio_tungstenite::client_async("ws://x/ws", stream).await?;
    assert_eq!(response.status(), 101);
    assert_eq!(running.server.peers().len(), 1);
    Ok(())
}

#[tokio::test]
async fn without_a_fallback_other_requests_have_a_status() {
    let running = serve(Server::builder().path("/ws")).await;
    for (request, status) in [
        ("GET /missing HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426 Upgrade Required"),
        ("\x01\x02nonsense\r\n\r\n", "400 Bad Request"),
    ] {
        let response = running.http(request).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {response}");
    }
    let long = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(20_000));
    assert!(running.http(&long).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(101));
    assert!(running.http(&many).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn the_path_is_compared_percent_decoded() {
    let running = serve(Server::builder().path("/tür")).await;
    assert!(Client::connect(&format!("{}/t%C3%bCr", running.url())).await.is_ok());
    assert!(Client::connect(&format!("{}/tur", running.url())).await.is_err());
}
