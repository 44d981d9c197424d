//! The stop of a client.

use std::error::Error;
use std::future::pending;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::error::{RebindError, SendError};
use wswrapper::transport::{Frame, memory};
use wswrapper::{CallError, Client, Server, ws_handlers};
use wswrapper_tests::network::{Network, only_peer, opened};
use wswrapper_tests::{Alive, Log, RawPeer, SECOND, let_others_run, rebinding, tasks, until};

#[derive(Clone)]
struct Desk(Alive);

#[ws_handlers]
impl Desk {
    #[ws(spawn)]
    pub async fn spawned(&self) {
        let _guard = self.0.guard();
        pending::<()>().await;
    }

    pub async fn waiting(&self) {
        let _guard = self.0.guard();
        pending::<()>().await;
    }
}

#[tokio::test(start_paused = true)]
async fn stop_closes_with_1000_ends_calls_and_leaves_no_task() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let (alive, log) = (Alive::default(), Log::default());
    let (server, logged) = (Server::builder().build()?, log.clone());
    server.on("never", pending::<()>)?;
    let network = Network::with(server.clone());
    let client = Client::builder()
        .service(Desk(alive.clone()))
        .on_close(move |_, closed| {
            let logged = logged.clone();
            async move {
                sleep(SECOND).await;
                logged.add(format!("closed {}", closed.code));
            }
        })
        .reconnect(Reconnect::default())
        .connect_with(network.connector())
        .await?;
    let peer = only_peer(&server);
    let handlers = ["spawned", "waiting"].map(|event| tokio::spawn(peer.request::<()>(event, ())));
    alive.becomes(2).await;
    let call = tokio::spawn(client.request::<()>("never", ()));
    let_others_run().await;
    client.emit("last", ()).await?;
    client.stop(5 * SECOND).await;
    // The hook has returned.
    assert_eq!((log.entries(), alive.count()), (vec!["closed 1000".to_owned()], 0));
    assert!(matches!(call.await?, Err(CallError::Closed(closed)) if closed.code == 1000));
    for handler in handlers {
        assert!(matches!(handler.await?, Err(CallError::Closed(closed)) if closed.code == 1000));
    }
    assert!(matches!(&*client.state().borrow(), ClientState::Closed { cause: Disconnected::Stopped }));
    until(|| tasks() == before).await;
    // It is stopped for good.
    assert!(matches!(client.emit("x", ()).queue(SECOND).await, Err(SendError::Closed(_))));
    assert!(matches!(client.rebind(memory::pair().0).await, Err(RebindError::Stopped)));
    assert_eq!(client.restart().await.expect_err("it is stopped").to_string(), "the client was stopped");
    client.stop(SECOND).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_answer_is_left_after_the_timeout_of_stop() -> Result<(), Box<dyn Error>> {
    let (raw, client) = RawPeer::accept(Client::builder());
    let began = Instant::now();
    client.stop(2 * SECOND).await;
    assert_eq!(began.elapsed(), 2 * SECOND);
    drop(raw);
    let (raw, client) = RawPeer::accept(Client::builder());
    client.stop(Duration::ZERO).await;
    drop(raw);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_is_stopped_from_inside_a_handler_and_a_hook() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let (mut raw, client) = RawPeer::accept(Client::builder());
    client.on("stop", {
        // The handler belongs to the client, so it may not keep it.
        let client = std::sync::Mutex::new(Some(client.clone()));
        move || {
            let stopping = client.lock().expect("no panic").take().map(|client| client.stop(5 * SECOND));
            async move {
                if let Some(stopping) = stopping {
                    stopping.await;
                }
            }
        }
    })?;
    raw.write(r#"{"a":["stop"],"i":1}"#);
    assert!(matches!(raw.frame().await, Some(Frame::Close(close)) if close.code == 1000));
    drop(raw);
    until(|| tasks() == before).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_is_stopped_while_it_waits_or_connects() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let network = Network::serving(Server::builder());
    let client = network.client(Reconnect::default()).await?;
    network.lose_server();
    client.closed().await;
    sleep(60 * SECOND).await;
    let queued = tokio::spawn(client.request::<()>("call", ()).queue(3600 * SECOND));
    let_others_run().await;
    let began = Instant::now();
    client.stop(5 * SECOND).await;
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert!(matches!(queued.await?, Err(CallError::NotSent(SendError::Closed(_)))));
    until(|| tasks() == before).await;
    let client = Client::builder().build()?;
    let closed = tokio::spawn(client.closed());
    let_others_run().await;
    client.stop(SECOND).await;
    closed.await?;
    Ok(())
}

/// The hooks capture the client that is set later.
type Late = std::sync::Arc<std::sync::Mutex<Option<Client>>>;

fn take(late: &Late) -> Option<Client> {
    late.lock().expect("no panic").take()
}

#[tokio::test(start_paused = true)]
async fn a_client_is_stopped_from_inside_its_hooks() -> Result<(), Box<dyn Error>> {
    for hook in ["open", "close"] {
        let before = tasks();
        let (late, log) = (Late::default(), Log::default());
        let (in_open, in_close, logged) = (late.clone(), late.clone(), log.clone());
        let client = Client::builder()
            .on_open(move |_| {
                let client = if hook == "open" { take(&in_open) } else { None };
                async move {
                    if let Some(client) = client {
                        client.stop(5 * SECOND).await;
                    }
                }
            })
            .on_close(move |_, closed| {
                logged.add(format!("closed {}", closed.code));
                let client = if hook == "close" { take(&in_close) } else { None };
                async move {
                    if let Some(client) = client {
                        client.stop(5 * SECOND).await;
                    }
                }
            })
            .build()?;
        *late.lock().expect("no panic") = Some(client.clone());
        let (near, far) = memory::pair();
        let binding = rebinding(&client, near);
        let_others_run().await;
        drop(far);
        let began = Instant::now();
        until(|| tasks() == before).await;
        assert!(began.elapsed() < 6 * SECOND, "{hook}");
        assert_eq!(binding.await?.is_ok(), hook == "close");
        assert_eq!(log.entries().len(), 1);
        assert!(client.state().borrow().is_closed());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_client_is_restarted_from_inside_on_close() -> Result<(), Box<dyn Error>> {
    let late = Late::default();
    let in_close = late.clone();
    let network = Network::serving(Server::builder());
    let client = Client::builder()
        .on_close(move |_, _| {
            let client = take(&in_close);
            async move {
                if let Some(client) = client {
                    client.restart().await.expect("the hook is dropped before");
                }
            }
        })
        .connect_with(network.connector())
        .await?;
    *late.lock().expect("no panic") = Some(client.clone());
    network.cut();
    opened(&client, 2).await;
    assert_eq!(client.peer().epoch(), 2);
    Ok(())
}
