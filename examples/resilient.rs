//! A client that outlives its connections: a stream goes on although its server is killed twice and started again.
//!
//! Run `cargo run --example resilient`. It prints the states of the client, each seam of the stream, and at last that no
//! number is missing and none came twice. It takes about eight seconds.

mod arguments;

use futures_util::stream;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use wswrapper::client::{ClientState, Reconnect};
use wswrapper::error::ServeError;
use wswrapper::{Client, Peer, Server, Stream, ws_handlers, ws_service};

const NUMBERS: u64 = 70;
/// Time between two numbers.
const TICK: Duration = Duration::from_millis(100);

#[ws_service(channel = "counter")]
trait Counter {
    /// Streams the numbers after `last`, each when it is there. So a client continues where it was.
    async fn count(&self, last: u64) -> impl Stream<Item = u64> + Send;
}

/// The newest number. It stands for a database, which goes on without the server.
#[derive(Clone)]
struct Numbers(watch::Receiver<u64>);

#[ws_handlers]
impl Counter for Numbers {
    async fn count(&self, last: u64) -> impl Stream<Item = u64> + Send {
        stream::unfold((self.0.clone(), last + 1), |(mut newest, next)| async move {
            newest.wait_for(|newest| *newest >= next).await.ok()?;
            Some((next, (newest, next + 1)))
        })
    }
}

/// Serves on this port until the task is aborted.
async fn serve(numbers: &Numbers, port: u16) -> Result<(Server, SocketAddr, JoinHandle<()>), ServeError> {
    let listener = Server::builder().service(numbers.clone()).bind(("127.0.0.1", port)).await?;
    let (server, address) = (listener.server().clone(), listener.local_addr());
    Ok((server, address, tokio::spawn(async { drop(listener.serve().await) })))
}

/// Kills the server twice, and starts it again after a while.
async fn trouble(numbers: Numbers, mut server: Server, port: u16, mut task: JoinHandle<()>) -> Result<(), ServeError> {
    for pause in [Duration::from_millis(500), Duration::from_secs(2)] {
        sleep(Duration::from_millis(1_500)).await;
        println!("the server is killed"); // without a goodbye, as at the end of its process
        task.abort();
        server.peers().iter().for_each(Peer::abort_connection);
        sleep(pause).await;
        println!("the server is started");
        (server, _, task) = serve(&numbers, port).await?;
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

/// Takes all numbers, and opens the stream again after each seam.
async fn take(counter: CounterProxy) -> Result<(), Box<dyn std::error::Error>> {
    let mut last = 0;
    while last < NUMBERS {
        // The call waits for the next connection.
        let mut numbers = counter.count(last).queue(Duration::from_secs(10)).await?;
        println!("the stream goes on after {last}");
        while last < NUMBERS {
            match numbers.try_next().await {
                Ok(Some(number)) if number == last + 1 => last = number,
                Ok(other) => return Err(format!("{other:?} came after {last}").into()),
                Err(error) => {
                    println!("seam after {last}: {error}");
                    break;
                }
            }
        }
    }
    println!("all {NUMBERS} numbers came, in their order, each once");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let (newest, numbers) = watch::channel(0);
    tokio::spawn(async move {
        loop {
            sleep(TICK).await;
            newest.send_modify(|newest| *newest += 1);
        }
    });
    let numbers = Numbers(numbers);
    let (server, address, task) = serve(&numbers, 0).await?;
    let policy = Reconnect::default().max_delay(Duration::from_secs(1));
    let client = Client::builder().reconnect(policy).connect(format!("ws://{address}")).await?;
    let states = tokio::spawn(print_states(client.state()));
    tokio::select! {
        taken = take(CounterProxy::new(&client)) => taken?,
        failed = trouble(numbers, server, address.port(), task) => failed?,
    }
    client.stop(Duration::from_secs(1)).await;
    Ok(states.await?)
}
