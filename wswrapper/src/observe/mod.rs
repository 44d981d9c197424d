//! Observers of connections: the hooks of a user.

pub(crate) mod hooks;
mod open_result;

pub use open_result::OpenResult;
