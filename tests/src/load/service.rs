//! The service under measurement, and frames that call it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wswrapper::server::ServerBuilder;
use wswrapper::{Server, WsError, ws_handlers, ws_service};

#[ws_service]
pub trait Workload {
    async fn echo(&self, text: String) -> String;
    async fn add(&self, a: i64, b: i64) -> i64;
    fn add_now(&self, a: i64, b: i64) -> i64;
    async fn confirm(&self, order: Order) -> Order;
    async fn divide(&self, a: i64, b: i64) -> Result<i64, DivideError>;
}

#[derive(Debug, thiserror::Error, WsError)]
pub enum DivideError {
    #[error("division by zero")]
    DivisionByZero,
}

/// An argument of about 1 KiB of JSON.
#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub number: u64,
    pub customer: String,
    pub express: bool,
    pub note: Option<String>,
    pub lines: Vec<Line>,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Line {
    pub article: String,
    pub count: u32,
    pub price: f64,
}

pub struct Handlers;

#[ws_handlers]
impl Workload for Handlers {
    async fn echo(&self, text: String) -> String {
        text
    }

    async fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    fn add_now(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    async fn confirm(&self, order: Order) -> Order {
        order
    }

    async fn divide(&self, a: i64, b: i64) -> Result<i64, DivideError> {
        a.checked_div(b).ok_or(DivideError::DivisionByZero)
    }
}

pub fn server() -> Server {
    with_handlers(Server::builder())
}

/// Returns a server with the handlers and other settings.
pub fn with_handlers(builder: ServerBuilder) -> Server {
    builder.service(Handlers).build().expect("the service can be mounted")
}

pub fn order() -> Order {
    let line = |n: u32| Line { article: format!("article {n:010}"), count: n, price: f64::from(n) * 1.25 };
    Order {
        number: 4_711,
        customer: "Ada Lovelace, 12 St James's Square".into(),
        express: true,
        note: None,
        lines: (1..=18).map(line).collect(),
    }
}

pub fn echo(length: usize) -> Bytes {
    call(("echo", "x".repeat(length)))
}

/// Encodes a request. The first of `arguments` is the event's name.
pub fn call(arguments: impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Call<A> {
        a: A,
        i: u64,
    }
    serde_json::to_vec(&Call { a: arguments, i: 1 }).expect("it can be encoded").into()
}
