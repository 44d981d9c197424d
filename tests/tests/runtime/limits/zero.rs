//! Limits of zero.

use super::{GatedService, GatedServiceProxy};
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{Client, Limits, Peer};

const LONG: Duration = Duration::from_hours(1);

/// Returns limits with one value of 0 each that must not stop the connection.
fn zero_limits() -> [Limits; 3] {
    let limits = || Limits::default().call_timeout(None);
    [limits().max_handlers_in_flight(0), limits().max_held_bytes(0), limits().max_outbound_bytes(0)]
}

/// Checks that the calls of `peer` are answered and that its events arrive.
async fn exchange(peer: &Peer, remote_service: &GatedService) -> Result<(), Box<dyn Error>> {
    let proxy = GatedServiceProxy::new(peer);
    let several = (0..10).map(|n| timeout(LONG, proxy.quick(n)));
    for (n, answer) in (0..10).zip(futures_util::future::join_all(several).await) {
        assert_eq!(answer??, n);
    }
    assert_eq!(timeout(LONG, proxy.large(3)).await??.0, 3);
    timeout(LONG, proxy.note("an event")).await??;
    assert_eq!(timeout(LONG, remote_service.log.has(12)).await?.last().map(String::as_str), Some("an event"));
    Ok(())
}

/// Lets both endpoints call each other, and one of them close.
async fn call_and_close(servers: Limits, clients: Limits, closing: fn(&Client, &Peer)) -> Result<(), Box<dyn Error>> {
    let (client_service, server_service) = (GatedService::new(), GatedService::new());
    let server = server_service.serve(servers).build()?;
    let (local, remote) = memory::pair();
    let peer = server.accept_transport(remote)?;
    let client = Client::builder().limits(clients).service(client_service.clone()).connect_transport(local)?;
    exchange(client.peer(), &server_service).await?;
    exchange(&peer, &client_service).await?;
    closing(&client, &peer);
    for endpoint in [client.peer(), &peer] {
        assert_eq!(timeout(LONG, endpoint.closed()).await?.code, 4001);
    }
    server.close();
    timeout(LONG, server.closed()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_stops_neither_calls_nor_closing() -> Result<(), Box<dyn Error>> {
    let by_client = |client: &Client, _: &Peer| client.peer().close(4001, "enough");
    let by_server = |_: &Client, peer: &Peer| peer.close(4001, "enough");
    for zero in zero_limits() {
        for (servers, clients) in [(zero.clone(), Limits::default()), (Limits::default(), zero.clone())] {
            let which = format!("server {servers:?}, client {clients:?}");
            for closing in [by_client, by_server] {
                call_and_close(servers.clone(), clients.clone(), closing)
                    .await
                    .map_err(|error| format!("{which}: {error}"))?;
            }
        }
    }
    Ok(())
}
