//! Typed errors: the caller matches on the error value that the handler returned. Also a timeout.
//!
//! Run `cargo run --example calculator`. It prints one result, two errors and a timeout.

mod arguments;

use std::time::Duration;
use wswrapper::{CallError, Client, Server, WsError, ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calc {
    /// Adds `a` and `b`.
    async fn add(&self, a: i64, b: i64) -> Result<i64, CalcError>;
    /// Divides `a` by `b`.
    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError>;
    /// Returns a number after `seconds` seconds.
    async fn think(&self, seconds: u64) -> u32;
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum CalcError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("{a} + {b} is more than 64 bits can hold")]
    TooLarge { a: i64, b: i64 },
}

struct Calculator;

#[ws_handlers]
impl Calc for Calculator {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CalcError> {
        a.checked_add(b).ok_or(CalcError::TooLarge { a, b })
    }

    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError> {
        a.checked_div(b).ok_or(CalcError::DivisionByZero)
    }

    async fn think(&self, seconds: u64) -> u32 {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        42
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    arguments::none();
    let listener = Server::builder().service(Calculator).bind("127.0.0.1:0").await?;
    let url = format!("ws://{}", listener.local_addr());
    tokio::spawn(listener.serve());

    let client = Client::connect(&url).await?;
    let calc = CalcProxy::new(&client);

    println!("1 + 2 = {}", calc.add(1, 2).await?);
    match calc.div(1, 0).await {
        Err(CallError::Handler(CalcError::DivisionByZero)) => println!("1 / 0 is refused"),
        other => println!("1 / 0 gave {other:?}"),
    }
    if let Err(CallError::Handler(CalcError::TooLarge { a, b })) = calc.add(i64::MAX, 1).await {
        println!("{a} + {b} is too large");
    }
    // After the timeout the call is cancelled, and the server drops its handler.
    match calc.think(60).timeout(Duration::from_millis(100)).await {
        Err(CallError::TimedOut) => println!("nobody waits a minute for an answer"),
        other => println!("think gave {other:?}"),
    }
    Ok(())
}
