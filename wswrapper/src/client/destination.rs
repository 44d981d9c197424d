//! Destinations: the URLs that a client connects to.

use super::connector::{Attempt, BoxConnector, NewConnection};
use super::dial::dial;
use super::options::{ConnectOptions, Headers};
use crate::engine::Extensions;
use crate::error::{ConnectError, ConnectStep};
use crate::limits::Limits;
use crate::rt;
use std::error::Error;
use std::future::Future;
use std::sync::Arc;

/// The URL that a client connects to, and headers for its request.
///
/// ```
/// use wswrapper::client::ConnectRequest;
///
/// let request = ConnectRequest::new("ws://localhost:8080").header("Authorization", "Bearer 123");
/// ```
#[derive(Clone, Debug)]
pub struct ConnectRequest {
    pub(super) url: String,
    pub(super) headers: Headers,
}

impl ConnectRequest {
    /// Connects to a URL; see [`Client::connect`](crate::Client::connect).
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), headers: Headers::default() }
    }

    /// Adds a header to the request of the handshake. It replaces headers of the same name of the
    /// [builder](crate::client::ClientBuilder::header), which has the rules for headers.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.add(name, value);
        self
    }
}

impl From<String> for ConnectRequest {
    fn from(url: String) -> Self {
        Self::new(url)
    }
}

impl From<&str> for ConnectRequest {
    fn from(url: &str) -> Self {
        Self::new(url)
    }
}

/// The destination of a client: its URL and headers, which may be others for each attempt to connect.
///
/// It is implemented for a URL as a `String`, for a [`ConnectRequest`], and for functions. A function is called for each
/// attempt, so its tokens do not expire. `attempt` is its number; see
/// [`ClientState::Connecting`](crate::client::ClientState::Connecting). An error of the function is
/// [`ConnectError::Destination`], after which a client with [`reconnect`](crate::client::ClientBuilder::reconnect)
/// tries again. The function has [`handshake_timeout`](crate::Limits::handshake_timeout), too.
///
/// ```
/// # use wswrapper::{Client, client::{ConnectRequest, Reconnect}, error::ConnectError};
/// # async fn new_token() -> std::io::Result<String> { Ok(String::new()) }
/// # async fn run() -> Result<(), ConnectError> {
/// let destination = |_attempt| async {
///     let token = new_token().await?;
///     Ok::<_, std::io::Error>(ConnectRequest::new("ws://localhost:8080").header("Authorization", &token))
/// };
/// let client = Client::builder().reconnect(Reconnect::default()).connect(destination).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the destination of a client",
    label = "not a URL, and not a function that returns one",
    note = "a function has the form `|attempt: u64| async move {{ Ok::<_, io::Error>(ConnectRequest::new(url)) }}`"
)]
pub trait Destination: Send + Sync + 'static {
    /// Returns the request for an attempt.
    fn request(
        &self,
        attempt: u64,
    ) -> impl Future<Output = Result<ConnectRequest, Box<dyn Error + Send + Sync>>> + Send;
}

impl Destination for String {
    async fn request(&self, _attempt: u64) -> Result<ConnectRequest, Box<dyn Error + Send + Sync>> {
        Ok(ConnectRequest::new(self.clone()))
    }
}

impl Destination for ConnectRequest {
    async fn request(&self, _attempt: u64) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(self.clone())
    }
}

impl<F, Fut, R, E> Destination for F
where
    F: Fn(u64) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, E>> + Send,
    R: Into<ConnectRequest>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    async fn request(&self, attempt: u64) -> Result<ConnectRequest, Box<dyn Error + Send + Sync>> {
        self(attempt).await.map(Into::into).map_err(Into::into)
    }
}

/// A value that becomes a [`Destination`]: each destination, and `&str`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the destination of a client",
    label = "not a URL, and not a function that returns one",
    note = "a function has the form `|attempt: u64| async move {{ Ok::<_, io::Error>(ConnectRequest::new(url)) }}`"
)]
pub trait IntoDestination {
    /// The destination.
    type Destination: Destination;

    /// Converts the value.
    fn into_destination(self) -> Self::Destination;
}

impl<D: Destination> IntoDestination for D {
    type Destination = D;

    fn into_destination(self) -> D {
        self
    }
}

impl IntoDestination for &str {
    type Destination = String;

    fn into_destination(self) -> String {
        self.to_owned()
    }
}

impl IntoDestination for &String {
    type Destination = String;

    fn into_destination(self) -> String {
        self.clone()
    }
}

/// Returns the connector to a destination.
pub(super) fn connector(to: impl Destination, options: &Arc<ConnectOptions>, limits: &Limits) -> BoxConnector {
    let (to, options, limits) = (Arc::new(to), Arc::clone(options), limits.clone());
    Arc::new(move |attempt| -> Attempt {
        let (to, options, limits) = (Arc::clone(&to), Arc::clone(&options), limits.clone());
        Box::pin(async move {
            let timeout = options.timeout.unwrap_or(limits.handshake_timeout);
            let request = rt::timeout(timeout, to.request(attempt)).await.map_err(|_| ConnectError::TimedOut {
                address: "the server".to_owned(),
                during: ConnectStep::Destination,
            })?;
            let request = request.map_err(ConnectError::Destination)?;
            let (transport, handshake) = dial(&options, &limits, request).await?;
            Ok(NewConnection::new(transport, handshake, Extensions::new()))
        })
    })
}
