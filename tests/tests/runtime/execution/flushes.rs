//! Flushes of a connection's output.

use std::error::Error;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context as TaskContext, Poll};
use std::time::Duration;
use wswrapper::transport::memory::{self, Memory};
use wswrapper::transport::{Close, Frame, Output, Transport, TransportError};
use wswrapper::{Client, Context, Server};

/// Counts flushes. Each poll of the connection's task does one.
struct CountingTransport {
    transport: Memory,
    flushes: Arc<AtomicUsize>,
}

impl Transport for CountingTransport {
    fn poll_frame(&mut self, cx: &mut TaskContext<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        self.transport.poll_frame(cx)
    }

    fn output(&mut self) -> &mut Output {
        self.transport.output()
    }

    fn poll_flush(&mut self, cx: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        self.transport.poll_flush(cx)
    }

    fn probe(&mut self) {
        self.transport.probe();
    }

    fn close(&mut self, close: &Close) {
        self.transport.close(close);
    }
}

#[tokio::test(start_paused = true)]
async fn messages_sent_by_a_handler_need_no_further_flush() -> Result<(), Box<dyn Error>> {
    let server = Server::builder().build()?;
    let flushes = Arc::new(AtomicUsize::new(0));
    let (local, remote) = memory::pair();
    server.accept_transport(CountingTransport { transport: remote, flushes: Arc::clone(&flushes) })?;
    let client = Client::over(local)?;
    server.on("sends nothing", || async { 1 })?;
    server.on("emits", |ctx: Context| async move { ctx.peer().emit("e", ()).await.map_or(0, |()| 1) })?;
    server.on("broadcasts", |ctx: Context| async move {
        ctx.broadcast().emit("e", ()).await.map_or(0, |delivery| delivery.sent)
    })?;
    client.on("e", || async {})?;
    for event in ["sends nothing", "emits", "broadcasts"] {
        // Both endpoints become idle.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let before = flushes.load(Ordering::SeqCst);
        for _ in 0..10 {
            assert_eq!(client.request::<usize>(event, ()).await?, 1);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(flushes.load(Ordering::SeqCst) - before, 10, "{event}: one flush for each request");
    }
    Ok(())
}
