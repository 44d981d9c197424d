//! The way from a URL to an open connection.

use super::addresses::connect_to_first;
use super::deadline::Deadline;
use super::destination::ConnectRequest;
use super::options::ConnectOptions;
use super::redirect::{location, remove_private, resolve};
use super::socket::Socket;
use super::upgrade::{Offer, Upgraded};
use super::url::{Endpoint, Scheme, ServerUrl};
use crate::error::{ConnectError, ConnectStep};
use crate::handshake::Handshake;
use crate::limits::Limits;
use crate::proto::Side;
use crate::transport::{WebSocket, tcp};
use http::HeaderMap;
use std::net::SocketAddr;
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, lookup_host};

/// An open connection.
pub(super) type Dialled = (WebSocket<Socket>, Handshake);

/// Connects to a URL and performs the handshake.
pub(super) async fn dial(
    options: &ConnectOptions,
    limits: &Limits,
    request: ConnectRequest,
) -> Result<Dialled, ConnectError> {
    let mut url = ServerUrl::parse(&request.url)?;
    let mut headers = options.headers.replaced_by(&request.headers)?;
    let attempt = Attempt::new(options, limits);
    let mut followed = 0;
    loop {
        let (socket, remote_addr) = attempt.open(&url).await?;
        let error = match attempt.upgrade(socket, remote_addr, &url, &headers).await {
            Ok(dialled) => return Ok(dialled),
            Err(error) => error,
        };
        let location = match &error {
            ConnectError::Refused { status, headers, .. } if options.redirects > 0 => location(*status, headers),
            _ => None,
        };
        let Some(location) = location else { return Err(error) };
        let failed = |reason| ConnectError::Protocol { address: url.address.clone(), reason, source: None };
        if followed == options.redirects {
            return Err(failed(format!("it is one redirect more than {followed}, the builder's `redirects`")));
        }
        followed += 1;
        let next = resolve(&url, location).map_err(failed)?;
        if next.endpoint != url.endpoint {
            remove_private(&mut headers);
        }
        url = next;
    }
}

/// Performs the handshake over a stream that is already open.
pub(super) async fn dial_over(
    options: &ConnectOptions,
    limits: &Limits,
    socket: Socket,
    url: &str,
) -> Result<Dialled, ConnectError> {
    let url = ServerUrl::parse(url)?;
    let headers = options.headers.check()?;
    Attempt::new(options, limits).upgrade(socket, None, &url, headers).await
}

/// An attempt to connect, with all its redirects.
struct Attempt<'o> {
    options: &'o ConnectOptions,
    limits: &'o Limits,
    deadline: Deadline,
}

impl<'o> Attempt<'o> {
    fn new(options: &'o ConnectOptions, limits: &'o Limits) -> Self {
        let deadline = Deadline::after(options.timeout.unwrap_or(limits.handshake_timeout));
        Self { options, limits, deadline }
    }

    /// Opens a stream to the server. Also returns the server's address if it is known.
    async fn open(&self, url: &ServerUrl) -> Result<(Socket, Option<SocketAddr>), ConnectError> {
        match &url.endpoint {
            #[cfg(unix)]
            Endpoint::Unix(path) => {
                let connecting = async {
                    let stream = UnixStream::connect(path).await;
                    stream.map_err(|source| ConnectError::Connect { address: url.address.clone(), source })
                };
                let stream = self.deadline.limit(ConnectStep::Connect, &url.address, connecting).await?;
                Ok((Socket::Unix(stream), None))
            }
            Endpoint::Network { host, port } => {
                #[cfg(feature = "proxy")]
                if let Some(proxy) = self.options.proxies.proxy_for(url)? {
                    let socket = proxy.connect(url, self.deadline, self.limits.max_head_size).await?;
                    // The address of the server is known to the proxy.
                    return Ok((socket, None));
                }
                let stream = connect_tcp(host, *port, &url.address, self.deadline).await?;
                let remote_addr = stream.peer_addr().ok();
                Ok((Socket::Tcp(stream), remote_addr))
            }
        }
    }

    /// Performs the TLS handshake, if the URL asks for TLS, and the WebSocket handshake.
    async fn upgrade(
        &self,
        socket: Socket,
        remote_addr: Option<SocketAddr>,
        url: &ServerUrl,
        headers: &HeaderMap,
    ) -> Result<Dialled, ConnectError> {
        let socket = match url.scheme {
            Scheme::Ws => socket,
            #[cfg(feature = "rustls")]
            Scheme::Wss => {
                let encrypting = super::tls::encrypt(socket, url, self.options.tls.clone());
                self.deadline.limit(ConnectStep::Tls, &url.address, encrypting).await?
            }
        };
        let subprotocols = &self.options.subprotocols;
        let offer = Offer { headers, subprotocols, max_head_size: self.limits.max_head_size, deadline: self.deadline };
        let upgrading = offer.upgrade(socket, url);
        let upgraded = self.deadline.limit(ConnectStep::Handshake, &url.address, upgrading).await?;
        let Upgraded { stream, rest, headers, subprotocol } = upgraded;
        let handshake = Handshake::of(&url.target, &headers, remote_addr);
        let handshake = subprotocol.into_iter().fold(handshake, |handshake, name| handshake.with_subprotocol(&name));
        Ok((WebSocket::new(stream, Side::Client, rest.to_vec(), self.limits.max_message_size), handshake))
    }
}

/// Opens a TCP connection to an address of a host.
pub(super) async fn connect_tcp(
    host: &str,
    port: u16,
    address: &str,
    deadline: Deadline,
) -> Result<TcpStream, ConnectError> {
    let looking_up = async {
        let found = lookup_host((host, port)).await;
        let found = found.map_err(|source| ConnectError::Dns { address: address.to_owned(), source })?;
        Ok(found.collect())
    };
    let addresses = deadline.limit(ConnectStep::Lookup, address, looking_up).await?;
    let connecting = async {
        let stream = connect_to_first(addresses, TcpStream::connect).await;
        stream.map_err(|source| ConnectError::Connect { address: address.to_owned(), source })
    };
    let stream = deadline.limit(ConnectStep::Connect, address, connecting).await?;
    tcp::set_options(&stream);
    Ok(stream)
}
