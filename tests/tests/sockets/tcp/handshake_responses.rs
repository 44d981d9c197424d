//! Forms of a server's response to a handshake.

use super::listen;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wswrapper::{Client, error::ConnectError};

/// Connects to a server that sends `response`, followed by the accepted key.
async fn connect_to(response: &str) -> Result<Client, ConnectError> {
    let (listener, address) = listen().await;
    let respond = async {
        let (mut stream, _) = listener.accept().await.expect("a client connects");
        let accept = derive_accept_key(read_key(&mut stream).await.as_bytes());
        // The client may close before it has read the whole response.
        let _ = stream.write_all(format!("{response}Sec-WebSocket-Accept: {accept}\r\n\r\n").as_bytes()).await;
        stream
    };
    let url = format!("ws://{address}");
    tokio::join!(Client::connect(&url), respond).0
}

/// Reads a request, and returns its key.
async fn read_key(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(stream.read_buf(&mut head).await.expect("the client writes") > 0, "the client sends a whole request");
    }
    let head = String::from_utf8(head).expect("HTTP is text");
    let mut headers = head.lines().filter_map(|line| line.split_once(": "));
    let key = headers.find(|(name, _)| name.eq_ignore_ascii_case("Sec-WebSocket-Key"));
    key.expect("the request has a key").1.to_owned()
}

/// Returns the reason in the error that a response causes.
async fn refusal(response: &str) -> String {
    let error = connect_to(response).await.expect_err("the response is refused").to_string();
    error.split_once(" failed the handshake: ").expect("the error names the server").1.to_owned()
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
async fn interim_responses_are_skipped() {
    let upgrade = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
    for interim in [
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n",
    ] {
        let client = connect_to(&format!("{interim}{upgrade}")).await.expect("the last response is valid");
        assert_eq!(client.handshake().headers().len(), 3, "{interim}");
    }
}

#[tokio::test]
async fn a_101_in_another_version_or_with_two_accepted_keys_is_refused() {
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (response, reason) in [
        (format!("HTTP/1.0 101 Switching Protocols\r\n{upgrade}"), "it answered in another version than HTTP/1.1"),
        (
            format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}Sec-WebSocket-Accept: other\r\n"),
            "it sent Sec-WebSocket-Accept twice",
        ),
        (
            format!("HTTP/1.1 101 Switching Protocols\r\n{}", "X: y\r\n".repeat(101)),
            "the head of its answer is too large",
        ),
        (format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}no header\r\n"), "what it answered is not HTTP"),
        (format!("HTTP/2 101 Switching Protocols\r\n{upgrade}"), "what it answered is not HTTP"),
    ] {
        assert_eq!(refusal(&response).await, reason, "{response}");
    }
}

#[tokio::test]
async fn frames_that_follow_the_response_at_once_are_read() {
    let (listener, address) = listen().await;
    let respond = async {
        let (mut stream, _) = listener.accept().await.expect("a client connects");
        let key = read_key(&mut stream).await;
        // A ping, whose pong shows that it was read.
        let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";
        let response = format!("{head}Sec-WebSocket-Accept: {}\r\n\r\n", derive_accept_key(key.as_bytes()));
        stream.write_all(&[response.as_bytes(), b"\x89\x02hi"].concat()).await.expect("the client reads");
        let mut pong = [0; 8];
        stream.read_exact(&mut pong).await.expect("the client answers");
        pong
    };
    let url = format!("ws://{address}");
    let (client, pong) = tokio::join!(Client::connect(&url), respond);
    assert!(client.is_ok(), "{client:?}");
    let unmasked: Vec<_> = pong[6..].iter().zip(&pong[2..]).map(|(byte, mask)| byte ^ mask).collect();
    assert_eq!((&pong[..2], unmasked.as_slice()), (&b"\x8a\x82"[..], &b"hi"[..]));
}

#[tokio::test]
async fn a_response_head_above_the_limit_is_reported() {
    let padding = "x".repeat(40_000);
    let response = format!("HTTP/1.1 101 Switching Protocols\r\nX-Padding: {padding}\r\n");
    assert_eq!(refusal(&response).await, "the head of its answer is too large");
}
