//! The options of a client's connection beyond the URL.

use super::ClientBuilder;
use crate::error::ConnectError;
use crate::http::add_subprotocol;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, header};
#[cfg(feature = "rustls")]
use std::sync::Arc;
use std::time::Duration;

#[derive(Default, Debug)]
pub(crate) struct ConnectOptions {
    pub(super) headers: Headers,
    pub(super) subprotocols: Vec<String>,
    pub(super) timeout: Option<Duration>,
    /// The redirects that are followed.
    pub(super) redirects: usize,
    #[cfg(feature = "proxy")]
    pub(super) proxies: super::proxy::Proxies,
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Arc<crate::client::rustls::ClientConfig>>,
}

/// The headers of the user, among them perhaps `Host`.
#[derive(Clone, Default, Debug)]
pub(super) struct Headers {
    valid: HeaderMap,
    /// The first header that cannot be sent.
    invalid: Option<InvalidHeader>,
}

#[derive(Clone, Debug)]
struct InvalidHeader {
    name: String,
    reason: &'static str,
}

impl Headers {
    /// Returns the headers, or fails if one is invalid.
    pub(super) fn check(&self) -> Result<&HeaderMap, ConnectError> {
        match &self.invalid {
            Some(InvalidHeader { name, reason }) => Err(ConnectError::Header { name: name.clone(), reason }),
            None => Ok(&self.valid),
        }
    }

    pub(super) fn add(&mut self, name: &str, value: &str) {
        match extra_header(name, value) {
            Ok((name, value)) if name == header::HOST => drop(self.valid.insert(name, value)),
            Ok((name, value)) => drop(self.valid.append(name, value)),
            Err(reason) => {
                self.invalid.get_or_insert(InvalidHeader { name: name.to_owned(), reason });
            }
        }
    }

    /// Returns these headers, in which `others` replace those of the same name.
    pub(super) fn replaced_by(&self, others: &Self) -> Result<HeaderMap, ConnectError> {
        let mut headers = self.check()?.clone();
        // Only the first value of a name comes with the name.
        headers.extend(others.check()?.clone());
        Ok(headers)
    }
}

impl ClientBuilder {
    /// Adds a header to the request of the handshake. A name that is added twice is sent twice.
    ///
    /// Headers of the handshake itself, such as `Connection` and `Sec-WebSocket-…`, and invalid headers are an error
    /// when the client connects. `Host` replaces that of the URL, as [`host`](Self::host) does.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run(token: &str) -> Result<(), ConnectError> {
    /// let builder = Client::builder().header("Authorization", &format!("Bearer {token}"));
    /// let client = builder.connect("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.options.headers.add(name, value);
        self
    }

    /// Sets the header `Host`, instead of the host and the port of the URL.
    ///
    /// The client still connects to the host of the URL, for which a certificate must be valid. A later value replaces
    /// an earlier one. A value that is no host, perhaps with a port, is an error when the client connects.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// // One server of several behind an address.
    /// let client = Client::builder().host("desk.example.com").connect("ws://10.0.0.7:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn host(self, host: &str) -> Self {
        self.header(header::HOST.as_str(), host)
    }

    /// Offers a subprotocol to the server, after the earlier ones. Offering a name again changes nothing.
    ///
    /// The server's choice is [`handshake().subprotocol()`](crate::connection::Handshake::subprotocol), which is `None`
    /// if it supports none of the names. If the server chooses a name that was not offered, connecting fails with
    /// [`ConnectError::Protocol`]. An invalid name is an error when the client connects.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let client = Client::builder().subprotocol("desk.v2").subprotocol("desk.v1").connect("ws://localhost:8080").await?;
    /// match client.handshake().subprotocol() {
    ///     Some("desk.v2") => println!("the new one"),
    ///     other => println!("an old one: {other:?}"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn subprotocol(mut self, name: &str) -> Self {
        let added = add_subprotocol(&mut self.options.subprotocols, name);
        self.settings.note(added);
        self
    }

    /// Follows redirects, at most `max` one after the other. By default none is followed.
    ///
    /// Statuses 301, 302, 303, 307 and 308 are redirects. Their `Location` may begin with `http` or `https` instead of
    /// `ws` or `wss`, and may be relative. The client never follows one from `wss` to `ws`, or from a Unix socket to
    /// another server. That, and one redirect more than `max`, is [`ConnectError::Protocol`]. All together have the
    /// time for connecting.
    ///
    /// A redirect to another host or port does not receive the headers `Authorization`, `Cookie`, `Host` and `Proxy-…`
    /// of the builder. It receives the others, and the subprotocols.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let client = Client::builder().redirects(3).connect("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn redirects(mut self, max: usize) -> Self {
        self.options.redirects = max;
        self
    }

    /// Sets the time for connecting, instead of [`handshake_timeout`](crate::Limits::handshake_timeout).
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// use std::time::Duration;
    ///
    /// let builder = Client::builder().connect_timeout(Duration::from_secs(2));
    /// let client = builder.connect("ws://localhost:8080").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }
}

/// Checks a header of the user. Returns the reason if it cannot be sent.
fn extra_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), &'static str> {
    let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| "that is not a header's name")?;
    match name.as_str() {
        "sec-websocket-protocol" => return Err("subprotocols are offered by `.subprotocol(..)`"),
        "host" if !is_host(value) => return Err("it is a host and perhaps a port, as in `example.com:8080`"),
        "connection" | "upgrade" | "content-length" | "transfer-encoding" => {
            return Err("it belongs to the handshake itself");
        }
        name if name.starts_with("sec-websocket-") => return Err("it belongs to the handshake itself"),
        _ => {}
    }
    let mut value = HeaderValue::from_str(value).map_err(|_| "its value may not hold control characters")?;
    // Keeps passwords out of logs.
    value.set_sensitive(true);
    Ok((name, value))
}

fn is_host(value: &str) -> bool {
    !value.contains('@') && value.parse().is_ok_and(|authority: Authority| !authority.host().is_empty())
}
