//! Calls, hooks and clients that end in any case, also when user code panics or a close comes at an odd moment.

use super::resuming::{Clock, TickerProxy};
use serde_json::json;
use std::error::Error;
use std::fmt;
use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use tokio::time::{Instant, sleep, timeout};
use wswrapper::client::{ClientState, Disconnected, Reconnect};
use wswrapper::error::{ConnectError, SendError};
use wswrapper::stream::{History, HistoryStream, Stream};
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Output, Transport, TransportError};
use wswrapper::{CallError, Client, Limits, Peer, Server};
use wswrapper_tests::connectors::Attempt;
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Alive, RawPeer, SECOND, let_others_run, tasks, until};

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[tokio::test(start_paused = true)]
async fn calls_of_a_server_do_not_wait_for_a_next_connection() -> Result<(), Box<dyn Error>> {
    let server =
        Server::builder().on_close(|peer, _| async move { drop(peer.emit("bye", ()).queue(SECOND).await) }).build()?;
    let (raw, peer) = RawPeer::dial(&server);
    // It waits for capacity when the connection is lost.
    let waiting = tokio::spawn(peer.request::<()>("x", ()).queue(60 * SECOND));
    let_others_run().await;
    drop(raw);
    timeout(SECOND, peer.closed()).await?;
    assert!(waiting.await?.is_err());
    assert!(matches!(peer.emit("x", ()).queue(SECOND).await, Err(SendError::Closed(_))));
    let call = peer.request::<()>("x", ()).queue(SECOND).await;
    assert!(matches!(call, Err(CallError::NotSent(SendError::Closed(_)))), "{call:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_that_wait_keep_their_times_while_on_close_runs() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("slow", || sleep(1_000 * SECOND))?;
    let network = Network::with(server);
    let client = Client::builder()
        .reconnect(Reconnect::default())
        // The hook waits for its own call, too.
        .on_close(|peer, _| async move {
            drop(peer.request::<()>("bye", ()).queue(100 * SECOND).await);
        })
        .connect_with(network.connector())
        .await?;
    let again = tokio::spawn(client.request::<()>("slow", ()).idempotent().timeout(5 * SECOND));
    let_others_run().await;
    let began = Instant::now();
    network.cut();
    assert!(matches!(again.await?, Err(CallError::TimedOut)));
    assert_eq!(began.elapsed(), 5 * SECOND);
    let late = client.request::<()>("x", ()).queue(5 * SECOND).await;
    assert!(matches!(late, Err(CallError::NotSent(SendError::Closed(_)))), "{late:?}");
    assert_eq!(began.elapsed(), 10 * SECOND);
    opened(&client, 2).await;
    assert!(began.elapsed() < 102 * SECOND, "{:?}", began.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_an_on_open_hook_has_kept_does_not_pass_the_next_hook() -> Result<(), Box<dyn Error>> {
    let kept = Arc::<Mutex<Option<Peer>>>::default();
    let keep = Arc::clone(&kept);
    let client = Client::builder()
        .on_open(move |peer| {
            keep.lock().expect("no panic").get_or_insert_with(|| peer.clone());
            async move { peer.request::<()>("login", ()).await }
        })
        .build()?;
    for epoch in 1..=2 {
        let (mut raw, binding) = RawPeer::rebinding(&client);
        let login = raw.receive().await;
        assert_eq!(login["a"], json!(["login"]));
        if epoch == 2 {
            let peer = kept.lock().expect("no panic").clone().expect("it was kept");
            let early = tokio::spawn(async move { peer.emit("early", ()).await });
            raw.silence().await;
            assert!(!early.is_finished());
        }
        raw.send(&json!({"i": login["i"]}).to_string()).await;
        binding.await??;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_revokes_the_requests_for_a_connection_before_it() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = Client::builder().build()?;
    let mut connecting = Box::pin(client.connect_with(network.connector()));
    assert!(poll_once(connecting.as_mut()).is_pending());
    client.close(1000, "");
    assert!(matches!(&*connecting.await.expect_err("it was closed"), ConnectError::Open(_)));
    sleep(SECOND).await;
    assert!(!client.is_open() && network.attempts().is_empty());
    // A later request counts.
    client.close(1000, "");
    client.connect_with(network.connector()).await?;
    let mut restarting = Box::pin(client.restart());
    assert!(poll_once(restarting.as_mut()).is_pending());
    client.close(1000, "enough");
    assert!(restarting.await.is_err());
    sleep(SECOND).await;
    assert!(client.state().borrow().is_closed() && network.attempts().len() == 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_close_at_the_end_of_an_attempt_counts() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = Client::builder().build()?;
    let (closing, connector) = (client.clone(), network.connector());
    let connected = client.connect_with(move |attempt| {
        let (client, connected) = (closing.clone(), connector(attempt));
        async move {
            client.close(4001, "not needed");
            connected.await
        }
    });
    assert!(matches!(&*connected.await.expect_err("it was closed"), ConnectError::Open(_)));
    let state = client.state().borrow().clone();
    assert!(
        matches!(&state, ClientState::Closed { cause: Disconnected::Lost(closed) } if closed.code == 4001),
        "{state:?}"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_queue_time_of_an_idempotent_call_counts() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = network.client(Reconnect::default()).await?;
    network.lose_server();
    client.closed().await;
    let began = Instant::now();
    let late = client.request::<()>("x", ()).idempotent().queue(5 * SECOND).await;
    assert!(matches!(late, Err(CallError::NotSent(SendError::Closed(_)))), "{late:?}");
    assert_eq!(began.elapsed(), 5 * SECOND);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn resumable_streams_wait_for_capacity_after_a_loss() -> Result<(), Box<dyn Error>> {
    let clock = Clock(History::new());
    let network = Network::serving(Server::builder().service(clock.clone()));
    let limits = Limits::default().max_calls_in_flight(2).max_queued_calls(1);
    let builder = Client::builder().limits(limits).reconnect(Reconnect::default());
    let client = builder.connect_with(network.connector()).await?;
    let mut streams = Vec::new();
    for _ in 0..5 {
        let mut ticks = TickerProxy::new(&client).ticks().resumable().await?;
        streams.push(tokio::spawn(async move { ticks.next().await }));
    }
    let_others_run().await;
    network.cut();
    opened(&client, 2).await;
    sleep(SECOND).await;
    clock.0.push(1);
    for stream in streams {
        let event = timeout(SECOND, stream).await??;
        assert!(matches!(event, Some(Ok(_))), "{event:?}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stopped_client_drops_its_handlers() -> Result<(), Box<dyn Error>> {
    let network = Network::serving(Server::builder());
    let client = Client::builder().connect_with(network.connector()).await?;
    let alive = Alive::default();
    let captured = (client.clone(), alive.guard());
    client.on("x", move || {
        let _captured = &captured;
        async {}
    })?;
    client.stop(SECOND).await;
    alive.becomes(0).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_on_close_hook_that_hangs_does_not_keep_a_dropped_client() -> Result<(), Box<dyn Error>> {
    let before = tasks();
    let (raw, client) = RawPeer::accept(Client::builder().on_close(|_, _| pending::<()>()));
    drop((raw, client));
    until(|| tasks() == before).await;
    Ok(())
}

#[derive(Debug)]
struct Silent;

impl fmt::Display for Silent {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("no text")
    }
}

impl Error for Silent {}

/// A value whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "it goes off");
    }
}

/// A transport that panics when it is used.
struct Broken(Memory);

impl Transport for Broken {
    fn set_limits(&mut self, _: &Limits) {
        panic!("broken")
    }

    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        self.0.poll_frame(cx)
    }

    fn output(&mut self) -> &mut Output {
        self.0.output()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.0.poll_flush(cx)
    }

    fn close(&mut self, close: &Close) {
        self.0.close(close);
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_user_code_does_not_end_the_client() -> Result<(), Box<dyn Error>> {
    let client = Client::builder().build()?;
    let failed = client.connect_with(|_| ready(Attempt::Err(ConnectError::other(Silent)))).await;
    assert!(matches!(&*failed.expect_err("it fails"), ConnectError::Other(_)));
    // A connector whose future panics when it is dropped.
    let connecting = tokio::spawn({
        let client = client.clone();
        async move {
            let connector = |_| async {
                let _bomb = Bomb;
                pending::<()>().await;
                Attempt::Err(ConnectError::other("never"))
            };
            client.connect_with(connector).await
        }
    });
    let_others_run().await;
    client.close(1000, "");
    assert!(connecting.await?.is_err());
    let (near, _far) = memory::pair();
    assert!(client.rebind(Broken(near)).await.is_err());
    assert!(!client.is_open());
    assert!(client.emit("x", ()).await.is_err());
    timeout(SECOND, client.closed()).await?;
    let (near, far) = memory::pair();
    client.rebind(near).await?;
    client.emit("works", ()).await?;
    assert_eq!(RawPeer::on(far).receive().await, json!({"a": ["works"]}));
    Ok(())
}

static OTHER: Mutex<Option<HistoryStream<Probing>>> = Mutex::new(None);

/// An item whose drop uses another stream of its history.
#[derive(Clone, serde::Serialize)]
struct Probing(u32);

impl Drop for Probing {
    fn drop(&mut self) {
        if self.0 == 1
            && let Some(other) = &*OTHER.lock().expect("no panic")
        {
            let _ = other.size_hint();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn items_of_a_history_are_dropped_outside_its_lock() {
    let history = History::new().max_age(SECOND);
    for n in [1, 2] {
        history.push(Probing(n));
    }
    let mut stream = history.stream();
    *OTHER.lock().expect("no panic") = Some(history.stream());
    drop(history);
    sleep(10 * SECOND).await;
    // It drops item 1, and has finished.
    let polled = Pin::new(&mut stream).poll_next(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(None)));
}
