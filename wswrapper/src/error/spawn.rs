//! Errors of background work.

/// An error of background work that was not started, by [`Context::spawn`](crate::Context::spawn) or
/// [`Server::spawn`](crate::Server::spawn). Its future was dropped.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SpawnError {
    /// As many tasks as [`max_background_tasks`](crate::Limits::max_background_tasks) run.
    #[error("too many background tasks are running: their number is limited by `max_background_tasks`")]
    Full,
    /// The server was closed or dropped, or the client was stopped or dropped.
    #[error("the server or client was closed")]
    Closed,
}
