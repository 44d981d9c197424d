//! A server over TLS whose certificate is exchanged while it runs.
//!
//! Run `cargo run --example tls --features rustls`. The program makes an authority and two certificates of its own, and a
//! client that trusts this authority calls the server before and after the exchange.

mod arguments;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::error::Error;
use std::sync::{Arc, RwLock};
use wswrapper::client::rustls::{ClientConfig, RootCertStore};
use wswrapper::server::rustls::ServerConfig;
use wswrapper::server::rustls::crypto::{CryptoProvider, ring};
use wswrapper::server::rustls::pki_types::PrivateKeyDer;
use wswrapper::server::rustls::server::{ClientHello, ResolvesServerCert};
use wswrapper::server::rustls::sign::CertifiedKey;
use wswrapper::{Client, Server, ws_handlers};

struct Desk;

#[ws_handlers]
impl Desk {
    pub fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }
}

/// The certificate for new connections. A program replaces it when its files have changed.
#[derive(Debug)]
struct CurrentCertificate(RwLock<Arc<CertifiedKey>>);

impl CurrentCertificate {
    fn replace(&self, certificate: CertifiedKey) {
        *self.0.write().expect("no thread panicked with the lock") = Arc::new(certificate);
    }
}

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().expect("no thread panicked with the lock")))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    arguments::none();
    let authority = Authority::new()?;
    let current = Arc::new(CurrentCertificate(RwLock::new(Arc::new(authority.certify("old.example")?))));
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(current.clone());
    let listener = Server::builder().service(Desk).tls(config).bind("127.0.0.1:0").await?;
    let (server, url) = (listener.server().clone(), format!("wss://localhost:{}", listener.local_addr().port()));
    let serving = tokio::spawn(listener.serve());

    if let Err(error) = authority.client().connect(&url).await {
        println!("before: {}", error.to_string().split("certificate").last().unwrap_or_default().trim());
    }
    current.replace(authority.certify("localhost")?);
    let client = authority.client().connect(&url).await?;
    println!("after: 1 + 2 = {}", DeskProxy::new(&client).add(1, 2).await?);

    server.close();
    serving.await??;
    Ok(())
}

/// An authority that issues certificates, and clients that trust it alone.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    trusted: Arc<ClientConfig>,
}

impl Authority {
    fn new() -> Result<Self, Box<dyn Error>> {
        let mut params = CertificateParams::new([])?;
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
        let mut roots = RootCertStore::empty();
        roots.add(issuer.der().clone())?;
        let trusted = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { issuer, trusted: Arc::new(trusted) })
    }

    fn certify(&self, name: &str) -> Result<CertifiedKey, Box<dyn Error>> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new([name.to_owned()])?.signed_by(&key, &self.issuer)?;
        Ok(CertifiedKey::from_der(vec![certificate.der().clone()], PrivateKeyDer::from(key), &provider())?)
    }

    fn client(&self) -> wswrapper::client::ClientBuilder {
        Client::builder().tls(Arc::clone(&self.trusted))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
