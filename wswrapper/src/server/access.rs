//! Access to a server: origins, hosts and authentication.

use super::ServerBuilder;
use crate::http::{Authenticate, Authenticator, Refusal};
use http::request::Parts;
use std::future::Future;
use std::sync::Arc;

impl ServerBuilder {
    /// Allows pages of these origins to connect, beside those of the server's own host.
    ///
    /// A browser sends the origin of the page with its request, and with it the cookies of the user. So a page of
    /// another host is refused with status 403 by default. A request without an origin comes from a program and is
    /// accepted; one with the origin `null` is refused. The host and the port of the server are those of the request's
    /// `Host`, which a proxy has to pass on.
    ///
    /// An origin is a scheme, a host and perhaps a port. `*.` before the host stands for all its subdomains, and not
    /// for the host itself. An invalid origin is an error when the server is built.
    ///
    /// ```
    /// # use wswrapper::{Server, error::MountError};
    /// let server = Server::builder().origins(["https://*.example.com", "http://localhost:3000"]).build()?;
    /// # Ok::<(), MountError>(())
    /// ```
    pub fn origins<O: AsRef<str>>(mut self, origins: impl IntoIterator<Item = O>) -> Self {
        for origin in origins {
            let allowed = self.front.origins.allow(origin.as_ref());
            self.settings.note(allowed);
        }
        self
    }

    /// Allows every page to connect. For servers that know their users by other means than cookies.
    pub fn any_origin(mut self) -> Self {
        self.front.origins.allow_any();
        self
    }

    /// Answers only requests for these hosts; others are refused with status 403.
    ///
    /// It protects a server on a private network against pages whose name resolves to its address (DNS rebinding). A
    /// host without a port stands for every port. By default every host is answered. An invalid host is an error when
    /// the server is built.
    ///
    /// ```
    /// # use wswrapper::{Server, error::MountError};
    /// let server = Server::builder().hosts(["localhost", "desk.example.com:8443"]).build()?;
    /// # Ok::<(), MountError>(())
    /// ```
    pub fn hosts<H: AsRef<str>>(mut self, hosts: impl IntoIterator<Item = H>) -> Self {
        for host in hosts {
            let answered = self.front.origins.answer_host(host.as_ref());
            self.settings.note(answered);
        }
        self
    }

    /// Decides about each handshake by a function of its request, before the connection is accepted.
    ///
    /// The function returns a value that is stored with the connection, for example its user, or a [`Refusal`] with
    /// which the request is answered. Hooks and handlers find the value in the
    /// [extensions](crate::Context::extensions). It is called for requests that keep the rules of a handshake and
    /// come from an allowed origin. From the arrival of the request on it has
    /// [`handshake_timeout`](crate::Limits::handshake_timeout); then the request is answered with status 503.
    ///
    /// ```
    /// use http::{StatusCode, header};
    /// use std::collections::HashMap;
    /// use std::sync::Arc;
    /// use wswrapper::{Context, Server, server::Refusal, ws_handlers};
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// struct Desk;
    ///
    /// #[ws_handlers]
    /// impl Desk {
    ///     pub async fn whoami(&self, ctx: Context) -> Option<String> {
    ///         ctx.extensions().get::<User>().map(|user| user.0.clone())
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let tokens = Arc::new(HashMap::from([("Bearer 123".to_owned(), User("Ada".to_owned()))]));
    /// let server = Server::builder().service(Desk).authenticate(move |request| {
    ///     let tokens = Arc::clone(&tokens);
    ///     async move {
    ///         let token = request.headers.get(header::AUTHORIZATION).and_then(|token| token.to_str().ok());
    ///         let user = token.and_then(|token| tokens.get(token));
    ///         user.cloned().ok_or_else(|| Refusal::new(StatusCode::UNAUTHORIZED).header("WWW-Authenticate", "Bearer"))
    ///     }
    /// });
    /// # server.build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn authenticate<F, Fut, U>(mut self, authenticate: F) -> Self
    where
        F: Fn(Arc<Parts>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<U, Refusal>> + Send + 'static,
        U: Send + Sync + 'static,
    {
        self.front.authenticator = Authenticator::from_fn(authenticate);
        self
    }

    /// Decides about each handshake by an object with state of its own; otherwise like
    /// [`authenticate`](Self::authenticate).
    pub fn authenticator(mut self, authenticator: impl Authenticate) -> Self {
        self.front.authenticator = Authenticator::new(authenticator);
        self
    }
}
