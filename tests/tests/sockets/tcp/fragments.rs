//! Fragments without end.

use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use wswrapper::Server;
use wswrapper_tests::websocket::REQUEST;

/// As often is something there to be read, without a wait.
const READS: usize = 20;

/// A request for a WebSocket and then a text in empty fragments, as many as are asked for.
struct Fragments {
    head: Vec<u8>,
    /// How often they were read.
    reads: Arc<AtomicUsize>,
    /// Where the next read begins.
    position: usize,
}

impl AsyncRead for Fragments {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if !self.head.is_empty() {
            let most = self.head.len().min(buffer.remaining());
            buffer.put_slice(&self.head.drain(..most).collect::<Vec<_>>());
            return Poll::Ready(Ok(()));
        }
        if self.reads.load(Ordering::Relaxed) == READS {
            return Poll::Pending;
        }
        self.reads.fetch_add(1, Ordering::Relaxed);
        for at in self.position..self.position + buffer.remaining() {
            // Each is a fragment of a message that goes on, and masked with zeros; the first says that it is text.
            buffer.put_slice(&[match at % 6 {
                0 => u8::from(at == 0),
                1 => 0x80,
                _ => 0,
            }]);
        }
        self.position += buffer.filled().len();
        Poll::Ready(Ok(()))
    }
}

/// It reads nothing itself.
impl AsyncWrite for Fragments {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Lets all run once that could before this. (Tokio's own `yield_now` waits until hardly anything can.)
async fn yield_once() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The most reads between two turns of another task.
async fn most_reads_between_turns(reads: &AtomicUsize) -> usize {
    let (mut before, mut most) = (0, 0);
    while before < READS {
        yield_once().await;
        let now = reads.load(Ordering::Relaxed);
        most = most.max(now - std::mem::replace(&mut before, now));
    }
    most
}

#[tokio::test]
async fn endless_empty_fragments_let_other_tasks_run() -> Result<(), Box<dyn Error>> {
    let reads = Arc::new(AtomicUsize::new(0));
    let head = format!("{REQUEST}\r\n").into_bytes();
    let server = Server::builder().build()?;
    let peer = server.accept(Fragments { head, reads: Arc::clone(&reads), position: 0 }).await?;
    // A task takes its turn among the connections; what a runtime blocks on is looked at more seldom.
    let most = tokio::spawn(async move { most_reads_between_turns(&reads).await }).await?;
    assert!(most <= 2, "{most} buffers full of fragments were read in one turn");
    assert!(peer.is_open());
    Ok(())
}
