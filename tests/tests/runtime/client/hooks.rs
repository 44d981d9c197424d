//! The hooks of clients.

use serde_json::json;
use std::error::Error;
use std::time::Duration;
use wswrapper::client::{Decision, Reconnect};
use wswrapper::error::{ConnectError, SendError};
use wswrapper::transport::memory;
use wswrapper::{CallError, Client, Limits, Server};
use wswrapper_tests::network::{Network, only_peer, opened};
use wswrapper_tests::{Log, RawPeer, SECOND, let_others_run};

#[tokio::test(start_paused = true)]
async fn frames_wait_for_on_open_except_those_of_the_hook() -> Result<(), Box<dyn Error>> {
    let client = Client::builder()
        .on_open(|peer| async move {
            peer.emit("hello", (peer.epoch(),)).await?;
            peer.request::<()>("login", ()).await?;
            peer.channel("desk").emit("ready", ()).queue(SECOND).await?;
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        })
        .build()?;
    client.emit("early", (1,)).await?;
    let early = tokio::spawn(client.request::<u32>("early", (2,)));
    let_others_run().await;
    let (mut raw, binding) = RawPeer::rebinding(&client);
    assert_eq!(raw.receive().await, json!({"a": ["hello", 1]}));
    let login = raw.receive().await;
    assert_eq!(login["a"], json!(["login"]));
    let meanwhile = tokio::spawn(client.emit("meanwhile", (3,)));
    let request = tokio::spawn(client.request::<u32>("meanwhile", (4,)));
    raw.silence().await;
    raw.send(&json!({"i": login["i"]}).to_string()).await;
    assert_eq!(raw.receive().await, json!({"a": ["ready"], "c": "desk"}));
    binding.await??;
    for expected in [json!(["early", 1]), json!(["early", 2]), json!(["meanwhile", 3]), json!(["meanwhile", 4])] {
        let frame = raw.receive().await;
        assert_eq!(frame["a"], expected);
        if let Some(id) = frame["i"].as_u64() {
            raw.send(&json!({"i": id, "d": 5}).to_string()).await;
        }
    }
    meanwhile.await??;
    assert_eq!((early.await??, request.await??), (5, 5));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_of_on_open_pass_others_that_wait_for_capacity() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default().max_calls_in_flight(2).max_calls_before_open(100);
    let client = Client::builder()
        .limits(limits)
        .on_open(|peer| async move {
            let calls = (0..4).map(|n| peer.request::<u32>("hook", (n,)).wait_for_capacity());
            futures_util::future::try_join_all(calls).await.map(drop)
        })
        .build()?;
    let calls: Vec<_> = (0..2).map(|n| tokio::spawn(client.request::<u32>("others", (n,)))).collect();
    let_others_run().await;
    let server = Server::builder().build()?;
    server.on("hook", |n: u32| async move { n })?;
    server.on("others", |n: u32| async move { n })?;
    let (near, far) = memory::pair();
    server.accept_transport(far)?;
    client.rebind(near).await?;
    for (n, call) in calls.into_iter().enumerate() {
        assert_eq!(call.await??, u32::try_from(n)?);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_for_on_open_fail_if_it_fails() -> Result<(), Box<dyn Error>> {
    let (mut raw, client) = RawPeer::accept(Client::builder().on_open(|peer| async move {
        peer.request::<()>("login", ()).await?;
        Ok::<_, Box<dyn Error + Send + Sync>>(())
    }));
    let login = raw.receive().await;
    let call = tokio::spawn(client.request::<()>("call", ()));
    let event = tokio::spawn(client.emit("event", ()));
    let_others_run().await;
    raw.send(&json!({"i": login["i"], "e": "no"}).to_string()).await;
    let failed = call.await?;
    assert!(matches!(&failed, Err(CallError::NotSent(SendError::Closed(closed))) if closed.code == 1011), "{failed:?}");
    let failed = event.await?;
    assert!(matches!(&failed, Err(SendError::Closed(closed)) if closed.code == 1011), "{failed:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_attempt_runs_on_open_once_and_a_failure_is_followed_by_the_next() -> Result<(), Box<dyn Error>> {
    let log = Log::default();
    let (opens, errors, closes) = (log.clone(), log.clone(), log.clone());
    let network = Network::serving(Server::builder());
    let client = Client::builder()
        .reconnect(Reconnect::default())
        .on_open(move |peer| {
            let epoch = peer.epoch();
            opens.add(format!("open {epoch}"));
            async move { if epoch == 2 || epoch == 3 { Err(format!("not {epoch}")) } else { Ok(()) } }
        })
        .on_close(move |peer, closed| {
            closes.add(format!("closed {} {}", peer.epoch(), closed.code));
            async {}
        })
        .on_reconnect_error(move |attempt, error| {
            errors.add(format!("{attempt}: {error}"));
            Decision::Retry
        })
        .connect_with(network.connector())
        .await?;
    network.cut();
    opened(&client, 4).await;
    let expected = [
        "open 1",
        "closed 1 1006",
        "open 2",
        "closed 2 1011",
        "1: on_open failed: not 2",
        "open 3",
        "closed 3 1011",
        "2: on_open failed: not 3",
        "open 4",
    ];
    assert_eq!(log.entries(), expected);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn on_reconnect_error_may_stop_the_client() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = Client::builder()
        .reconnect(Reconnect::default())
        .on_reconnect_error(|attempt, _| if attempt < 3 { Decision::Retry } else { Decision::Stop })
        .connect_with(network.connector())
        .await?;
    network.lose_server();
    let mut state = client.state();
    let state = state.wait_for(wswrapper::client::ClientState::is_closed).await?.clone();
    assert!(format!("{state:?}").contains("the server is away"), "{state:?}");
    assert_eq!(network.attempts().len(), 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hook_that_panics_counts_as_its_default() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = Client::builder()
        .reconnect(Reconnect::default())
        .reconnect_if(|_| panic!("broken"))
        .on_reconnect_error(|_, _| panic!("broken"))
        .on_closing(|| -> (u16, String) { panic!("broken") })
        .connect_with(network.connector())
        .await?;
    let server = Server::builder().build()?;
    network.lose_server();
    tokio::time::sleep(10 * SECOND).await;
    network.set_server(Some(server.clone()));
    opened(&client, 2).await;
    let peer = only_peer(&server);
    client.stop(SECOND).await;
    assert_eq!(peer.closed().await.code, 1000);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn on_closing_gives_the_status_of_stop_and_restart() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let network = Network::with(server.clone());
    let client =
        Client::builder().on_closing(|| (4007, "tea time".to_owned())).connect_with(network.connector()).await?;
    let first = only_peer(&server);
    client.restart().await?;
    let closed = first.closed().await;
    assert_eq!((closed.code, closed.reason.as_str()), (4007, "tea time"));
    let second = only_peer(&server);
    client.stop(SECOND).await;
    assert_eq!(second.closed().await.code, 4007);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_of_on_open_on_the_first_connection_is_returned_at_once() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let began = tokio::time::Instant::now();
    let failed = Client::builder()
        .reconnect(Reconnect::default())
        .on_open(|_| async { Err::<(), _>("not today") })
        .connect_with(network.connector())
        .await
        .expect_err("the hook fails");
    assert!(matches!(failed, ConnectError::Open(_)), "{failed}");
    assert_eq!((began.elapsed(), network.attempts().len()), (Duration::ZERO, 1));
    Ok(())
}
