//! Access to a server on raw sockets: the rules of a handshake, origins, hosts and authentication.

use super::{Running, TestService, TestServiceProxy, serve};
use futures_util::FutureExt;
use http::StatusCode;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use wswrapper::{
    Client, Context, Limits, Server,
    error::{ConnectError, MountError, Rejection},
    server::Refusal,
};
use wswrapper_tests::until;

/// A valid request, line by line.
const LINES: [&str; 6] = [
    "GET / HTTP/1.1",
    "Host: example.com",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// Returns the request with the line that begins like `line` replaced by it, or with the line added.
fn request_with(line: &str) -> String {
    let name = line.split(':').next().unwrap_or_default();
    let mut lines: Vec<_> = LINES.iter().filter(|old| old.split(':').next() != Some(name)).copied().collect();
    lines.push(line);
    lines.join("\r\n") + "\r\n\r\n"
}

/// Returns the head of the response.
async fn head(running: &Running, request: &str) -> String {
    let mut stream = TcpStream::connect(running.address).await.expect("the server listens");
    stream.write_all(request.as_bytes()).await.expect("it is open");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a response"));
    }
    String::from_utf8(head).expect("it is text")
}

async fn status(running: &Running, request: &str) -> String {
    head(running, request).await.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn each_rule_of_a_handshake_has_its_status() {
    let running = serve(Server::builder().path("/")).await;
    let without = |name: &str| LINES.iter().filter(|line| !line.starts_with(name)).copied().collect::<Vec<_>>();
    let cases = [
        (LINES.join("\r\n"), "101"),
        (LINES.join("\r\n").replacen("GET", "POST", 1), "405"),
        (LINES.join("\r\n").replacen("HTTP/1.1", "HTTP/1.0", 1), "400"),
        (without("Host").join("\r\n"), "400"),
        (LINES.join("\r\n") + "\r\nHost: example.org", "400"),
        (LINES.join("\r\n") + "\r\nContent-Length: 0", "101"),
        (LINES.join("\r\n") + "\r\nContent-Length: 5", "400"),
        (LINES.join("\r\n") + "\r\nTransfer-Encoding: chunked", "400"),
        (without("Connection").join("\r\n"), "400"),
        (without("Upgrade").join("\r\n"), "426"),
        (without("Sec-WebSocket-Key").join("\r\n"), "400"),
        (LINES.join("\r\n") + "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "400"),
        (without("Sec-WebSocket-Version").join("\r\n"), "426"),
        (LINES.join("\r\n") + "\r\nSec-WebSocket-Version: 13", "426"),
        (LINES.join("\r\n").replacen("GET /", "GET /elsewhere", 1), "404"),
        (LINES.join("\r\n").replacen("GET /", "GET *", 1), "400"),
        (LINES.join("\r\n").replacen("GET /", "GET foo:1", 1), "400"),
        (LINES.join("\r\n").replacen("GET /", "GET http://user@example.com/", 1), "400"),
        (LINES.join("\r\n").replacen("GET /", "GET http://example.com/", 1), "101"),
        (LINES.join("\r\n").replacen("example.com", "a b/@", 1), "400"),
    ];
    for (request, expected) in cases {
        assert_eq!(status(&running, &format!("{request}\r\n\r\n")).await, expected, "{request}");
    }
    for (line, expected) in [
        ("Connection: keep-alive, Upgrade", "101"),
        ("Connection: keep-alive,\tUPGRADE ", "101"),
        ("Connection: keep-alive\r\nConnection: upgrade", "101"),
        ("Connection: upgraded", "400"),
        ("Upgrade: websocket, foo/2", "101"),
        ("Upgrade: foo/2\r\nUpgrade: WebSocket/13", "101"),
        ("Upgrade: h2c", "426"),
        ("Sec-WebSocket-Key: dGhl", "400"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=!", "400"),
        ("Sec-WebSocket-Version: 8", "426"),
        ("Sec-WebSocket-Version: 13, 8", "426"),
    ] {
        assert_eq!(status(&running, &request_with(line)).await, expected, "{line}");
    }
    let old = head(&running, &request_with("Sec-WebSocket-Version: 8")).await;
    assert!(old.contains("sec-websocket-version: 13\r\n"), "{old}");
    assert!(old.contains("upgrade: websocket\r\n"), "{old}");
    let without_content = running.http(&(LINES.join("\r\n").replacen("GET", "HEAD", 1) + "\r\n\r\n")).await;
    assert!(without_content.starts_with("HTTP/1.1 405 ") && without_content.ends_with("\r\n\r\n"), "{without_content}");
    let plain = head(&running, "GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(plain.contains("upgrade: websocket\r\n") && plain.contains("connection: Upgrade\r\n"), "{plain}");
}

#[tokio::test]
async fn pages_of_other_origins_are_refused() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    for (origin, expected) in [
        ("Origin: https://example.com", "101"),
        ("Origin: https://elsewhere.example", "403"),
        ("Origin: null", "403"),
        ("Origin: https://example.com\r\nOrigin: https://example.com", "403"),
    ] {
        assert_eq!(status(&running, &request_with(origin)).await, expected, "{origin}");
    }
    let listed = serve(Server::builder().origins(["https://*.example.org"])).await;
    assert_eq!(status(&listed, &request_with("Origin: https://a.example.org")).await, "101");
    assert_eq!(status(&listed, &request_with("Origin: https://example.org")).await, "403");
    let open = serve(Server::builder().any_origin()).await;
    assert_eq!(status(&open, &request_with("Origin: null")).await, "101");
    let wrong = Server::builder().origins(["example.org"]).build();
    assert!(matches!(wrong, Err(MountError::Origin(origin)) if origin == "example.org"));
    Ok(())
}

fn hello() -> axum::Router {
    axum::Router::new().route("/", axum::routing::get(|| async { "hello" }))
}

#[tokio::test]
async fn only_listed_hosts_are_answered() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().hosts(["example.com"]).fallback(hello())).await;
    assert_eq!(status(&running, &request_with("Host: example.com:8080")).await, "101");
    assert_eq!(status(&running, &request_with("Host: rebound.example")).await, "403");
    assert_eq!(status(&running, "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n").await, "200");
    assert_eq!(status(&running, "GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n").await, "403");
    assert!(matches!(Server::builder().hosts(["a b"]).build(), Err(MountError::Host(_))));
    Ok(())
}

struct User(String);

/// Returns a server that knows one token, and the number of requests that it was asked about.
fn authenticating() -> (wswrapper::server::ServerBuilder, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::builder().authenticate(move |request| {
        count.fetch_add(1, Ordering::SeqCst);
        async move {
            // A look-up takes a while.
            tokio::task::yield_now().await;
            match request.headers.get("authorization").and_then(|token| token.to_str().ok()) {
                Some("Bearer 123") => Ok(User(format!("Ada at {}", request.uri))),
                Some(_) => Err(Refusal::new(StatusCode::FORBIDDEN).body("not you\n")),
                None => Err(Refusal::new(StatusCode::UNAUTHORIZED).header("WWW-Authenticate", "Bearer")),
            }
        }
    });
    (server, asked)
}

#[tokio::test]
async fn an_authenticated_user_is_known_to_hooks_and_handlers() -> Result<(), Box<dyn Error>> {
    let (builder, asked) = authenticating();
    let builder = builder.on_open(|peer| async move {
        peer.extensions().get::<User>().map(|_| ()).ok_or_else(|| Rejection::new("nobody"))
    });
    let running = serve(builder).await;
    let whoami = |ctx: Context| async move { ctx.extensions().get::<User>().map(|user| user.0.clone()) };
    running.server.on("whoami", whoami)?;
    let url = format!("{}/desk", running.url());
    let client = Client::builder().header("Authorization", "Bearer 123").connect(&url).await?;
    let user: Option<String> = client.request("whoami", ()).await?;
    assert_eq!(user.as_deref(), Some("Ada at /desk"));
    let refused = Client::connect(&running.url()).await;
    let Err(ConnectError::Refused { status: code, headers, body, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!((code, headers["www-authenticate"].to_str()?), (StatusCode::UNAUTHORIZED, "Bearer"));
    assert_eq!(body, "401 Unauthorized\n");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    let unauthorized = head(&running, &request_with("Cookie: a=b")).await;
    assert!(unauthorized.contains("401 Unauthorized\r\n"), "{unauthorized}");
    assert!(unauthorized.contains("www-authenticate: Bearer\r\n"), "{unauthorized}");
    let forbidden = running.http(&request_with("Authorization: Bearer 124")).await;
    assert!(forbidden.starts_with("HTTP/1.1 403 Forbidden\r\n") && forbidden.ends_with("\r\n\r\nnot you\n"));
    // A request that breaks a rule is not asked about.
    assert_eq!(status(&running, &request_with("Origin: https://elsewhere.example")).await, "403");
    assert_eq!(asked.load(Ordering::SeqCst), 4);
    assert_eq!(running.server.peers().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_peer_that_reads_nothing_does_not_hold_an_accepted_stream() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().write_timeout(Duration::from_millis(50));
    let server = Server::builder().limits(limits).build()?;
    for request in [request_with("Cookie: a=b"), "GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned()] {
        let (mut local, remote) = tokio::io::duplex(64);
        let buffered = tokio::io::BufStream::new(remote);
        let accepting = tokio::time::timeout(Duration::from_secs(20), server.accept(buffered));
        let (accepted, _local) = tokio::join!(accepting, async {
            local.write_all(request.as_bytes()).await.expect("it is read");
            local
        });
        assert!(accepted?.is_err(), "{request}");
    }
    Ok(())
}

#[tokio::test]
async fn authentication_has_the_time_of_the_handshake() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().handshake_timeout(Duration::from_millis(100));
    let endless = |_| std::future::pending::<Result<(), Refusal>>();
    let running = serve(Server::builder().limits(limits).authenticate(endless)).await;
    assert_eq!(status(&running, &request_with("Cookie: a=b")).await, "503");
    Ok(())
}

#[tokio::test]
async fn handshakes_beyond_the_limit_are_told_to_come_back() -> Result<(), Box<dyn Error>> {
    let (asked, resume) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let (count, wait) = (Arc::clone(&asked), Arc::clone(&resume));
    let limits = Limits::default().max_handshakes_in_flight(2);
    let builder = Server::builder().limits(limits).authenticate(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        let wait = Arc::clone(&wait);
        async move { wait.acquire().await.map(SemaphorePermit::forget).map_err(|_| Refusal::new(StatusCode::GONE)) }
    });
    let running = serve(builder).await;
    let request = request_with("Cookie: a=b");
    let beyond = async {
        until(|| asked.load(Ordering::SeqCst) == 2).await;
        let refused = head(&running, &request).await;
        resume.add_permits(2);
        refused
    };
    let (first, second, third) = tokio::join!(status(&running, &request), status(&running, &request), beyond);
    assert_eq!((first.as_str(), second.as_str()), ("101", "101"));
    assert!(third.starts_with("HTTP/1.1 503 ") && third.contains("retry-after: 1\r\n"), "{third}");
    // A handshake that was decided about no longer counts.
    resume.add_permits(1);
    assert_eq!(status(&running, &request).await, "101");
    Ok(())
}

#[tokio::test]
async fn a_panic_in_authentication_ends_only_its_connection() -> Result<(), Box<dyn Error>> {
    let builder = Server::builder().authenticate(|request| async move {
        assert!(request.headers.contains_key("authorization"), "on purpose");
        Ok(())
    });
    let running = serve(builder).await;
    assert_eq!(status(&running, &request_with("Cookie: a=b")).await, "500");
    let client = Client::builder().header("Authorization", "x").connect(&running.url()).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    Ok(())
}

#[tokio::test]
async fn a_server_that_closes_does_not_wait_for_authentication() -> Result<(), Box<dyn Error>> {
    let endless = |_| std::future::pending::<Result<(), Refusal>>();
    let running = serve(Server::builder().authenticate(endless)).await;
    let mut stream = TcpStream::connect(running.address).await?;
    stream.write_all(request_with("Cookie: a=b").as_bytes()).await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    running.server.close();
    tokio::time::timeout(Duration::from_secs(3), running.serving).await???;
    assert!(running.server.closed().now_or_never().is_some());
    let _ = TestService;
    Ok(())
}
