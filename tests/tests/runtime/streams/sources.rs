//! Streams whose sources and handlers can be observed.

use futures_util::{StreamExt, stream};
use serde_json::Value;
use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use wswrapper::{Context, Stream, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Log};

#[ws_service]
pub(crate) trait Sources {
    /// Returns 1, 2, 3 and so on.
    async fn endless(&self, ctx: Context) -> impl Stream<Item = u32> + Send;
    /// Returns `after` numbers, and then neither an item nor the finish.
    async fn stalls(&self, after: u32) -> impl Stream<Item = u32> + Send;
    async fn counted(&self, to: u32) -> impl Stream<Item = u32> + Send;
    /// Never returns its stream.
    async fn late(&self, ctx: Context) -> impl Stream<Item = u32> + Send;
    /// Waits before it returns its stream.
    async fn slow(&self, milliseconds: u64) -> impl Stream<Item = u32> + Send;
    /// Sends an event before each item.
    async fn announced(&self, ctx: Context) -> impl Stream<Item = u32> + Send;
    async fn panics(&self, after: u32) -> impl Stream<Item = u32> + Send;
    /// Returns a second item whose keys cannot be encoded.
    async fn unwritable(&self) -> impl Stream<Item = BTreeMap<Option<Vec<u8>>, u8>> + Send;
    /// Fails with an error whose text must not be sent.
    async fn confidential(&self) -> impl Stream<Item = Result<u32, Box<dyn Error + Send + Sync>>> + Send;
    async fn echo(&self, value: Value) -> Value;
    async fn wait(&self);
}

#[derive(Clone, Default)]
pub(crate) struct SourcesService {
    /// The number of items that sources produced.
    pub(crate) produced: Arc<AtomicUsize>,
    /// Sources and handlers that have not been dropped.
    pub(crate) alive: Alive,
    /// The reasons of cancellations.
    pub(crate) log: Log,
}

impl SourcesService {
    pub(crate) fn produced(&self) -> usize {
        self.produced.load(Ordering::SeqCst)
    }

    fn source<S: Stream>(&self, items: S) -> impl Stream<Item = S::Item> + use<S> {
        let (produced, alive) = (Arc::clone(&self.produced), self.alive.guard());
        items.inspect(move |_| {
            let _ = &alive;
            produced.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn watch(&self, ctx: Context) {
        let log = self.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
    }
}

#[ws_handlers]
impl Sources for SourcesService {
    async fn endless(&self, ctx: Context) -> impl Stream<Item = u32> + Send {
        self.watch(ctx);
        self.source(stream::iter(1..))
    }

    async fn stalls(&self, after: u32) -> impl Stream<Item = u32> + Send {
        self.source(stream::iter(1..=after).chain(stream::pending()))
    }

    async fn counted(&self, to: u32) -> impl Stream<Item = u32> + Send {
        self.source(stream::iter(1..=to))
    }

    async fn late(&self, ctx: Context) -> impl Stream<Item = u32> + Send {
        let _alive = self.alive.guard();
        self.watch(ctx);
        std::future::pending::<()>().await;
        stream::empty()
    }

    async fn slow(&self, milliseconds: u64) -> impl Stream<Item = u32> + Send {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        self.source(stream::iter(1..))
    }

    async fn announced(&self, ctx: Context) -> impl Stream<Item = u32> + Send {
        stream::iter(1..).then(move |n| {
            let sent = ctx.peer().emit("coming", (n,));
            async move { sent.await.map_or(0, |()| n) }
        })
    }

    async fn panics(&self, after: u32) -> impl Stream<Item = u32> + Send {
        self.source(stream::iter(1..=after).chain(stream::poll_fn(|_| panic!("the source broke"))))
    }

    async fn unwritable(&self) -> impl Stream<Item = BTreeMap<Option<Vec<u8>>, u8>> + Send {
        let bad = BTreeMap::from([(Some(vec![1]), 1)]);
        self.source(stream::iter([BTreeMap::new(), bad, BTreeMap::new()]))
    }

    async fn confidential(&self) -> impl Stream<Item = Result<u32, Box<dyn Error + Send + Sync>>> + Send {
        self.source(stream::iter([Ok(1), Err("the password is 1234".into()), Ok(2)]))
    }

    async fn echo(&self, value: Value) -> Value {
        value
    }

    async fn wait(&self) {
        let _alive = self.alive.guard();
        std::future::pending::<()>().await;
    }
}
