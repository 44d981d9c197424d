//! Servers and clients over TCP: handshakes, pages, broken frames, closing.

mod support;

use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{WebSocketStream, client_async};
use wswrapper::{
    AcceptError, CallError, Client, ConnectError, Context, Limits, Listening, ServeError, Server, ServerBuilder,
    ws_handlers,
};

struct Desk;

#[ws_handlers]
impl Desk {
    fn echo(&self, text: String) -> String {
        text
    }

    fn handshake(&self, ctx: Context) -> (String, Option<String>, bool) {
        let header = ctx.handshake().headers().get("host").and_then(|host| host.to_str().ok());
        (ctx.handshake().uri().to_string(), header.map(ToOwned::to_owned), ctx.handshake().remote_addr().is_some())
    }

    async fn wait(&self) {
        std::future::pending().await
    }
}

struct Running {
    server: Server,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<Result<(), ServeError>>,
}

async fn serve(builder: ServerBuilder) -> Running {
    let listening: Listening = builder.service(Desk).bind("127.0.0.1:0").await.expect("a port is free");
    let (server, address) = (listening.server(), listening.local_addr());
    Running { server, address, serving: tokio::spawn(listening.serve()) }
}

impl Running {
    fn url(&self) -> String {
        format!("ws://{}", self.address)
    }

    /// A WebSocket with frames of our own making.
    async fn websocket(&self) -> WebSocketStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.expect("it listens");
        client_async(self.url(), stream).await.expect("it takes WebSockets").0
    }

    /// Sends bytes and reads until the end.
    async fn http(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("it listens");
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut answer = Vec::new();
        // A server that has seen enough may reset what is still under way.
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8(answer).expect("HTTP is text")
    }
}

#[tokio::test]
async fn a_client_calls_a_server_over_tcp() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&format!("{}/some/path?query=1", running.url())).await?;
    let desk = DeskProxy::new(&client);
    for length in [0, 1, 125, 126, 1_000, 70_000, 900_000] {
        let text = "x".repeat(length);
        assert_eq!(desk.echo(&text).await?, text);
    }
    let (uri, host, has_address) = desk.handshake().await?;
    assert_eq!((uri.as_str(), host), ("/some/path?query=1", Some(running.address.to_string())));
    assert!(has_address);
    assert_eq!(client.close().await.code, 1000);
    running.server.close().await;
    running.serving.await??;
    Ok(())
}

#[tokio::test]
async fn a_thousand_clients_are_served_at_once() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let mut clients = Vec::new();
    for n in 0..1_000 {
        let client = Client::connect(&running.url()).await?;
        assert_eq!(DeskProxy::new(&client).echo(n.to_string()).await?, n.to_string());
        clients.push(client);
    }
    assert_eq!(running.server.peers().len(), 1_000);
    drop(clients);
    support::until(|| running.server.peers().is_empty()).await;
    Ok(())
}

#[tokio::test]
async fn a_port_in_use_is_said_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    let error = Server::builder().bind(address.clone()).await.expect_err("it is in use");
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address}: the port is in use; end the program that uses it, or take another port")
    );
}

#[tokio::test]
async fn a_url_that_is_none_is_said_to_be_wrong() {
    for (url, reason) in [
        ("http://localhost:1", "it begins with http; write ws:// instead"),
        ("localhost:1", "it must begin with ws://"),
        ("ftp://localhost", "it must begin with ws://"),
        ("ws://", "it cannot be parsed"),
        ("not a url", "it cannot be parsed"),
    ] {
        let error = Client::connect(url).await.expect_err(url);
        assert_eq!(error.to_string(), format!("`{url}` is not a WebSocket URL: {reason}"));
    }
}

#[tokio::test]
async fn a_refused_connection_is_said_to_be_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    drop(listener);
    let error = Client::connect(&format!("ws://{address}")).await.expect_err("nobody listens");
    assert!(matches!(error, ConnectError::Connect { .. }));
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot connect to {address}: ")), "{text}");
    assert!(text.ends_with("; is the server running, and on this port?"), "{text}");
}

