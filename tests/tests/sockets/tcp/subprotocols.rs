//! Negotiation of subprotocols.

use super::{TestServiceProxy, listen, serve};
use std::error::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use wswrapper::{Client, Server};
use wswrapper_tests::websocket::REQUEST;

#[tokio::test]
async fn the_first_offered_subprotocol_that_the_server_knows_is_chosen() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder().subprotocol("desk.v2").subprotocol("desk.v1")).await;
    let none: &[&str] = &[];
    for (offered, header, chosen) in [
        (none, None, None),
        (&["desk.v1"], Some("desk.v1"), Some("desk.v1")),
        // The client's order decides.
        (&["desk.v1", "desk.v2"], Some("desk.v1, desk.v2"), Some("desk.v1")),
        (&["desk.v3", "desk.v2", "desk.v1"], Some("desk.v3, desk.v2, desk.v1"), Some("desk.v2")),
        (&["desk.v3", "desk.v3"], Some("desk.v3"), None),
        // Names are case-sensitive.
        (&["DESK.v1"], Some("DESK.v1"), None),
    ] {
        let builder = offered.iter().fold(Client::builder(), |builder, name| builder.subprotocol(name));
        let client = builder.connect(&running.url()).await?;
        let service = TestServiceProxy::new(&client);
        assert_eq!(service.header("sec-websocket-protocol").await?, Vec::from_iter(header), "{offered:?}");
        assert_eq!(client.handshake().subprotocol(), chosen, "{offered:?}");
        assert_eq!(service.subprotocol().await?.as_deref(), chosen, "{offered:?}");
        let handshake = client.handshake();
        let response = handshake.headers().get("sec-websocket-protocol");
        assert_eq!(response.and_then(|value| value.to_str().ok()), chosen, "{offered:?}");
    }
    // Subprotocols may be offered in several headers.
    let protocols = "Sec-WebSocket-Protocol: other,,\r\nSec-WebSocket-Protocol:desk.v1 , desk.v2\r\n";
    let request = format!("{REQUEST}{protocols}\r\n");
    let mut stream = TcpStream::connect(running.address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut response = [0; 1024];
    let read = stream.read(&mut response).await?;
    let response = String::from_utf8_lossy(&response[..read]).to_ascii_lowercase();
    assert!(
        response.starts_with("http/1.1 101 ") && response.contains("\r\nsec-websocket-protocol: desk.v1\r\n"),
        "{response}"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_without_subprotocols_chooses_none() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::builder().subprotocol("desk").connect(&running.url()).await?;
    assert_eq!(client.handshake().subprotocol(), None);
    assert_eq!(TestServiceProxy::new(&client).subprotocol().await?, None);
    Ok(())
}

#[tokio::test]
async fn a_subprotocol_that_was_not_offered_is_refused() {
    for (offered, chosen, reason) in [
        (&[][..], "desk", "it chose the subprotocol `desk`, which was not offered"),
        (&["desk"], "desk2", "it chose the subprotocol `desk2`, which was not offered"),
        (&["a", "b"], "a, b", "it chose the subprotocol `a, b`, which was not offered"),
        (&["a", "b"], "a\r\nSec-WebSocket-Protocol: b", "it chose more than one subprotocol"),
        (&["desk"], "desk\r\nSec-WebSocket-Extensions: x", "it chose an extension that was not offered"),
    ] {
        let (listener, address) = listen().await;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client connects");
            let mut head = vec![0; 1024];
            let read = stream.read(&mut head).await.expect("the client sends a request");
            let head = String::from_utf8_lossy(&head[..read]);
            let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: "));
            let key = key.expect("the request has a key");
            let response = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: {chosen}\r\n\r\n",
                derive_accept_key(key.as_bytes())
            );
            stream.write_all(response.as_bytes()).await.expect("the client reads");
        });
        let builder = offered.iter().fold(Client::builder(), |builder, name| builder.subprotocol(name));
        let error = builder.connect(&format!("ws://{address}")).await.expect_err(chosen);
        assert_eq!(error.to_string(), format!("the server at {address} failed the handshake: {reason}"));
    }
}

#[tokio::test]
async fn an_invalid_subprotocol_is_rejected_by_client_and_server() {
    for name in ["", "a b", "a,b", "a\r\nb", "ä"] {
        let expected =
            format!("`{name}` cannot be a subprotocol: it must be of ASCII letters, digits and !#$%&'*+-.^_`|~");
        let client = Client::builder().subprotocol(name).subprotocol("good").connect("ws://127.0.0.1:1").await;
        assert_eq!(client.expect_err(name).to_string(), expected);
        let server = Server::builder().subprotocol("good").subprotocol(name).build();
        assert_eq!(server.expect_err(name).to_string(), expected);
    }
}
