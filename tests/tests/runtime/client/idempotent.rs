//! Calls that may be sent again.

use serde_json::json;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use wswrapper::client::Reconnect;
use wswrapper::connection::{CloseCause, Counters};
use wswrapper::error::Rejection;
use wswrapper::{AnonymousChannel, CallError, Client, Context, Limits, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::cable::{Delivery, Direction, Ending, Line};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{RawPeer, SECOND, let_others_run};

#[ws_service(channel = "desk")]
trait Desk {
    #[ws(idempotent)]
    async fn price(&self, of: String) -> Result<u32, String>;
    #[ws(idempotent)]
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn buy(&self, what: String) -> u32;
}

struct Shop(Arc<AtomicUsize>);

#[ws_handlers]
impl Desk for Shop {
    async fn price(&self, of: String) -> Result<u32, String> {
        self.0.fetch_add(1, Ordering::Relaxed);
        sleep(SECOND).await;
        if of == "tea" { Ok(12) } else { Err(format!("no {of}")) }
    }

    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        sleep(SECOND).await;
        futures_util::stream::iter(0..to)
    }

    async fn buy(&self, what: String) -> u32 {
        self.0.fetch_add(1, Ordering::Relaxed);
        sleep(SECOND).await;
        u32::try_from(what.len()).unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn only_idempotent_calls_are_sent_again_after_a_loss() -> Result<(), Box<dyn Error>> {
    let runs = Arc::<AtomicUsize>::default();
    let network = Network::serving(Server::builder().service(Shop(Arc::clone(&runs))));
    let client = network.client(Reconnect::default()).await?;
    let desk = DeskProxy::new(&client);
    let tea = tokio::spawn(desk.price("tea".to_owned()));
    let milk = tokio::spawn(desk.price("milk".to_owned()));
    let numbers = tokio::spawn(desk.count(3));
    let bought = tokio::spawn(desk.buy("tea".to_owned()));
    for epoch in 2..5 {
        sleep(SECOND / 2).await;
        network.cut();
        opened(&client, epoch).await;
    }
    assert_eq!(tea.await??, 12);
    assert!(matches!(milk.await?, Err(CallError::Handler(error)) if error == "no milk"));
    let mut numbers = numbers.await??;
    assert_eq!((numbers.try_next().await?, numbers.try_next().await?), (Some(0), Some(1)));
    assert!(matches!(bought.await?, Err(CallError::Closed(_))));
    assert_eq!(runs.load(Ordering::Relaxed), 1 + 2 * 4);
    drop(numbers);
    let_others_run().await;
    assert_eq!(client.counters(), Counters::default());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_timeout_of_a_call_counts_for_all_its_requests() -> Result<(), Box<dyn Error>> {
    let ([mut raw], connector) = RawPeer::in_turn();
    let client = Client::builder().reconnect(Reconnect::default()).connect_with(connector).await?;
    let began = Instant::now();
    let call = tokio::spawn(client.request::<u32>("price", ()).idempotent().timeout(10 * SECOND));
    assert_eq!(raw.receive().await["m"], json!({"t": 10_000}));
    sleep(4 * SECOND).await;
    drop(raw);
    assert!(matches!(call.await?, Err(CallError::TimedOut)));
    assert_eq!(began.elapsed(), 10 * SECOND);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_sent_again_has_the_time_that_is_left() -> Result<(), Box<dyn Error>> {
    let ([mut one, mut two], connector) = RawPeer::in_turn();
    let limits = Limits::default().heartbeat_interval(None);
    let policy = Reconnect::default().base_delay(Duration::ZERO);
    let client = Client::builder().limits(limits).reconnect(policy).connect_with(connector).await?;
    let call = tokio::spawn(client.request::<u32>("price", ("tea",)).idempotent().timeout(60 * SECOND));
    let first = one.receive().await;
    sleep(20 * SECOND).await;
    one.close(1012, "restart").await;
    let second = timeout(60 * SECOND, two.receive()).await?;
    assert_eq!((&second["a"], &second["m"]), (&json!(["price", "tea"]), &json!({"t": 40_000})));
    // A new id [P-36].
    assert_eq!(second["i"].as_u64(), first["i"].as_u64().map(|id| id + 1));
    two.send(&json!({"i": second["i"], "d": 5}).to_string()).await;
    assert_eq!(call.await??, 5);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_fails_as_closed_if_the_client_gives_up() -> Result<(), Box<dyn Error>> {
    let runs = Arc::<AtomicUsize>::default();
    let network = Network::serving(Server::builder().service(Shop(Arc::clone(&runs))));
    let policy = Reconnect::default().max_attempts(3);
    let client = network.client(policy).await?;
    let call = tokio::spawn(DeskProxy::new(&client).price("tea".to_owned()));
    sleep(SECOND / 2).await;
    network.lose_server();
    let failed = timeout(60 * SECOND, call).await??;
    assert!(matches!(&failed, Err(CallError::Closed(closed)) if closed.cause == CloseCause::Lost), "{failed:?}");
    // A client that does not connect again.
    let (raw, client) = RawPeer::accept(Client::builder());
    let call = tokio::spawn(client.request::<()>("call", ()).idempotent());
    let_others_run().await;
    drop(raw);
    assert!(matches!(call.await?, Err(CallError::Closed(_))));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_anonymous_channel_that_is_requested_again_has_the_handlers_of_the_call() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    server.on("enter", |ctx: Context| async move {
        sleep(SECOND).await;
        let channel = ctx.open_channel();
        channel.emit("told", (5,)).await.map_err(|error| Rejection::new(error.to_string()))?;
        Ok::<_, Rejection>(channel)
    })?;
    let network = Network::with(server);
    let client = network.client(Reconnect::default()).await?;
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let call = client.request::<AnonymousChannel>("enter", ()).idempotent();
    let call = call.on("told", move |n: u32| {
        let told = told.clone();
        async move { told.send(n).expect("the test waits") }
    })?;
    let opening = tokio::spawn(call);
    sleep(SECOND / 2).await;
    network.cut();
    let channel = opening.await??;
    assert_eq!(heard.recv().await, Some(5));
    drop(channel);
    Ok(())
}

/// The connection is cut at each byte of the request and of the response.
#[tokio::test(start_paused = true)]
async fn an_idempotent_call_is_answered_wherever_its_connection_is_cut() -> Result<(), Box<dyn Error>> {
    for direction in Direction::BOTH {
        for ending in Ending::BOTH {
            for passing in 0..80 {
                let runs = Arc::<AtomicUsize>::default();
                let server = Server::builder().any_origin().service(Shop(Arc::clone(&runs))).build()?;
                let connector = Line::connector(&server, Delivery::Whole, move |cable, number| {
                    if number < 2 {
                        cable.cut_after(direction, passing, ending);
                    }
                });
                let client = Client::builder().reconnect(Reconnect::default()).connect_with(connector).await?;
                let price = timeout(60 * SECOND, DeskProxy::new(&client).price("tea".to_owned()).queue(60 * SECOND));
                assert_eq!(price.await??, 12, "{direction:?} {ending:?} {passing}");
                assert!((1..=3).contains(&runs.load(Ordering::Relaxed)));
            }
        }
    }
    Ok(())
}
