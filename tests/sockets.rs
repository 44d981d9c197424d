//! Servers and clients over TCP: handshakes, pages, broken frames, closing.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "so are handlers")]

mod support;

use futures_util::{SinkExt, StreamExt};
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
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

    /// The values of a header.
    fn header(&self, ctx: Context, name: String) -> Vec<String> {
        let values = ctx.handshake().headers().get_all(&name).into_iter();
        values.map(|value| value.to_str().unwrap_or("?").to_owned()).collect()
    }

    fn subprotocol(&self, ctx: Context) -> Option<String> {
        ctx.handshake().subprotocol().map(ToOwned::to_owned)
    }

    async fn wait(&self) {
        std::future::pending::<()>().await;
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
        ("https://localhost:1", "it begins with https; write wss:// instead"),
        ("localhost:1", "it must begin with ws:// or wss://"),
        ("ftp://localhost", "it must begin with ws:// or wss://"),
        ("ws://localhost:99999", "its port is not a number up to 65535"),
        ("ws://localhost:eighty/", "its port is not a number up to 65535"),
        ("ws://:80/", "it has no host"),
        ("ws://", "it cannot be parsed"),
        ("not a url", "it cannot be parsed"),
    ] {
        let error = Client::connect(url).await.expect_err(url);
        assert_eq!(error.to_string(), format!("`{url}` is not a WebSocket URL: {reason}"));
    }
}

