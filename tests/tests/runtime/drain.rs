//! Servers that finish what runs before they close.

mod calls;
mod channels;
mod deadlines;
mod idle;
mod load;

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::{Value, json};
use std::error::Error;
use std::time::Duration;
use wswrapper::server::{ServerBuilder, ShutdownReport};
use wswrapper::transport::Frame;
use wswrapper::{Context, Limits, Scoped, Server, Stream, Upload, ws_handlers, ws_service};
use wswrapper_tests::{Alive, Guard, Log, RawPeer};

/// Longer than any test takes on the paused clock.
const LONG: Duration = Duration::from_hours(1);

#[ws_service]
trait Register {
    async fn add(&self, n: u32) -> u32;
}

#[ws_service]
trait Work {
    /// Sleeps, and returns the time.
    async fn sleep(&self, milliseconds: u64) -> u64;
    async fn wait(&self, ctx: Context);
    /// Calls the caller's `confirm` after a second.
    async fn confirmed(&self, ctx: Context) -> bool;
    /// Sends a number each second.
    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send;
    async fn sum(&self, numbers: Upload<u32>) -> u32;
    async fn register(&self) -> Scoped<dyn Register>;
    #[ws(event)]
    async fn note(&self, line: String);
    #[ws(event)]
    async fn slow_note(&self, line: String);
}

#[derive(Clone, Default)]
struct Desk {
    handlers: Alive,
    registers: Alive,
    log: Log,
}

struct Sum(#[expect(dead_code, reason = "counts the registers")] Guard);

#[ws_handlers]
impl Register for Sum {
    async fn add(&self, n: u32) -> u32 {
        n
    }
}

#[ws_handlers]
impl Work for Desk {
    async fn sleep(&self, milliseconds: u64) -> u64 {
        let _alive = self.handlers.guard();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        milliseconds
    }

    async fn wait(&self, ctx: Context) {
        let _alive = self.handlers.guard();
        let log = self.log.clone();
        tokio::spawn(async move { log.add(ctx.cancelled().await.to_string()) });
        std::future::pending::<()>().await;
    }

    async fn confirmed(&self, ctx: Context) -> bool {
        let _alive = self.handlers.guard();
        tokio::time::sleep(Duration::from_secs(1)).await;
        ctx.peer().request("confirm", ()).await.unwrap_or(false)
    }

    async fn count(&self, to: u32) -> impl Stream<Item = u32> + Send {
        let alive = self.handlers.guard();
        stream::iter(0..to).then(move |n| {
            let _alive = &alive;
            async move {
                tokio::time::sleep(Duration::from_secs(1)).await;
                n
            }
        })
    }

    async fn sum(&self, mut numbers: Upload<u32>) -> u32 {
        let _alive = self.handlers.guard();
        let mut sum = 0;
        while let Some(Ok(n)) = numbers.next().await {
            sum += n;
        }
        sum
    }

    async fn register(&self) -> Scoped<dyn Register> {
        Scoped::new(Sum(self.registers.guard()))
    }

    async fn note(&self, line: String) {
        self.log.add(line);
    }

    async fn slow_note(&self, line: String) {
        let _alive = self.handlers.guard();
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.log.add(line);
    }
}

/// Returns a desk, and the builder of a server that serves it.
fn desk() -> (Desk, ServerBuilder) {
    let desk = Desk::default();
    let limits = Limits::default().call_timeout(None);
    (desk.clone(), Server::builder().service(desk).limits(limits))
}

/// The numbers of a report: ended, cut off, cancelled calls.
fn numbers(report: ShutdownReport) -> (usize, usize, usize) {
    (report.ended, report.cut_off, report.calls_cancelled)
}

/// Returns the rejection of a request while the server drains.
fn rejection(id: u64) -> Value {
    json!({"i": id, "e": {"message": "the server is about to close", "code": "ws:Draining"}, "_": 1})
}

/// Checks that the next frame is the close frame of a server that closes, and answers it.
async fn expect_close(raw: &mut RawPeer) -> Result<(), Box<dyn Error>> {
    match raw.frame().await {
        Some(Frame::Close(close)) => assert_eq!((close.code, close.reason.as_str()), (1001, "the server is closing")),
        other => panic!("expected a close frame, got {other:?}"),
    }
    raw.close(1001, "").await;
    Ok(())
}
