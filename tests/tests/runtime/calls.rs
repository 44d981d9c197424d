//! Calls through proxies: results, errors, arguments, both directions.

#![allow(clippy::similar_names, reason = "`call` and `calc` are plain names")]

mod defaults;
mod errors;
mod executors;
mod frames;
mod null;
mod proxies;
mod rejections;
mod thread_waker;
mod waiting;

use wswrapper::{Base64, Server, WsError, ws_handlers, ws_service};

#[ws_service(channel = "calc")]
trait Calc {
    async fn add(&self, a: i64, b: i64) -> i64;
    fn negate(&self, a: i64) -> i64;
    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError>;
    async fn maybe(&self, a: i64, b: Option<i64>, c: Option<i64>) -> (i64, Option<i64>, Option<i64>);
    async fn length(&self, text: &str) -> usize;
    async fn sum(&self, bytes: &[u8]) -> u32;
    async fn flip(&self, bytes: Base64) -> Base64;
    async fn nothing(&self);
    async fn none(&self) -> Option<u8>;
    async fn twice(&self, a: i64) -> i64 {
        self.add(a, a).await
    }
}

#[derive(Debug, PartialEq, thiserror::Error, WsError)]
enum CalcError {
    #[error("division by zero")]
    DivisionByZero,
    #[error("{0} and {1} do not go together")]
    Odd(i64, i64),
    #[error("{by} is too small")]
    TooSmall { by: i64 },
}

struct CalcService;

#[ws_handlers]
impl Calc for CalcService {
    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    fn negate(&self, a: i64) -> i64 {
        -a
    }

    async fn div(&self, a: i64, b: i64) -> Result<i64, CalcError> {
        match b {
            0 => Err(CalcError::DivisionByZero),
            1 => Err(CalcError::TooSmall { by: b }),
            b if a % b != 0 => Err(CalcError::Odd(a, b)),
            b => Ok(a / b),
        }
    }

    async fn maybe(&self, a: i64, b: Option<i64>, c: Option<i64>) -> (i64, Option<i64>, Option<i64>) {
        (a, b, c)
    }

    async fn length(&self, text: &str) -> usize {
        text.chars().count()
    }

    async fn sum(&self, bytes: &[u8]) -> u32 {
        bytes.iter().map(|byte| u32::from(*byte)).sum()
    }

    async fn flip(&self, bytes: Base64) -> Base64 {
        bytes.iter().rev().copied().collect::<Vec<_>>().into()
    }

    async fn nothing(&self) {}

    async fn none(&self) -> Option<u8> {
        None
    }
}

fn calc_server() -> wswrapper::server::ServerBuilder {
    Server::builder().service(CalcService)
}
