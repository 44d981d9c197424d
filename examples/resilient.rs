//! A stream that survives its connections: its server is killed three times and started again.
//!
//! Run `cargo run --example resilient`. It prints the states of the client and each seam of the stream: no number is
//! missing, some are missing, and another history. It takes about nine seconds.

mod arguments;

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep};
use wswrapper::client::{ClientState, Reconnect};
use wswrapper::error::ServeError;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{Client, Peer, Server, Stream, ws_handlers, ws_service};

#[ws_service(channel = "counter")]
trait Counter {
    async fn count(&self) -> impl Stream<Item = u64> + Send;
}

/// Its history keeps the last 20 numbers for clients that come back.
struct Numbers(History<u64>);

#[ws_handlers]
impl Counter for Numbers {
    async fn count(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }
}

/// Counts up ten times a second, also while there is no server.
fn start_counting() -> History<u64> {
    let history = History::new().max_items(20);
    let (counted, mut clock) = (history.clone(), interval(Duration::from_millis(100)));
    tokio::spawn(async move {
        for number in 1.. {
            clock.tick().await;
            counted.push(number);
        }
    });
    history
}

/// Serves on this port until the task is aborted.
async fn serve(history: &History<u64>, port: u16) -> Result<(Server, SocketAddr, JoinHandle<()>), ServeError> {
    let listener = Server::builder().service(Numbers(history.clone())).bind(("127.0.0.1", port)).await?;
    let (server, address) = (listener.server().clone(), listener.local_addr());
    Ok((server, address, tokio::spawn(async { drop(listener.serve().await) })))
}

/// Kills the server, and starts it again: after a short time, after a long time, and without its history.
async fn trouble(mut history: History<u64>, mut server: Server, port: u16, mut task: JoinHandle<()>) -> ServeError {
    for (away, keeps_history) in [(500, true), (3_000, true), (500, false)] {
        sleep(Duration::from_millis(1_200)).await;
        println!("the server is killed"); // without a goodbye, as at the end of its process
        task.abort();
        server.peers().iter().for_each(Peer::abort_connection);
        sleep(Duration::from_millis(away)).await;
        if !keeps_history {
            history = start_counting();
        }
        println!("the server is started");
        (server, _, task) = match serve(&history, port).await {
            Ok(started) => started,
            Err(error) => return error,
        };
    }
    std::future::pending().await
}

/// Prints the states of the client.
async fn print_states(mut state: watch::Receiver<ClientState>) {
    while state.changed().await.is_ok() {
        match &*state.borrow_and_update() {
            ClientState::Connecting { attempt } => println!("  attempt {attempt}"),
            ClientState::Open { epoch } => println!("  connection {epoch} is open"),
            ClientState::Waiting { until, error } => {
                println!("  {error}; next attempt in {} ms", until.duration_since(Instant::now()).as_millis());
            }
            ClientState::Closed { cause } => return println!("  the client is closed: {cause}"),
        }
    }
}

/// Prints which numbers come, until some of the last server have come.
async fn take(counter: CounterProxy) -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = counter.count().resumable().await?;
    let (mut taken, mut is_fresh) = (Vec::new(), false);
    while let Some(event) = numbers.try_next().await? {
        match event {
            StreamEvent::Item(number) => taken.push(number),
            StreamEvent::Seam(seam) => {
                let (first, last) = (taken.first().unwrap_or(&0), taken.last().unwrap_or(&0));
                println!("the numbers {first} to {last}, and then: {seam:?}");
                is_fresh = seam == Seam::Fresh;
                taken.clear();
            }
        }
        if is_fresh && taken.len() == 5 {
            println!("the numbers {taken:?}");
            break;
        }
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let history = start_counting();
    let (server, address, task) = serve(&history, 0).await?;
    let policy = Reconnect::default().max_delay(Duration::from_millis(500));
    let client = Client::builder().reconnect(policy).connect(format!("ws://{address}")).await?;
    let states = tokio::spawn(print_states(client.state()));
    tokio::select! {
        taken = take(CounterProxy::new(&client)) => taken?,
        error = trouble(history, server, address.port(), task) => return Err(error.into()),
    }
    client.stop(Duration::from_secs(1)).await;
    Ok(states.await?)
}
