//! Many clients of one server that is away.

use std::error::Error;
use std::time::Duration;
use tokio::time::sleep;
use wswrapper::client::Reconnect;
use wswrapper::{Client, Server};
use wswrapper_tests::network::Network;

#[tokio::test(start_paused = true)]
async fn a_thousand_clients_come_back_without_a_storm() -> Result<(), Box<dyn Error>> {
    const CLIENTS: usize = 1_000;
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let mut clients = Vec::new();
    for seed in 0..CLIENTS {
        let policy = Reconnect::default().seed(seed as u64);
        clients.push(network.client(policy).await?);
    }
    sleep(Duration::from_mins(1)).await;
    let lost_at = network.now();
    network.lose_server();
    sleep(Duration::from_mins(5)).await;
    network.set_server(Some(server.clone()));
    sleep(Duration::from_secs(31)).await;
    assert_eq!(server.peers().len(), CLIENTS);
    let mut seconds = [0_usize; 400];
    for attempt in network.attempts().into_iter().skip(CLIENTS) {
        seconds[usize::try_from(attempt.saturating_sub(lost_at).as_secs())?] += 1;
    }
    let most = seconds[60..].iter().max();
    assert!(most <= Some(&133), "{most:?} attempts in a second: {seconds:?}");
    assert!(seconds[60..].iter().sum::<usize>() > 240 * 50, "they go on trying");
    assert!(clients.iter().all(Client::is_open));
    Ok(())
}
