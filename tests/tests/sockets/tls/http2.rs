//! Connections on streams of HTTP/2 (RFC 8441).

use super::authority::Authority;
use super::{Running, serve};
use futures_util::{SinkExt, StreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;
use wswrapper::client::rustls::pki_types::ServerName;
use wswrapper::server::{ServerBuilder, rustls::ServerConfig};
use wswrapper::{Limits, Server, error::ServeError};
use wswrapper_tests::{Log, until};

type Requests = http2::SendRequest<Empty<bytes::Bytes>>;
type Socket = WebSocketStream<TokioIo<Upgraded>>;

fn config(authority: &Authority) -> ServerConfig {
    let mut config = authority.certifies(&["localhost"]);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config
}

async fn serve_http2(authority: &Authority) -> Running {
    serve(config(authority)).await
}

async fn serve_builder(builder: ServerBuilder, authority: &Authority) -> Result<Running, ServeError> {
    let listener = builder.subprotocol("desk.v1").tls(config(authority)).bind("127.0.0.1:0").await?;
    let (server, address) = (listener.server().clone(), listener.local_addr());
    Ok(Running { server, address, serving: tokio::spawn(listener.serve()) })
}

async fn connect_tls(authority: &Authority, running: &Running) -> Result<TlsStream<TcpStream>, Box<dyn Error>> {
    let mut config = (*authority.trusted()).clone();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(running.address).await?;
    Ok(TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost")?, stream).await?)
}

async fn connect(authority: &Authority, running: &Running) -> Result<Requests, Box<dyn Error>> {
    let stream = TokioIo::new(connect_tls(authority, running).await?);
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    tokio::spawn(connection);
    // The server announces extended CONNECT in its settings.
    requests.ready().await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    Ok(requests)
}

fn request(running: &Running, version: &str) -> Result<Request<Empty<bytes::Bytes>>, http::Error> {
    Request::builder()
        .method(Method::CONNECT)
        .uri(format!("https://localhost:{}/desk", running.address.port()))
        .extension(Protocol::from_static("websocket"))
        .header("Sec-WebSocket-Version", version)
        .header("Sec-WebSocket-Protocol", "desk.v1")
        .header("Origin", format!("https://localhost:{}", running.address.port()))
        .body(Empty::new())
}

async fn open(requests: &mut Requests, running: &Running) -> Result<Socket, Box<dyn Error>> {
    let response = requests.send_request(request(running, "13")?).await?;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["sec-websocket-protocol"], "desk.v1");
    let stream = TokioIo::new(hyper::upgrade::on(response).await?);
    Ok(WebSocketStream::from_raw_socket(stream, Role::Client, None).await)
}

async fn echo(socket: &mut Socket, text: &str) -> Result<String, Box<dyn Error>> {
    socket.send(Message::text(format!(r#"{{"a":["echo","{text}"],"i":1}}"#))).await?;
    Ok(socket.next().await.ok_or("closed")??.into_text()?.to_string())
}

#[tokio::test]
async fn one_stream_carries_several_connections() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve_http2(&authority).await;
    let mut requests = connect(&authority, &running).await?;
    let mut first = open(&mut requests, &running).await?;
    let mut second = open(&mut requests, &running).await?;
    assert_eq!(echo(&mut first, "one").await?, r#"{"i":1,"d":"one"}"#);
    assert_eq!(echo(&mut second, "two").await?, r#"{"i":1,"d":"two"}"#);
    let peers = running.server.peers();
    assert_eq!((peers.len(), peers[0].handshake().path()), (2, "/desk"));
    assert_eq!(peers[0].handshake().subprotocol(), Some("desk.v1"));
    assert!(peers[1].handshake().remote_addr().is_some());
    first.close(None).await?;
    peers[0].closed().await;
    assert_eq!(echo(&mut second, "still").await?, r#"{"i":1,"d":"still"}"#);
    running.server.close();
    running.serving.await??;
    assert!(matches!(second.next().await, Some(Ok(Message::Close(Some(close)))) if u16::from(close.code) == 1001));
    Ok(())
}

#[tokio::test]
async fn the_rules_hold_for_http2() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve_http2(&authority).await;
    let mut requests = connect(&authority, &running).await?;
    let old = requests.send_request(request(&running, "12")?).await?;
    assert_eq!(old.status(), StatusCode::UPGRADE_REQUIRED);
    let mut foreign = request(&running, "13")?;
    foreign.headers_mut().insert("origin", "https://elsewhere.example".parse()?);
    assert_eq!(requests.send_request(foreign).await?.status(), StatusCode::FORBIDDEN);
    let page = Request::get(format!("https://localhost:{}/", running.address.port())).body(Empty::new())?;
    assert_eq!(requests.send_request(page).await?.status(), StatusCode::UPGRADE_REQUIRED);
    Ok(())
}

#[tokio::test]
async fn connections_of_a_lost_stream_are_closed_with_their_hooks() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let log = Log::default();
    let hook_log = log.clone();
    let builder = Server::builder().on_close(move |_, closed| {
        let log = hook_log.clone();
        async move {
            tokio::task::yield_now().await;
            log.add(format!("{:?}", closed.cause));
        }
    });
    let running = serve_builder(builder, &authority).await?;
    let stream = TokioIo::new(connect_tls(&authority, &running).await?);
    let (mut requests, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
    let connection = tokio::spawn(connection);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(open(&mut requests, &running).await?);
    }
    connection.abort();
    drop((sockets, requests));
    assert_eq!(log.has(3).await, ["Lost", "Lost", "Lost"]);
    assert!(running.server.peers().is_empty());
    Ok(())
}

#[tokio::test]
async fn output_that_a_client_does_not_read_is_counted() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve_http2(&authority).await;
    let stream = TokioIo::new(connect_tls(&authority, &running).await?);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let handshake = builder.initial_stream_window_size(0).handshake::<_, Empty<bytes::Bytes>>(stream);
    let (mut requests, connection) = handshake.await?;
    tokio::spawn(connection);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut socket = open(&mut requests, &running).await?;
    let text = "x".repeat(1_000_000);
    socket.send(Message::text(format!(r#"{{"a":["echo","{text}"],"i":1}}"#))).await?;
    until(|| running.server.buffered_bytes() > 900_000).await;
    Ok(())
}

#[tokio::test]
async fn a_long_response_is_sent_while_it_is_read() -> Result<(), Box<dyn Error>> {
    const SIZE: usize = 4_000_000;
    let authority = Authority::new();
    let page = axum::Router::new().route("/", axum::routing::get(|| async { vec![b'a'; SIZE] }));
    let limits = Limits::default().handshake_timeout(Duration::from_millis(300));
    let running = serve_builder(Server::builder().limits(limits).path("/ws").fallback(page), &authority).await?;
    let mut requests = connect(&authority, &running).await?;
    let page = Request::get(format!("https://localhost:{}/", running.address.port())).body(Empty::new())?;
    let mut body = requests.send_request(page).await?.into_body();
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        read += frame?.into_data().map_or(0, |data| data.len());
        // It takes far longer than an idle stream may last.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(read, SIZE);
    Ok(())
}

#[tokio::test]
async fn a_client_that_reads_no_response_is_cut_off() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve_http2(&authority).await;
    let stream = TokioIo::new(connect_tls(&authority, &running).await?);
    let mut builder = http2::Builder::new(TokioExecutor::new());
    let handshake = builder.initial_stream_window_size(0).handshake::<_, Empty<bytes::Bytes>>(stream);
    let (mut requests, connection) = handshake.await?;
    let connection = tokio::spawn(connection);
    let page = Request::get(format!("https://localhost:{}/", running.address.port())).body(Empty::new())?;
    let response = requests.send_request(page).await?;
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    // `response` keeps the request open.
    assert!(tokio::time::timeout(Duration::from_secs(20), connection).await.is_ok());
    drop(response);
    Ok(())
}

#[tokio::test]
async fn a_stream_without_requests_is_closed() -> Result<(), Box<dyn Error>> {
    use tokio::io::AsyncReadExt;
    let authority = Authority::new();
    let running = serve_http2(&authority).await;
    let mut stream = connect_tls(&authority, &running).await?;
    let read = async { while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {} };
    assert!(tokio::time::timeout(Duration::from_secs(20), read).await.is_ok());
    Ok(())
}
