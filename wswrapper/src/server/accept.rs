//! Sources of connections.

use crate::transport::tcp;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

/// A source of connections, such as a socket that listens.
///
/// tokio's `TcpListener` and `UnixListener` are sources, and other ones can be written. A
/// [`Listener`](super::Listener) serves the connections.
///
/// ```
/// use std::{io, net::SocketAddr};
/// use tokio::net::{TcpListener, TcpStream};
/// use wswrapper::server::Accept;
///
/// /// Accepts connections of this machine alone.
/// struct LocalOnly(TcpListener);
///
/// impl Accept for LocalOnly {
///     type Stream = TcpStream;
///
///     async fn accept(&mut self) -> io::Result<(TcpStream, Option<SocketAddr>)> {
///         loop {
///             let (stream, address) = self.0.accept().await?;
///             if address.ip().is_loopback() {
///                 return Ok((stream, Some(address)));
///             }
///         }
///     }
/// }
/// ```
pub trait Accept: Send + 'static {
    /// The stream of a connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Waits for the next connection, and returns its stream and the address of its peer, if there is one.
    ///
    /// The future has to be cancel-safe: a connection may not be lost if it is dropped. After an error of the kind
    /// `ConnectionAborted`, `ConnectionRefused` or `ConnectionReset` it is called again at once, after any other in 50
    /// milliseconds.
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Stream, Option<SocketAddr>)>> + Send;
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&mut self) -> io::Result<(TcpStream, Option<SocketAddr>)> {
        let (stream, address) = Self::accept(self).await?;
        tcp::set_options(&stream);
        Ok((stream, Some(address)))
    }
}

#[cfg(unix)]
impl Accept for tokio::net::UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<(Self::Stream, Option<SocketAddr>)> {
        Ok((Self::accept(self).await?.0, None))
    }
}
