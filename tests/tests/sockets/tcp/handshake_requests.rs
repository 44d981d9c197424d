//! Forms and paths of requests.

use super::{TestServiceProxy, serve};
use std::error::Error;
use tokio::io::{AsyncWriteExt, duplex};
use wswrapper::{Client, Server};
use wswrapper_tests::websocket::REQUEST;

#[tokio::test]
async fn request_headers_are_read_after_leading_empty_lines() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    for lines in ["", "\r\n", "\r\n\r\n", "\n"] {
        let (mut local, remote) = duplex(4_096);
        local.write_all(format!("{lines}{REQUEST}Cookie: user=ada\r\n\r\n").as_bytes()).await?;
        let peer = server.accept(remote).await?;
        let handshake = peer.handshake();
        let headers = handshake.headers();
        assert!(headers.get("cookie").is_some_and(|cookie| cookie == "user=ada"), "{lines:?}");
        assert_eq!(headers.len(), 6, "{lines:?}");
    }
    Ok(())
}

#[tokio::test]
async fn paths_configured_without_a_leading_slash_are_served() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().path("ws")).await;
    let client = Client::connect(&format!("{}/ws", running.url())).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    for elsewhere in ["/", "/ws/", "//ws"] {
        let response = running.http(&format!("GET {elsewhere} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(response.starts_with("HTTP/1.1 404 Not Found\r\n"), "{elsewhere}: {response}");
    }
    Ok(())
}
