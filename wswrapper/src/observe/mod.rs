//! Observers of connections: the hooks of a user.

pub(crate) mod hooks;
