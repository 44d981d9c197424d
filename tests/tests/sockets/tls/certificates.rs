//! Certificates of servers and clients.

use super::authority::{Authority, provider};
use super::{TestServiceProxy, failure, serve, serve_at};
use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use std::error::Error;
use std::sync::Arc;
use wswrapper::client::rustls::server::WebPkiClientVerifier;
use wswrapper::client::rustls::{self, ClientConfig, ServerConfig};
use wswrapper::{Client, error::ConnectError};

#[tokio::test]
async fn a_certificate_may_be_for_an_ip_address() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    for (listen, host) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "[::1]")] {
        let config = authority.certifies(&["127.0.0.1", "::1"]);
        let running = match serve_at(listen, config).await {
            Ok(running) => running,
            Err(error) => {
                eprintln!("SKIPPED for {host}: this machine does not have the address: {error}");
                continue;
            }
        };
        let client = authority.client().connect(&running.url(host)).await?;
        assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    }
    Ok(())
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["desk.example", "other.example"])).await;
    let address = format!("localhost:{}", running.address.port());
    assert_eq!(
        failure(authority.client(), &running.url("localhost")).await,
        format!(
            "no TLS connection to {address}: its certificate is not for localhost, but for desk.example, other.example"
        )
    );
    // A certificate for a name is not valid for the address of that name.
    let running = serve(authority.certifies(&["localhost"])).await;
    assert_eq!(
        failure(authority.client(), &running.url("127.0.0.1")).await,
        format!("no TLS connection to {}: its certificate is not for 127.0.0.1, but for localhost", running.address)
    );
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let running = serve(Authority::new().certifies(&["localhost"])).await;
    let error =
        Authority::new().client().connect(&running.url("localhost")).await.expect_err("the certificate is not trusted");
    assert_eq!(
        error.to_string(),
        format!(
            "no TLS connection to localhost:{}: its certificate is not trusted: no authority known here has issued it; \
             `.tls(..)` on the client's builder sets which are",
            running.address.port()
        )
    );
    // The source is the error of rustls, for programs that inspect it.
    let ConnectError::Tls { source, .. } = error else { panic!("expected an error of TLS, got {error:?}") };
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    assert_eq!(inner, Some(&rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)));
    assert!(running.server.peers().is_empty());
}

#[tokio::test]
async fn the_certificate_of_an_authority_is_not_one_of_a_server() {
    let authority = Authority::new();
    let running = serve(authority.certifies_with(&["localhost"], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }));
    let running = running.await;
    assert_eq!(
        failure(authority.client(), &running.url("localhost")).await,
        format!(
            "no TLS connection to localhost:{}: its certificate is that of an authority and not of a server; the server \
             needs one that the authority has issued",
            running.address.port()
        )
    );
}

#[tokio::test]
async fn an_expired_or_not_yet_valid_certificate_is_refused() {
    let authority = Authority::new();
    for (from, to, reason) in [
        (2001, 2002, "its certificate has expired"),
        (3001, 3002, "its certificate is not valid yet; is this machine's clock right?"),
    ] {
        let running = serve(authority.certifies_with(&["localhost"], |params| {
            params.not_before = date_time_ymd(from, 1, 1);
            params.not_after = date_time_ymd(to, 1, 1);
        }));
        let running = running.await;
        assert_eq!(
            failure(authority.client(), &running.url("localhost")).await,
            format!("no TLS connection to localhost:{}: {reason}", running.address.port())
        );
    }
}

#[tokio::test]
async fn a_client_certificate_is_sent_to_a_server_that_requires_one() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let (chain, key) = authority.sign(&["localhost"], |_| {});
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(authority.roots()), provider()).build()?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_single_cert(chain, key)?;
    let running = serve(config).await;

    let (chain, key) = authority.sign(&["a client"], |_| {});
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(authority.roots())
        .with_client_auth_cert(chain, key)?;
    let client = Client::builder().tls(config).connect(&running.url("localhost")).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");

    let refused = failure(authority.client(), &running.url("localhost")).await;
    assert!(refused.contains("it requires a certificate of the client"), "{refused}");
    Ok(())
}
