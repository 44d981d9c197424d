//! Handlers on the blocking pool and in tasks of their own.

mod cancellation;
mod flushes;
mod results;
mod tasks;
mod threads;

use serde::{Serialize, Serializer};
use std::future::pending;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task;
use wswrapper::{Context, Server, WsError, server::ServerBuilder, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Log, Pair, RawPeer, pair};

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum MeasureError {
    #[error("{0} is too long")]
    TooLong(usize),
}

/// Cannot be encoded.
struct Unencodable;

impl Serialize for Unencodable {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no words for it"))
    }
}

#[ws_service]
trait Work {
    /// Runs in the connection's own task.
    async fn here(&self) -> String;

    #[ws(blocking)]
    fn block(&self, ctx: Context) -> String;
    #[ws(blocking)]
    fn measure_blocking(
        &self,
        ctx: Context,
        text: &str,
        bytes: &[u8],
        more: Option<usize>,
    ) -> Result<usize, MeasureError>;
    #[ws(blocking)]
    fn panic_blocking(&self) -> u8;
    #[ws(blocking)]
    fn nothing_blocking(&self);
    #[ws(event, blocking)]
    fn note_blocking(&self, ctx: Context, text: String);

    #[ws(spawn)]
    async fn compute(&self) -> bool;
    #[ws(spawn)]
    async fn wait(&self, ctx: Context) -> u8;
    #[ws(spawn)]
    async fn measure_spawned(
        &self,
        ctx: Context,
        text: &str,
        bytes: &[u8],
        more: Option<usize>,
    ) -> Result<usize, MeasureError>;
    #[ws(spawn)]
    async fn panic_spawned(&self) -> u8;
    #[ws(spawn)]
    async fn none_spawned(&self) -> Option<u8>;
    #[ws(spawn)]
    async fn unspeakable(&self) -> Unencodable;
    #[ws(event, spawn)]
    async fn note_spawned(&self, ctx: Context, text: String);
    #[ws(event, spawn)]
    async fn panic_unheard(&self);
}

#[derive(Clone, Default)]
struct Worker {
    started: Started,
    running: Alive,
    gate: Gate,
    log: Log,
}

#[ws_handlers]
impl Work for Worker {
    async fn here(&self) -> String {
        task_id()
    }

    fn block(&self, ctx: Context) -> String {
        let running = self.running.guard();
        self.started.notify();
        let opened = self.gate.wait();
        let why = ctx.reason().map(ToString::to_string).unwrap_or_default();
        self.log.add(format!("opened: {opened}, cancelled: {why:?}"));
        drop(running);
        why
    }

    fn measure_blocking(
        &self,
        ctx: Context,
        text: &str,
        bytes: &[u8],
        more: Option<usize>,
    ) -> Result<usize, MeasureError> {
        self.measure(&ctx, text, bytes, more)
    }

    fn panic_blocking(&self) -> u8 {
        self.log.add(task_id());
        panic!("no more {}", "threads")
    }

    fn nothing_blocking(&self) {
        self.log.add(task_id());
    }

    fn note_blocking(&self, ctx: Context, text: String) {
        self.note(&ctx, &text);
    }

    async fn compute(&self) -> bool {
        self.started.notify();
        self.gate.wait()
    }

    async fn wait(&self, ctx: Context) -> u8 {
        let _running = self.running.guard();
        let log = self.log.clone();
        log.add(task_id());
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        self.started.notify();
        pending().await
    }

    async fn measure_spawned(
        &self,
        ctx: Context,
        text: &str,
        bytes: &[u8],
        more: Option<usize>,
    ) -> Result<usize, MeasureError> {
        task::yield_now().await;
        self.measure(&ctx, text, bytes, more)
    }

    async fn panic_spawned(&self) -> u8 {
        self.log.add(task_id());
        panic!("no more {}", "tasks")
    }

    async fn none_spawned(&self) -> Option<u8> {
        self.log.add(task_id());
        None
    }

    async fn unspeakable(&self) -> Unencodable {
        self.log.add(task_id());
        Unencodable
    }

    async fn note_spawned(&self, ctx: Context, text: String) {
        self.note(&ctx, &text);
    }

    async fn panic_unheard(&self) {
        self.log.add(task_id());
        panic!("nobody hears it")
    }
}

impl Worker {
    /// Returns a worker and a client that calls it.
    fn with_client() -> (Self, Pair, WorkProxy) {
        let worker = Self::default();
        let pair = pair(worker.server());
        let work = WorkProxy::new(&pair.client);
        (worker, pair, work)
    }

    /// Returns a worker and a peer that calls it with single frames.
    fn with_raw_peer() -> (Self, Server, RawPeer) {
        let worker = Self::default();
        let server = worker.server().build().expect("it can be mounted");
        let (raw, _) = RawPeer::dial(&server);
        (worker, server, raw)
    }

    fn server(&self) -> ServerBuilder {
        let log = self.log.clone();
        Server::builder().service(self.clone()).on_error(move |_, error| log.add(error.to_string()))
    }

    fn measure(&self, ctx: &Context, text: &str, bytes: &[u8], more: Option<usize>) -> Result<usize, MeasureError> {
        assert!(ctx.is_request() && !ctx.is_cancelled());
        self.log.add(task_id());
        match text.len() {
            length if length > 10 => Err(MeasureError::TooLong(length)),
            length => Ok(length + bytes.len() + more.unwrap_or_default()),
        }
    }

    fn note(&self, ctx: &Context, text: &str) {
        assert!(!ctx.is_request());
        self.log.add(format!("{text} {}", task_id()));
    }
}

/// Returns the id of the current task. A blocking handler runs in a task, too.
fn task_id() -> String {
    format!("{:?}", task::try_id())
}

/// Counts handlers that have started.
#[derive(Clone)]
struct Started(Arc<Semaphore>);

impl Default for Started {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }
}

impl Started {
    fn notify(&self) {
        self.0.add_permits(1);
    }

    async fn next(&self) {
        let started = tokio::time::timeout(Duration::from_secs(20), self.0.acquire()).await;
        started.expect("the handler never started").expect("the semaphore is never closed").forget();
    }
}

/// Blocks a thread until a test opens it.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        let (open, changed) = &*self.0;
        *open.lock().expect("no panic under it") = true;
        changed.notify_all();
    }

    /// Returns false after ten seconds without `open`, so that a failing test finishes.
    fn wait(&self) -> bool {
        let (open, changed) = &*self.0;
        let open = open.lock().expect("no panic under it");
        let (open, _) =
            changed.wait_timeout_while(open, Duration::from_secs(10), |open| !*open).expect("no panic under it");
        *open
    }
}
