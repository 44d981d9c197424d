//! Forms of a server's response to a handshake.

use super::listen;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wswrapper::{Client, error::ConnectError};

/// Connects to a server that sends `response`, followed by the accepted key.
async fn connect_to(response: &str) -> Result<Client, ConnectError> {
    let (listener, address) = listen().await;
    let respond = async {
        let (mut stream, _) = listener.accept().await.expect("a client connects");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            assert!(
                stream.read_buf(&mut head).await.expect("the client writes") > 0,
                "the client sends a whole request"
            );
        }
        let head = String::from_utf8(head).expect("HTTP is text");
        let headers = head.lines().filter_map(|line| line.split_once(": "));
        let key = headers.filter(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key")).map(|(_, key)| key).next();
        let accept = derive_accept_key(key.expect("the request has a key").as_bytes());
        // The client may close before it has read the whole response.
        let _ = stream.write_all(format!("{response}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes()).await;
        stream
    };
    let url = format!("ws://{address}");
    tokio::join!(Client::connect(&url), respond).0
}

/// Returns the reason in the error that a response causes.
async fn refusal(response: &str) -> String {
    let error = connect_to(response).await.expect_err("the response is refused").to_string();
    error.split_once(" refused the handshake: ").expect("the error names the server").1.to_owned()
}

#[tokio::test]
async fn connection_and_upgrade_headers_may_be_lists() {
    for headers in [
        "Connection: Upgrade\r\nUpgrade: websocket\r\n",
        "connection: upgrade\r\nupgrade: WebSocket\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade,keep-alive\r\nUpgrade: websocket\r\n",
        "Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
    ] {
        let client = connect_to(&format!("HTTP/1.1 101 Switching Protocols\r\n{headers}")).await;
        assert!(client.is_ok(), "{headers}: {client:?}");
    }
    for headers in [
        "Connection: keep-alive\r\nUpgrade: websocket\r\n",
        "Connection: keep-alive, Upgraded\r\nUpgrade: websocket\r\n",
        "Connection: keep-alive Upgrade\r\nUpgrade: websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: websocket2\r\n",
        "Connection: Upgrade\r\n",
    ] {
        let reason = refusal(&format!("HTTP/1.1 101 Switching Protocols\r\n{headers}")).await;
        assert_eq!(reason, "it did not upgrade the connection to a WebSocket", "{headers}");
    }
}

#[tokio::test]
async fn response_headers_are_read_after_leading_empty_lines() {
    for lines in ["", "\r\n", "\r\n\r\n", "\n"] {
        let response =
            "HTTP/1.1 101 Switching Protocols\r\nX-Name: Ada\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
        let client = connect_to(&format!("{lines}{response}")).await.expect("the response is valid");
        let handshake = client.handshake();
        let headers = handshake.headers();
        assert!(headers.get("x-name").is_some_and(|name| name == "Ada"), "{lines:?}");
        assert_eq!(headers.len(), 4, "{lines:?}");
    }
}

#[tokio::test]
async fn a_response_head_above_the_limit_is_reported() {
    let padding = "x".repeat(40_000);
    let response = format!("HTTP/1.1 101 Switching Protocols\r\nX-Padding: {padding}\r\n");
    assert_eq!(refusal(&response).await, "the head of its answer is too large");
}
