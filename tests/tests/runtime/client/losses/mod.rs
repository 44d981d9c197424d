//! The table “What is lost when” of the chapter `reconnecting`.

mod calls;
mod events;
mod services;
mod streams;

use futures_util::{StreamExt, stream};
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use wswrapper::client::{ClientBuilder, Reconnect};
use wswrapper::stream::History;
use wswrapper::{Client, Context, Scoped, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Log, SECOND};

/// The end of a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Loss,
    Restart,
    Stop,
}

const ENDS: [End; 3] = [End::Loss, End::Restart, End::Stop];

impl End {
    /// Ends the connection, and waits for the next one if there is one.
    async fn of(self, client: &Client, network: &Network) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Loss => {
                network.cut();
                opened(client, client.peer().epoch() + 1).await;
            }
            Self::Restart => client.restart().await?,
            Self::Stop => client.stop(SECOND).await,
        }
        Ok(())
    }
}

#[ws_service(channel = "desk")]
trait Desk {
    #[ws(event)]
    async fn note(&self, text: String);
    /// Has no response on the first connection.
    async fn order(&self, ctx: Context) -> u32;
    /// The same.
    #[ws(idempotent)]
    async fn price(&self, ctx: Context) -> u32;
    async fn count(&self) -> impl Stream<Item = u32> + Send;
    async fn history(&self) -> impl Stream<Item = u32> + Send;
    async fn cart(&self) -> Scoped<dyn Cart>;
}

#[ws_service]
trait Cart {
    async fn size(&self) -> u32;
}

#[derive(Clone, Default)]
struct Books {
    log: Log,
    runs: Arc<AtomicU32>,
    history: History<u32>,
}

impl Books {
    async fn second_run(&self) -> u32 {
        let run = self.runs.fetch_add(1, Ordering::Relaxed) + 1;
        if run == 1 {
            std::future::pending::<()>().await;
        }
        run
    }
}

#[ws_handlers]
impl Desk for Books {
    async fn note(&self, text: String) {
        self.log.add(text);
    }

    async fn order(&self, _ctx: Context) -> u32 {
        self.second_run().await
    }

    async fn price(&self, _ctx: Context) -> u32 {
        self.second_run().await
    }

    async fn count(&self) -> impl Stream<Item = u32> + Send {
        stream::iter(0..5).chain(stream::pending())
    }

    async fn history(&self) -> impl Stream<Item = u32> + Send {
        self.history.stream()
    }

    async fn cart(&self) -> Scoped<dyn Cart> {
        Scoped::new(Shelf)
    }
}

struct Shelf;

#[ws_handlers]
impl Cart for Shelf {
    async fn size(&self) -> u32 {
        3
    }
}

async fn connected(builder: ClientBuilder) -> Result<(Client, Network, Books), Box<dyn Error>> {
    let books = Books::default();
    let network = Network::serving(Server::builder().service(books.clone()));
    let client = builder.reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    Ok((client, network, books))
}
