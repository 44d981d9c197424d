// Requests and events, as `async fn` and as `fn`, with and without `Result`.

use wswrapper::{Context, Peer, WsError, ws_handlers, ws_service};

#[derive(Debug, thiserror::Error, WsError)]
pub enum CalcError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("more than {max}")]
    TooBig { max: i64 },
    #[error("{0} and {1}")]
    Pair(i64, String),
    #[error("io: {0}")]
    #[ws(internal)]
    Io(std::io::Error),
}

/// Calculates.
#[ws_service(channel = "calc")]
pub trait Calc {
    /// Adds two numbers.
    async fn add(&self, a: i64, b: i64) -> i64;
    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError>;
    fn version(&self) -> String;
    async fn whoami(&self, context: Context, name: Option<String>) -> String;
    #[ws(event)]
    async fn log(&self, line: String);
    #[ws(event)]
    fn clear(&self);
    async fn reset(&self);
}

struct Desk;

#[ws_handlers]
impl Calc for Desk {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError> {
        a.checked_div(b).ok_or(CalcError::DivisionByZero)
    }
    fn version(&self) -> String {
        "1".to_owned()
    }
    async fn whoami(&self, _context: Context, name: Option<String>) -> String {
        name.unwrap_or_default()
    }
    async fn log(&self, _line: String) {}
    fn clear(&self) {}
    async fn reset(&self) {}
}

async fn calls(peer: &Peer) -> Result<(), Box<dyn std::error::Error>> {
    let calc = CalcProxy::new(peer);
    let _sum: i64 = calc.add(1, 2).await?;
    let _quotient: i64 = calc.div(1, 2).await?;
    let _version: String = calc.version().await?;
    let _name: String = calc.whoami(Some("me".to_owned())).await?;
    let _sent = calc.log("a line").await;
    let _sent = calc.log(String::from("a line")).await;
    let _sent = calc.clear().await;
    calc.reset().await?;
    Ok(())
}

fn main() {
    let _ = calls;
    let _ = wswrapper::Server::builder().service(Desk);
}
