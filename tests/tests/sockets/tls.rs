//! Clients over TLS: trusted certificates, error texts and calls.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

pub(crate) mod authority;
mod calls;
mod certificates;
mod platform;
mod urls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use wswrapper::client::rustls::ServerConfig;
use wswrapper::{Context, Server, client::ClientBuilder, ws_handlers};

struct TestService;

#[ws_handlers]
impl TestService {
    pub fn echo(&self, text: String) -> String {
        text
    }

    /// Returns the header `Host` and the subprotocol.
    pub fn host_and_subprotocol(&self, ctx: Context) -> (Option<String>, Option<String>) {
        let handshake = ctx.handshake();
        let host = handshake.headers().get("host").and_then(|host| host.to_str().ok());
        (host.map(ToOwned::to_owned), handshake.subprotocol().map(ToOwned::to_owned))
    }
}

pub(crate) struct Running {
    server: Server,
    pub(crate) address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// Starts a server behind a TLS acceptor.
pub(crate) async fn serve(config: ServerConfig) -> Running {
    serve_at("127.0.0.1:0", config).await.expect("a port is free")
}

async fn serve_at(address: &str, config: ServerConfig) -> io::Result<Running> {
    let server =
        Server::builder().service(TestService).subprotocol("desk.v1").build().expect("the services can be mounted");
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let accepting = tokio::spawn({
        let server = server.clone();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    // The client reports an error of the TLS handshake.
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

/// Returns the text of the error with which connecting fails. Panics if it takes more than 5 seconds.
async fn failure(builder: ClientBuilder, url: &str) -> String {
    let connecting = tokio::time::timeout(Duration::from_secs(5), builder.connect(url));
    connecting.await.expect("connecting fails in time").expect_err(url).to_string()
}
