//! Clients over TLS: whom they trust, what they say if they do not, and that all goes through.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "so are handlers")]

mod support;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use std::convert::Infallible;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use wswrapper::rustls;
use wswrapper::rustls::crypto::{CryptoProvider, ring};
use wswrapper::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use wswrapper::rustls::server::WebPkiClientVerifier;
use wswrapper::rustls::{ClientConfig, RootCertStore, ServerConfig};
use wswrapper::{CallError, Client, ClientBuilder, ConnectError, Context, Server, ws_handlers};

struct Desk;

#[ws_handlers]
impl Desk {
    fn echo(&self, text: String) -> String {
        text
    }

    /// The header `Host`, and the subprotocol.
    fn asked_for(&self, ctx: Context) -> (Option<String>, Option<String>) {
        let handshake = ctx.handshake();
        let host = handshake.headers().get("host").and_then(|host| host.to_str().ok());
        (host.map(ToOwned::to_owned), handshake.subprotocol().map(ToOwned::to_owned))
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Who signs certificates.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no name is wrong");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        // Each has a name of its own: one that is not trusted shall not be taken for one that is.
        let name = format!("authority {}", BASE64_STANDARD.encode(&key.public_key_raw()[..12]));
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, key).expect("it is well formed"))
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("it is well formed");
        roots
    }

    /// A server's configuration, with a certificate for these names and addresses.
    fn certifies(&self, names: &[&str]) -> ServerConfig {
        self.certifies_with(names, |_| {})
    }

    fn certifies_with(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> ServerConfig {
        let (chain, key) = self.sign(names, change);
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.expect("ring has them").with_no_client_auth();
        builder.with_single_cert(chain, key).expect("the key is the certificate's")
    }

    fn sign(
        &self,
        names: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).expect("these are names");
        change(&mut params);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.0).expect("it is well formed");
        (vec![certificate.der().clone()], PrivateKeyDer::from(key))
    }

    /// A client's configuration that trusts this authority alone.
    fn trusted(&self) -> Arc<ClientConfig> {
        let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
        let builder = builder.expect("ring has them").with_root_certificates(self.roots());
        Arc::new(builder.with_no_client_auth())
    }

    fn client(&self) -> ClientBuilder {
        Client::builder().tls(self.trusted())
    }
}

struct Running {
    server: Server,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// A server whose connections come through a TLS acceptor in front of it.
async fn serve(config: ServerConfig) -> Running {
    serve_at("127.0.0.1:0", config).await.expect("a port is free")
}

async fn serve_at(address: &str, config: ServerConfig) -> io::Result<Running> {
    let server = Server::builder().service(Desk).subprotocol("desk.v1").build().expect("the services can be mounted");
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let accepting = tokio::spawn({
        let server = server.clone();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    // Who does not come this far is told by the client.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = server.accept(stream).await;
                    }
                });
            }
        }
    });
    Ok(Running { server, address, accepting })
}

impl Running {
    fn url(&self, host: &str) -> String {
        format!("wss://{host}:{}", self.address.port())
    }
}

/// A failure comes in time, and this is its text.
async fn failure(builder: ClientBuilder, url: &str) -> String {
    let connecting = tokio::time::timeout(Duration::from_secs(5), builder.connect(url));
    connecting.await.expect("it is not waited for").expect_err(url).to_string()
}

#[tokio::test]
async fn a_client_calls_a_server_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().subprotocol("desk.v1").connect(&running.url("localhost")).await?;
    assert_eq!(client.handshake().subprotocol(), Some("desk.v1"));
    assert_eq!(client.handshake().remote_addr(), Some(running.address));
    let desk = DeskProxy::new(&client);
    let host = format!("localhost:{}", running.address.port());
    assert_eq!(desk.asked_for().await?, (Some(host), Some("desk.v1".to_owned())));
    assert_eq!(client.close().await.code, 1000);
    Ok(())
}

#[tokio::test]
async fn large_messages_pass_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    let desk = DeskProxy::new(&client);
    // Around the size of a TLS record, and far more than a socket's buffers hold at once.
    for length in [0, 16_000, 16_384, 17_000, 70_000, 1_000_000] {
        let text: String = ('a'..='z').cycle().take(length).collect();
        assert!(desk.echo(&text).await? == text, "{length} bytes came back changed");
    }
    let text = "x".repeat(1_000_000);
    let echoes = futures_util::future::try_join_all((0..16).map(|_| desk.echo(&text))).await?;
    assert!(echoes.iter().all(|echo| *echo == text));
    Ok(())
}

