//! Anonymous channels: scopes of events that a response has opened.

use super::close_signal::CloseSignal;
use super::peer::Peer;
use crate::call::{Answer, Caller, Emit, Given, Reply, SendTo, Target, Wish, into_target, unexpected_answer};
use crate::engine::{Answering, Answers, ChannelState, ConnectionHandle, Expected, Response, channel_closed};
use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelKey, EncodedCall, Reason};
use std::fmt;
use std::sync::Arc;

/// A channel without a name, between the two ends of one request: a handler answers with it [P-60].
///
/// Both ends handle events and requests on it, and send them. It lives until either end closes or aborts it, or the
/// connection ends; its handlers are then dropped, and calls under way on it end as [`Closed`](crate::CallError::Closed).
///
/// A handler makes one with [`Context::anonymous_channel`](crate::Context::anonymous_channel) and returns it; before that
/// nothing can be sent on it. The caller takes it as the answer of a call:
///
/// ```
/// use wswrapper::{AnonymousChannel, CallError, Client, Context, Rejection, Server, transport::memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.on("counter", |ctx: Context, from: i64| async move {
///     let channel = ctx.anonymous_channel();
///     channel.on("add", move |n: i64| async move { from + n })?;
///     channel.once("done", {
///         let channel = channel.clone();
///         move || {
///             channel.close();
///             async {}
///         }
///     })?;
///     Ok::<_, Rejection>(channel)
/// })?;
/// # let (client_transport, server_transport) = memory::pair();
/// # server.accept_transport(server_transport)?;
/// # let client = Client::over(client_transport)?;
///
/// let counter = client.request::<AnonymousChannel>("counter", (40,)).await?;
/// assert_eq!(counter.request::<i64>("add", (2,)).await?, 42);
/// counter.emit("done", ()).await?;
/// # Ok(())
/// # }
/// ```
///
/// It is a handle, cheap to clone. **Dropping the last one that a caller has aborts the channel**; those of the end that
/// has made it keep nothing open. A caller's handler on the channel that keeps a handle to it keeps it open until the other
/// end ends it: [`Context::called_on`](crate::Context::called_on) gives one that does not.
#[derive(Clone)]
pub struct AnonymousChannel {
    channel_state: Arc<ChannelState>,
    peer: Peer,
    abort_on_drop: Option<Arc<AbortOnDrop>>,
}

/// The caller's end of a channel, as long as it can be used.
struct AbortOnDrop {
    peer: Peer,
    channel_state: Arc<ChannelState>,
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.channel_state.abort(self.peer.shared(), None);
    }
}

impl AnonymousChannel {
    /// One that a handler makes.
    pub(crate) fn new(peer: Peer) -> Self {
        Self { channel_state: ChannelState::made_for(Some(peer.id())), peer, abort_on_drop: None }
    }

    /// One that a handler runs on.
    pub(crate) fn of(peer: Peer, channel_state: &Arc<ChannelState>) -> Self {
        Self { channel_state: Arc::clone(channel_state), peer, abort_on_drop: None }
    }

    /// One that a call was answered with.
    pub(crate) fn received(peer: &Peer, channel_state: &Arc<ChannelState>, key: ChannelKey) -> Self {
        debug_assert_eq!(channel_state.key(), Some(key), "it was opened when it came");
        let abort_on_drop = AbortOnDrop { peer: peer.clone(), channel_state: Arc::clone(channel_state) };
        Self {
            channel_state: Arc::clone(channel_state),
            peer: peer.clone(),
            abort_on_drop: Some(Arc::new(abort_on_drop)),
        }
    }

    pub(crate) fn channel_state(&self) -> &Arc<ChannelState> {
        &self.channel_state
    }

    /// The channel that things are sent on.
    pub(crate) fn key(&self) -> Result<ChannelKey, SendError> {
        match self.channel_state.key() {
            _ if self.is_closed() => Err(SendError::ChannelClosed),
            Some(key) => Ok(key),
            None => Err(SendError::ChannelNotOpen),
        }
    }

    /// The connection that it belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Closes the channel at this end, and drops its handlers; calls that they are at work on go on. Sends nothing: the
    /// other end learns it when it next uses the channel [P-66].
    pub fn close(&self) {
        if self.channel_state.close(self.peer.shared(), channel_closed_reason())
            && let Some(key) = self.channel_state.key()
        {
            self.peer.shared().close_channel(key);
        }
    }

    /// Closes the channel at both ends, for this reason [P-63]; what is under way on it is cancelled:
    /// `channel.abort(&Reason::new("enough"))`.
    pub fn abort(&self, reason: &Reason) {
        self.channel_state.abort(self.peer.shared(), Some(reason));
    }

    /// Whether the channel has ended.
    pub fn is_closed(&self) -> bool {
        self.channel_state.is_closed()
    }

    /// Tells whoever has it that the channel has ended, and why. It does not keep the channel open.
    pub fn close_signal(&self) -> CloseSignal {
        CloseSignal::new(Arc::clone(&self.channel_state))
    }
}

impl SendTo for AnonymousChannel {}

impl Target for AnonymousChannel {
    type Emit = Emit;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        Ok(call.finish_on(self.key()?))
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        Emit::new(self.peer.connection().clone(), event)
    }
}

impl Caller for AnonymousChannel {
    fn connection(&self) -> &ConnectionHandle {
        self.peer.connection()
    }
}

into_target!(AnonymousChannel);

#[diagnostic::do_not_recommend]
impl Reply for AnonymousChannel {
    type Output = Self;

    fn expected() -> Wish {
        Wish(Expected::Channel(ChannelState::new()))
    }

    fn from_answer(connection: &ConnectionHandle, wish: &Wish, answer: Given) -> Result<Self, serde_json::Error> {
        match (&wish.0, answer.0) {
            (Expected::Channel(channel_state), Answer::Channel(channel, _)) => {
                Ok(Self::received(&Peer::new(connection.clone()), channel_state, channel))
            }
            _ => Err(unexpected_answer("a value, expected a channel")),
        }
    }
}

#[diagnostic::do_not_recommend]
impl Response for AnonymousChannel {
    fn answer(self, answers: &mut Answers<'_>, call: &Answering) {
        answers.channel(call, self.channel_state());
    }
}

impl fmt::Debug for AnonymousChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnonymousChannel")
            .field("peer", &self.peer.id())
            .field("channel", &self.channel_state.key().map(ChannelKey::id))
            .field("closed", &self.channel_state.ended().get())
            .field("aborts_on_drop", &self.abort_on_drop.is_some())
            .finish_non_exhaustive()
    }
}
