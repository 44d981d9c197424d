//! A memory transport under observation.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use wswrapper::transport::memory::Memory;
use wswrapper::transport::{BegunMessage, Close, Frame, Output, Transport, TransportError};

/// A memory transport whose flushes are counted. Each poll of the connection's task does one.
#[derive(Debug)]
pub struct ObservedTransport {
    transport: Memory,
    observed: Arc<Observed>,
}

/// The state of a transport that a test sees, and that which it makes the transport claim.
#[derive(Default, Debug)]
pub struct Observed {
    flushes: AtomicUsize,
    received_bytes: AtomicU64,
    begun_bytes: AtomicUsize,
    has_spare_memory: AtomicBool,
}

impl ObservedTransport {
    /// Wraps one end of a pair.
    #[must_use]
    pub fn new(transport: Memory) -> (Self, Arc<Observed>) {
        let observed = Arc::<Observed>::default();
        (Self { transport, observed: Arc::clone(&observed) }, observed)
    }
}

impl Observed {
    /// Returns the number of flushes so far.
    pub fn flushes(&self) -> usize {
        self.flushes.load(Ordering::SeqCst)
    }

    /// Makes the transport claim that it has received this number of bytes.
    pub fn set_received_bytes(&self, bytes: u64) {
        self.received_bytes.store(bytes, Ordering::SeqCst);
    }

    /// Makes the transport claim that it has received this part of a message; 0 is no message.
    pub fn set_begun_bytes(&self, bytes: usize) {
        self.begun_bytes.store(bytes, Ordering::SeqCst);
    }

    /// Makes the transport claim from now on that it has spare memory.
    pub fn set_spare_memory(&self) {
        self.has_spare_memory.store(true, Ordering::SeqCst);
    }
}

impl Transport for ObservedTransport {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, TransportError>>> {
        self.transport.poll_frame(cx)
    }

    fn received_bytes(&self) -> u64 {
        self.observed.received_bytes.load(Ordering::SeqCst)
    }

    fn begun_message(&self) -> Option<BegunMessage> {
        let bytes = self.observed.begun_bytes.load(Ordering::SeqCst) as u64;
        (bytes > 0).then_some(BegunMessage { number: 0, bytes })
    }

    fn has_spare_memory(&self) -> bool {
        self.observed.has_spare_memory.load(Ordering::SeqCst)
    }

    fn output(&mut self) -> &mut Output {
        self.transport.output()
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.observed.flushes.fetch_add(1, Ordering::SeqCst);
        self.transport.poll_flush(cx)
    }

    fn ping(&mut self, payload: &[u8]) -> bool {
        self.transport.ping(payload)
    }

    fn close(&mut self, close: &Close) {
        self.transport.close(close);
    }
}