#[tokio::test]
async fn many_calls_pass_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let config = authority.trusted();
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(Client::builder().tls(Arc::clone(&config)).connect(&running.url("localhost")).await?);
    }
    let calls = clients.iter().map(|client| async move {
        let desk = DeskProxy::new(client);
        for round in 0..10 {
            let numbers = (0..50).map(|n| (round * 50 + n).to_string());
            let echoes = futures_util::future::try_join_all(numbers.clone().map(|n| desk.echo(n))).await?;
            assert!(echoes.into_iter().eq(numbers));
        }
        Ok::<_, CallError<Infallible>>(())
    });
    futures_util::future::try_join_all(calls).await?;
    assert_eq!(running.server.peers().len(), 20);
    Ok(())
}

#[tokio::test]
async fn a_certificate_may_be_for_an_ip_address() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    for (listen, host) in [("127.0.0.1:0", "127.0.0.1"), ("[::1]:0", "[::1]")] {
        let config = authority.certifies(&["127.0.0.1", "::1"]);
        let running = match serve_at(listen, config).await {
            Ok(running) => running,
            Err(error) => {
                eprintln!("SKIPPED for {host}, which this machine does not have: {error}");
                continue;
            }
        };
        let client = authority.client().connect(&running.url(host)).await?;
        assert_eq!(DeskProxy::new(&client).echo("hello").await?, "hello");
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
    // It is for the name, and not for the address behind it.
    let running = serve(authority.certifies(&["localhost"])).await;
    assert_eq!(
        failure(authority.client(), &running.url("127.0.0.1")).await,
        format!("no TLS connection to {}: its certificate is not for 127.0.0.1, but for localhost", running.address)
    );
}

