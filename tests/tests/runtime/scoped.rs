//! Services that are responses.

mod callbacks;
mod calls;
mod closing;
mod panics;
mod streams;
mod wire;

use futures_util::stream;
use std::sync::atomic::{AtomicI64, Ordering};
use wswrapper::{
    Context, Scoped, Server, Stream, Upload, WsError, error::Rejection, server::ServerBuilder, ws_handlers, ws_service,
};
use wswrapper_tests::{Alive, Guard, Log, Pair, pair};

#[ws_service]
trait Register {
    async fn add(&self, n: i64) -> i64;
    #[ws(event)]
    async fn note(&self, line: String);
    async fn wait(&self, ctx: Context);
    async fn rings(&self, ctx: Context, n: i64) -> Result<i64, Rejection>;
    async fn below(&self, start: i64) -> Scoped<dyn Register>;
    async fn count(&self) -> impl Stream<Item = i64> + Send;
    async fn sum(&self, numbers: Upload<i64>) -> i64;
}

/// A service of the caller on the channel of a register.
#[ws_service]
trait Bell {
    async fn ring(&self, n: i64) -> i64;
}

/// A service whose event names are reserved on the main channel.
#[ws_service(channel = "door")]
trait Door {
    async fn open(&self) -> String;
    async fn close(&self) -> String;
    #[ws(event)]
    async fn message(&self, text: String);
}

#[ws_service]
trait Office {
    async fn register(&self, start: i64) -> Scoped<dyn Register>;
    async fn locked(&self, key: &str) -> Result<Scoped<dyn Register>, Locked>;
    async fn door(&self) -> Scoped<dyn Door>;
    fn bomb(&self) -> Scoped<DropBomb>;
    async fn quick(&self) -> u8 {
        1
    }
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum Locked {
    #[error("{key} does not fit")]
    Key { key: String },
}

/// The services and handlers that are alive, and a log.
#[derive(Clone, Default)]
struct Observed {
    services: Alive,
    handlers: Alive,
    log: Log,
}

struct Sum {
    so_far: AtomicI64,
    observed: Observed,
    _alive: Guard,
}

impl Observed {
    fn sum(&self, start: i64) -> Scoped<dyn Register> {
        Scoped::new(Sum { so_far: start.into(), observed: self.clone(), _alive: self.services.guard() })
    }
}

#[ws_handlers]
impl Register for Sum {
    async fn add(&self, n: i64) -> i64 {
        self.so_far.fetch_add(n, Ordering::SeqCst) + n
    }

    async fn note(&self, line: String) {
        self.observed.log.add(format!("{line} {}", self.so_far.load(Ordering::SeqCst)));
    }

    async fn wait(&self, ctx: Context) {
        let _alive = self.observed.handlers.guard();
        let log = self.observed.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        std::future::pending::<()>().await;
    }

    async fn rings(&self, ctx: Context, n: i64) -> Result<i64, Rejection> {
        let channel = ctx.current_channel().ok_or_else(|| Rejection::new("it is on an anonymous channel"))?;
        BellProxy::new(channel).ring(n).await.map_err(Rejection::from_display)
    }

    async fn below(&self, start: i64) -> Scoped<dyn Register> {
        self.observed.sum(start)
    }

    async fn count(&self) -> impl Stream<Item = i64> + Send {
        let alive = self.observed.handlers.guard();
        stream::unfold((&self.so_far, alive), async |(sum, alive)| {
            Some((sum.fetch_add(1, Ordering::SeqCst), (sum, alive)))
        })
    }

    async fn sum(&self, mut numbers: Upload<i64>) -> i64 {
        let _alive = self.observed.handlers.guard();
        while let Some(Ok(n)) = numbers.next().await {
            self.so_far.fetch_add(n, Ordering::SeqCst);
        }
        self.so_far.load(Ordering::SeqCst)
    }
}

struct DoorService(Log);

#[ws_handlers]
impl Door for DoorService {
    async fn open(&self) -> String {
        "opened".to_owned()
    }

    async fn close(&self) -> String {
        "closed".to_owned()
    }

    async fn message(&self, text: String) {
        self.0.add(text);
    }
}

struct DropBomb;

#[ws_handlers]
impl DropBomb {
    pub fn tick(&self) -> u8 {
        1
    }
}

impl Drop for DropBomb {
    fn drop(&mut self) {
        panic!("boom");
    }
}

struct OfficeService(Observed);

#[ws_handlers]
impl Office for OfficeService {
    async fn register(&self, start: i64) -> Scoped<dyn Register> {
        self.0.sum(start)
    }

    async fn locked(&self, key: &str) -> Result<Scoped<dyn Register>, Locked> {
        if key == "brass" { Ok(self.0.sum(0)) } else { Err(Locked::Key { key: key.to_owned() }) }
    }

    async fn door(&self) -> Scoped<dyn Door> {
        Scoped::new(DoorService(self.0.log.clone()))
    }

    fn bomb(&self) -> Scoped<DropBomb> {
        Scoped::new(DropBomb)
    }
}

struct BellService(Log);

#[ws_handlers]
impl Bell for BellService {
    async fn ring(&self, n: i64) -> i64 {
        self.0.add(format!("rung {n}"));
        2 * n
    }
}

fn office_server() -> (Observed, ServerBuilder) {
    let observed = Observed::default();
    (observed.clone(), Server::builder().service_as::<dyn Office>(OfficeService(observed)))
}

/// Pairs an office server with a client.
fn connected_office() -> (Observed, Pair, OfficeProxy) {
    let (observed, server) = office_server();
    let pair = pair(server);
    let office = OfficeProxy::new(&pair.client);
    (observed, pair, office)
}
