//! Streams that survive a lost connection.

mod adapters;
mod cuts;
mod gaps;
mod lifetimes;
mod positions;
mod wire;

use futures_util::{StreamExt, stream};
use std::error::Error;
use tokio::time::{sleep, timeout};
use wswrapper::call::Resubscribed;
use wswrapper::client::Reconnect;
use wswrapper::stream::{History, Seam, StreamEvent};
use wswrapper::{Client, Server, Stream, ws_handlers, ws_service};
use wswrapper_tests::SECOND;
use wswrapper_tests::network::Network;

#[ws_service(channel = "desk")]
pub(super) trait Ticker {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send;
    async fn squares(&self) -> impl Stream<Item = u64> + Send;
    async fn even(&self) -> impl Stream<Item = u64> + Send;
    #[ws(on_full = "drop_oldest")]
    async fn latest(&self) -> impl Stream<Item = u64> + Send;
    /// The items, and a 0 each second.
    async fn with_beats(&self) -> impl Stream<Item = u64> + Send;
    /// Each item twice.
    async fn twice(&self) -> impl Stream<Item = u64> + Send;
    async fn count_from(&self, first: u64) -> impl Stream<Item = u64> + Send;
}

/// Produces the items of a history.
#[derive(Clone)]
pub(super) struct Clock(pub(super) History<u64>);

impl Clock {
    fn push_all(&self, items: impl IntoIterator<Item = u64>) {
        for item in items {
            self.0.push(item);
        }
    }
}

#[ws_handlers]
impl Ticker for Clock {
    async fn ticks(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }

    async fn squares(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream().map(|n| n * n)
    }

    async fn even(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream().filter(|n| std::future::ready(n % 2 == 0))
    }

    async fn latest(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream()
    }

    async fn with_beats(&self) -> impl Stream<Item = u64> + Send {
        let beats = stream::unfold((), |()| async {
            sleep(SECOND).await;
            Some((0, ()))
        });
        stream::select(self.0.stream(), Box::pin(beats))
    }

    async fn twice(&self) -> impl Stream<Item = u64> + Send {
        self.0.stream().flat_map(|n| stream::iter([n, n]))
    }

    async fn count_from(&self, first: u64) -> impl Stream<Item = u64> + Send {
        stream::iter(first..first + 3).chain(stream::pending())
    }
}

/// A clock, and a client that connects to its server again.
async fn connected(clock: &Clock) -> Result<(Network, Client), Box<dyn Error>> {
    let network = Network::serving(Server::builder().service(clock.clone()));
    let client = network.client(Reconnect::default()).await?;
    Ok((network, client))
}

/// Polls a stream for half a second, so that its producer starts.
async fn nothing_arrives(stream: &mut (impl Stream + Unpin)) {
    assert!(timeout(SECOND / 2, stream.next()).await.is_err());
}

/// Returns a stream of the clock, whose first item was taken.
async fn begun_stream(clock: &Clock, client: &Client) -> Result<Resubscribed<u64>, Box<dyn Error>> {
    let mut ticks = TickerProxy::new(client).ticks().resumable().await?;
    nothing_arrives(&mut ticks).await;
    clock.0.push(1);
    assert_eq!(ticks.try_next().await?, Some(item(1)));
    Ok(ticks)
}

/// Takes events until none comes for half a second.
async fn until_quiet<E>(
    stream: &mut (impl Stream<Item = Result<StreamEvent<u64>, E>> + Unpin),
) -> Result<Vec<StreamEvent<u64>>, E> {
    let mut seen = Vec::new();
    while let Ok(event) = timeout(SECOND / 2, stream.next()).await {
        seen.push(event.expect("it has not finished")?);
    }
    Ok(seen)
}

fn item<T>(item: T) -> StreamEvent<T> {
    StreamEvent::Item(item)
}

fn seam<T>(seam: Seam) -> StreamEvent<T> {
    StreamEvent::Seam(seam)
}

fn items(events: &[StreamEvent<u64>]) -> Vec<u64> {
    events.iter().filter_map(|event| if let StreamEvent::Item(n) = event { Some(*n) } else { None }).collect()
}

fn seams(events: &[StreamEvent<u64>]) -> Vec<Seam> {
    events.iter().filter_map(|event| if let StreamEvent::Seam(seam) = event { Some(*seam) } else { None }).collect()
}
