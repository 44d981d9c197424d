//! Requests to each peer of an audience.

use super::{Audience, AudienceChannel, Calls, EmitToAudience};
use crate::call::target::{SendTo, UnnamedTarget};
use crate::call::{FromResponse, RequestTarget, Target, into_target};
use crate::error::SendError;
use crate::proto::{CallEncoder, EncodedCall};

/// Each peer of an [`Audience`], as a target for requests.
///
/// A request of a proxy for it is sent to each peer, and returns [`Calls`]: a stream of the peers and their results.
/// Streams, uploads and scoped services need one peer, so such methods cannot be called.
///
/// ```
/// # use futures_util::StreamExt;
/// # use wswrapper::{Client, Server, transport::memory, ws_service};
/// #[ws_service]
/// pub trait Page {
///     async fn title(&self) -> String;
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?.join("tea")?;
/// # let client = Client::connect_transport(client_transport)?;
/// # client.on("title", || async { "Tea" })?;
/// let mut titles = PageProxy::new(server.room("tea").each()).title();
/// while let Some((peer, title)) = titles.next().await {
///     println!("{}: {}", peer.id(), title?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Each<A> {
    audience: A,
}

impl<A> Each<A> {
    pub(super) fn new(audience: A) -> Self {
        Self { audience }
    }

    /// Returns the audience.
    pub fn audience(&self) -> &A {
        &self.audience
    }
}

impl<A: Target> SendTo for Each<A> {}
impl UnnamedTarget for Each<Audience> {}

impl<A: Target<Emit = EmitToAudience> + AsRef<Audience>> Target for Each<A> {
    type Emit = EmitToAudience;
    type Request<T, E> = Calls<T, E>;

    fn finish(&self, call: CallEncoder, contract: Option<&str>) -> Result<EncodedCall, SendError> {
        self.audience.finish(call, contract)
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> EmitToAudience {
        self.audience.emit(event)
    }
}

impl<A: Target<Emit = EmitToAudience> + AsRef<Audience>> RequestTarget for Each<A> {
    fn request<T: FromResponse, E>(&self, request: Result<EncodedCall, SendError>) -> Calls<T, E> {
        Calls::new(self.audience.as_ref(), request)
    }

    fn idempotent<T, E>(request: Calls<T, E>) -> Calls<T, E> {
        // The connection of a server has no next one, over which a call could be sent again.
        request
    }
}

into_target!(Each<Audience>, Each<AudienceChannel>);
