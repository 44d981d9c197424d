//! Connections that are cut after any byte of their streams.

mod calls;
mod events;
mod random;
mod streams;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wswrapper::Server;
use wswrapper::server::ServerBuilder;

/// A server without services that accepts any handshake.
fn server() -> Server {
    builder().build().expect("there are no services")
}

fn builder() -> ServerBuilder {
    Server::builder().any_origin()
}

/// A number of runs of a handler.
#[derive(Clone, Default)]
struct Runs(Arc<AtomicUsize>);

impl Runs {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}
