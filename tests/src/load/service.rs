//! The service that is measured, and calls of it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use wswrapper::{Server, WsError, ws_handlers, ws_service};

/// The contract of the service.
#[ws_service]
pub trait Desk {
    /// Returns the text.
    async fn echo(&self, text: String) -> String;
    /// Returns a sum.
    async fn add(&self, a: i64, b: i64) -> i64;
    /// Returns a sum from a plain function.
    fn add_now(&self, a: i64, b: i64) -> i64;
    /// Returns the order.
    async fn confirm(&self, order: Order) -> Order;
    /// Returns a quotient.
    async fn divide(&self, a: i64, b: i64) -> Result<i64, DeskError>;
}

/// The errors of [`Desk`].
#[derive(Debug, thiserror::Error, WsError)]
pub enum DeskError {
    /// The divisor is 0.
    #[error("division by zero")]
    DivisionByZero,
}

/// An order, about 1 KiB of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    number: u64,
    customer: String,
    express: bool,
    note: Option<String>,
    lines: Vec<Line>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    article: String,
    count: u32,
    price: f64,
}

struct Clerk;

#[ws_handlers]
impl Desk for Clerk {
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

    async fn divide(&self, a: i64, b: i64) -> Result<i64, DeskError> {
        a.checked_div(b).ok_or(DeskError::DivisionByZero)
    }
}

/// Returns a server of the service.
pub fn server() -> Server {
    Server::builder().service(Clerk).build().expect("it can be mounted")
}

/// Returns an order.
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

/// Returns the frame of a call of `echo` with a text of `length` bytes.
pub fn echo(length: usize) -> Bytes {
    call(("echo", "x".repeat(length)))
}

/// Returns the frame of a request with these arguments, the event's name first.
pub fn call(arguments: impl Serialize) -> Bytes {
    #[derive(Serialize)]
    struct Call<A> {
        a: A,
        i: u64,
    }
    serde_json::to_vec(&Call { a: arguments, i: 1 }).expect("it can be encoded").into()
}
