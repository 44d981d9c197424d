//! Named channels of a server.

use super::Server;
use crate::service::handler_methods;
use std::sync::Arc;

/// A named channel of all connections of a server, to handle events and requests by closures.
///
/// ```
/// # use wswrapper::{Client, Server, transport::memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.channel("math").on("add", |a: i64, b: i64| async move { a + b })?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::connect_transport(client_transport)?;
/// assert_eq!(client.channel("math").request::<i64>("add", (1, 2)).await?, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ServerChannel {
    server: Server,
    name: Arc<str>,
}

impl ServerChannel {
    pub(super) fn new(server: Server, name: &str) -> Self {
        Self { server, name: name.into() }
    }

    /// Returns the name of the channel.
    pub fn name(&self) -> &str {
        &self.name
    }

    handler_methods!("of any peer on the channel", self => &self.server.endpoint().handlers, Some(&self.name));
}
