//! The main channel, with one service object for each connection.

use crate::scoped::{Calculator, CalculatorService, ChunkedUpload, ReceivedChunks};
use futures_util::stream;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::sleep;
use wswrapper::{CallError, Context, Scoped, Stream, error::Rejection, ws_handlers, ws_service};

pub(crate) const OVERFLOW: &str = "the result is more than 64 bits can hold";

/// The state that all connections share.
#[derive(Default)]
pub(crate) struct Shared {
    tickers: AtomicUsize,
}

/// The state of one connection.
pub(crate) struct Session {
    shared: Arc<Shared>,
    name: Mutex<Option<String>>,
    cancelled: AtomicUsize,
}

/// Served by the clients.
#[ws_service]
trait News {
    #[ws(event)]
    async fn news(&self, text: String);
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, name: Mutex::default(), cancelled: AtomicUsize::new(0) }
    }
}

#[ws_handlers]
impl Session {
    pub async fn echo(&self, value: Value) -> Value {
        value
    }

    pub async fn add(&self, a: i64, b: i64) -> Result<i64, &'static str> {
        a.checked_add(b).ok_or(OVERFLOW)
    }

    pub async fn concat(&self, parts: Vec<String>) -> String {
        parts.concat()
    }

    pub async fn fail(&self, message: String) -> Result<(), String> {
        Err(message)
    }

    pub async fn fail_value(&self, value: Value) -> Result<(), Rejection> {
        Err(Rejection::value(value))
    }

    pub async fn nothing(&self) {}

    pub async fn maybe(&self, first: Value, second: Option<Value>) -> (Value, Option<Value>) {
        (first, second)
    }

    pub async fn slow(&self, milliseconds: u64) -> String {
        let mut call = SlowCall { cancelled: &self.cancelled, finished: false };
        sleep(Duration::from_millis(milliseconds)).await;
        call.finished = true;
        "done".to_owned()
    }

    pub async fn cancelled(&self) -> usize {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub async fn set_name(&self, name: String) {
        *self.name.lock().unwrap_or_else(PoisonError::into_inner) = Some(name);
    }

    pub async fn whoami(&self) -> Option<String> {
        self.name.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn ask_name(&self, ctx: Context) -> Result<Value, String> {
        ctx.peer().request::<Value>("getName", ()).await.map_err(|error| error.to_string())
    }

    pub async fn ask_fail(&self, ctx: Context) -> Result<String, String> {
        match ctx.peer().request::<Value>("boom", ()).await {
            Err(CallError::Handler(rejection)) => Ok(rejection.to_string()),
            Err(error) => Err(error.to_string()),
            Ok(value) => Err(format!("boom did not fail, it gave {value}")),
        }
    }

    pub async fn broadcast(&self, ctx: Context, text: String) -> Result<usize, String> {
        let delivery = NewsProxy::new(ctx.broadcast()).news(text).await.map_err(|error| error.to_string())?;
        Ok(delivery.sent)
    }

    pub async fn close_me(&self, ctx: Context, code: u16, reason: String) -> Result<(), String> {
        // Other status codes are reserved: an endpoint must not send them.
        if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(format!("a connection cannot be closed with {code}"));
        }
        ctx.peer().close(code, reason);
        Ok(())
    }

    pub async fn calculator(&self) -> Scoped<dyn Calculator> {
        Scoped::new(CalculatorService)
    }

    pub async fn upload(&self) -> Scoped<dyn ChunkedUpload> {
        Scoped::new(ReceivedChunks::default())
    }

    pub async fn count(&self, n: i64) -> impl Stream<Item = i64> + Send {
        stream::iter(1..=n)
    }

    pub async fn boom_stream(&self, n: i64) -> impl Stream<Item = Result<i64, &'static str>> + Send {
        stream::iter((1..=n).map(Ok).chain([Err("boom")]))
    }

    pub async fn ticker(&self, milliseconds: u64) -> impl Stream<Item = u64> + Send {
        let period = Duration::from_millis(milliseconds);
        let running = RunningTicker::new(&self.shared);
        stream::unfold((1, running), move |(tick, running)| async move {
            sleep(period).await;
            Some((tick, (tick + 1, running)))
        })
    }

    pub async fn tickers(&self) -> usize {
        self.shared.tickers.load(Ordering::Relaxed)
    }
}

/// A call of `slow`. It counts as cancelled if it is dropped before it has finished.
struct SlowCall<'a> {
    cancelled: &'a AtomicUsize,
    finished: bool,
}

impl Drop for SlowCall<'_> {
    fn drop(&mut self) {
        if !self.finished {
            self.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Counts a ticker as running until it is dropped.
struct RunningTicker {
    shared: Arc<Shared>,
}

impl RunningTicker {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.tickers.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(shared) }
    }
}

impl Drop for RunningTicker {
    fn drop(&mut self) {
        self.shared.tickers.fetch_sub(1, Ordering::Relaxed);
    }
}
