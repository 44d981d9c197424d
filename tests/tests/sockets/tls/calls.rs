//! Calls and closing over TLS.

use super::authority::Authority;
use super::{Running, TestServiceProxy, serve};
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use wswrapper::{CallError, Client, connection::CloseCause};
use wswrapper_tests::until;

#[tokio::test]
async fn a_client_calls_a_server_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().subprotocol("desk.v1").connect(&running.url("localhost")).await?;
    assert_eq!(client.handshake().subprotocol(), Some("desk.v1"));
    assert_eq!(client.handshake().remote_addr(), Some(running.address));
    let service = TestServiceProxy::new(&client);
    let host = format!("localhost:{}", running.address.port());
    assert_eq!(service.host_and_subprotocol().await?, (Some(host), Some("desk.v1".to_owned())));
    client.close(1000, "");
    assert_eq!(client.closed().await.code, 1000);
    Ok(())
}

#[tokio::test]
async fn large_messages_pass_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    let service = TestServiceProxy::new(&client);
    // Lengths around the size of a TLS record, and one far beyond the capacity of a socket's buffers.
    for length in [0, 16_000, 16_384, 17_000, 70_000, 1_000_000] {
        let text: String = ('a'..='z').cycle().take(length).collect();
        assert!(service.echo(&text).await? == text, "{length} bytes came back changed");
    }
    let text = "x".repeat(1_000_000);
    let echoes = futures_util::future::try_join_all((0..16).map(|_| service.echo(&text))).await?;
    assert!(echoes.iter().all(|echo| *echo == text));
    Ok(())
}

#[tokio::test]
async fn many_calls_pass_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let config = authority.trusted();
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(Client::builder().tls(Arc::clone(&config)).connect(&running.url("localhost")).await?);
    }
    let calls = clients.iter().map(|client| async move {
        let service = TestServiceProxy::new(client);
        for round in 0..10 {
            let numbers = (0..50).map(|n| (round * 50 + n).to_string());
            let echoes = futures_util::future::try_join_all(numbers.clone().map(|n| service.echo(n))).await?;
            assert!(echoes.into_iter().eq(numbers));
        }
        Ok::<_, CallError<Infallible>>(())
    });
    futures_util::future::try_join_all(calls).await?;
    assert_eq!(running.server.peers().len(), 20);
    Ok(())
}

#[tokio::test]
async fn closed_and_lost_connections_are_reported_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    until(|| running.server.peers().len() == 1).await;
    running.server.close();
    running.server.closed().await;
    let closed = client.closed().await;
    assert_eq!(
        (closed.code, closed.reason.as_str(), closed.cause),
        (1001, "the server is closing", CloseCause::Remote)
    );

    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    until(|| running.server.peers().len() == 1).await;
    let Running { server, serving, .. } = running;
    serving.abort();
    drop(server);
    assert_eq!(client.closed().await.code, 1006);

    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    drop(client);
    assert_eq!(peer.closed().await.code, 1000);
    Ok(())
}
