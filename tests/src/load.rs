//! Load for measurements: a transport that allocates nothing, a service, and the same service by hand.

pub mod baseline;
pub mod numbers;
pub mod service;
pub mod wire;

use bytes::Bytes;
use std::iter;
use tokio::runtime::Runtime;
use wire::{Feeder, Tally, Wire, wire};

/// Returns a runtime of one thread, so that no measurement depends on where a task runs.
pub fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime needs nothing")
}

/// A server of one [`Wire`], and the feeder of that wire.
#[derive(Debug)]
pub struct Served<S> {
    runtime: Runtime,
    feeder: Feeder,
    tally: Tally,
    /// Serves until it is dropped.
    _server: S,
}

impl<S> Served<S> {
    /// The number of calls that arrive together: more than fit into a read, fewer than a connection takes in one turn.
    const BATCH: u64 = 128;

    /// Makes a wire and passes it to `serve`, inside the runtime.
    pub fn by(serve: impl FnOnce(Wire) -> S) -> Self {
        let runtime = runtime();
        let tally = Tally::default();
        let (feeder, wire) = wire(&tally);
        let server = {
            let _inside = runtime.enter();
            serve(wire)
        };
        Self { runtime, feeder, tally, _server: server }
    }

    /// Has the same call served `times` times, in batches.
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

    /// Has a call served and returns the response.
    pub fn ask(&self, call: &Bytes) -> String {
        self.serve(call, 1);
        self.tally.last()
    }
}
