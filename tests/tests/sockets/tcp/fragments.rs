//! Endless fragments of a message.

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

/// Number of reads that return bytes at once.
const READS: usize = 20;

/// A stream that contains a WebSocket handshake and then a text message of endless empty fragments.
struct Fragments {
    head: Vec<u8>,
    /// Number of reads that returned fragments.
    reads: Arc<AtomicUsize>,
    /// Offset of the next read in the fragments.
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
            // Each fragment is empty, not final and masked with zeros. The first one has the opcode of a text.
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

/// Discards all written bytes.
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

/// Yields to the tasks that are ready now. Tokio's `yield_now` also waits for tasks that become ready later.
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

/// Returns the maximum number of reads between two polls of this task.
async fn most_reads_between_turns(reads: &AtomicUsize) -> usize {
    // Some were read with the head of the request.
    let (mut before, mut most) = (reads.load(Ordering::Relaxed), 0);
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
    // A spawned task is polled as often as the connections, the future of `block_on` less often.
    let most = tokio::spawn(async move { most_reads_between_turns(&reads).await }).await?;
    assert!(most <= 2, "{most} buffers full of fragments were read in one turn");
    assert!(peer.is_open());
    Ok(())
}
