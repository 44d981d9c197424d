//! The states of clients that connect again, and what stays meanwhile.

use std::error::Error;
use tokio::time::sleep;
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::{CallError, Client, Server};
use wswrapper_tests::network::{Network, only_peer, opened, state_name};
use wswrapper_tests::{Log, SECOND, let_others_run, tasks, until};

/// Records the states of a client.
fn states(client: &Client) -> Log {
    let (mut state, states) = (client.state(), Log::default());
    let recorded = states.clone();
    tokio::spawn(async move {
        loop {
            recorded.add(state_name(&state.borrow_and_update()));
            if state.changed().await.is_err() {
                return;
            }
        }
    });
    states
}

#[tokio::test(start_paused = true)]
async fn handlers_and_channels_stay_when_a_client_connects_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("double", |n: u32| async move { 2 * n })?;
    let network = Network::with(server.clone());
    let client = network.client(Reconnect::default()).await?;
    client.on("name", || async { "Ada" })?;
    let channel = client.channel("desk");
    let states = states(&client);
    let_others_run().await;
    for epoch in 1..=5 {
        opened(&client, epoch).await;
        assert_eq!((client.peer().epoch(), channel.peer().epoch()), (epoch, epoch));
        assert_eq!(client.request::<u32>("double", (4,)).await?, 8);
        assert_eq!(only_peer(&server).request::<String>("name", ()).await?, "Ada");
        let lost = tokio::spawn(client.request::<u32>("double", (4,)));
        network.cut();
        assert!(!matches!(lost.await?, Err(CallError::Rejected(_))));
        client.closed().await;
    }
    opened(&client, 6).await;
    let_others_run().await;
    let mut expected = vec!["open 1".to_owned()];
    for epoch in 2..=6 {
        expected.push("waiting".to_owned());
        // The first connection was the program's, and no later one was open for long.
        expected.push(format!("connecting {}", epoch - 1));
        expected.push(format!("open {epoch}"));
    }
    assert_eq!(states.entries(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_states_are_shown_in_their_order() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let slow = {
        let connector = network.connector();
        move |attempt| {
            let connected = connector(attempt);
            async move {
                sleep(SECOND).await;
                connected.await
            }
        }
    };
    let client = Client::builder().reconnect(Reconnect::default().max_attempts(3)).build()?;
    let states = states(&client);
    let_others_run().await;
    client.connect_with(slow).await?;
    let_others_run().await;
    network.lose_server();
    let mut state = client.state();
    let closed = state.wait_for(ClientState::is_closed).await?.clone();
    assert!(matches!(&closed, ClientState::Closed { cause: Disconnected::Failed(error) }
        if error.to_string() == "the server is away"));
    let_others_run().await;
    let expected = [
        "closed",
        "connecting 1",
        "open 1",
        "waiting",
        "connecting 1",
        "waiting",
        "connecting 2",
        "waiting",
        "connecting 3",
        "closed",
    ];
    assert_eq!(states.entries(), expected);
    // The program may connect it again.
    network.set_server(Some(server));
    client.restart().await?;
    assert!(matches!(*client.state().borrow(), ClientState::Open { epoch: 2 }));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_whose_handles_are_dropped_while_it_waits_leaves_no_task() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = network.client(Reconnect::default()).await?;
    network.lose_server();
    client.closed().await;
    sleep(60 * SECOND).await;
    assert_eq!(tasks(), 1);
    let call = client.request::<()>("call", ()).queue(3600 * SECOND);
    drop(client);
    let waiting = tokio::spawn(call);
    sleep(60 * SECOND).await;
    // The call keeps the client.
    assert_eq!(tasks(), 2);
    waiting.abort();
    until(|| tasks() == 0).await;
    Ok(())
}
