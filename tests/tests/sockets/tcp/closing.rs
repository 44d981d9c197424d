//! Closing of connections.

use super::{TestServiceProxy, listen, serve};
use std::error::Error;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use wswrapper::{CallError, Client, Limits, Server, connection::CloseCause};
use wswrapper_tests::until;
use wswrapper_tests::websocket::websocket;

/// Far longer than any operation here.
const LONG: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_close_is_answered_and_reported_at_both_endpoints() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&running.url()).await?;
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    let call = tokio::spawn({
        let service = TestServiceProxy::new(&client);
        async move { service.wait().await }
    });
    until(|| client.calls_in_flight() == 1).await;
    peer.close(4321, "reason");
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    let (at_server, at_client) = (peer.closed().await, client.closed().await);
    assert_eq!((at_server.code, at_server.reason.as_str(), at_server.cause), (4321, "reason", CloseCause::Local));
    assert_eq!((at_client.code, at_client.reason.as_str(), at_client.cause), (4321, "reason", CloseCause::Remote));
    Ok(())
}

#[tokio::test]
async fn a_status_that_cannot_be_sent_becomes_1005() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    for (code, sent) in [(1013, 1013), (3000, 3000), (0, 1005), (999, 1005), (1004, 1005), (1006, 1005), (1014, 1014)]
        .into_iter()
        .chain([1015, 2999, 5000, u16::MAX].map(|code| (code, 1005)))
    {
        let client = Client::connect(&running.url()).await?;
        until(|| running.server.peers().len() == 1).await;
        let peer = running.server.peers().remove(0);
        peer.close(code, "");
        let at_server = timeout(LONG, peer.closed()).await?;
        let at_client = timeout(LONG, client.closed()).await?;
        assert_eq!(
            (at_server.code, at_server.cause, at_client.code, at_client.cause),
            (sent, CloseCause::Local, sent, CloseCause::Remote),
            "{code}"
        );
        until(|| running.server.peers().is_empty()).await;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_disconnects_in_time_if_a_closing_server_leaves_tcp_open() -> Result<(), Box<dyn Error>> {
    let (listener, address) = listen().await;
    let limits = Limits::default().close_timeout(Duration::from_millis(50)).call_timeout(None);
    let accepting = async {
        let (stream, _) = listener.accept().await?;
        let websocket = tokio_tungstenite::accept_async(stream).await?;
        Ok::<_, Box<dyn Error>>(websocket.into_inner())
    };
    let url = format!("ws://{address}");
    let connecting = async { Ok(Client::builder().limits(limits).connect(&url).await?) };
    let (mut stream, client) = tokio::try_join!(accepting, connecting)?;
    let service = TestServiceProxy::new(&client);
    let call = tokio::spawn(service.wait());
    until(|| client.calls_in_flight() == 1).await;
    // Sends a close frame with status 1000 and leaves TCP open.
    stream.write_all(&[0x88, 2, 3, 0xe8]).await?;
    let closed = timeout(LONG, client.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1000, CloseCause::Remote));
    assert!(matches!(timeout(LONG, call).await??, Err(CallError::Closed(_))));
    client.close(1000, "");
    timeout(LONG, client.closed()).await?;
    drop(stream);
    Ok(())
}

#[tokio::test]
async fn a_server_disconnects_in_time_if_a_closing_client_leaves_tcp_open() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().close_timeout(Duration::from_millis(50));
    let running = serve(Server::builder().limits(limits)).await;
    let mut stream = websocket(running.address).await.into_inner();
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    let call = tokio::spawn(TestServiceProxy::new(&peer).wait());
    stream.write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]).await?;
    let closed = timeout(LONG, peer.closed()).await?;
    assert_eq!((closed.code, closed.cause), (1000, CloseCause::Remote));
    assert!(timeout(LONG, call).await??.is_err());
    assert_eq!(running.server.peers().len(), 0);
    drop(stream);
    Ok(())
}

#[tokio::test]
async fn a_client_that_drops_its_tcp_connection_is_disconnected() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    for first_bytes in ["", "\u{1}", r#"{"a":["wait"],"i":1}"#] {
        let websocket = websocket(running.address).await;
        let mut stream = websocket.into_inner();
        until(|| running.server.peers().len() == 1).await;
        let peer = running.server.peers().remove(0);
        // Sends nothing, a partial frame, or bytes that are invalid because they are not masked.
        stream.write_all(first_bytes.as_bytes()).await?;
        drop(stream);
        let expected = if first_bytes.starts_with('{') { CloseCause::Violation } else { CloseCause::Lost };
        assert_eq!(peer.closed().await.cause, expected, "{first_bytes}");
    }
    Ok(())
}

#[tokio::test]
async fn a_closing_server_does_not_wait_for_an_unfinished_handshake() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    // A connection that never sends its request must not keep the server open.
    let silent = TcpStream::connect(running.address).await?;
    let clients: Vec<_> =
        futures_util::future::try_join_all((0..50).map(|_| async { Client::connect(&running.url()).await })).await?;
    let started = std::time::Instant::now();
    running.server.close();
    running.server.closed().await;
    running.serving.await??;
    for client in &clients {
        assert_eq!(client.closed().await.code, 1001);
    }
    assert!(started.elapsed() < Duration::from_secs(4), "the server waited for the silent connection");
    assert!(Client::connect(&format!("ws://{}", running.address)).await.is_err());
    drop(silent);
    Ok(())
}

#[tokio::test]
async fn a_server_serves_until_its_signal_and_closes_its_connections() -> Result<(), Box<dyn Error>> {
    let listener = Server::builder().bind("127.0.0.1:0").await?;
    listener.server().on("now", || async { 1 })?;
    let url = format!("ws://{}", listener.local_addr());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(listener.serve_until(stopped));
    let client = Client::connect(&url).await?;
    assert_eq!(client.request::<u8>("now", ()).await?, 1);
    drop(stop);
    assert_eq!(timeout(LONG, client.closed()).await?.code, 1001);
    timeout(LONG, serving).await???;
    assert!(Client::connect(&url).await.is_err());
    Ok(())
}

#[tokio::test]
async fn serving_until_a_signal_also_ends_when_the_server_is_closed() -> Result<(), Box<dyn Error>> {
    let listener = Server::builder().bind("127.0.0.1:0").await?;
    let server = listener.server().clone();
    let serving = tokio::spawn(listener.serve_until(std::future::pending::<()>()));
    server.close();
    timeout(LONG, serving).await???;
    Ok(())
}