#[tokio::test]
async fn a_certificate_that_nobody_trusted_issued_is_refused() {
    let running = serve(Authority::new().certifies(&["localhost"])).await;
    let error = Authority::new().client().connect(&running.url("localhost")).await.expect_err("it is not trusted");
    assert_eq!(
        error.to_string(),
        format!(
            "no TLS connection to localhost:{}: its certificate is not trusted: no authority known here has issued it; \
             `.tls(..)` on the client's builder sets which are",
            running.address.port()
        )
    );
    // For programs it is what rustls says.
    let ConnectError::Tls { source, .. } = error else { panic!("expected an error of TLS, got {error:?}") };
    let inner = source.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    assert_eq!(inner, Some(&rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)));
    assert!(running.server.peers().is_empty());
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_refused() {
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

/// Without a configuration the platform's certificates count: here those of a file, which Linux lets the environment
/// name. As it can be named only before a program starts, another run of this one connects.
#[tokio::test]
async fn without_a_configuration_the_platforms_certificates_count() -> Result<(), Box<dyn Error>> {
    if !cfg!(target_os = "linux") {
        eprintln!("SKIPPED: only Linux lets the environment name the platform's certificates");
        return Ok(());
    }
    let (trusted, other) = (Authority::new(), Authority::new());
    let certificate = BASE64_STANDARD.encode(trusted.0.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let file = std::env::temp_dir().join(format!("wswrapper-tls-{}.pem", std::process::id()));
    std::fs::write(&file, pem)?;
    let (trusted, other) =
        (serve(trusted.certifies(&["localhost"])).await, serve(other.certifies(&["localhost"])).await);
    let child = tokio::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "trusts_the_platform", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", &file)
        .env_remove("SSL_CERT_DIR")
        .env(TRUSTED_URL, trusted.url("localhost"))
        .env(OTHER_URL, other.url("localhost"))
        .output();
    let output = child.await?;
    std::fs::remove_file(&file)?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("both were tried"), "{said}");
    Ok(())
}

const TRUSTED_URL: &str = "WSWRAPPER_TESTS_TRUSTED_URL";
const OTHER_URL: &str = "WSWRAPPER_TESTS_OTHER_URL";

#[tokio::test]
#[ignore = "run by `without_a_configuration_the_platforms_certificates_count`"]
async fn trusts_the_platform() -> Result<(), Box<dyn Error>> {
    let (Ok(trusted), Ok(other)) = (std::env::var(TRUSTED_URL), std::env::var(OTHER_URL)) else {
        eprintln!("SKIPPED: another test runs it");
        return Ok(());
    };
    let client = Client::connect(&trusted).await?;
    assert_eq!(DeskProxy::new(&client).echo("hello").await?, "hello");
    let refused = failure(Client::builder(), &other).await;
    assert!(refused.contains("its certificate is not trusted"), "{refused}");
    println!("both were tried");
    Ok(())
}

#[tokio::test]
async fn a_client_shows_its_certificate() -> Result<(), Box<dyn Error>> {
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
    assert_eq!(DeskProxy::new(&client).echo("hello").await?, "hello");

    let refused = failure(authority.client(), &running.url("localhost")).await;
    assert!(refused.contains("CertificateRequired"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn ws_to_a_port_with_tls_is_told() {
    let running = serve(Authority::new().certifies(&["localhost"])).await;
    assert_eq!(
        failure(Client::builder(), &format!("ws://{}", running.address)).await,
        format!(
            "the server at {} refused the handshake: it speaks TLS; write wss:// instead of ws://",
            running.address
        )
    );
}

#[tokio::test]
async fn wss_to_a_port_without_tls_is_told() -> Result<(), Box<dyn Error>> {
    let listening = Server::builder().service(Desk).bind("127.0.0.1:0").await?;
    let address = listening.local_addr();
    tokio::spawn(listening.serve());
    let no_tls = "what it answered is not TLS; write ws:// for a server without it";
    let authority = Authority::new();
    assert_eq!(
        failure(authority.client(), &format!("wss://{address}")).await,
        format!("no TLS connection to {address}: {no_tls}")
    );
    for (answer, reason) in [
        ("HTTP/1.1 400 Bad Request\r\n\r\n", no_tls),
        ("SSH-2.0-OpenSSH_9.9\r\n", no_tls),
        ("", "it ended the connection; does it speak TLS on this port?"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("somebody connects");
            let mut hello = [0; 4096];
            let _ = stream.read(&mut hello).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            // Until the client has seen enough.
            let _ = stream.shutdown().await;
            let _ = stream.read(&mut hello).await;
        });
        assert_eq!(
            failure(authority.client(), &format!("wss://{address}")).await,
            format!("no TLS connection to {address}: {reason}")
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_silent_server_has_no_more_time_for_tls_than_for_the_rest() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let builder = Authority::new().client().connect_timeout(Duration::from_millis(50));
    assert_eq!(
        failure(builder, &format!("wss://{address}")).await,
        format!("{address} did not complete the handshake in time")
    );
    Ok(())
}

#[tokio::test]
async fn closing_and_being_cut_off_are_told_over_tls() -> Result<(), Box<dyn Error>> {
    let authority = Authority::new();
    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    support::until(|| running.server.peers().len() == 1).await;
    running.server.close().await;
    let closed = client.closed().await;
    assert_eq!((closed.code, closed.reason.as_str(), closed.by_us), (1001, "the server is closing", false));

    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    support::until(|| running.server.peers().len() == 1).await;
    let Running { server, accepting, .. } = running;
    accepting.abort();
    drop(server);
    assert_eq!(client.closed().await.code, 1006);

    let running = serve(authority.certifies(&["localhost"])).await;
    let client = authority.client().connect(&running.url("localhost")).await?;
    support::until(|| running.server.peers().len() == 1).await;
    let peer = running.server.peers().remove(0);
    drop(client);
    assert_eq!(peer.closed().await.code, 1000);
    Ok(())
}

#[tokio::test]
async fn the_port_of_wss_is_443_unless_the_url_names_one() {
    let authority = Authority::new();
    for (url, expected) in [("wss://127.0.0.1/path", "127.0.0.1:443"), ("WSS://[::1]", "[::1]:443")] {
        // Whatever is there is none of ours.
        match authority.client().connect(url).await.expect_err(url) {
            ConnectError::Connect { address, .. }
            | ConnectError::Tls { address, .. }
            | ConnectError::Handshake { address, .. }
            | ConnectError::TimedOut { address } => assert_eq!(address, expected),
            error => panic!("expected that it tries {expected}, got {error}"),
        }
    }
}
