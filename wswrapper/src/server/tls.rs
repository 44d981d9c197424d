//! TLS of servers, by rustls.

use super::ServerBuilder;
use crate::error::AcceptError;
use crate::rt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

impl ServerBuilder {
    /// Expects TLS on each connection of a [`Listener`](super::Listener), with this configuration.
    ///
    /// Clients connect to `wss://` URLs. The types are in [`wswrapper::server::rustls`](crate::server::rustls). The TLS
    /// handshake has [`handshake_timeout`](crate::Limits::handshake_timeout). A certificate that is renewed while the
    /// server runs is a [`ResolvesServerCert`](crate::server::rustls::server::ResolvesServerCert) of the configuration;
    /// the example `tls` shows one.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use wswrapper::Server;
    /// use wswrapper::server::rustls::ServerConfig;
    /// use wswrapper::server::rustls::crypto::ring;
    /// use wswrapper::server::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let chain = CertificateDer::pem_file_iter("chain.pem")?.collect::<Result<_, _>>()?;
    /// let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
    ///     .with_safe_default_protocol_versions()?
    ///     .with_no_client_auth()
    ///     .with_single_cert(chain, PrivateKeyDer::from_pem_file("key.pem")?)?;
    /// Server::builder().tls(config).bind("0.0.0.0:443").await?.serve().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls(mut self, config: impl Into<Arc<ServerConfig>>) -> Self {
        self.front.tls = Some(config.into());
        self
    }
}

/// Performs the TLS handshake of a client.
pub(super) async fn perform_handshake<S>(
    stream: S,
    config: &Arc<ServerConfig>,
    handshake_timeout: Duration,
) -> Result<TlsStream<S>, AcceptError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let accepted = rt::timeout(handshake_timeout, TlsAcceptor::from(Arc::clone(config)).accept(stream)).await;
    accepted.map_err(|_| AcceptError::TimedOut)?.map_err(|error: io::Error| AcceptError::Io(error))
}
