//! Streams that callers send to handlers.

mod early_finish;
mod listening;
mod results;
mod timeouts;
mod wire;

use futures_util::stream::{self, FusedStream};
use futures_util::{Stream, StreamExt};
use serde::ser::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;
use wswrapper::{CallError, Context, Server, Upload, WsError, server::ServerBuilder, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Log, nothing_is_left};

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum Lost {
    #[error("lost at {at}")]
    At { at: usize },
}

/// A number that cannot be encoded if it is odd.
#[derive(Deserialize)]
struct Even(u8);

impl Serialize for Even {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(2) {
            self.0.serialize(serializer)
        } else {
            Err(S::Error::custom(format!("{} is odd", self.0)))
        }
    }
}

#[ws_service]
trait Depot {
    async fn sum(&self, start: i64, numbers: Upload<i64>, unit: &str) -> String;
    async fn collect(&self, parts: Upload<String, Lost>) -> Result<String, Lost>;
    async fn store(&self, numbers: Upload<i64>);
    async fn first(&self, most: usize, numbers: Upload<i64>) -> Vec<i64>;
    async fn refuse(&self, numbers: Upload<i64>) -> Result<(), Lost>;
    async fn let_go(&self, most: usize, numbers: Upload<i64>) -> usize;
    async fn wait(&self, ctx: Context, numbers: Upload<i64>);
    async fn slow(&self, window: u32, numbers: Upload<i64>) -> usize;
    async fn panics(&self, after: usize, numbers: Upload<i64>) -> u8;
    async fn even(&self, numbers: Upload<Even>) -> usize;
    async fn hand_on(&self, wait: bool, numbers: Upload<i64, Lost>);
    /// Returns `is_terminated` of the upload before the first item and after each.
    async fn terminated(&self, numbers: Upload<i64, Lost>) -> Vec<bool>;
    async fn quick(&self) -> u8 {
        1
    }
}

/// A service whose handlers can be observed. `slow` takes one item for each permit.
#[derive(Clone)]
struct DepotService {
    handlers: Alive,
    log: Log,
    permits: Arc<Semaphore>,
}

impl Default for DepotService {
    fn default() -> Self {
        Self { handlers: Alive::default(), log: Log::default(), permits: Arc::new(Semaphore::new(0)) }
    }
}

#[ws_handlers]
impl Depot for DepotService {
    async fn sum(&self, start: i64, mut numbers: Upload<i64>, unit: &str) -> String {
        let _alive = self.handlers.guard();
        let mut sum = start;
        while let Some(number) = numbers.next().await {
            match number {
                Ok(number) => sum += number,
                Err(error) => return error.to_string(),
            }
        }
        assert!(numbers.next().await.is_none(), "an item followed the finish");
        format!("{sum} {unit}")
    }

    async fn collect(&self, mut parts: Upload<String, Lost>) -> Result<String, Lost> {
        let mut all = String::new();
        loop {
            match parts.next().await {
                Some(Ok(part)) => all += &part,
                Some(Err(CallError::Handler(Lost::At { at: 0 }))) => return Err(Lost::At { at: all.len() }),
                Some(Err(error)) => {
                    assert!(parts.next().await.is_none(), "an item followed the error");
                    return Ok(format!("{all} and {error}"));
                }
                None => return Ok(all),
            }
        }
    }

    async fn store(&self, mut numbers: Upload<i64>) {
        while let Some(Ok(number)) = numbers.next().await {
            self.log.add(number.to_string());
        }
    }

    async fn first(&self, most: usize, numbers: Upload<i64>) -> Vec<i64> {
        numbers.take(most).filter_map(|number| std::future::ready(number.ok())).collect().await
    }

    async fn refuse(&self, _numbers: Upload<i64>) -> Result<(), Lost> {
        Err(Lost::At { at: 7 })
    }

    async fn let_go(&self, most: usize, numbers: Upload<i64>) -> usize {
        let count = numbers.take(most).count().await;
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        permit.forget();
        count
    }

    async fn wait(&self, ctx: Context, _numbers: Upload<i64>) {
        let _alive = self.handlers.guard();
        let log = self.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        std::future::pending::<()>().await;
    }

    async fn slow(&self, window: u32, numbers: Upload<i64>) -> usize {
        let mut numbers = numbers.window(window);
        let mut count = 0;
        loop {
            self.permits.acquire().await.expect("the semaphore is never closed").forget();
            let Some(_) = numbers.next().await else { return count };
            count += 1;
            self.log.add(count.to_string());
        }
    }

    async fn panics(&self, after: usize, numbers: Upload<i64>) -> u8 {
        let _alive = self.handlers.guard();
        let count = numbers.take(after).count().await;
        panic!("after {count}")
    }

    async fn even(&self, mut numbers: Upload<Even>) -> usize {
        let _alive = self.handlers.guard();
        let mut count = 0;
        while let Some(Ok(Even(_))) = numbers.next().await {
            count += 1;
        }
        count
    }

    async fn hand_on(&self, wait: bool, mut numbers: Upload<i64, Lost>) {
        let (alive, log) = (self.handlers.guard(), self.log.clone());
        tokio::spawn(async move {
            while let Some(number) = numbers.next().await {
                log.add(number.map_or_else(|error| error.to_string(), |number| number.to_string()));
            }
            drop(alive);
        });
        if wait {
            std::future::pending::<()>().await;
        }
    }

    async fn terminated(&self, mut numbers: Upload<i64, Lost>) -> Vec<bool> {
        let mut terminated = vec![numbers.is_terminated()];
        while numbers.next().await.is_some() {
            terminated.push(numbers.is_terminated());
        }
        terminated.push(numbers.is_terminated());
        terminated
    }
}

fn depot_server() -> (DepotService, ServerBuilder) {
    let service = DepotService::default();
    let errors = service.log.clone();
    let server = Server::builder().service_as::<dyn Depot>(service.clone());
    (service, server.on_error(move |_, error| errors.add(error.to_string())))
}

/// Counts the polled items of streams, and the streams that are alive.
#[derive(Clone, Default)]
struct WatchedSource {
    alive: Alive,
    polled: Arc<AtomicUsize>,
}

impl WatchedSource {
    /// Returns 1, 2, 3 and so on.
    fn numbers(&self) -> impl Stream<Item = i64> + Send + use<> {
        let (alive, polled) = (self.alive.guard(), Arc::clone(&self.polled));
        stream::iter(1..).inspect(move |_| {
            let _ = &alive;
            polled.fetch_add(1, Ordering::SeqCst);
        })
    }

    fn polled(&self) -> usize {
        self.polled.load(Ordering::SeqCst)
    }
}
