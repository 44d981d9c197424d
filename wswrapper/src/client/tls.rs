//! TLS of clients, by rustls.

use super::ClientBuilder;
use super::socket::Socket;
use super::url::ServerUrl;
use crate::error::ConnectError;
use crate::rt;
use rustls_platform_verifier::BuilderVerifierExt;
use std::error::Error as StdError;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, Error};

impl ClientBuilder {
    /// Sets the TLS configuration for `wss://` URLs: trusted authorities, client certificate, versions.
    ///
    /// By default the client trusts the certificates that the platform trusts, and sends no certificate. The types are
    /// in [`wswrapper::client::rustls`](crate::client::rustls). Clients that share a configuration also share its
    /// sessions for resumption.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use wswrapper::Client;
    /// use wswrapper::client::rustls::pki_types::CertificateDer;
    /// use wswrapper::client::rustls::{ClientConfig, RootCertStore, crypto::ring};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let mut roots = RootCertStore::empty();
    /// roots.add(CertificateDer::from(std::fs::read("our-authority.der")?))?;
    /// let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
    ///     .with_safe_default_protocol_versions()?
    ///     .with_root_certificates(roots)
    ///     .with_no_client_auth();
    /// let client = Client::builder().tls(config).connect("wss://desk.internal").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn tls(mut self, config: impl Into<Arc<ClientConfig>>) -> Self {
        self.options.tls = Some(config.into());
        self
    }
}

/// Performs the TLS handshake. The certificate must be valid for the host of the URL.
pub(super) async fn encrypt(
    stream: Socket,
    url: &ServerUrl,
    config: Option<Arc<ClientConfig>>,
) -> Result<Socket, ConnectError> {
    let encrypted = perform_handshake(stream, url, config).await;
    let stream = encrypted.map_err(|source| ConnectError::Tls { address: url.address.clone(), source })?;
    Ok(Socket::Boxed(Box::new(stream)))
}

async fn perform_handshake(
    stream: Socket,
    url: &ServerUrl,
    config: Option<Arc<ClientConfig>>,
) -> io::Result<TlsStream<Socket>> {
    let name = ServerName::try_from(url.host().to_owned()).map_err(io::Error::other)?;
    let config = match config {
        Some(config) => config,
        // Blocks, because it reads files on some platforms.
        None => rt::spawn_blocking(platform_config).await.map_err(io::Error::other)?.map_err(io::Error::other)?,
    };
    TlsConnector::from(config).connect(name, stream).await
}

/// Finds an error of rustls below another error.
pub(super) fn find_error(error: &io::Error) -> Option<io::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        // The inner error of an `io::Error` is not one of its sources.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<Error>()) {
            return Some(io::Error::new(io::ErrorKind::InvalidData, error.clone()));
        }
        cause = error.source();
    }
    None
}

/// Returns a configuration that trusts the platform's certificates. Created once for all clients of the process.
fn platform_config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    // The provider is named, because rustls chooses none if a program has several.
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}
