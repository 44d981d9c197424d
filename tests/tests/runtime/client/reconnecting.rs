//! Clients that connect again: after which closes, and in which states.

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::connection::CloseCause;
use wswrapper::{CallError, Client, Limits, Peer, Server};
use wswrapper_tests::network::{Network, opened, state_name};
use wswrapper_tests::{let_others_run, until};

const SECOND: Duration = Duration::from_secs(1);

/// Records the states of a client.
fn states(client: &Client) -> Arc<Mutex<Vec<String>>> {
    let (mut state, states) = (client.state(), Arc::<Mutex<Vec<_>>>::default());
    let recorded = Arc::clone(&states);
    tokio::spawn(async move {
        loop {
            let name = state_name(&state.borrow_and_update());
            recorded.lock().expect("no panic").push(name);
            if state.changed().await.is_err() {
                return;
            }
        }
    });
    states
}

fn only_peer(server: &Server) -> Peer {
    let mut peers = server.peers();
    assert_eq!(peers.len(), 1);
    peers.remove(0)
}

#[tokio::test(start_paused = true)]
async fn handlers_hooks_proxies_and_ids_stay_when_a_client_connects_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("double", |n: u32| async move { 2 * n })?;
    let network = Network::with(server.clone());
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
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
    let seen = states.lock().expect("no panic").clone();
    let mut expected = vec!["open 1".to_owned()];
    for epoch in 2..=6 {
        expected.push("waiting".to_owned());
        // The first connection was the program's, and no later one was open for long.
        expected.push(format!("connecting {}", epoch - 1));
        expected.push(format!("open {epoch}"));
    }
    assert_eq!(seen, expected);
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
    network.set_server(None);
    network.cut();
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
    assert_eq!(*states.lock().expect("no panic"), expected);
    // The program may connect it again.
    network.set_server(Some(server));
    client.restart().await?;
    assert!(matches!(*client.state().borrow(), ClientState::Open { epoch: 2 }));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_close_of_the_server_decides_whether_the_client_connects_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4001, 4999]) {
        let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
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
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
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
        let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
        if abort {
            client.abort_connection();
        } else {
            client.close(1001, "going");
        }
        assert_eq!(client.closed().await.cause, CloseCause::Local);
        sleep(60 * SECOND).await;
        assert!(client.state().borrow().is_closed() && server.peers().is_empty());
    }
    // While it waits for the next attempt.
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    network.set_server(None);
    network.cut();
    client.closed().await;
    until(|| matches!(*client.state().borrow(), ClientState::Waiting { .. })).await;
    client.close(4001, "enough");
    let_others_run().await;
    let state = client.state().borrow().clone();
    assert!(
        matches!(&state, ClientState::Closed { cause: Disconnected::Lost(closed) } if closed.code == 4001),
        "{state:?}"
    );
    let attempts = network.attempts().len();
    sleep(600 * SECOND).await;
    assert_eq!(network.attempts().len(), attempts);
    // While it connects.
    let never = |_| std::future::pending::<Result<(wswrapper::transport::memory::Memory, _), _>>();
    let connecting = tokio::spawn({
        let client = client.clone();
        async move { client.connect_with(never).await.map_err(|error| error.to_string()) }
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

#[tokio::test(start_paused = true)]
async fn a_client_without_a_policy_or_a_destination_does_not_connect_again() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let without = Client::builder().connect_with(network.connector()).await?;
    network.cut();
    without.closed().await;
    let (near, far) = wswrapper::transport::memory::pair();
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
async fn a_first_connect_that_fails_is_an_error_unless_the_policy_says_otherwise() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    network.set_server(None);
    let failed = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await;
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
    // The policy may end.
    network.set_server(None);
    let policy = Reconnect::default().first_connect(true).max_attempts(4);
    let before = network.attempts().len();
    let failed = Client::builder().reconnect(policy).connect_with(network.connector()).await;
    assert_eq!(failed.expect_err("the server is away").to_string(), "the server is away");
    assert_eq!(network.attempts().len(), before + 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_restart_does_not_wait_for_the_next_attempt() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let policy = Reconnect::default().base_delay(3600 * SECOND).max_delay(3600 * SECOND).seed(1);
    let client = Client::builder().reconnect(policy).connect_with(network.connector()).await?;
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

/// The peer has vanished without a word, for example because the machine slept.
#[tokio::test(start_paused = true)]
async fn a_jump_of_the_clock_ends_in_one_reconnect() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().limits(Limits::default().heartbeat_interval(None)).build()?;
    let network = Network::with(server.clone());
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
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
async fn a_server_that_drains_is_left_and_found_again() -> Result<(), Box<dyn Error>> {
    let old = Server::builder().build()?;
    let network = Network::with(old.clone());
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
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

#[tokio::test(start_paused = true)]
async fn a_client_whose_handles_are_dropped_while_it_waits_leaves_no_task() -> Result<(), Box<dyn Error>> {
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let network = Network::with(Server::builder().build()?);
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    network.set_server(None);
    network.cut();
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