#[tokio::test]
async fn a_user_in_a_url_is_refused_and_no_password_is_shown() {
    let help = "it names a user; write `.header(\"Authorization\", ..)` on the client's builder instead";
    for (url, shown, reason) in [
        ("ws://ada@localhost/", "ws://***@localhost/", help),
        ("ws://ada:secret@localhost:1/path", "ws://***@localhost:1/path", help),
        ("wss://ada:secret@[::1]/", "wss://***@[::1]/", help),
        ("ws://ada:se cret@localhost", "ws://***@localhost", "it cannot be parsed"),
        ("ws://ada:se/cret@localhost", "ws://***@localhost", "its port is not a number up to 65535"),
    ] {
        let error = Client::connect(url).await.expect_err(url);
        assert_eq!(error.to_string(), format!("`{shown}` is not a WebSocket URL: {reason}"));
        assert!(!format!("{error:?}").contains("cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_url_may_have_a_query_alone_and_any_case_of_its_scheme() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&format!("WS://{}?query=1#fragment", running.address)).await?;
    assert_eq!(DeskProxy::new(&client).handshake().await?.0, "/?query=1");
    Ok(())
}

#[tokio::test]
async fn the_port_of_ws_is_80_unless_the_url_names_one() {
    for (url, expected) in [("ws://127.0.0.1/path", "127.0.0.1:80"), ("ws://[::1]:", "[::1]:80")] {
        // Whatever is there is none of ours.
        match Client::connect(url).await.expect_err(url) {
            ConnectError::Connect { address, .. }
            | ConnectError::Handshake { address, .. }
            | ConnectError::TimedOut { address } => assert_eq!(address, expected),
            error => panic!("expected that it tries {expected}, got {error}"),
        }
    }
}

#[tokio::test]
async fn a_url_may_have_an_ipv6_host() -> Result<(), Box<dyn Error>> {
    let listening = match Server::builder().service(Desk).bind("[::1]:0").await {
        Ok(listening) => listening,
        Err(error) => {
            eprintln!("SKIPPED: this machine has no IPv6: {error}");
            return Ok(());
        }
    };
    let port = listening.local_addr().port();
    tokio::spawn(listening.serve());
    let client = Client::connect(&format!("ws://[::1]:{port}")).await?;
    assert_eq!(DeskProxy::new(&client).handshake().await?, ("/".to_owned(), Some(format!("[::1]:{port}")), true));
    Ok(())
}

#[tokio::test]
async fn extra_headers_arrive() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let builder = Client::builder()
        .header("Authorization", "Bearer abc")
        .header("X-Number", "one")
        .header("x-number", "two")
        .header("Cookie", "a=1; b=\"2\"")
        .header("Origin", "https://desk.example");
    let client = builder.connect(&running.url()).await?;
    let desk = DeskProxy::new(&client);
    assert_eq!(desk.header("authorization").await?, ["Bearer abc"]);
    assert_eq!(desk.header("x-number").await?, ["one", "two"]);
    assert_eq!(desk.header("cookie").await?, ["a=1; b=\"2\""]);
    assert_eq!(desk.header("origin").await?, ["https://desk.example"]);
    assert_eq!(desk.header("sec-websocket-protocol").await?, [""; 0]);
    assert_eq!(desk.header("sec-websocket-version").await?, ["13"]);
    Ok(())
}

#[tokio::test]
async fn headers_that_cannot_be_sent_are_said() {
    let (ours, control) = ("it belongs to the handshake itself", "its value may not hold control characters");
    for (name, value, reason) in [
        ("Sec-WebSocket-Key", "abc", ours),
        ("sec-websocket-version", "12", ours),
        ("SEC-WEBSOCKET-EXTENSIONS", "permessage-deflate", ours),
        ("Sec-WebSocket-Protocol", "desk", "subprotocols are offered by `.subprotocol(..)`"),
        ("Connection", "close", ours),
        ("Upgrade", "h2c", ours),
        ("Content-Length", "1", ours),
        ("Transfer-Encoding", "chunked", ours),
        ("Host", "elsewhere", "it comes from the URL"),
        ("", "empty", "that is not a header's name"),
        ("two words", "x", "that is not a header's name"),
        ("X-Split", "x\r\nX-Injected: y", control),
        ("X-Null", "\0", control),
    ] {
        // Nobody listens there: it is said before anything is tried.
        let builder = Client::builder().header("X-Good", "yes").header(name, value).header("Host", "a later mistake");
        let error = builder.connect("ws://127.0.0.1:1").await.expect_err(name);
        assert_eq!(error.to_string(), format!("header `{name}` cannot be sent: {reason}"));
    }
}

#[tokio::test]
async fn a_subprotocol_is_agreed_upon() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().subprotocol("desk.v2").subprotocol("desk.v1")).await;
    let none: &[&str] = &[];
    for (offered, header, chosen) in [
        (none, None, None),
        (&["desk.v1"], Some("desk.v1"), Some("desk.v1")),
        // The client's order decides.
        (&["desk.v1", "desk.v2"], Some("desk.v1, desk.v2"), Some("desk.v1")),
        (&["desk.v3", "desk.v2", "desk.v1"], Some("desk.v3, desk.v2, desk.v1"), Some("desk.v2")),
        (&["desk.v3", "desk.v3"], Some("desk.v3"), None),
        // Case counts.
        (&["DESK.v1"], Some("DESK.v1"), None),
    ] {
        let builder = offered.iter().fold(Client::builder(), |builder, name| builder.subprotocol(name));
        let client = builder.connect(&running.url()).await?;
        let desk = DeskProxy::new(&client);
        assert_eq!(desk.header("sec-websocket-protocol").await?, Vec::from_iter(header), "{offered:?}");
        assert_eq!(client.handshake().subprotocol(), chosen, "{offered:?}");
        assert_eq!(desk.subprotocol().await?.as_deref(), chosen, "{offered:?}");
        let answered = client.handshake().headers().get("sec-websocket-protocol");
        assert_eq!(answered.and_then(|value| value.to_str().ok()), chosen, "{offered:?}");
    }
    // Whoever offers them in several headers.
    let request = "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Protocol: other,,\r\nSec-WebSocket-Protocol:desk.v1 , desk.v2\r\n\r\n";
    let mut stream = TcpStream::connect(running.address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = [0; 1024];
    let read = stream.read(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase();
    assert!(
        answer.starts_with("http/1.1 101 ") && answer.contains("\r\nsec-websocket-protocol: desk.v1\r\n"),
        "{answer}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_without_subprotocols_chooses_none() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::builder().subprotocol("desk").connect(&running.url()).await?;
    assert_eq!(client.handshake().subprotocol(), None);
    assert_eq!(DeskProxy::new(&client).subprotocol().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_refused() {
    for (offered, answered, reason) in [
        (&[][..], "desk", "it chose the subprotocol `desk`, which was not offered"),
        (&["desk"], "desk2", "it chose the subprotocol `desk2`, which was not offered"),
        (&["a", "b"], "a, b", "it chose the subprotocol `a, b`, which was not offered"),
        (&["a", "b"], "a\r\nSec-WebSocket-Protocol: b", "it chose more than one subprotocol"),
        (&["desk"], "desk\r\nSec-WebSocket-Extensions: x", "it chose an extension that was not offered"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            let mut head = vec![0; 1024];
            let read = stream.read(&mut head).await.expect("it asks");
            let head = String::from_utf8_lossy(&head[..read]);
            let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).expect("it has a key");
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {answered}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            stream.write_all(answer.as_bytes()).await.expect("it reads");
        });
        let builder = offered.iter().fold(Client::builder(), |builder, name| builder.subprotocol(name));
        let error = builder.connect(&format!("ws://{address}")).await.expect_err(answered);
        assert_eq!(error.to_string(), format!("the server at {address} refused the handshake: {reason}"));
    }
}

#[tokio::test]
async fn what_cannot_be_a_subprotocol_is_said_at_both_ends() {
    for name in ["", "a b", "a,b", "a\r\nb", "ä"] {
        let expected =
            format!("`{name}` cannot be a subprotocol: it must be of ASCII letters, digits and !#$%&'*+-.^_`|~");
        let client = Client::builder().subprotocol(name).subprotocol("good").connect("ws://127.0.0.1:1").await;
        assert_eq!(client.expect_err(name).to_string(), expected);
        let server = Server::builder().subprotocol("good").subprotocol(name).build();
        assert_eq!(server.expect_err(name).to_string(), expected);
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
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
            "its Sec-WebSocket-Accept does not fit the request",
        ),
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
async fn a_clients_own_time_to_connect_counts_instead_of_the_limits() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr()?);
    let silent = Client::builder().connect_timeout(Duration::from_millis(50)).connect(&url);
    let error = tokio::time::timeout(Duration::from_secs(5), silent).await?.expect_err("it is silent");
    assert!(matches!(error, ConnectError::TimedOut { .. }), "{error}");
    let _ = listener.accept().await?;
    // And the other way round: one that waits still does when the limits' time is over, as it is for another.
    let limits = Limits { handshake_timeout: Duration::from_millis(50), ..Limits::default() };
    let patient = Client::builder().limits(limits.clone()).connect_timeout(Duration::MAX);
    let patient = tokio::spawn({
        let url = url.clone();
        async move { patient.connect(&url).await }
    });
    let (stream, _) = listener.accept().await?;
    let hasty = Client::builder().limits(limits).connect(&url).await;
    assert!(matches!(hasty, Err(ConnectError::TimedOut { .. })));
    let server = Server::builder().service(Desk).build()?;
    server.accept(stream).await?;
    assert_eq!(DeskProxy::new(&patient.await??).echo("hello").await?, "hello");
    Ok(())
}

#[tokio::test]
async fn pages_are_served_beside_the_websocket() {
    let builder =
        Server::builder().path("/ws").page("/", "text/html", "<p>hello").page("/a.js", "text/javascript", "1");
    let running = serve(builder).await;
    let page = running.http("GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"), "{page}");
    assert!(page.contains("Content-Length: 8\r\n") && page.ends_with("\r\n\r\n<p>hello"), "{page}");
    assert!(running.http("GET /?q=1 HTTP/1.1\r\nHost: x\r\n\r\n").await.ends_with("<p>hello"));
    assert!(
        running
            .http("HEAD /a.js HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .ends_with("Content-Length: 1\r\nConnection: close\r\n\r\n")
    );
    for (request, status) in [
        ("GET /missing HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed"),
        ("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426 Upgrade Required"),
        (
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "426 Upgrade Required",
        ),
        (
            "GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
            "400 Bad Request",
        ),
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
    let clients: Vec<_> =
        futures_util::future::try_join_all((0..50).map(|_| async { Client::connect(&running.url()).await })).await?;
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
