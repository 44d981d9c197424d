//! Connecting to a URL.

use super::connector::NewConnection;
use super::destination::{ConnectRequest, IntoDestination, connector};
use super::dial::{dial, dial_over};
use super::mailbox::Command;
use super::socket::Socket;
use super::{Client, ClientBuilder};
use crate::engine::Extensions;
use crate::error::ConnectError;
use crate::handshake::Handshake;
use crate::transport::Transport;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

impl Client {
    /// Connects to a `ws://` URL, to a `wss://` URL with the feature `rustls`, or on Unix to a `ws+unix:` URL. Another
    /// [destination](crate::client::Destination) determines its URL for each attempt.
    ///
    /// The default port is 80, or 443 for `wss://`. The platform must trust the certificate of the server, unless the
    /// builder's `tls` sets another configuration. The addresses of a name are tried as RFC 8305 says: IPv6 and IPv4 in
    /// turn, the next one after 250 ms or when one has failed.
    ///
    /// `ws+unix:///run/desk.sock:/path` is the path `/path` of the server at the Unix socket `/run/desk.sock`.
    ///
    /// Spaces and letters beyond ASCII are percent-encoded in the path and the query. A host with such letters needs
    /// the feature `idna`. A host `[fe80::1%25eth0]` has the zone `eth0`.
    ///
    /// Name lookup, TCP, TLS and the WebSocket handshake together have
    /// [`handshake_timeout`](crate::Limits::handshake_timeout); then it fails with [`ConnectError::TimedOut`].
    ///
    /// Returns when the handshake is complete and the hook [`on_open`](crate::client::ClientBuilder::on_open), if there
    /// is one, has returned. If the hook fails or takes longer than [`open_timeout`](crate::Limits::open_timeout),
    /// connecting fails with [`ConnectError::Open`]. Cancel-safe: dropping the future closes the connection.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let client = Client::connect("ws://localhost:8080/path").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(to: impl IntoDestination) -> Result<Self, ConnectError> {
        Self::builder().connect(to).await
    }

    /// Connects to a URL or another [destination](crate::client::Destination), now and when the client [connects
    /// again](crate::client::ClientBuilder::reconnect). A connection that is open is closed first, with status 1001.
    ///
    /// The options of the builder apply. Otherwise like [`connect`](Self::connect) for a client that exists already. The
    /// error is shared with the [state](Self::state) of the client.
    ///
    /// If the future is dropped, the client goes on to connect; [`close`](Self::close) ends that.
    ///
    /// ```
    /// # use wswrapper::Client;
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder().build()?;
    /// client.on("name", || async { "Ada" })?;
    /// client.connect_to("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect_to(&self, to: impl IntoDestination) -> Result<(), Arc<ConnectError>> {
        let limits = &self.peer().shared().endpoint.limits;
        let connector = connector(to.into_destination(), &self.options, limits);
        self.control.request(|waiter| Command::Connect(connector, waiter)).await
    }
}

impl ClientBuilder {
    /// Connects to a URL or another [destination](crate::client::Destination), as [`Client::connect`] does.
    ///
    /// Also fails if a service cannot be mounted or a header is invalid. Cancel-safe.
    ///
    /// ```
    /// # use wswrapper::{Client, Limits, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let limits = Limits::default().max_message_size(16 << 20);
    /// let client = Client::builder().limits(limits).connect("ws://[::1]:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect(self, to: impl IntoDestination) -> Result<Client, ConnectError> {
        let client = self.build()?;
        let connected = client.connect_to(to).await;
        client.after(connected).await
    }

    /// Connects over a stream that is already open, such as one through a tunnel. Otherwise like
    /// [`connect`](Self::connect).
    ///
    /// The URL gives the header `Host`, the path and the query. For a `wss://` URL the TLS handshake is performed over
    /// the stream. A stream that is encrypted already has a `ws://` URL.
    ///
    /// ```
    /// # use wswrapper::{Client, Server};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = Server::builder().build()?;
    /// server.on("add", |a: i64, b: i64| async move { a + b })?;
    ///
    /// let (local, remote) = tokio::io::duplex(64 * 1024);
    /// let connecting = Client::builder().connect_over(local, "ws://localhost/path");
    /// let (client, peer) = tokio::join!(connecting, server.accept(remote));
    /// assert_eq!(client?.request::<i64>("add", (1, 2)).await?, 3);
    /// assert_eq!(peer?.handshake().path(), "/path");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn connect_over<S>(self, stream: S, url: &str) -> Result<Client, ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let client = self.build()?;
        let limits = &client.peer().shared().endpoint.limits;
        let (transport, handshake) = dial_over(&client.options, limits, Socket::Boxed(Box::new(stream)), url).await?;
        let connection = NewConnection::new(transport, handshake, Extensions::new());
        let connected = client.control.request(|waiter| Command::Bind(connection, waiter)).await;
        client.after(connected).await
    }

    /// Opens a connection to a URL without a client, for [`Client::rebind_with`].
    ///
    /// Returns the transport, and the description of the handshake, after the handshake. The builder's options and
    /// limits for connecting apply; its services and hooks are not used. Fails as [`connect`](Self::connect) does.
    /// Cancel-safe.
    ///
    /// ```
    /// # use wswrapper::{Client, Server, connection::Extensions};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::builder();
    /// # let listener = server.bind("127.0.0.1:0").await?;
    /// # let url = format!("ws://{}", listener.local_addr());
    /// # listener.server().on("add", |a: i64, b: i64| async move { a + b })?;
    /// # tokio::spawn(listener.serve());
    /// let client = Client::connect(&url).await?;
    /// // ... The connection is lost:
    /// # client.close(1000, "");
    /// client.closed().await;
    /// let (transport, handshake) = Client::builder().dial(&url).await?;
    /// client.rebind_with(transport, handshake, Extensions::new()).await?;
    /// assert_eq!(client.request::<i64>("add", (1, 2)).await?, 3);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn dial(&self, url: &str) -> Result<(impl Transport + use<>, Handshake), ConnectError> {
        self.settings.check()?;
        dial(&self.options, &self.settings.limits, ConnectRequest::new(url)).await
    }

    /// Opens a connection over a stream that is already open, as [`connect_over`](Self::connect_over) does. Otherwise
    /// like [`dial`](Self::dial).
    pub async fn dial_over<S>(&self, stream: S, url: &str) -> Result<(impl Transport + use<S>, Handshake), ConnectError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        self.settings.check()?;
        dial_over(&self.options, &self.settings.limits, Socket::Boxed(Box::new(stream)), url).await
    }
}
