//! Connections through an HTTP proxy.

use super::ClientBuilder;
use super::deadline::Deadline;
use super::dial::connect_tcp;
use super::exchange::{ExchangeError, Failure, NoBody, Response, exchange};
use super::socket::Socket;
use super::url::{Scheme, ServerUrl, without_user_info};
use crate::error::{ConnectError, ConnectStep};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::time::Duration;

impl ClientBuilder {
    /// Connects through an HTTP proxy, such as `http://proxy.example:3128`.
    ///
    /// The client asks the proxy by `CONNECT` for a connection to the server, for `ws` as for `wss` URLs. So the proxy
    /// sees nothing of a connection with TLS, and looks up the name of the server. A user and a password in the URL of
    /// the proxy are sent to it in the header `Proxy-Authorization`. They are percent-encoded if they contain `@`, `:`
    /// or `/`. The default port is 80. Unix sockets and streams that are open already use no proxy.
    ///
    /// Errors of the proxy are [`ConnectError::Proxy`], and [`ConnectError::Connect`] and [`ConnectError::Dns`] with the
    /// address of the proxy. A proxy with another scheme is an error when the client connects.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let builder = Client::builder().proxy("http://ada:secret@proxy.example:3128");
    /// let client = builder.connect("ws://desk.example").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn proxy(mut self, url: &str) -> Self {
        let matcher = Matcher::builder().all(url).build();
        let is_valid = matcher.intercept(&Uri::from_static("http://any")).is_some();
        self.options.proxies =
            if is_valid { Proxies::Of(Box::new(matcher)) } else { Proxies::Invalid(without_user_info(url)) };
        self
    }

    /// Connects through the [proxy](Self::proxy) that the environment names, if it names one.
    ///
    /// The variables are `HTTPS_PROXY` for `wss` URLs, `HTTP_PROXY` for `ws` URLs, and otherwise `ALL_PROXY`.
    /// `NO_PROXY` lists names, which include their subdomains, and IP addresses and networks that are reached without a
    /// proxy. `*` is all of them. Each name may be written in lower case as well.
    ///
    /// The environment is read by this call. A CGI program, which has the variable `REQUEST_METHOD`, uses no proxy,
    /// because a client of it could set `HTTP_PROXY`.
    ///
    /// ```
    /// # use wswrapper::{Client, error::ConnectError};
    /// # async fn run() -> Result<(), ConnectError> {
    /// let client = Client::builder().proxy_from_env().connect("ws://desk.example").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn proxy_from_env(mut self) -> Self {
        self.options.proxies = Proxies::Of(Box::new(Matcher::from_env()));
        self
    }
}

/// The proxies that a client uses.
#[derive(Default, Debug)]
pub(super) enum Proxies {
    #[default]
    None,
    Of(Box<Matcher>),
    /// The URL of the proxy is invalid.
    Invalid(String),
}

impl Proxies {
    /// Returns the proxy for a URL.
    pub(super) fn proxy_for(&self, url: &ServerUrl) -> Result<Option<Proxy>, ConnectError> {
        let invalid = |proxy: &str, reason: &str| ConnectError::Proxy {
            proxy: proxy.to_owned(),
            address: url.address.clone(),
            reason: reason.to_owned(),
            status: None,
            source: None,
        };
        let Some(target) = url.authority().and_then(|authority| authority.parse::<Authority>().ok()) else {
            return Ok(None);
        };
        let found = match self {
            Self::None => None,
            Self::Invalid(proxy) => return Err(invalid(proxy, "its URL is not like http://proxy.example:3128")),
            Self::Of(matcher) => matcher.intercept(&http_uri(url.scheme, target.clone())),
        };
        let Some(found) = found else { return Ok(None) };
        Proxy::new(&found, target).map(Some).map_err(|reason| invalid(&found.uri().to_string(), reason))
    }
}

/// Returns the URI for which the rules are asked.
fn http_uri(scheme: Scheme, target: Authority) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(match scheme {
        Scheme::Ws => http::uri::Scheme::HTTP,
        #[cfg(feature = "rustls")]
        Scheme::Wss => http::uri::Scheme::HTTPS,
    });
    parts.authority = Some(target);
    parts.path_and_query = Some(PathAndQuery::from_static("/"));
    Uri::from_parts(parts).unwrap_or_default()
}

/// A proxy on the way to a server.
pub(super) struct Proxy {
    /// A name, or an IP address without brackets.
    host: String,
    port: u16,
    address: String,
    authorization: Option<HeaderValue>,
    target: Authority,
}

impl Proxy {
    fn new(found: &Intercept, target: Authority) -> Result<Self, &'static str> {
        let uri = found.uri();
        if uri.scheme_str() != Some("http") {
            return Err("only proxies with URLs like http://proxy.example:3128 are supported");
        }
        let host = uri.host().unwrap_or_default();
        let port = uri.port_u16().unwrap_or(80);
        let address = format!("{host}:{port}");
        let host = host.trim_matches(['[', ']']).to_owned();
        Ok(Self { host, port, address, authorization: found.basic_auth().cloned(), target })
    }

    /// Connects to the server of a URL.
    pub(super) async fn connect(
        &self,
        url: &ServerUrl,
        deadline: Deadline,
        max_head_size: usize,
    ) -> Result<Socket, ConnectError> {
        let address = format!("the proxy {}", self.address);
        let stream = connect_tcp(&self.host, self.port, &address, deadline).await?;
        let opened = self.open_tunnel(Socket::Tcp(stream), url, max_head_size);
        deadline.limit(ConnectStep::Proxy, &address, opened).await
    }

    async fn open_tunnel(&self, stream: Socket, url: &ServerUrl, max_head_size: usize) -> Result<Socket, ConnectError> {
        let failed = |reason, status, source| ConnectError::Proxy {
            proxy: self.address.clone(),
            address: url.address.clone(),
            reason,
            status,
            source,
        };
        match exchange(stream, self.request(), max_head_size, || Duration::ZERO).await {
            Ok(Response::Upgraded { stream, rest, .. }) if rest.is_empty() => Ok(stream),
            // The client is the first to send something, with TLS and without.
            Ok(Response::Upgraded { head, .. }) => {
                Err(failed("it sent data that cannot be the server's".to_owned(), Some(head.status), None))
            }
            Ok(Response::Refused { head, .. }) => {
                let help = match head.status {
                    StatusCode::PROXY_AUTHENTICATION_REQUIRED => "; are the user and the password in its URL right?",
                    _ => "",
                };
                Err(failed(format!("status {}{help}", head.status), Some(head.status), None))
            }
            Err(ExchangeError { failure: Failure::Tls, .. }) => {
                Err(failed("it speaks TLS, which is not supported for proxies".to_owned(), None, None))
            }
            Err(ExchangeError { failure, source }) => Err(failed(failure.to_string(), None, source)),
        }
    }

    fn request(&self) -> Request<NoBody> {
        let mut request = Request::new(NoBody::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = Uri::from(self.target.clone());
        if let Ok(host) = HeaderValue::from_str(self.target.as_str()) {
            request.headers_mut().insert(header::HOST, host);
        }
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(header::PROXY_AUTHORIZATION, authorization.clone());
        }
        request
    }
}