#[tokio::test]
async fn a_failed_handshake_is_said_with_its_status() {
    let running = serve(Server::builder().path("/ws")).await;
    let error = Client::connect(&format!("{}/elsewhere", running.url())).await.expect_err("it is elsewhere");
    assert_eq!(
        error.to_string(),
        format!("the server at {} refused the handshake: status 404 Not Found; is the path right?", running.address)
    );
    assert!(Client::connect(&format!("{}/ws", running.url())).await.is_ok());
}

#[tokio::test]
async fn servers_that_speak_something_else_are_not_waited_for() {
    for (answer, reason) in [
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n", "what it answered is not HTTP"),
        ("HTTP/1.1 200 OK\r\n\r\n", "status 200 OK"),
        ("HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "its Sec-WebSocket-Accept does not fit the request"),
        ("HTTP/1.1 101 Switching\r\nUpgrade: other\r\n\r\n", "it did not upgrade the connection to a WebSocket"),
        ("", "it ended the connection: unexpected end of file"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        });
        let error = Client::connect(&format!("ws://{address}")).await.expect_err(answer);
        assert_eq!(error.to_string(), format!("the server at {address} refused the handshake: {reason}"));
    }
}

#[tokio::test]
async fn a_server_that_says_nothing_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("it is bound");
    let limits = Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() };
    let error = Client::builder().limits(limits).connect(&format!("ws://{address}")).await.expect_err("it is silent");
    assert_eq!(error.to_string(), format!("{address} did not complete the handshake in time"));
}

