//! Anonymous channels.

use super::close_signal::CloseSignal;
use super::peer::Peer;
use crate::call::response::{ReceivedResponse, ResponseKind};
use crate::call::target::SendTo;
use crate::call::{
    Answer, Call, Emit, FromResponse, PeerTarget, RequestTarget, Target, into_target, unexpected_answer,
};
use crate::engine::{Answering, Answers, ChannelState, ConnectionHandle, Expected, Response, channel_closed_reason};
use crate::error::SendError;
use crate::proto::{CallEncoder, ChannelKey, EncodedCall, Reason};
use std::fmt;
use std::sync::Arc;

/// A channel without a name, opened by the response to a request.
///
/// Both endpoints handle and send events and requests on it. It is open until one of them closes or aborts it, or the
/// connection is closed [P-60]. Then its handlers are dropped, and its calls fail with
/// [`ChannelClosed`](crate::CallError::ChannelClosed).
///
/// A handler creates a channel by [`Context::open_channel`](crate::Context::open_channel) and returns it.
/// Before that, no request can be sent on the channel, and events wait in it until they can be sent after the response.
/// The caller receives the channel as the result of the call:
///
/// ```
/// use wswrapper::{AnonymousChannel, CallError, Client, Context, Server, error::Rejection, transport::memory};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::builder().build()?;
/// server.on("counter", |ctx: Context, from: i64| async move {
///     let channel = ctx.open_channel();
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
/// # let client = Client::connect_transport(client_transport)?;
///
/// let counter = client.request::<AnonymousChannel>("counter", (40,)).await?;
/// assert_eq!(counter.request::<i64>("add", (2,)).await?, 42);
/// counter.emit("done", ()).await?;
/// # Ok(())
/// # }
/// ```
///
/// An `AnonymousChannel` is cheap to clone. **Dropping the last handle of the caller aborts the channel**; the handles
/// of the endpoint that created it do not keep it open.
///
/// If a handler of the caller on the channel holds a handle, the channel stays open until the peer closes it. A handle
/// from [`Context::current_channel`](crate::Context::current_channel) does not keep it open.
#[derive(Clone)]
pub struct AnonymousChannel {
    channel_state: Arc<ChannelState>,
    peer: Peer,
    abort_on_drop: Option<Arc<AbortOnDrop>>,
}

