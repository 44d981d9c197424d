//! Servers and clients over TLS: certificates, error texts, calls and HTTP/2.

#![allow(clippy::needless_pass_by_value, clippy::unused_self, reason = "handlers have this form")]

pub(crate) mod authority;
mod calls;
mod certificates;
mod http2;
mod platform;
mod servers;
mod urls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use wswrapper::server::rustls::ServerConfig;
use wswrapper::{Context, Limits, Server, client::ClientBuilder, error::ServeError, ws_handlers};

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
    serving: JoinHandle<Result<(), ServeError>>,
}

/// Starts a server with TLS.
pub(crate) async fn serve(config: impl Into<Arc<ServerConfig>>) -> Running {
    serve_at("127.0.0.1:0", config).await.expect("a port is free")
}

async fn serve_at(address: &str, config: impl Into<Arc<ServerConfig>>) -> Result<Running, ServeError> {
    let seconds = Duration::from_secs(2);
    let limits = Limits::default().handshake_timeout(seconds).write_timeout(seconds);
    let builder = Server::builder().service(TestService).subprotocol("desk.v1").limits(limits).tls(config);
    let listener = builder.bind(address).await?;
    let (server, address) = (listener.server().clone(), listener.local_addr());
    Ok(Running { server, address, serving: tokio::spawn(listener.serve()) })
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
