//! Connections that the program asks for.

use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::{ClientState, Reconnect};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::network::{Network, only_peer, opened};
use wswrapper_tests::{SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn a_first_connect_that_fails_is_an_error_unless_the_policy_says_otherwise() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    network.set_server(None);
    let failed = network.client(Reconnect::default()).await;
    assert_eq!(failed.expect_err("the server is away").to_string(), "the server is away");
    assert_eq!(network.attempts().len(), 1);
    let connecting = tokio::spawn(
        Client::builder().reconnect(Reconnect::default().first_connect(true)).connect_with(network.connector()),
    );
    sleep(60 * SECOND).await;
    assert!(!connecting.is_finished() && network.attempts().len() > 3);
    network.set_server(Some(server));
    let client = connecting.await??;
    assert_eq!(client.peer().epoch(), 1);
    client.stop(SECOND).await;
    // The policy may end.
    network.set_server(None);
    let policy = Reconnect::default().first_connect(true).max_attempts(4);
    let before = network.attempts().len();
    let failed = network.client(policy).await;
    assert_eq!(failed.expect_err("the server is away").to_string(), "the server is away");
    assert_eq!(network.attempts().len(), before + 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_without_a_policy_or_a_destination_does_not_connect_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let without = Client::builder().connect_with(network.connector()).await?;
    network.cut();
    without.closed().await;
    let (near, far) = memory::pair();
    server.accept_transport(far)?;
    let control = near.control();
    let bound = Client::builder().reconnect(Reconnect::default()).connect_transport(near)?;
    control.cut();
    bound.closed().await;
    sleep(600 * SECOND).await;
    assert!(without.state().borrow().is_closed() && bound.state().borrow().is_closed());
    assert_eq!(network.attempts().len(), 1);
    let failed = bound.restart().await.expect_err("it has no destination");
    assert_eq!(failed.to_string(), "the client has no URL to connect to");
    without.restart().await?;
    assert!(without.is_open());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_wait_for_the_next_attempt() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let policy = Reconnect::default().base_delay(3600 * SECOND).max_delay(3600 * SECOND).seed(1);
    let client = network.client(policy).await?;
    network.cut();
    client.closed().await;
    let_others_run().await;
    assert!(matches!(*client.state().borrow(), ClientState::Waiting { .. }));
    let began = Instant::now();
    client.restart().await?;
    assert_eq!((began.elapsed(), client.peer().epoch()), (Duration::ZERO, 2));
    // From inside a handler.
    client.on("restart", {
        let client = client.clone();
        move || {
            let restarting = client.restart();
            async move { restarting.await.map_err(|error| error.to_string()) }
        }
    })?;
    let answer = only_peer(&server).request::<()>("restart", ()).await;
    assert!(matches!(answer, Err(CallError::Closed(closed)) if closed.code == 1001));
    opened(&client, 3).await;
    // A restart that fails is repeated.
    network.set_server(None);
    let restarting = tokio::spawn(client.restart());
    sleep(SECOND).await;
    assert!(!restarting.is_finished());
    network.set_server(Some(server));
    sleep(2 * 3600 * SECOND).await;
    restarting.await??;
    Ok(())
}
