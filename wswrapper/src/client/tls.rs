//! TLS on a client's way to a URL, by rustls.

use super::Dialling;
use crate::builder::Builder;
use rustls_platform_verifier::BuilderVerifierExt;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, Error};

impl Builder<Dialling> {
    /// How `wss://` URLs are connected to: which authorities are trusted, which certificate this end shows, which
    /// versions of TLS it speaks. By default the certificates that the platform trusts count, and nothing is shown. The
    /// types are those of [`wswrapper::rustls`](crate::rustls). Several clients may share a configuration, and with it
    /// the sessions that they resume.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    /// use wswrapper::Client;
    /// use wswrapper::rustls::pki_types::CertificateDer;
    /// use wswrapper::rustls::{ClientConfig, RootCertStore, crypto::ring};
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
        self.role.options.tls = Some(config.into());
        self
    }
}

/// Does the TLS handshake with a server whose certificate is for this host, a name or an IP address.
pub(crate) async fn perform_handshake(
    stream: TcpStream,
    host: &str,
    config: Option<Arc<ClientConfig>>,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let config = match config {
        Some(config) => config,
        // Reads files on some platforms.
        None => {
            tokio::task::spawn_blocking(platform_config).await.map_err(io::Error::other)?.map_err(io::Error::other)?
        }
    };
    TlsConnector::from(config).connect(name, stream).await
}

/// Trusts what the platform trusts. Made once, for all clients of the process.
fn platform_config() -> Result<Arc<ClientConfig>, Error> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    if let Some(config) = CONFIG.get() {
        return Ok(Arc::clone(config));
    }
    // Named here, as the program may have rustls with other providers as well.
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_platform_verifier()?
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::clone(CONFIG.get_or_init(|| Arc::new(config))))
}
