//! HTTP of a WebSocket server: decides about each request.

mod admission;
mod authenticate;
mod body;
mod bounded_body;
mod connection;
mod fallback;
#[cfg(all(feature = "http2", feature = "rustls"))]
pub(crate) mod http2;
mod kept;
mod origin;
mod refusal;
mod refused;
mod remote_addr;
mod response;
mod rules;
mod site;
mod subprotocols;
#[cfg(all(feature = "http2", feature = "rustls"))]
mod watched_body;

use admission::Admission;
pub(crate) use admission::Admitted;
pub use authenticate::Authenticate;
pub(crate) use authenticate::Authenticator;
pub use body::Body;
use bounded_body::BoundedBody;
pub(crate) use connection::{Answer, serve};
pub(crate) use fallback::Fallback;
pub(crate) use kept::KeptTypes;
pub(crate) use origin::OriginPolicy;
pub use refusal::Refusal;
use refused::Refused;
pub use remote_addr::RemoteAddr;
pub(crate) use remote_addr::RemoteAddrSource;
pub(crate) use response::closing as closing_response;
pub(crate) use site::{Site, SitePage};
pub(crate) use subprotocols::{Subprotocols, add_subprotocol};

use crate::catch_panic::catch_panic;
use crate::engine::{Extensions, RefusalReason};
use crate::error::MountError;
use crate::handshake::Handshake;
use crate::rt::timeout;
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;
use percent_encoding::percent_decode_str;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

/// The smallest buffer of hyper.
const MIN_HEAD_SIZE: usize = 8 * 1024;

/// The HTTP settings of a server: who may connect, and what answers the other requests.
#[derive(Default, Debug)]
pub(crate) struct HttpFront {
    /// The path of WebSocket connections, percent-decoded; any path if not set.
    path: Option<Vec<u8>>,
    pub(crate) subprotocols: Subprotocols,
    pub(crate) origins: OriginPolicy,
    pub(crate) authenticator: Authenticator,
    pub(crate) remote_addr: RemoteAddrSource,
    pub(crate) kept_types: KeptTypes,
    pub(crate) fallback: Option<Fallback>,
    /// The configuration of TLS, if the streams of a listener have to use it.
    #[cfg(feature = "rustls")]
    pub(crate) tls: Option<Arc<tokio_rustls::rustls::ServerConfig>>,
    admission: Arc<Admission>,
}

/// A valid handshake.
pub(crate) struct Upgrade {
    /// Becomes the stream when the response was written.
    pub(crate) stream: OnUpgrade,
    pub(crate) handshake: Handshake,
    /// The values that are stored with the connection.
    pub(crate) extensions: Extensions,
    /// Dropped when the connection is open.
    pub(crate) admitted: Admitted,
    #[cfg(feature = "http2")]
    pub(crate) is_http2: bool,
}

impl HttpFront {
    pub(crate) fn set_path(&mut self, path: &str) {
        self.path = Some(percent_decode_str(&absolute_path(path)).collect());
    }

