//! Streams: a finite one that is read completely, and an infinite one that finishes when its consumer is dropped.
//!
//! Run `cargo run --example ticker`. It prints an average over the first stream, three items of the second stream, and
//! the number of items that the server skipped because the client was slow.

mod arguments;

use futures_util::stream;
use std::time::Duration;
use tokio::time::{interval, sleep};
use wswrapper::{CallError, Client, Server, Stream, ws_handlers, ws_service};

#[ws_service(channel = "market")]
trait Market {
    /// Streams one price for each day.
    async fn history(&self, of: &str, days: u32) -> Result<impl Stream<Item = u32> + Send, String>;
    /// Streams a price every ten milliseconds. A slow caller gets only the latest one.
    #[ws(on_full = "latest")]
    async fn prices(&self, of: &str) -> impl Stream<Item = u32> + Send;
}

struct MarketService;

/// Prints a line when the stream of prices is dropped.
struct PriceFeed(String);

impl Drop for PriceFeed {
    fn drop(&mut self) {
        println!("the server: nobody looks at the price of {} any more", self.0);
    }
}

#[ws_handlers]
impl Market for MarketService {
    async fn history(&self, of: &str, days: u32) -> Result<impl Stream<Item = u32> + Send, String> {
        if of != "tea" {
            return Err(format!("{of} is not sold here"));
        }
        Ok(stream::iter((0..days).map(|day| 400 + day % 7)))
    }

    async fn prices(&self, of: &str) -> impl Stream<Item = u32> + Send {
        let ticks = (interval(Duration::from_millis(10)), 400, PriceFeed(of.to_owned()));
        stream::unfold(ticks, |(mut clock, price, feed)| async move {
            clock.tick().await;
            Some((price, (clock, price + 1, feed)))
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let listener = Server::builder().service(MarketService).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());

    let client = Client::connect(&url).await?;
    let market = MarketProxy::new(&client);

    // The server sends at most 256 items ahead of those that were taken.
    let mut history = market.history("tea", 10_000).await?.window(256);
    let (mut days, mut sum) = (0, 0);
    while let Some(price) = history.try_next().await? {
        (days, sum) = (days + 1, sum + price);
    }
    println!("{days} days of tea: {} on average", sum / days);
    if let Err(CallError::Handler(error)) = market.history("coal", 1).await {
        println!("no history: {error}");
    }

    // While the client sleeps, one price waits at the client and the latest one at the server.
    let mut prices = market.prices("tea").await?.window(1);
    for _ in 0..3 {
        let Some(price) = prices.try_next().await? else { break };
        println!("tea at {price}, and {} prices were left out so far", prices.lost());
        sleep(Duration::from_millis(100)).await;
    }
    // Dropping the stream finishes it at the server, before the next call is answered.
    drop(prices);
    if let Some(price) = market.history("tea", 1).await?.try_next().await? {
        println!("and now it is {price} again");
    }
    Ok(())
}
