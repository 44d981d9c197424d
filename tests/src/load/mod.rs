//! Load for benchmarks and measurements: transports, a service, and the same service written by hand.

#![expect(missing_docs, missing_debug_implementations, reason = "programs of this workspace alone use it")]

pub mod baseline;
pub mod echo_transport;
pub mod numbers;
pub mod service;
pub mod wire;

use bytes::Bytes;
use std::iter;
use tokio::runtime::Runtime;
use wire::{Feeder, Tally, Wire, wire};

/// A runtime with one thread, so that no result depends on the thread that a task runs on.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("the runtime can be built")
}

/// A server of one [`Wire`], and the feeder of that wire.
pub struct Served<S> {
    runtime: Runtime,
    feeder: Feeder,
    tally: Tally,
    /// Kept because dropping it would stop the server.
    _server: S,
}

impl<S> Served<S> {
    /// Calls that are fed at once: more than one read takes, fewer than the connection handles in one turn.
    const BATCH: u64 = 128;

    /// Creates a wire and has `serve` spawn its server.
    pub fn by(serve: impl FnOnce(Wire) -> S) -> Self {
        let runtime = runtime();
        let tally = Tally::default();
        let (feeder, wire) = wire(&tally);
        let server = {
            let _guard = runtime.enter();
            serve(wire)
        };
        Self { runtime, feeder, tally, _server: server }
    }

    /// Has `call` served `times` times, in batches.
    pub fn serve(&self, call: &Bytes, times: u64) {
        self.runtime.block_on(async {
            let mut left = times;
            while left > 0 {
                let batch = left.min(Self::BATCH);
                left -= batch;
                let batch = usize::try_from(batch).expect("a batch is small");
                self.feeder.feed(iter::repeat_n(call, batch).cloned());
                self.tally.reaches(self.tally.texts() + batch).await;
            }
        });
    }

    /// Has `call` served once and returns the response frame.
    pub fn ask(&self, call: &Bytes) -> String {
        self.serve(call, 1);
        self.tally.last()
    }
}
