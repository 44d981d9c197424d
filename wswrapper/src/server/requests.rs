//! Settings of the requests that a server answers.

use super::ServerBuilder;
use crate::http::{Body, Fallback, RemoteAddrSource};
use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use tower_service::Service;

impl ServerBuilder {
    /// Accepts WebSocket connections only on this path; others are answered with status 404, or by the
    /// [fallback](Self::fallback).
    ///
    /// By default each path is accepted. Handlers see it in [`Context::handshake`](crate::Context::handshake). Paths are
    /// compared percent-decoded.
    pub fn path(mut self, path: &str) -> Self {
        self.front.set_path(path);
        self
    }

    /// Answers each request that is no WebSocket handshake by a tower service, for example an axum `Router` with pages.
    ///
    /// A handshake on another [path](Self::path) goes to it, too. Without a fallback, such requests are answered with
    /// status 404, and those for the path of the WebSocket with status 426.
    ///
    /// ```
    /// # use wswrapper::Server;
    /// # async fn serve() -> Result<(), Box<dyn std::error::Error>> {
    /// let pages = axum::Router::new().route("/", axum::routing::get(|| async { "hello" }));
    /// Server::builder().path("/ws").fallback(pages).bind("127.0.0.1:8080").await?.serve().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn fallback<S, B>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>, Error = Infallible, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        self.front.fallback = Some(Fallback::new(service));
        self
    }

    /// Keeps the request's extension of this type with the connection, as `ctx.extension::<T>()`.
    ///
    /// A tower layer around the server may add extensions to a request, for example its user.
    /// [`authenticate`](Self::authenticate), [`on_open`](Self::on_open) and [`service_with`](Self::service_with) see all
    /// of them; after that only the kept ones are left. The others would keep the buffers of the HTTP library.
    ///
    /// ```
    /// use wswrapper::{Context, Server, ws_handlers};
    ///
    /// /// Added by a layer that reads a cookie.
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// struct Desk;
    ///
    /// #[ws_handlers]
    /// impl Desk {
    ///     pub fn whoami(&self, ctx: Context) -> Option<String> {
    ///         ctx.extension::<User>().map(|user| user.0)
    ///     }
    /// }
    ///
    /// let server = Server::builder().service(Desk).keep_extension::<User>();
    /// ```
    pub fn keep_extension<T: Clone + Send + Sync + 'static>(mut self) -> Self {
        self.front.kept_types.add::<T>();
        self
    }

    /// Finds the address of a client by a function of its request, for a server behind a proxy or inside another HTTP
    /// server.
    ///
    /// By default it is the address of the socket, which only a [`Listener`](super::Listener) knows. The result is the
    /// [address](crate::connection::Handshake::remote_addr) of the connection and counts for
    /// [`max_connections_per_address`](crate::Limits::max_connections_per_address).
    ///
    /// A client can send any header. Read only what a proxy of your own has written, which is the last entry:
    ///
    /// ```
    /// use http::request::Parts;
    /// use std::net::{IpAddr, SocketAddr};
    /// use wswrapper::Server;
    ///
    /// /// Returns the address that the proxy has added to `X-Forwarded-For`.
    /// fn forwarded_for(request: &Parts) -> Option<SocketAddr> {
    ///     let list = request.headers.get_all("x-forwarded-for").iter().next_back()?;
    ///     let address: IpAddr = list.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()?;
    ///     Some((address, 0).into())
    /// }
    ///
    /// let server = Server::builder().remote_addr(forwarded_for);
    /// ```
    ///
    /// Inside axum it is `|request| request.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0)`.
    pub fn remote_addr(mut self, find: impl Fn(&Parts) -> Option<SocketAddr> + Send + Sync + 'static) -> Self {
        self.front.remote_addr = RemoteAddrSource::Function(Box::new(find));
        self
    }

    /// Adds a supported subprotocol.
    ///
    /// A client offers subprotocols in its order of preference. The server chooses the first that it supports, and
    /// handlers see it as [`handshake().subprotocol()`](crate::connection::Handshake::subprotocol) of their context. If
    /// it supports none of them, the connection is accepted without a subprotocol. An invalid name is an error when the
    /// server is built.
    ///
    /// ```
    /// # use wswrapper::{Server, error::MountError};
    /// let server = Server::builder().subprotocol("desk.v2").subprotocol("desk.v1").build()?;
    /// # Ok::<(), MountError>(())
    /// ```
    pub fn subprotocol(mut self, name: &str) -> Self {
        let added = self.front.subprotocols.add(name);
        self.settings.note(added);
        self
    }

    /// Chooses the first supported [subprotocol](Self::subprotocol), in the order in which they were added, that the
    /// client offers. By default the order of the client counts.
    pub fn prefer_own_subprotocols(mut self) -> Self {
        self.front.subprotocols.prefers_own = true;
        self
    }
}
