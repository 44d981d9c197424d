//! The table “What is lost when” of the chapter `reconnecting`.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use wswrapper::client::{ClientBuilder, Reconnect};
use wswrapper::error::SendError;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{CallError, Client, Context, Peer, Scoped, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::network::{Network, opened};
use wswrapper_tests::{Alive, Guard, Log, let_others_run, until};

const SECOND: Duration = Duration::from_secs(1);

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
        use futures_util::StreamExt as _;
        futures_util::stream::iter(0..5).chain(futures_util::stream::pending())
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
    let network = Network::with(Server::builder().service(books.clone()).build()?);
    let client = builder.reconnect(Reconnect::default()).connect_with(network.connector()).await?;
    Ok((client, network, books))
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_sent_fails_and_only_an_idempotent_one_is_sent_again() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, books) = connected(Client::builder()).await?;
        let order = tokio::spawn(DeskProxy::new(&client).order());
        until(|| books.runs.load(Ordering::Relaxed) == 1).await;
        end.of(&client, &network).await?;
        assert!(matches!(order.await?, Err(CallError::Closed(_))), "{end:?}");
        assert_eq!(books.runs.load(Ordering::Relaxed), 1);

        let (client, network, books) = connected(Client::builder()).await?;
        let price = tokio::spawn(DeskProxy::new(&client).price());
        until(|| books.runs.load(Ordering::Relaxed) == 1).await;
        end.of(&client, &network).await?;
        let price = price.await?;
        if end == End::Stop {
            assert!(matches!(price, Err(CallError::Closed(_))), "{price:?}");
        } else {
            assert_eq!(price.ok(), Some(2), "{end:?}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_a_connection_goes_on_waiting_until_a_stop() -> Result<(), Box<dyn Error>> {
    for end in [End::Restart, End::Stop] {
        let (client, network, books) = connected(Client::builder()).await?;
        books.runs.store(1, Ordering::Relaxed);
        network.set_server(None);
        network.cut();
        client.closed().await;
        let order = tokio::spawn(DeskProxy::new(&client).order().queue(60 * SECOND));
        let note = tokio::spawn(client.channel("desk").emit("note", ("queued",)).queue(60 * SECOND));
        let_others_run().await;
        match end {
            End::Stop => {
                client.stop(SECOND).await;
                assert!(matches!(order.await?, Err(CallError::NotSent(SendError::Closed(_)))));
                assert!(matches!(note.await?, Err(SendError::Closed(_))));
                assert_eq!((books.runs.load(Ordering::Relaxed), books.log.entries().len()), (1, 0));
            }
            _ => {
                network.set_server(Some(Server::builder().service(books.clone()).build()?));
                client.restart().await?;
                assert_eq!(order.await?.ok(), Some(2));
                note.await??;
                assert_eq!(books.log.has(1).await, ["queued"]);
            }
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn events_are_lost_with_a_connection_and_written_before_a_close() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, books) = connected(Client::builder()).await?;
        let desk = DeskProxy::new(&client);
        if end == End::Loss {
            // Nobody has written them when the network fails.
            desk.note("plain").await?;
            network.cut();
            let flushed = client.flush().await;
            assert!(matches!(flushed, Err(SendError::Closed(_))), "{flushed:?}");
            opened(&client, 2).await;
            assert_eq!(books.log.entries().len(), 0);
            // One that may wait has not left the client's queue yet, and goes to the next connection.
            let mut queued = Box::pin(client.channel("desk").emit("note", ("queued",)).queue(SECOND));
            assert!(futures_util::FutureExt::now_or_never(&mut queued).is_none());
            network.cut();
            queued.await?;
            assert_eq!((client.peer().epoch(), books.log.has(1).await), (3, vec!["queued".to_owned()]));
            continue;
        }
        let mut queued = Box::pin(client.channel("desk").emit("note", ("queued",)).queue(SECOND));
        for n in 0..100 {
            desk.note(n.to_string()).await?;
        }
        assert!(futures_util::FutureExt::now_or_never(&mut queued).is_none());
        end.of(&client, &network).await?;
        queued.await?;
        let noted = books.log.has(101).await;
        assert_eq!((noted[0].as_str(), noted[100].as_str(), noted.len()), ("0", "queued", 101), "{end:?}");
    }
    Ok(())
}

/// A service of the client.
struct Ask {
    epoch: u64,
    log: Log,
    alive: Alive,
    _guard: Guard,
}

#[ws_handlers]
impl Ask {
    pub async fn wait(&self) {
        self.log.add(format!("wait on {}", self.epoch));
        let _guard = self.alive.guard();
        std::future::pending::<()>().await;
    }

    pub async fn epoch(&self) -> u64 {
        self.epoch
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_services_of_the_connection_and_its_extensions_end_with_it() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (log, alive) = (Log::default(), Alive::default());
        let (logged, counted) = (log.clone(), alive.clone());
        let make = move |peer: &Peer| Ask {
            epoch: peer.epoch(),
            log: logged.clone(),
            alive: counted.clone(),
            _guard: counted.guard(),
        };
        let closing = Log::default();
        let seen = closing.clone();
        let on_close = move |peer: Peer, _| {
            seen.add(peer.extension::<u32>().map_or_else(|| "none".to_owned(), |n| n.to_string()));
            async {}
        };
        let server = Server::builder().build()?;
        let network = Network::with(server.clone());
        let builder = Client::builder().service_with(make).on_close(on_close).reconnect(Reconnect::default());
        let client = builder.connect_with(network.connector()).await?;
        client.peer().extensions().insert(7_u32);
        client.extensions().insert(8_u32);
        let peer = server.peers().remove(0);
        let asked = tokio::spawn(peer.request::<()>("wait", ()));
        assert_eq!(log.has(1).await, ["wait on 1"]);
        end.of(&client, &network).await?;
        assert!(matches!(asked.await?, Err(CallError::Closed(_))), "{end:?}");
        assert_eq!((closing.entries(), client.peer().extension::<u32>()), (vec!["7".to_owned()], None));
        assert_eq!(client.extensions().cloned::<u32>(), Some(8));
        if end != End::Stop {
            until(|| server.peers().len() == 1).await;
            assert_eq!(server.peers()[0].request::<u64>("epoch", ()).await?, 2);
        }
        // The handler and the service of the first connection were dropped.
        alive.becomes(usize::from(end != End::Stop)).await;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn streams_end_after_what_has_arrived_and_scoped_services_are_closed() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, _) = connected(Client::builder()).await?;
        let desk = DeskProxy::new(&client);
        let cart = desk.cart().await?;
        assert_eq!(cart.size().await?, 3);
        let mut numbers = desk.count().await?;
        assert_eq!(numbers.next().await.transpose()?, Some(0));
        let_others_run().await;
        end.of(&client, &network).await?;
        for n in 1..5 {
            assert_eq!(numbers.next().await.transpose()?, Some(n), "{end:?}");
        }
        let last = numbers.next().await;
        assert!(matches!(last, Some(Err(CallError::Closed(_)))), "{last:?}");
        let size = cart.size().await;
        assert!(matches!(size, Err(CallError::NotSent(_) | CallError::ChannelClosed(_))), "{size:?}");
        if end != End::Stop {
            assert_eq!(desk.cart().await?.size().await?, 3);
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_resubscribed_stream_goes_on_until_a_stop() -> Result<(), Box<dyn Error>> {
    for end in ENDS {
        let (client, network, books) = connected(Client::builder()).await?;
        let mut numbers = DeskProxy::new(&client).history().resumable().await?;
        assert!(timeout(SECOND, numbers.next()).await.is_err());
        books.history.push(1);
        books.history.push(2);
        assert_eq!(numbers.try_next().await?, Some(StreamEvent::Item(1)));
        let_others_run().await;
        end.of(&client, &network).await?;
        if end != End::Stop {
            books.history.push(3);
        }
        let mut rest = Vec::new();
        let last = loop {
            match timeout(SECOND, numbers.try_next()).await {
                Ok(Ok(Some(event))) => rest.push(event),
                last => break last,
            }
        };
        let items: Vec<_> = rest.iter().filter(|event| matches!(event, StreamEvent::Item(_))).collect();
        if end == End::Stop {
            assert_eq!(items, [&StreamEvent::Item(2)]);
            assert!(matches!(last, Ok(Err(CallError::Closed(_)))), "{last:?}");
        } else {
            assert_eq!(items, [&StreamEvent::Item(2), &StreamEvent::Item(3)], "{end:?}");
            assert!(last.is_err() && rest.contains(&StreamEvent::Seam(Seam::Resumed)), "{rest:?}");
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_a_pause_holds_is_dropped_with_its_connection() -> Result<(), Box<dyn Error>> {
    for end in [End::Loss, End::Restart] {
        let (client, network, _) = connected(Client::builder()).await?;
        let server = Server::builder().build()?;
        network.set_server(Some(server.clone()));
        client.restart().await?;
        let log = Log::default();
        let logged = log.clone();
        client.on("note", move |text: String| {
            logged.add(text);
            async {}
        })?;
        let pause = client.pause();
        server.peers()[0].emit("note", ("held",)).await?;
        let_others_run().await;
        end.of(&client, &network).await?;
        drop(pause);
        until(|| server.peers().len() == 1).await;
        server.peers()[0].emit("note", ("of the next connection",)).await?;
        assert_eq!(log.has(1).await, ["of the next connection"], "{end:?}");
    }
    Ok(())
}
