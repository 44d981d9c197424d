//! Pauses of a client.

use super::Client;
use crate::engine::Shared;
use std::fmt;
use std::sync::Arc;

/// A pause of a client, from [`Client::pause`]. It ends when the value is dropped.
#[must_use = "the pause ends when the value is dropped"]
pub struct Pause {
    shared: Arc<Shared>,
}

impl Client {
    /// Pauses the client: until the returned value is dropped, no event, request or item of a stream is handed to the
    /// program.
    ///
    /// Everything that arrives meanwhile is held, and handed over in its order after the pause. Of several pauses, the last
    /// that ends counts. Handlers that run go on. The client can call the server during the pause, and receives responses,
    /// cancellations and closes.
    ///
    /// At most [`max_held_bytes`](crate::Limits::max_held_bytes) are held. After that nothing is read any more, and the
    /// client's own [heartbeat](crate::Limits::heartbeat_interval) rests. Then the pause lasts only as long as the server
    /// allows: a server that has something to write gives up a client that does not read after its own
    /// [`write_timeout`](crate::Limits::write_timeout), by default 30 seconds. The connection is then lost, and a client
    /// with a [policy](crate::client::ClientBuilder::reconnect) connects again. Calls and events that are held when a
    /// connection closes are dropped with it, and those on an anonymous channel when the server closes the channel.
    ///
    /// The pause does not keep the connection open, and holds for later connections of the client, too.
    /// [`stop`](Client::stop) ends it.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # let peer = server.accept_transport(server_transport)?;
    /// # let client = Client::connect_transport(client_transport)?;
    /// # let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
    /// client.on("news", move |text: String| {
    ///     let told = told.clone();
    ///     async move { told.send(text).map_err(|error| error.to_string()) }
    /// })?;
    /// let pause = client.pause();
    /// peer.emit("news", ("it rains",)).await?;
    /// // Nothing is handed over here.
    /// # client.ping().await?;
    /// # assert!(news.try_recv().is_err());
    /// drop(pause);
    /// assert_eq!(news.recv().await.as_deref(), Some("it rains"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn pause(&self) -> Pause {
        let shared = Arc::clone(self.peer().shared());
        shared.begin_pause();
        Pause { shared }
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        self.shared.end_pause();
    }
}

impl fmt::Debug for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pause").field("client", &self.shared.id).finish()
    }
}
