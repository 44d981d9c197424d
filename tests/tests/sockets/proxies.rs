//! Clients that connect through an HTTP proxy.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

mod environment;

use crate::tcp::refused_port;
use crate::tls::authority::Authority;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use wswrapper::error::{ConnectError, ConnectStep};
use wswrapper::{Client, Server};

/// A proxy of the test's own, which connects to one address whatever the name is.
struct TestProxy {
    address: SocketAddr,
    /// The heads of the requests.
    requests: Arc<Mutex<Vec<String>>>,
}

impl TestProxy {
    /// Starts a proxy that answers with this head.
    async fn start(response: &'static str, target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        tokio::spawn({
            let requests = Arc::clone(&requests);
            async move {
                while let Ok((mut stream, _)) = listener.accept().await {
                    let mut head = Vec::new();
                    while !head.ends_with(b"\r\n\r\n") {
                        assert!(stream.read_buf(&mut head).await.expect("the client writes") > 0, "a whole request");
                    }
                    requests.lock().expect("no panic").push(String::from_utf8(head).expect("HTTP is text"));
                    stream.write_all(response.as_bytes()).await.expect("the client reads");
                    if response.split(' ').nth(1) == Some("200") {
                        let mut server = TcpStream::connect(target).await.expect("the server listens");
                        // Both may end the connection.
                        tokio::spawn(async move { copy_bidirectional(&mut stream, &mut server).await });
                    }
                }
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("no panic").clone()
    }
}

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\n\r\n";

/// Starts a server with the handler `add`.
async fn serve() -> SocketAddr {
    let listener = Server::builder().bind("127.0.0.1:0").await.expect("a port is free");
    listener.server().on("add", |a: i64, b: i64| async move { a + b }).expect("a valid name");
    let address = listener.local_addr();
    tokio::spawn(listener.serve());
    address
}

#[tokio::test]
async fn a_proxy_connects_to_the_server_of_the_url() -> Result<(), Box<dyn Error>> {
    for response in [ESTABLISHED, "HTTP/1.0 200 OK\r\nVia: 1.0 test\r\nContent-Length: 5\r\n\r\n"] {
        let proxy = TestProxy::start(response, serve().await).await;
        let builder = Client::builder().proxy(&format!("http://{}", proxy.address));
        // Only the proxy knows the name.
        let client = builder.connect("ws://desk.invalid/path").await?;
        assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
        assert_eq!(client.handshake().remote_addr(), None);
        assert_eq!(proxy.requests(), ["CONNECT desk.invalid:80 HTTP/1.1\r\nhost: desk.invalid:80\r\n\r\n"]);
    }
    Ok(())
}

#[tokio::test]
async fn the_user_of_a_proxy_is_sent_to_the_proxy_alone() -> Result<(), Box<dyn Error>> {
    let proxy = TestProxy::start(ESTABLISHED, serve().await).await;
    let builder = Client::builder().proxy(&format!("http://Aladdin:open%20sesame@{}", proxy.address));
    assert!(!format!("{builder:?}").contains("sesame"), "{builder:?}");
    let client = builder.connect("ws://[2001:db8::1]:81").await?;
    assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
    let requests = proxy.requests();
    assert!(requests[0].starts_with("CONNECT [2001:db8::1]:81 HTTP/1.1\r\n"), "{requests:?}");
    assert!(requests[0].contains("\r\nproxy-authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"), "{requests:?}");
    Ok(())
}

#[tokio::test]
async fn tls_goes_through_the_proxy_to_the_server() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = crate::tls::serve(authority.certifies(&["desk.invalid"])).await;
    let proxy = TestProxy::start(ESTABLISHED, running.address).await;
    let builder = authority.client().proxy(&format!("http://{}", proxy.address));
    let client = builder.connect("wss://desk.invalid").await?;
    assert_eq!(client.request::<String>("echo", ("hello",)).await?, "hello");
    assert!(proxy.requests()[0].starts_with("CONNECT desk.invalid:443 HTTP/1.1\r\n"));
    Ok(())
}

#[tokio::test]
async fn an_error_of_a_proxy_names_the_proxy() -> Result<(), Box<dyn Error>> {
    let target = serve().await;
    let padding: &'static str = Box::leak(format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(40_000)).into());
    for (response, expected, reason) in [
        (
            "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\n\r\n",
            Some(407),
            "status 407 Proxy Authentication Required; are the user and the password in its URL right?",
        ),
        ("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", Some(502), "status 502 Bad Gateway"),
        (
            "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
            Some(101),
            "status 101 Switching Protocols",
        ),
        ("SSH-2.0-OpenSSH_9.9\r\n\r\n", None, "what it answered is not HTTP"),
        ("\u{15}\u{3}\u{1}", None, "it speaks TLS, which is not supported for proxies"),
        (padding, None, "the head of its answer is too large"),
        ("HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 101 Forged\r\n\r\n", Some(200), "it sent data that cannot be the server's"),
    ] {
        let proxy = TestProxy::start(response, target).await;
        let builder = Client::builder().proxy(&format!("http://ada:secret@{}", proxy.address));
        let error = builder.connect("ws://desk.invalid").await.expect_err(reason);
        let text = format!("the proxy {} does not connect to desk.invalid:80: {reason}", proxy.address);
        assert_eq!(error.to_string(), text);
        let ConnectError::Proxy { status, .. } = error else { panic!("{error:?}") };
        assert_eq!(status.map(|status| status.as_u16()), expected, "{reason}");
    }
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    // Silent until it is dropped.
    let timeout = Duration::from_millis(50);
    let builder = Client::builder().proxy(&format!("http://{address}")).connect_timeout(timeout);
    let error = builder.connect("ws://desk.invalid").await.expect_err("it is silent");
    let ConnectError::TimedOut { during: ConnectStep::Proxy, address: of } = &error else { panic!("{error:?}") };
    assert_eq!(*of, format!("the proxy {address}"));
    let (_bound, address) = refused_port();
    let builder = Client::builder().proxy(&format!("http://{address}"));
    let error = builder.connect("ws://desk.invalid").await.expect_err("nothing listens");
    assert!(error.to_string().starts_with(&format!("cannot connect to the proxy {address}: ")), "{error}");
    let error = Client::builder().proxy("http://nowhere.invalid:1").connect("ws://desk.invalid").await;
    let error = error.expect_err("the name does not exist").to_string();
    assert_eq!(error, "cannot look up the host of the proxy nowhere.invalid:1; is its name right?");
    Ok(())
}

#[tokio::test]
async fn an_invalid_proxy_is_rejected_with_a_reason() {
    let unsupported = "only proxies with URLs like http://proxy.example:3128 are supported";
    for (proxy, shown, reason) in [
        ("https://proxy.example", "https://proxy.example/", unsupported),
        ("socks5://ada:secret@proxy.example", "socks5://proxy.example/", unsupported),
        ("ftp://ada:secret@x", "ftp://***@x", "its URL is not like http://proxy.example:3128"),
        ("", "", "its URL is not like http://proxy.example:3128"),
    ] {
        let error = Client::builder().proxy(proxy).connect("ws://desk.invalid").await.expect_err(proxy);
        assert_eq!(error.to_string(), format!("the proxy {shown} does not connect to desk.invalid:80: {reason}"));
    }
}
