//! URLs with the wrong scheme, and silent servers.

use super::authority::Authority;
use super::{TestService, failure, serve};
use std::error::Error;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use wswrapper::{Client, Server, error::ConnectError};

#[tokio::test]
async fn the_error_for_ws_to_a_tls_port_suggests_wss() {
    let running = serve(Authority::new().certifies(&["localhost"])).await;
    assert_eq!(
        failure(Client::builder(), &format!("ws://{}", running.address)).await,
        format!("the server at {} failed the handshake: it speaks TLS; write wss:// instead of ws://", running.address)
    );
}

#[tokio::test]
async fn the_error_for_wss_to_a_port_without_tls_names_the_reason() -> Result<(), Box<dyn Error>> {
    let listener = Server::builder().service(TestService).bind("127.0.0.1:0").await?;
    let address = listener.local_addr();
    tokio::spawn(listener.serve());
    let no_tls = "what it answered is not TLS; write ws:// for a server without it";
    let authority = Authority::new();
    assert_eq!(
        failure(authority.client(), &format!("wss://{address}")).await,
        format!("no TLS connection to {address}: {no_tls}")
    );
    for (response, reason) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", no_tls),
        ("SSH-2.0-OpenSSH_9.9\r\n", no_tls),
        ("", "it ended the connection; does it speak TLS on this port?"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client connects");
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(response.as_bytes()).await;
            // Keeps the connection open until the client closes it.
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut hello).await;
        });
        assert_eq!(
            failure(authority.client(), &format!("wss://{address}")).await,
            format!("no TLS connection to {address}: {reason}")
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_connect_timeout_includes_the_tls_handshake() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let builder = Authority::new().client().connect_timeout(Duration::from_millis(50));
    assert_eq!(
        failure(builder, &format!("wss://{address}")).await,
        format!("connecting to {address} took too long: the TLS handshake is not finished")
    );
    Ok(())
}

#[tokio::test]
async fn the_default_port_of_wss_is_443() {
    let authority = Authority::new();
    for (url, expected) in [("wss://127.0.0.1/path", "127.0.0.1:443"), ("WSS://[::1]", "[::1]:443")] {
        // Any server on this port is not part of the test, so every kind of failure is accepted.
        match authority.client().connect(url).await.expect_err(url) {
            ConnectError::Connect { address, .. }
            | ConnectError::Tls { address, .. }
            | ConnectError::Protocol { address, .. }
            | ConnectError::TimedOut { address, .. } => assert_eq!(address, expected),
            error => panic!("expected an attempt to connect to {expected}, got {error}"),
        }
    }
}
