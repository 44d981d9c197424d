//! Connectors of clients that need no server.

use std::future::{Pending, Ready, pending, ready};
use std::sync::Mutex;
use wswrapper::connection::Handshake;
use wswrapper::error::ConnectError;
use wswrapper::transport::memory::Memory;

/// The result of an attempt to connect in memory.
pub type Attempt = Result<(Memory, Handshake), ConnectError>;

/// Waits without an end.
pub fn never(_attempt: u64) -> Pending<Attempt> {
    pending()
}

/// Fails at once.
pub fn away(_attempt: u64) -> Ready<Attempt> {
    ready(Err(ConnectError::other("the server is away")))
}

/// Returns a connector to these transports, one after the other. Further attempts fail.
pub(crate) fn one_after_the_other(
    transports: impl IntoIterator<Item = Memory, IntoIter: Send + 'static>,
) -> impl Fn(u64) -> Ready<Attempt> + Send + Sync + 'static {
    let transports = Mutex::new(transports.into_iter());
    move |attempt| match transports.lock().expect("no thread panicked with the lock").next() {
        Some(transport) => ready(Ok((transport, Handshake::default()))),
        None => away(attempt),
    }
}
