//! The target of a request, as both endpoints report it.

use super::serve;
use std::error::Error;
use tokio::io::{AsyncWriteExt, duplex};
use wswrapper::{Client, Server};
use wswrapper_tests::websocket::REQUEST;

#[tokio::test]
async fn the_client_reports_the_path_and_the_query() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    for (target, expected) in [("", "/"), ("/", "/"), ("?q=1", "/?q=1"), ("/a%20b/c?q=1&r", "/a%20b/c?q=1&r")] {
        let client = Client::connect(&format!("{}{target}", running.url())).await?;
        let handshake = client.handshake().clone();
        assert_eq!(handshake.uri().to_string(), expected, "{target}");
        assert_eq!((handshake.uri().host(), handshake.uri().scheme()), (None, None), "{target}");
        let peer = running.server.peers().into_iter().max_by_key(|peer| peer.id().get()).ok_or("no peer")?;
        assert_eq!(peer.handshake().uri(), handshake.uri(), "{target}");
        assert_eq!(peer.handshake().path(), handshake.path(), "{target}");
    }
    Ok(())
}

#[tokio::test]
async fn a_request_in_absolute_form_has_the_same_path_and_query() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let headers = &REQUEST[REQUEST.find("\r\n").ok_or("no request line")?..];
    for (target, expected) in [
        ("/chat?q=1", "/chat?q=1"),
        ("http://localhost/chat?q=1", "/chat?q=1"),
        ("http://localhost", "/"),
        ("http://localhost?q=1", "/?q=1"),
        ("//chat//?", "//chat//?"),
    ] {
        let (mut local, remote) = duplex(4_096);
        local.write_all(format!("GET {target} HTTP/1.1{headers}\r\n").as_bytes()).await?;
        let peer = server.accept(remote).await?;
        assert_eq!(peer.handshake().uri().to_string(), expected, "{target}");
        assert_eq!(peer.handshake().path(), expected.split('?').next().unwrap_or_default(), "{target}");
    }
    Ok(())
}
