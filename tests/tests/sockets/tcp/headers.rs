//! Headers that a client adds to its request.

use super::{TestServiceProxy, serve};
use std::error::Error;
use wswrapper::{Client, Server};

#[tokio::test]
async fn extra_headers_reach_the_server() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().any_origin()).await;
    let builder = Client::builder()
        .header("Authorization", "Bearer abc")
        .header("X-Number", "one")
        .header("x-number", "two")
        .header("Cookie", "a=1; b=\"2\"")
        .header("Origin", "https://desk.example");
    let client = builder.connect(&running.url()).await?;
    let service = TestServiceProxy::new(&client);
    assert_eq!(service.header("authorization").await?, ["Bearer abc"]);
    assert_eq!(service.header("x-number").await?, ["one", "two"]);
    assert_eq!(service.header("cookie").await?, ["a=1; b=\"2\""]);
    assert_eq!(service.header("origin").await?, ["https://desk.example"]);
    assert_eq!(service.header("sec-websocket-protocol").await?, [""; 0]);
    assert_eq!(service.header("sec-websocket-version").await?, ["13"]);
    Ok(())
}

#[tokio::test]
async fn headers_that_cannot_be_sent_are_rejected() {
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
        ("Host", "two words", "it is a host and perhaps a port, as in `example.com:8080`"),
        ("", "empty", "that is not a header's name"),
        ("two words", "x", "that is not a header's name"),
        ("X-Split", "x\r\nX-Injected: y", control),
        ("X-Null", "\0", control),
    ] {
        // No server listens on this port, so the error comes before any attempt to connect.
        let builder =
            Client::builder().header("X-Good", "yes").header(name, value).header("Upgrade", "a later mistake");
        let error = builder.connect("ws://127.0.0.1:1").await.expect_err(name);
        assert_eq!(error.to_string(), format!("header `{name}` cannot be sent: {reason}"));
    }
}
