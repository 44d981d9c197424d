//! A certificate authority for tests.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use std::sync::Arc;
use wswrapper::client::rustls::crypto::{CryptoProvider, ring};
use wswrapper::client::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wswrapper::client::rustls::{ClientConfig, RootCertStore, ServerConfig};
use wswrapper::{Client, client::ClientBuilder};

pub(crate) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("there are no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key can be generated");
        // Each authority has a unique name, so that an untrusted one is not confused with a trusted one.
        let name = format!("authority {}", BASE64_STANDARD.encode(&key.public_key_raw()[..12]));
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, key).expect("the certificate is well formed"))
    }

    pub(crate) fn certificate(&self) -> &CertificateDer<'static> {
        self.0.der()
    }

    pub(crate) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("the certificate is well formed");
        roots
    }

    /// Returns a server's configuration with a certificate for these names and addresses.
    pub(crate) fn certifies(&self, names: &[&str]) -> ServerConfig {
        self.certifies_with(names, |_| {})
    }

    pub(crate) fn certifies_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let (chain, key) = self.sign(names, change);
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.expect("ring supports the default versions").with_no_client_auth();
        builder.with_single_cert(chain, key).expect("the key belongs to the certificate")
    }

    pub(crate) fn sign(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("the names are valid");
        change(&mut params);
        let key = KeyPair::generate().expect("a key can be generated");
        let certificate = params.signed_by(&key, &self.0).expect("the certificate is well formed");
        (vec![certificate.der().clone()], PrivateKeyDer::from(key))
    }

    /// Returns a client's configuration that trusts only this authority.
    pub(crate) fn trusted(&self) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.expect("ring supports the default versions").with_root_certificates(self.roots());
        Arc::new(builder.with_no_client_auth())
    }

    pub(crate) fn client(&self) -> ClientBuilder {
        Client::builder().tls(self.trusted())
    }
}
