//! A scoped service: a call returns a service that only its caller can use, with calls in both directions.
//!
//! Run `cargo run --example scoped_calculator`. A client opens two calculators and prints their results. The server asks
//! it before it clears a calculator, and prints a line when it drops one.

mod arguments;

use std::sync::Mutex;
use wswrapper::{Client, Context, Scoped, Server, ws_handlers, ws_service};

#[ws_service(channel = "office")]
trait Office {
    /// Opens a calculator with the value `start`.
    async fn calculator(&self, start: i64) -> Scoped<dyn Calculator>;
}

/// The scoped service, implemented by the server.
#[ws_service]
trait Calculator {
    /// Adds `n` and returns the new value.
    async fn add(&self, n: i64) -> i64;
    /// Asks the caller and, if it agrees, sets the value to zero. Returns the value.
    async fn clear(&self, ctx: Context) -> Result<i64, String>;
}

/// Called by a calculator, implemented by the client that has opened it.
#[ws_service]
trait Operator {
    /// Returns true if `number` may be cleared.
    async fn may_clear(&self, number: i64) -> bool;
}

struct OfficeService;

#[ws_handlers]
impl Office for OfficeService {
    async fn calculator(&self, start: i64) -> Scoped<dyn Calculator> {
        Scoped::new(Accumulator(Mutex::new(start)))
    }
}

/// The value of one calculator. It is dropped when the caller drops its proxy.
struct Accumulator(Mutex<i64>);

impl Drop for Accumulator {
    fn drop(&mut self) {
        println!("the server: a calculator is put away at {}", self.0.lock().unwrap());
    }
}

#[ws_handlers]
impl Calculator for Accumulator {
    async fn add(&self, n: i64) -> i64 {
        let mut value = self.0.lock().unwrap();
        *value += n;
        *value
    }

    async fn clear(&self, ctx: Context) -> Result<i64, String> {
        // A call on the channel of this calculator goes to the client that has opened it.
        let channel = ctx.current_channel().ok_or("not called on a channel")?;
        let number = *self.0.lock().unwrap();
        if OperatorProxy::new(&channel).may_clear(number).await.map_err(|error| error.to_string())? {
            *self.0.lock().unwrap() = 0;
        }
        Ok(*self.0.lock().unwrap())
    }
}

struct Confirmer;

#[ws_handlers]
impl Operator for Confirmer {
    async fn may_clear(&self, number: i64) -> bool {
        println!("the client is asked whether it needs {number}");
        number < 50
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let listener = Server::builder().service(OfficeService).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());

    let client = Client::connect(&url).await?;
    let office = OfficeProxy::new(&client);

    // Each calculator has its own channel, which closes when its proxy is dropped.
    let first = office.calculator(40).serve(Confirmer).await?;
    let second = office.calculator(100).await?;
    println!("40 + 2 = {}, 100 + 2 = {}", first.add(2).await?, second.add(2).await?);
    println!("cleared: {}, 60 more: {}", first.clear().await?, first.add(60).await?);
    println!("not cleared: {}", first.clear().await?);
    drop(first);
    println!("the other one goes on: {}", second.add(1).await?);
    Ok(())
}
