//! The next connection of a client.

use super::Client;
use super::connector::{self, Connector, NewConnection};
use super::mailbox::Command;
use crate::engine::Extensions;
use crate::error::{ConnectError, RebindError};
use crate::handshake::Handshake;
use crate::transport::Transport;
use std::future::Future;
use std::sync::Arc;

impl Client {
    /// Continues over another transport. A connection that is open is closed first, with status 1001.
    ///
    /// Handlers, hooks and proxies stay. Calls of the old connection fail with
    /// [`Closed`](crate::CallError::Closed), except for idempotent ones, which are sent again. The ids of new calls continue the count [P-91].
    ///
    /// It waits for the hooks [`on_close`](crate::client::ClientBuilder::on_close) of the old connection for at most
    /// [`close_timeout`](crate::Limits::close_timeout). Returns when the hook
    /// [`on_open`](crate::client::ClientBuilder::on_open), if there is one, has returned, and fails with its error. If
    /// the future is dropped, or the handler that awaits it is dropped with the old connection, the client continues all
    /// the same.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, transport::memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder().build()?;
    /// # server.on("add", |a: i64, b: i64| async move { a + b })?;
    /// # let (client_transport, server_transport) = memory::pair();
    /// # let client = Client::connect_transport(client_transport)?;
    /// # drop(server_transport);
    /// client.closed().await;
    /// let (client_transport, server_transport) = memory::pair();
    /// server.accept_transport(server_transport)?;
    /// client.rebind(client_transport).await?;
    /// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn rebind(&self, transport: impl Transport) -> Result<(), RebindError> {
        self.rebind_with(transport, Handshake::default(), Extensions::new()).await
    }

    /// Continues over another transport, with the request that opened it and values that are stored with the new
    /// connection. Otherwise like [`rebind`](Self::rebind). `ClientBuilder::dial` opens such a transport to a URL.
    ///
    /// The values are dropped when the connection closes, also from clones of `extensions`. So they are not those of
    /// [`extensions`](Self::extensions), which stay.
    pub async fn rebind_with(
        &self,
        transport: impl Transport,
        handshake: Handshake,
        extensions: Extensions,
    ) -> Result<(), RebindError> {
        let connection = NewConnection::new(transport, handshake, extensions);
        let bound = self.control.request(|waiter| Command::Bind(connection, waiter)).await;
        bound.map_err(|error| match &*error {
            ConnectError::Open(error) => RebindError::Open(error.clone()),
            ConnectError::Superseded => RebindError::Superseded,
            _ => RebindError::Stopped,
        })
    }

    /// Connects by a connector of the program, now and when the client [connects
    /// again](crate::client::ClientBuilder::reconnect); see [`Connector`].
    ///
    /// Otherwise like `connect_to`.
    pub async fn connect_with(&self, connector: impl Connector) -> Result<(), Arc<ConnectError>> {
        let timeout = self.peer().shared().endpoint.limits.handshake_timeout;
        let connector = connector::boxed(connector, timeout);
        self.control.request(|waiter| Command::Connect(connector, waiter)).await
    }

    /// Closes the connection and connects again, to the same destination, without the waits of the policy. If the client
    /// waits for its next attempt, that begins now.
    ///
    /// A server that does not answer the close has [`close_timeout`](crate::Limits::close_timeout) for that. Calls and
    /// events that may [wait](crate::Call::queue) for a connection wait for the next one meanwhile; others fail.
    ///
    /// The connection is closed with status 1001, or as the hook
    /// [`on_closing`](crate::client::ClientBuilder::on_closing) says. Attempts that fail are repeated if the client has a
    /// [policy](crate::client::ClientBuilder::reconnect) for that, and was connected before. So it may take long; a timeout
    /// around it ends only the wait. Returns when the next connection is open and the hook
    /// [`on_open`](crate::client::ClientBuilder::on_open) has returned. The error is shared with the
    /// [state](Client::state) of the client.
    ///
    /// A handler or hook that awaits it is dropped with its connection, and the client connects again all the same. So it
    /// does if the future is dropped after its first poll.
    pub fn restart(&self) -> impl Future<Output = Result<(), Arc<ConnectError>>> + Send + use<> {
        let control = Arc::clone(&self.control);
        async move { control.request(Command::Restart).await }
    }
}