/// Aborts a channel when the caller's last handle is dropped.
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
    /// Creates a channel for a handler to return.
    pub(crate) fn new(peer: Peer) -> Self {
        Self { channel_state: ChannelState::for_connection(Some(peer.id())), peer, abort_on_drop: None }
    }

    /// Returns a handle to the channel that a handler was called on.
    pub(crate) fn of(peer: Peer, channel_state: &Arc<ChannelState>) -> Self {
        Self { channel_state: Arc::clone(channel_state), peer, abort_on_drop: None }
    }

    /// Returns the caller's first handle to a channel that a response has opened.
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

    /// Returns the key of the channel, or an error if nothing can be sent on it.
    pub(crate) fn key(&self) -> Result<ChannelKey, SendError> {
        match self.channel_state.key() {
            key if self.is_closed() => Err(SendError::ChannelClosed { channel: key.map(|key| key.id().to_string()) }),
            Some(key) => Ok(key),
            None => Err(SendError::ChannelNotOpen),
        }
    }

    /// Returns the connection that the channel belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Waits until everything that was queued before on the connection was written; see [`Peer::flush`]. Cancel-safe.
    pub async fn flush(&self) -> Result<(), SendError> {
        self.peer.flush().await
    }

    /// Waits until the channel is open: until the response that opens it was written. Cancel-safe.
    ///
    /// It is for tasks that a handler starts before it returns the channel; the handler itself would wait forever.
    /// A channel that the caller received is open.
    ///
    /// Fails with [`ChannelClosed`](SendError::ChannelClosed) if the channel was closed before it was opened.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use wswrapper::{AnonymousChannel, Context, error::SendError, ws_handlers};
    /// struct Clock;
    ///
    /// #[ws_handlers]
    /// impl Clock {
    ///     pub async fn ticks(&self, ctx: Context) -> AnonymousChannel {
    ///         let channel = ctx.open_channel();
    ///         tokio::spawn({
    ///             let channel = channel.clone();
    ///             async move {
    ///                 channel.opened().await?;
    ///                 while !channel.is_closed() {
    ///                     let acknowledged: bool = channel.request("tick", ()).await.unwrap_or_default();
    ///                     println!("{acknowledged}");
    ///                     tokio::time::sleep(Duration::from_secs(1)).await;
    ///                 }
    ///                 Ok::<_, SendError>(())
    ///             }
    ///         });
    ///         channel
    ///     }
    /// }
    /// ```
    pub async fn opened(&self) -> Result<(), SendError> {
        self.channel_state.opened().await;
        self.key().map(|_| ())
    }

    /// Closes the channel locally and drops its handlers. Sends nothing.
    ///
    /// Calls that already run continue. The peer is notified when it next uses the channel [P-66].
    pub fn close(&self) {
        if self.channel_state.close(self.peer.shared(), channel_closed_reason())
            && let Some(key) = self.channel_state.key()
        {
            self.peer.shared().close_channel(key);
        }
    }

    /// Aborts the channel at both endpoints with this reason: `channel.abort(&Reason::new("enough"))`.
    ///
    /// Calls and handlers on the channel are cancelled [P-63].
    pub fn abort(&self, reason: &Reason) {
        self.channel_state.abort(self.peer.shared(), Some(reason));
    }

    /// Returns true if the channel is closed, by either endpoint or with its connection.
    pub fn is_closed(&self) -> bool {
        self.channel_state.is_closed()
    }

    /// Returns a handle that [waits](CloseSignal::closed) until the channel is closed. It does not keep the channel open.
    #[doc(alias = "closed")]
    pub fn close_signal(&self) -> CloseSignal {
        CloseSignal::new(Arc::clone(&self.channel_state))
    }
}

impl SendTo for AnonymousChannel {}

impl Target for AnonymousChannel {
    type Emit = Emit;
    type Request<T, E> = Call<T, E>;

    fn finish(&self, call: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        Ok(call.finish_on(self.key()?))
    }

    fn finish_event(&self, event: CallEncoder, _: Option<&str>) -> Result<EncodedCall, SendError> {
        match self.key() {
            Err(SendError::ChannelNotOpen) => Ok(event.finish(None)),
            key => Ok(event.finish_on(key?)),
        }
    }

    fn emit(&self, event: Result<EncodedCall, SendError>) -> Emit {
        let is_early = event.as_ref().is_ok_and(|event| event.channel().is_none());
        Emit::new(self.peer.connection().clone(), event).early(is_early.then(|| Arc::clone(&self.channel_state)))
    }
}

impl PeerTarget for AnonymousChannel {
    fn connection(&self) -> &ConnectionHandle {
        self.peer.connection()
    }
}

impl RequestTarget for AnonymousChannel {
    fn request<T: FromResponse, E>(&self, request: Result<EncodedCall, SendError>) -> Call<T, E> {
        Call::new(self.peer.connection().clone(), request)
    }

    fn idempotent<T, E>(request: Call<T, E>) -> Call<T, E> {
        request.idempotent()
    }
}

into_target!(AnonymousChannel);

#[diagnostic::do_not_recommend]
impl FromResponse for AnonymousChannel {
    const KIND: ResponseKind = ResponseKind::Channel;

    fn from_response(response: ReceivedResponse<'_>) -> Result<Self, serde_json::Error> {
        match (response.expected, response.answer) {
            (Expected::Channel(channel_state), Answer::Channel(channel, _)) => {
                Ok(Self::received(&Peer::new(response.connection.clone()), channel_state, channel))
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
            .field("closed", &self.channel_state.closed().get())
            .field("aborts_on_drop", &self.abort_on_drop.is_some())
            .finish_non_exhaustive()
    }
}