#[tokio::test]
async fn pages_are_served_beside_the_websocket() {
    let builder = Server::builder().path("/ws").page("/", "text/html", "<p>hello").page("/a.js", "text/javascript", "1");
    let running = serve(builder).await;
    let page = running.http("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"), "{page}");
    assert!(page.contains("Content-Length: 8\r\n") && page.ends_with("\r\n\r\n<p>hello"), "{page}");
    assert!(running.http("GET /?q=1 HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("<p>hello"));
    assert!(running.http("HEAD /a.js HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("Content-Length: 1\r\nConnection: close\r\n\r\n"));
    for (request, status) in [
        ("GET /missing HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed"),
        ("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426 Upgrade Required"),
        ("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", "426 Upgrade Required"),
        ("GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n", "400 Bad Request"),
        ("\x01\x02nonsense\r\n\r\n", "400 Bad Request"),
    ] {
        let answer = running.http(request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {answer}");
    }
    let long = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(20_000));
    assert!(running.http(&long).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn who_sends_no_request_is_sent_away() {
    let limits = Limits { handshake_timeout: Duration::from_millis(100), ..Limits::default() };
    let running = serve(Server::builder().limits(limits)).await;
    assert!(running.http("GET / HT").await.starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

#[tokio::test]
async fn a_stream_that_was_accepted_elsewhere_is_served() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().service(Desk).build()?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    let accepting = tokio::spawn({
        let server = server.clone();
        async move {
            let (stream, _) = listener.accept().await.expect("somebody connects");
            let peer = server.accept(stream).await;
            let (stream, _) = listener.accept().await.expect("somebody connects");
            (peer, server.accept(stream).await)
        }
    });
    let client = Client::connect(&url).await?;
    assert_eq!(DeskProxy::new(&client).echo("hello").await?, "hello");
    let mut stream = TcpStream::connect(&url["ws://".len()..]).await?;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await?;
    let (peer, refused) = accepting.await?;
    assert!(peer?.is_open());
    assert!(matches!(refused, Err(AcceptError::Http(426))));
    Ok(())
}

#[tokio::test]
async fn a_message_may_come_in_any_lawful_form() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let mut websocket = running.websocket().await;
    let request = r#"{"a":["echo","hi"],"i":1}"#;
    let (first, second) = request.split_at(7);
    // In fragments with a ping between them.
    let part = |text: &str, opcode, last| Message::Frame(Frame::message(text.to_owned(), OpCode::Data(opcode), last));
    websocket.send(part(first, Data::Text, false)).await?;
    websocket.send(Message::Ping(Bytes::from_static(b"there?"))).await?;
    websocket.send(part(second, Data::Continue, true)).await?;
    assert_eq!(websocket.next().await.ok_or("it ended")??, Message::Pong(Bytes::from_static(b"there?")));
    assert_eq!(websocket.next().await.ok_or("it ended")??, Message::text(r#"{"i":1,"d":"hi"}"#));
    // As a binary message.
    websocket.send(Message::binary(request)).await?;
    assert_eq!(websocket.next().await.ok_or("it ended")??, Message::text(r#"{"i":1,"d":"hi"}"#));
    // Ten in one packet, with what is not for us between them.
    for n in 2..12 {
        websocket.feed(Message::text(format!(r#"{{"a":["echo",""],"i":{n}}}"#))).await?;
        websocket.feed(Message::text("nonsense")).await?;
        websocket.feed(Message::binary(vec![0xff, 0xfe])).await?;
    }
    websocket.flush().await?;
    for n in 2..12 {
        assert_eq!(websocket.next().await.ok_or("it ended")??, Message::text(format!(r#"{{"i":{n},"d":""}}"#)));
    }
    Ok(())
}

#[tokio::test]
async fn what_breaks_the_rules_of_websocket_is_closed_with_the_right_status() -> Result<(), Box<dyn Error>> {
    let limits = Limits { frame_bytes: 1_000, ..Limits::default() };
    let running = serve(Server::builder().limits(limits)).await;
    let raw = |bytes: &[u8], opcode| Message::Frame(Frame::message(bytes.to_vec(), opcode, true));
    for (message, code) in [
        (Message::text("x".repeat(1_001)), 1009),
        (Message::text("x".repeat(5_000_000)), 1009),
        (raw(&[0xff, 0xfe, 0xfd], OpCode::Data(Data::Text)), 1007),
        (raw(b"x", OpCode::Data(Data::Continue)), 1002),
        (raw(b"x", OpCode::Data(Data::Reserved(5))), 1002),
    ] {
        let mut websocket = running.websocket().await;
        // The server may close while we still write.
        let _ = websocket.send(message).await;
        match websocket.next().await {
            Some(Ok(Message::Close(Some(close)))) => assert_eq!(u16::from(close.code), code, "{}", close.reason),
            other => panic!("expected {code}, got {other:?}"),
        }
    }
    support::until(|| running.server.peers().is_empty()).await;
    Ok(())
}

#[tokio::test]
async fn a_close_is_answered_and_told() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&running.url()).await?;
    support::until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    let call = tokio::spawn({
        let desk = DeskProxy::new(&client);
        async move { desk.wait().await }
    });
    support::until(|| client.calls_in_flight() == 1).await;
    peer.close(4321, "reason");
    assert!(matches!(call.await?, Err(CallError::Closed)));
    let (here, there) = (peer.closed().await, client.closed().await);
    assert_eq!((here.code, here.reason.as_str(), here.by_us), (4321, "reason", true));
    assert_eq!((there.code, there.reason.as_str(), there.by_us), (4321, "reason", false));
    Ok(())
}

#[tokio::test]
async fn a_client_that_vanishes_is_noticed() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    for begun in ["", "\u{1}", r#"{"a":["wait"],"i":1}"#] {
        let websocket = running.websocket().await;
        let mut stream = websocket.into_inner();
        support::until(|| running.server.peers().len() == 1).await;
        let peer = running.server.peers().remove(0);
        // The beginning of a frame, at the most.
        stream.write_all(begun.as_bytes()).await?;
        drop(stream);
        assert_eq!(peer.closed().await.by_us, begun.starts_with('{'), "{begun}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_closes_while_clients_come_and_go() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    // One that never sends its request must not keep the server open.
    let silent = TcpStream::connect(running.address).await?;
    let clients: Vec<_> = futures_util::future::try_join_all((0..50).map(|_| async {
        Client::connect(&running.url()).await
    }))
    .await?;
    let began = std::time::Instant::now();
    running.server.close().await;
    running.serving.await??;
    for client in &clients {
        assert_eq!(client.closed().await.code, 1001);
    }
    assert!(began.elapsed() < Duration::from_secs(4), "the silent one was waited for");
    assert!(Client::connect(&format!("ws://{}", running.address)).await.is_err());
    drop(silent);
    Ok(())
}
