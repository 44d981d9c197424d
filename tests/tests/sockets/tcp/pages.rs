//! Pages that a server serves in addition to the WebSocket.

use super::serve;
use wswrapper::Server;

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
    let missing = running.http("HEAD /missing HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(missing.starts_with("HTTP/1.1 404 ") && missing.ends_with("Connection: close\r\n\r\n"), "{missing}");
    for (request, status) in [
        ("GET /missing HTTP/1.1\r\nHost: x\r\n\r\n", "404 Not Found"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "405 Method Not Allowed"),
        ("GET /ws HTTP/1.1\r\nHost: x\r\n\r\n", "426 Upgrade Required"),
        (
            "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            "426 Upgrade Required",
        ),
        (
            "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\r\n",
            "400 Bad Request",
        ),
        ("\x01\x02nonsense\r\n\r\n", "400 Bad Request"),
    ] {
        let response = running.http(request).await;
        assert!(response.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request}: {response}");
    }
    let long = format!("GET / HTTP/1.1\r\nCookie: {}\r\n\r\n", "x".repeat(20_000));
    assert!(running.http(&long).await.starts_with("HTTP/1.1 431 "));
}
