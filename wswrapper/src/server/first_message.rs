//! Authentication by the first message of a connection.

use super::ServerBuilder;
use crate::engine::AuthRules;
use crate::error::{MountError, SendError};
use crate::handle::Peer;
use crate::observe::MessageKind;
use crate::proto::{ChannelName, Rejection, check_event, code};
use crate::rt::{Instant, after};
use crate::service::encode_call;
use crate::service::layer::{GuardCall, Layer, LayerCall, Next, Reply, guard_step, layer_step};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The request by which a connection is authenticated, because a page cannot send headers with its handshake.
///
/// ```
/// # use wswrapper::{Client, transport::memory};
/// use wswrapper::Server;
/// use wswrapper::server::FirstMessage;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().first_message(FirstMessage::request("login")).build()?;
/// server.on("login", |token: String| async move { if token == "123" { Ok(()) } else { Err("wrong token") } })?;
/// server.on("news", || async { "it rains" })?;
/// # let (near, far) = memory::pair();
/// # server.accept_transport(far)?;
/// # let client = Client::connect_transport(near)?;
/// let refused = client.request::<String>("news", ()).await.unwrap_err();
/// assert_eq!(refused.to_string(), "log in first");
/// client.request::<()>("login", ("123",)).await?;
/// assert_eq!(client.request::<String>("news", ()).await?, "it rains");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FirstMessage {
    channel: Option<String>,
    event: String,
    timeout: Duration,
}

impl FirstMessage {
    /// Authenticates connections by this request on the main channel, within 10 seconds.
    pub fn request(event: impl Into<String>) -> Self {
        Self { channel: None, event: event.into(), timeout: Duration::from_secs(10) }
    }

    /// Sets the channel of the request.
    #[must_use]
    pub fn on_channel(mut self, channel: impl Into<String>) -> Self {
        self.channel = Some(channel.into());
        self
    }

    /// Sets the time from the opening of the connection on, after which it is closed with status 1008. Default 10 seconds.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn check(&self) -> Result<(), MountError> {
        check_event(&self.event, self.channel.as_deref())?;
        self.channel.as_deref().map(ChannelName::new).transpose()?;
        Ok(())
    }

    /// Returns true for the request itself.
    fn is(&self, call: &GuardCall<'_>) -> bool {
        call.event() == self.event
            && call.channel() == self.channel.as_deref()
            && !call.is_on_anonymous_channel()
            && call.kind() == MessageKind::Request
    }
}

/// The layer around the request, which records its success.
struct Success(Arc<FirstMessage>);

impl Layer for Success {
    fn call(&self, call: LayerCall, next: Next) -> impl Future<Output = Reply> + Send + 'static {
        let peer = call.peer();
        async move {
            let reply = next.run(call).await;
            if reply.is_success() {
                peer.shared().set_authenticated();
            }
            reply
        }
    }

    fn applies(&self, call: &GuardCall<'_>) -> bool {
        self.0.is(call)
    }
}

impl ServerBuilder {
    /// Authenticates each connection by its first request.
    ///
    /// Until the request has succeeded, every other call is rejected with the code `ws:Unauthenticated`; events are
    /// dropped and counted. The request may be repeated, so a [rate](crate::service::layer) should limit it. It also succeeds
    /// if its handler or a hook has called [`Peer::authenticated_until`]. A connection that is not authenticated in time is
    /// closed with status 1008.
    ///
    /// It is a [guard](Self::guard) and a layer, in the order of the builder.
    pub fn first_message(mut self, first: FirstMessage) -> Self {
        self.settings.note(first.check());
        let first = Arc::new(first);
        self.settings.auth_rules.timeout = Some(first.timeout);
        let exempt = Arc::clone(&first);
        self.settings.steps.push(guard_step(move |call: &GuardCall<'_>| {
            if call.is_authenticated() || exempt.is(call) {
                Ok(())
            } else {
                Err(Rejection::new("log in first").with_code(code::UNAUTHENTICATED))
            }
        }));
        self.settings.steps.push(layer_step(Success(first)));
        self
    }

    /// Sends the event `auth_expiring` on this channel, or on the main channel, before the authentication of a connection
    /// [expires](Peer::authenticated_until).
    ///
    /// Its argument is the time that is left, in milliseconds. The peer may then authenticate again.
    pub fn auth_warning(mut self, before: Duration, channel: Option<&str>) -> Self {
        if let Err(SendError::Name(error)) = encode_call(channel, "auth_expiring", (0,)) {
            self.settings.note(Err(MountError::Name(error)));
        }
        let channel = channel.map(str::to_owned);
        let encode = move |left: u64| {
            let call = encode_call(channel.as_deref(), "auth_expiring", (left,)).ok()?;
            Some(call.into_event())
        };
        let AuthRules { warning, .. } = &mut self.settings.auth_rules;
        *warning = Some((before, Box::new(encode)));
        self
    }
}

impl Peer {
    /// Authenticates the connection as this user, until a time: that of a token, for example.
    ///
    /// At that time the connection is closed with status 4401, unless it was authenticated again, which sets a new time. As
    /// another user it cannot be: it is closed with status 4401 then. A server may [warn](ServerBuilder::auth_warning) its
    /// peer before. A connection that has no [user](Self::set_user) becomes one of this user's.
    pub fn authenticated_until(&self, user: impl AsRef<str>, until: SystemTime) {
        if self.user().is_none()
            && let Err(error) = self.set_user(user.as_ref())
        {
            tracing::warn!(peer = %self.id(), "the connection has no user: {error}");
        }
        let left = until.duration_since(SystemTime::now()).unwrap_or_default();
        self.shared().authenticate_until(user.as_ref(), after(Instant::now(), left));
    }
}
