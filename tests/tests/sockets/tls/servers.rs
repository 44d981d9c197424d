//! Servers over TLS.

use super::authority::{Authority, provider};
use super::{TestServiceProxy, failure, serve};
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wswrapper::server::rustls::ServerConfig;
use wswrapper::server::rustls::server::{ClientHello, ResolvesServerCert};
use wswrapper::server::rustls::sign::CertifiedKey;

/// The present certificate of a server, which can be exchanged.
#[derive(Debug)]
struct Present(Mutex<Arc<CertifiedKey>>);

impl ResolvesServerCert for Present {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.lock().expect("no thread panicked with the lock")))
    }
}

fn certified(authority: &Authority, name: &str) -> Arc<CertifiedKey> {
    let (chain, key) = authority.sign(&[name], |_| {});
    Arc::new(CertifiedKey::from_der(chain, key, &provider()).expect("the key belongs to the certificate"))
}

#[tokio::test]
async fn a_certificate_is_exchanged_while_the_server_runs() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let present = Arc::new(Present(Mutex::new(certified(&authority, "old.example"))));
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&present) as Arc<dyn ResolvesServerCert>);
    let running = serve(config).await;
    let refused = failure(authority.client(), &running.url("localhost")).await;
    assert!(refused.ends_with("its certificate is not for localhost, but for old.example"), "{refused}");
    *present.0.lock().map_err(|_| "poisoned")? = certified(&authority, "localhost");
    let client = authority.client().connect(&running.url("localhost")).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    // A connection outlives the certificate that it was opened with.
    *present.0.lock().map_err(|_| "poisoned")? = certified(&authority, "new.example");
    assert_eq!(TestServiceProxy::new(&client).echo("again").await?, "again");
    Ok(())
}

#[tokio::test]
async fn a_client_without_tls_is_cut_off_and_others_are_served() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let mut plain = TcpStream::connect(running.address).await?;
    plain.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let mut silent = TcpStream::connect(running.address).await?;
    let client = authority.client().connect(&running.url("localhost")).await?;
    assert_eq!(TestServiceProxy::new(&client).echo("hello").await?, "hello");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP"));
    // The handshake of TLS has the time of the opening handshake.
    let ended = tokio::time::timeout(Duration::from_secs(20), silent.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "a silent client was not cut off");
    Ok(())
}

#[tokio::test]
async fn a_server_with_tls_closes_its_connections() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    running.server.close();
    running.serving.await??;
    assert_eq!(client.closed().await.code, 1001);
    Ok(())
}
