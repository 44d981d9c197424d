//! Calls over TCP.

use super::{TestServiceProxy, serve};
use std::error::Error;
use wswrapper::{Client, Server};
use wswrapper_tests::until;

#[tokio::test]
async fn a_client_calls_a_server_over_tcp() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let client = Client::connect(&format!("{}/some/path?query=1", running.url())).await?;
    let service = TestServiceProxy::new(&client);
    for length in [0, 1, 125, 126, 1_000, 70_000, 900_000] {
        let text = "x".repeat(length);
        assert_eq!(service.echo(&text).await?, text);
    }
    let (uri, host, has_address) = service.handshake().await?;
    assert_eq!((uri.as_str(), host), ("/some/path?query=1", Some(running.address.to_string())));
    assert!(has_address);
    client.close(1000, "");
    assert_eq!(client.closed().await.code, 1000);
    running.server.close();
    running.server.closed().await;
    running.serving.await??;
    Ok(())
}

#[tokio::test]
async fn a_thousand_clients_are_served_at_once() -> Result<(), Box<dyn Error>> {
    let running = serve(Server::builder()).await;
    let mut clients = Vec::new();
    for n in 0..1_000 {
        let client = Client::connect(&running.url()).await?;
        assert_eq!(TestServiceProxy::new(&client).echo(n.to_string()).await?, n.to_string());
        clients.push(client);
    }
    assert_eq!(running.server.peers().len(), 1_000);
    drop(clients);
    until(|| running.server.peers().is_empty()).await;
    Ok(())
}
