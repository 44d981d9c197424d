//! Closes and losses after which a client connects again, or does not.

use std::error::Error;
use tokio::time::sleep;
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::connection::CloseCause;
use wswrapper::error::ConnectError;
use wswrapper::{Client, Limits, Server};
use wswrapper_tests::connectors;
use wswrapper_tests::network::{Network, only_peer, opened, state_name};
use wswrapper_tests::{SECOND, let_others_run, until};

#[tokio::test(start_paused = true)]
async fn the_close_of_the_server_decides_whether_the_client_connects_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4001, 4999]) {
        let client = network.client(Reconnect::default()).await?;
        only_peer(&server).close(code, "enough");
        assert_eq!(client.closed().await.code, code);
        sleep(SECOND).await;
        let reconnects = matches!(code, 1001 | 1011..=1014);
        assert_eq!(client.is_open(), reconnects, "{code}");
        assert_eq!(client.state().borrow().is_closed(), !reconnects, "{code}");
        drop(client);
        until(|| server.peers().is_empty()).await;
    }
    // A close without a status.
    let client = network.client(Reconnect::default()).await?;
    only_peer(&server).close(1005, "");
    assert_eq!(client.closed().await.code, 1005);
    sleep(SECOND).await;
    assert!(client.state().borrow().is_closed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_does_not_connect_again_after_its_own_close() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    for abort in [false, true] {
        let client = network.client(Reconnect::default()).await?;
        if abort {
            client.abort_connection();
        } else {
            client.close(1001, "going");
        }
        assert_eq!(client.closed().await.cause, CloseCause::Local);
        sleep(60 * SECOND).await;
        assert!(client.state().borrow().is_closed() && server.peers().is_empty());
    }
    Ok(())
}

/// Returns a client that was closed with 4001 while it waited for its next attempt.
async fn closed_client(network: &Network) -> Result<Client, ConnectError> {
    let client = network.client(Reconnect::default()).await?;
    network.lose_server();
    client.closed().await;
    until(|| matches!(*client.state().borrow(), ClientState::Waiting { .. })).await;
    client.close(4001, "enough");
    let_others_run().await;
    Ok(client)
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_closed_while_it_waits_does_not_connect_again() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = closed_client(&network).await?;
    let state = client.state().borrow().clone();
    assert!(
        matches!(&state, ClientState::Closed { cause: Disconnected::Lost(closed) } if closed.code == 4001),
        "{state:?}"
    );
    let attempts = network.attempts().len();
    sleep(600 * SECOND).await;
    assert_eq!(network.attempts().len(), attempts);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_attempt_fails_if_its_client_is_closed() -> Result<(), Box<dyn Error>> {
    let client = closed_client(&Network::serving(Server::builder())).await?;
    let connecting = tokio::spawn({
        let client = client.clone();
        async move { client.connect_with(connectors::never).await.map_err(|error| error.to_string()) }
    });
    let_others_run().await;
    assert_eq!(state_name(&client.state().borrow()), "connecting 1");
    client.close(4002, "enough");
    let failed = connecting.await?.expect_err("it was closed");
    assert!(failed.contains("status 4002"), "{failed}");
    assert!(client.state().borrow().is_closed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn reconnect_if_decides_instead_of_the_rules() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let client = Client::builder()
        .reconnect(Reconnect::default())
        .reconnect_if(|closed| closed.code == 4001 || closed.cause == CloseCause::Local)
        .connect_with(network.connector())
        .await?;
    only_peer(&server).close(4001, "come back");
    opened(&client, 2).await;
    client.close(1000, "");
    opened(&client, 3).await;
    network.cut();
    client.closed().await;
    let_others_run().await;
    assert!(client.state().borrow().is_closed());
    Ok(())
}

/// The peer has vanished without a word, for example because the machine slept.
#[tokio::test(start_paused = true)]
async fn a_jump_of_the_clock_ends_in_one_reconnect() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().heartbeat_interval(None)).build()?;
    let network = Network::with(server.clone());
    let client = network.client(Reconnect::default()).await?;
    network.last().stall();
    tokio::time::advance(8 * 3600 * SECOND).await;
    let closed = client.closed().await;
    assert_eq!(closed.cause, CloseCause::Heartbeat);
    opened(&client, 2).await;
    sleep(3600 * SECOND).await;
    assert_eq!((network.attempts().len(), client.peer().epoch(), client.is_open()), (2, 2, true));
    // A living connection survives the jump.
    tokio::time::advance(8 * 3600 * SECOND).await;
    sleep(600 * SECOND).await;
    assert_eq!((network.attempts().len(), client.is_open()), (2, true));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_of_a_server_that_shuts_down_connects_to_the_next_one() -> Result<(), Box<dyn Error>> {
    let old = Server::builder().build()?;
    let network = Network::with(old.clone());
    let client = network.client(Reconnect::default()).await?;
    network.set_server(None);
    old.shutdown(SECOND).await;
    assert_eq!(client.closed().await.code, 1001);
    sleep(10 * SECOND).await;
    let new = Server::builder().build()?;
    new.on("name", || async { "new" })?;
    network.set_server(Some(new));
    opened(&client, 2).await;
    assert_eq!(client.request::<String>("name", ()).await?, "new");
    Ok(())
}
