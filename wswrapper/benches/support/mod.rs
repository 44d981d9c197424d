//! What the benchmarks and the tests of costs share: transports of their own, a service, and the same by hand.

#![allow(dead_code, unreachable_pub, reason = "each of them uses its part")]

pub mod baseline;
pub mod echo_transport;
pub mod numbers;
pub mod service;
pub mod wire;

use bytes::Bytes;
use std::iter;
use tokio::runtime::Runtime;
use wire::{Feeder, Tally, Wire, wire};

/// A runtime of one thread: nothing that is counted or measured depends on where a task runs.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime needs nothing")
}

/// Something that serves a [`Wire`], and who feeds it.
pub struct Served<S> {
    runtime: Runtime,
    feeder: Feeder,
    tally: Tally,
    /// What must be kept for as long as it serves.
    _server: S,
}

impl<S> Served<S> {
    /// Calls that are there at once: more than fit into a read, fewer than end a turn.
    const BATCH: u64 = 128;

    /// `serve` spawns what serves the wire.
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

    /// Has the same call served so many times, in batches.
    pub fn serve(&self, call: &Bytes, times: u64) {
        self.runtime.block_on(async {
            let mut left = times;
            while left > 0 {
                let batch = left.min(Self::BATCH);
                left -= batch;
                let batch = usize::try_from(batch).expect("it is small");
                self.feeder.feed(iter::repeat_n(call, batch).cloned());
                self.tally.reaches(self.tally.texts() + batch).await;
            }
        });
    }

    /// The answer to a call.
    pub fn ask(&self, call: &Bytes) -> String {
        self.serve(call, 1);
        self.tally.last()
    }
}
