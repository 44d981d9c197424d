//! The stop of a client.

use super::Client;
use super::control::Control;
use crate::engine::LocalEndpoint;
use crate::rt::{self, Instant, after};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

impl Client {
    /// Stops the client for good: it closes its connection, and connects no more.
    ///
    /// Events and responses that were queued are still sent. Calls fail with [`Closed`](crate::CallError::Closed), calls that wait for
    /// a connection with [`NotSent`](crate::CallError::NotSent), and handlers are dropped. The connection is closed with
    /// status 1000, or as the hook [`on_closing`](crate::client::ClientBuilder::on_closing) says. If that takes longer
    /// than `timeout`, the connection is aborted. Of several stops the shortest counts. The hooks [`on_close`](crate::client::ClientBuilder::on_close) have the rest of `timeout`, at least one
    /// second, and are dropped then.
    ///
    /// Returns when all tasks of the client have ended: its own one, those of `#[ws(spawn)]` and `#[ws(blocking)]`
    /// handlers, and [background work](crate::Context::spawn), which is dropped when `timeout` has passed. A blocking handler
    /// cannot be stopped, so it is waited for, and must not wait for `stop` itself.
    ///
    /// A handler or hook that awaits it is dropped with its connection, and the client stops all the same. So it does if
    /// the future is dropped after its first poll.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # use std::time::Duration;
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// client.stop(Duration::from_secs(5)).await;
    /// assert!(client.emit("news", ()).await.is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn stop(&self, timeout: Duration) -> impl Future<Output = ()> + Send + use<> {
        let (control, endpoint) = (Arc::clone(&self.control), Arc::clone(&self.peer().shared().endpoint));
        async move {
            control.mailbox.stop(after(Instant::now(), timeout));
            if rt::timeout(timeout, control.ended()).await.is_err() {
                // An earlier stop may have more time.
                endpoint.background.cut_off();
                control.ended().await;
            }
            endpoint.own_tasks.ended().await;
        }
    }
}

/// The end of a client. It is complete when this is dropped.
pub(super) struct Ending {
    control: Arc<Control>,
    endpoint: Arc<LocalEndpoint>,
}

impl Ending {
    pub(super) fn new(control: &Arc<Control>, endpoint: &Arc<LocalEndpoint>) -> Self {
        Self { control: Arc::clone(control), endpoint: Arc::clone(endpoint) }
    }

    /// Waits for background tasks as long as the stop of the client allows, and cuts off the remaining ones.
    pub(super) async fn wait_for_background(self) {
        let background = &self.endpoint.background;
        let _ = self.endpoint.drain_began.set(());
        if let Some(deadline) = self.control.mailbox.stop_deadline() {
            let _ = rt::timeout(deadline.saturating_duration_since(Instant::now()), background.ended()).await;
        }
        background.cut_off();
        background.ended().await;
    }
}

/// Also if the runtime drops the task of the client.
impl Drop for Ending {
    fn drop(&mut self) {
        self.endpoint.background.cut_off();
        self.control.set_ended();
    }
}