    /// Answers a request.
    pub(crate) async fn answer<B>(&self, request: Request<B>, site: &impl Site) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let is_http1 = request.version() <= Version::HTTP_11;
        let mut answer = self.answer_any_version(request, site).await;
        if let Answer::Response(response) = &mut answer
            && !is_http1
        {
            // A later version has no headers of the connection.
            response.headers_mut().remove(header::CONNECTION);
            response.headers_mut().remove(header::UPGRADE);
        }
        answer
    }

    async fn answer_any_version<B>(&self, request: Request<B>, site: &impl Site) -> Answer
    where
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let (mut parts, body) = request.into_parts();
        let for_websocket = rules::asks_for_websocket(&parts);
        // A load balancer asks by address, so every host is answered.
        if !for_websocket && let Some(page) = site.health_page(parts.uri.path()) {
            return Answer::Response(page.respond(&parts));
        }
        let remote_addr = match catch_panic(|| self.remote_addr.find(&parts)) {
            Ok(address) => address,
            Err(message) => {
                tracing::error!("`remote_addr` panicked: {message}");
                return Answer::Response(response::status(StatusCode::INTERNAL_SERVER_ERROR));
            }
        };
        if let Some(address) = remote_addr {
            parts.extensions.insert(RemoteAddr(address));
        }
        if !self.origins.answers(&parts) {
            let response = response::text(StatusCode::FORBIDDEN, "This host is not served here.\n");
            return Answer::Response(if for_websocket {
                Refused::new(RefusalReason::Host, response).tell(&parts, remote_addr, site.endpoint())
            } else {
                response
            });
        }
        if for_websocket && (self.fallback.is_none() || self.accepts_path(&parts)) {
            let on_upgrade = parts.extensions.remove::<OnUpgrade>();
            let request = Arc::new(parts);
            return match self.decide(&request, on_upgrade, remote_addr, site).await {
                Ok((response, upgrade)) => Answer::Upgrade(response, Box::new(upgrade)),
                Err(refused) => Answer::Response(refused.tell(&request, remote_addr, site.endpoint())),
            };
        }
        Answer::Response(match site.status_page(parts.uri.path()) {
            Some(page) if !for_websocket => page.respond(&parts),
            _ => match &self.fallback {
                Some(fallback) => {
                    let body = BoundedBody::new(body, site.endpoint().limits.write_timeout);
                    fallback.answer(Request::from_parts(parts, Body::new(body))).await
                }
                None if self.accepts_path(&parts) => response::upgrade_required(
                    "This is the address of a WebSocket: connect with ws:// instead of http://.\n",
                ),
                None => response::status(StatusCode::NOT_FOUND),
            },
        })
    }

    /// Decides about a handshake: by its head, by the limits, and then by the program.
    async fn decide(
        &self,
        request: &Arc<Parts>,
        on_upgrade: Option<OnUpgrade>,
        remote_addr: Option<SocketAddr>,
        site: &impl Site,
    ) -> Result<(Response<Body>, Upgrade), Refused> {
        if site.refuses_connections() {
            return Err(Refused::closing());
        }
        let opening = rules::check(request)?;
        if !self.accepts_path(request) {
            return Err(Refused::new(RefusalReason::Path, response::status(StatusCode::NOT_FOUND)));
        }
        if !self.origins.allows(request) {
            let response = response::text(StatusCode::FORBIDDEN, "Pages of this origin may not connect.\n");
            return Err(Refused::new(RefusalReason::Origin, response));
        }
        let Some(stream) = on_upgrade else {
            let response = response::upgrade_required("This server cannot upgrade the connection.\n");
            return Err(Refused::new(RefusalReason::NotUpgradable, response));
        };
        let unavailable = |reason| Refused::new(reason, response::unavailable("The server is busy.\n"));
        let limits = &site.endpoint().limits;
        let address = remote_addr.map(|address| address.ip());
        let mut admitted = self.admission.admit(limits, site.connections(), address).map_err(unavailable)?;
        let subprotocol = self.subprotocols.choose(&request.headers);
        let decided = tokio::select! {
            biased;
            () = site.refusing() => return Err(Refused::closing()),
            decided = timeout(limits.handshake_timeout, self.authenticator.decide(request)) => decided,
        };
        let extensions = decided
            .map_err(|_| unavailable(RefusalReason::TimedOut))?
            .map_err(|refusal| Refused::new(RefusalReason::Authentication, refusal.into()))?;
        if let Some(address) = admitted.address.take() {
            extensions.insert(address);
        }
        catch_panic(|| self.kept_types.copy(&request.extensions, &extensions)).map_err(|message| {
            tracing::error!("a kept extension panicked: {message}");
            let response = response::status(StatusCode::INTERNAL_SERVER_ERROR);
            Refused::new(RefusalReason::Authentication, response)
        })?;
        if has_foreign_extensions(&request.extensions) {
            extensions.show_request(Arc::clone(request));
        }
        let mut handshake = Handshake::new(request, remote_addr);
        if let Some(name) = subprotocol {
            handshake = handshake.with_subprotocol(name);
        }
        let upgrade = Upgrade {
            stream,
            handshake,
            extensions,
            admitted,
            #[cfg(feature = "http2")]
            is_http2: request.version == Version::HTTP_2,
        };
        Ok((response::opening(opening, subprotocol), upgrade))
    }

    fn accepts_path(&self, request: &Parts) -> bool {
        let Some(path) = &self.path else { return true };
        percent_decode_str(request.uri.path()).eq(path.iter().copied())
    }
}

/// Returns true if a layer around the server has added extensions to the request.
fn has_foreign_extensions(extensions: &http::Extensions) -> bool {
    extensions.len() > usize::from(extensions.get::<RemoteAddr>().is_some())
}

/// Returns the path with a leading slash.
pub(crate) fn absolute_path(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

/// Checks that hyper can use the limit of the head of a message.
pub(crate) fn check_head_size(max_head_size: usize) -> Result<(), MountError> {
    if max_head_size < MIN_HEAD_SIZE { Err(MountError::HeadSize(max_head_size)) } else { Ok(()) }
}
