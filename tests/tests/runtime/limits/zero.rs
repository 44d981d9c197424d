//! Limits of nothing at all.

use super::{Desk, DeskProxy};
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::transport::memory;
use wswrapper::{Client, Limits, Peer};

const LONG: Duration = Duration::from_hours(1);

/// Limits without which nothing would move, each of them 0.
fn zeros() -> [Limits; 3] {
    let limits = || Limits { call_timeout: None, ..Limits::default() };
    [
        Limits { handlers_in_flight: 0, ..limits() },
        Limits { held_bytes: 0, ..limits() },
        Limits { outbound_bytes: 0, ..limits() },
    ]
}

/// Calls of this peer are answered, and its events come.
async fn exchange(peer: &Peer, theirs: &Desk) -> Result<(), Box<dyn Error>> {
    let proxy = DeskProxy::new(peer);
    let several = (0..10).map(|n| timeout(LONG, proxy.quick(n)));
    for (n, answer) in (0..10).zip(futures_util::future::join_all(several).await) {
        assert_eq!(answer??, n);
    }
    assert_eq!(timeout(LONG, proxy.large(3)).await??.0, 3);
    timeout(LONG, proxy.note("an event")).await??;
    assert_eq!(timeout(LONG, theirs.log.has(12)).await?.last().map(String::as_str), Some("an event"));
    Ok(())
}

/// Both ends call each other, and one of them closes.
async fn live(servers: Limits, clients: Limits, closing: fn(&Client, &Peer)) -> Result<(), Box<dyn Error>> {
    let (here, there) = (Desk::new(), Desk::new());
    let server = there.serve(servers).build()?;
    let (near, far) = memory::pair();
    let peer = server.accept_transport(far)?;
    let client = Client::builder().limits(clients).service(here.clone()).over(near)?;
    exchange(&client, &there).await?;
    exchange(&peer, &here).await?;
    closing(&client, &peer);
    for end in [client.peer(), &peer] {
        assert_eq!(timeout(LONG, end.closed()).await?.code, 4001);
    }
    timeout(LONG, server.close()).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_stops_neither_calls_nor_closing() -> Result<(), Box<dyn Error>> {
    let by_client = |client: &Client, _: &Peer| drop(client.peer().close(4001, "enough"));
    let by_server = |_: &Client, peer: &Peer| drop(peer.close(4001, "enough"));
    for zero in zeros() {
        for (servers, clients) in [(zero.clone(), Limits::default()), (Limits::default(), zero.clone())] {
            let which = format!("server {servers:?}, client {clients:?}");
            for closing in [by_client, by_server] {
                live(servers.clone(), clients.clone(), closing).await.map_err(|error| format!("{which}: {error}"))?;
            }
        }
    }
    Ok(())
}
