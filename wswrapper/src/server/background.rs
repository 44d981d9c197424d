//! The background work of a server.

use super::Server;
use crate::error::SpawnError;
use std::future::Future;

impl Server {
    /// Starts background work: a task that lasts until `work` has finished, at most until the end of the server.
    ///
    /// It belongs to no connection. A handler starts work by [`Context::spawn`](crate::Context::spawn), which also says
    /// how the work ends: a [`shutdown`](Self::shutdown) waits for it until its deadline, and [`close`](Self::close) for
    /// [`close_timeout`](crate::Limits::close_timeout) and one second; what is left is dropped at its `.await`. Work in a
    /// loop waits for [`draining`](Self::draining) beside its next step. If the last handle of the server is dropped, the
    /// work is dropped at once. Work that holds a `Server` is such a handle.
    ///
    /// A panic is logged, and [observers](crate::observe::Observer::endpoint_error) are told.
    ///
    /// Fails with [`SpawnError::Full`] if [`max_background_tasks`](crate::Limits::max_background_tasks) run already, and
    /// with [`SpawnError::Closed`] at the end of the server.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wswrapper::Server;
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().build()?;
    /// let (draining, news) = (server.draining(), server.broadcast());
    /// server.spawn(async move {
    ///     let mut draining = std::pin::pin!(draining);
    ///     let mut clock = tokio::time::interval(Duration::from_secs(60));
    ///     loop {
    ///         tokio::select! {
    ///             _ = clock.tick() => drop(news.emit("minute", ()).await),
    ///             () = &mut draining => break,
    ///         }
    ///     }
    /// })?;
    /// # tokio::task::yield_now().await;
    /// let report = server.shutdown(Duration::from_secs(10)).await;
    /// assert_eq!(report.background_cut_off, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside a tokio runtime.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> Result<(), SpawnError> {
        self.endpoint().spawn_background(Box::pin(work))
    }
}
