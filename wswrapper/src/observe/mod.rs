//! Observers of connections.

pub(crate) mod hooks;
