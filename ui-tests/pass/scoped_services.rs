// The caller of a method that returns a scoped service gets the proxy of that service.

use wswrapper::{AnonymousChannel, Peer, Scoped, Stream, ws_handlers, ws_service};

#[ws_service]
trait Calculator {
    async fn add(&self, n: i64) -> i64;
    async fn history(&self) -> impl Stream<Item = i64> + Send;
}

#[ws_service]
trait Desk {
    async fn calculator(&self) -> Scoped<dyn Calculator>;
    async fn locked(&self, key: String) -> Result<Scoped<dyn Calculator>, String>;
    async fn plain(&self) -> Scoped<Plain>;
}

struct Sum(i64);

#[ws_handlers]
impl Calculator for Sum {
    async fn add(&self, n: i64) -> i64 {
        self.0 + n
    }
    async fn history(&self) -> impl Stream<Item = i64> + Send {
        futures_util::stream::iter([self.0])
    }
}

struct Plain;

#[ws_handlers(channel = "plain")]
impl Plain {
    pub async fn one(&self) -> i64 {
        1
    }
}

struct Office;

#[ws_handlers]
impl Desk for Office {
    async fn calculator(&self) -> Scoped<dyn Calculator> {
        Scoped::new(Sum(0))
    }
    async fn locked(&self, key: String) -> Result<Scoped<dyn Calculator>, String> {
        if key.is_empty() { Err("no key".to_owned()) } else { Ok(Scoped::new(Sum(1))) }
    }
    async fn plain(&self) -> Scoped<Plain> {
        Scoped::new(Plain)
    }
}

async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let desk = DeskProxy::new(peer);
    let calculator: CalculatorProxy<AnonymousChannel> = desk.calculator().await?;
    let _sum: i64 = calculator.add(1).await?;
    let mut history = calculator.history().await?;
    let _first = history.next().await;
    let _locked: CalculatorProxy<AnonymousChannel> = desk.locked("a".to_owned()).await?;
    let _one: i64 = desk.plain().await?.one().await?;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Office);
}
