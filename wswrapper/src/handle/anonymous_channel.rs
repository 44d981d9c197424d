//! Anonymous channels: scopes of events that a response has opened.

use super::peer::Peer;
use crate::call::{Call, Emit, Reply};
use crate::catch_panic::drop_caught;
use crate::engine::{DynamicHandlers, Entry, Expected, Found, Link, PeerId, handler_methods};
use crate::error::SendError;
use crate::lock::lock;
use crate::proto::{ChannelKey, EncodedCall, NameError, Reason, Rejection};
use crate::service::{Contract, IntoArguments, Serves, encode_on};
use std::any::Any;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use tokio::sync::SetOnce;

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
/// # let (near, far) = memory::pair();
/// # server.accept_transport(far)?;
/// # let client = Client::over(near)?;
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
    scope: Arc<ChannelScope>,
    peer: Peer,
    keep: Option<Arc<AbortOnDrop>>,
}

/// What both ends of this process know of a channel: its handlers and its end.
pub(crate) struct ChannelScope {
    /// Known when the channel is open.
    key: OnceLock<ChannelKey>,
    /// The connection that it was made for; one that was made for none is for any.
    made_for: Option<PeerId>,
    handlers: DynamicHandlers,
    /// None once the channel has ended.
    services: Mutex<Option<Services>>,
    ended: SetOnce<Reason>,
}

/// Services with their methods. One that has none is kept, too: it may do something when it is dropped.
type Services = Vec<(Arc<dyn Any + Send + Sync>, Vec<Arc<Entry>>)>;

/// The caller's end of a channel, as long as it can be used.
struct AbortOnDrop {
    peer: Peer,
    scope: Arc<ChannelScope>,
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.scope.abort(&self.peer, None);
    }
}

/// The end of a channel that this end has closed.
pub(crate) fn channel_closed() -> Reason {
    Reason::new("Channel closed")
}

impl AnonymousChannel {
    /// One that a handler makes.
    pub(crate) fn made(peer: Peer) -> Self {
        Self { scope: ChannelScope::made_for(Some(peer.id())), peer, keep: None }
    }

    /// One that a handler runs on.
    pub(crate) fn of(peer: Peer, scope: &Arc<ChannelScope>) -> Self {
        Self { scope: Arc::clone(scope), peer, keep: None }
    }

    /// One that a call was answered with.
    pub(crate) fn received(peer: &Peer, scope: &Arc<ChannelScope>, key: ChannelKey) -> Self {
        debug_assert_eq!(scope.key(), Some(key), "it was opened when it came");
        let keep = AbortOnDrop { peer: peer.clone(), scope: Arc::clone(scope) };
        Self { scope: Arc::clone(scope), peer: peer.clone(), keep: Some(Arc::new(keep)) }
    }

    pub(crate) fn scope(&self) -> &Arc<ChannelScope> {
        &self.scope
    }

    /// The channel that things are sent on.
    pub(crate) fn key(&self) -> Result<ChannelKey, SendError> {
        match self.scope.key.get() {
            _ if self.is_closed() => Err(SendError::ChannelClosed),
            Some(key) => Ok(*key),
            None => Err(SendError::ChannelNotOpen),
        }
    }

    /// The connection that it belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Sends an event by name: `channel.emit("moved", (x, y)).await`.
    pub fn emit(&self, event: &str, arguments: impl IntoArguments) -> Emit {
        Emit::new(self.peer.clone(), self.encode(event, arguments))
    }

    /// Sends a request by name: `channel.request::<i64>("add", (1, 2)).await`.
    ///
    /// Any rejection is [`Rejected`](crate::CallError::Rejected).
    pub fn request<T: Reply>(&self, event: &str, arguments: impl IntoArguments) -> Call<T, Rejection> {
        Call::new(self.peer.clone(), self.encode(event, arguments))
    }

    /// Serves a contract on the channel. What was added by [`on`](Self::on) goes before it.
    pub fn serve<C: Contract + ?Sized>(&self, service: impl Serves<C>) {
        self.scope.serve(service);
    }

    /// Closes the channel at this end, and drops its handlers; calls that they are at work on go on. Sends nothing: the
    /// other end learns it when it next uses the channel [P-66].
    pub fn close(&self) {
        if self.scope.end(self.peer.link(), channel_closed())
            && let Some(key) = self.scope.key.get()
        {
            self.peer.link().close_channel(*key);
        }
    }

    /// Closes the channel at both ends, for this reason [P-63]; what is under way on it is cancelled:
    /// `channel.abort(&Reason::new("enough"))`.
    pub fn abort(&self, reason: &Reason) {
        self.scope.abort(&self.peer, Some(reason));
    }

    /// Whether the channel has ended.
    pub fn is_closed(&self) -> bool {
        self.scope.is_ended()
    }

    /// Tells whoever has it that the channel has ended, and why. It does not keep the channel open.
    pub fn close_signal(&self) -> CloseSignal {
        CloseSignal { scope: Arc::clone(&self.scope) }
    }

    handler_methods!("of this channel", "the one for once, the other, and then the contracts that are served");

    fn encode(&self, event: &str, arguments: impl IntoArguments) -> Result<EncodedCall, SendError> {
        encode_on(self.key()?, event, arguments)
    }

    fn dynamic_handlers(&self) -> &DynamicHandlers {
        &self.scope.handlers
    }

    #[expect(clippy::unused_self, reason = "other handles have a channel with a name")]
    fn handled_channel(&self) -> Option<&str> {
        None
    }
}

impl ChannelScope {
    pub(crate) fn new() -> Arc<Self> {
        Self::made_for(None)
    }

    fn made_for(connection: Option<PeerId>) -> Arc<Self> {
        Arc::new(Self {
            key: OnceLock::new(),
            made_for: connection,
            handlers: DynamicHandlers::anonymous(),
            services: Mutex::new(Some(Vec::new())),
            ended: SetOnce::new(),
        })
    }

    /// What calls on a stream's channel find.
    pub(crate) fn without_handlers() -> Arc<Self> {
        static NONE: OnceLock<Arc<ChannelScope>> = OnceLock::new();
        Arc::clone(NONE.get_or_init(Self::new))
    }

    /// Why the channel cannot be opened on this connection.
    pub(crate) fn unopenable(&self, connection: PeerId) -> Option<&'static str> {
        if self.is_ended() {
            Some("The channel is closed")
        } else if self.key().is_some() {
            Some("The channel is open already")
        } else if self.made_for.is_some_and(|made_for| made_for != connection) {
            Some("The channel is another connection's")
        } else {
            None
        }
    }

    /// The channel is open.
    pub(crate) fn open(&self, key: ChannelKey) {
        let known = self.key.get_or_init(|| key);
        debug_assert_eq!(*known, key, "a channel is opened once");
        // Whoever ends it at the same time takes this lock too, and so finds the key or is found to have ended it.
        drop(self.services());
    }

    pub(crate) fn key(&self) -> Option<ChannelKey> {
        self.key.get().copied()
    }

    pub(crate) fn serve<C: Contract + ?Sized, S: Serves<C>>(&self, service: S) {
        let service = Arc::new(service);
        let mounted = S::shared(&service).handlers.into_iter();
        let mounted = mounted.map(|(event, handler)| Arc::new(Entry::new(event, handler))).collect();
        // One that has ended keeps nothing.
        if let Some(services) = &mut *self.services() {
            services.push((service, mounted));
        }
    }

    /// The handler of an event.
    pub(crate) fn find_dynamic(&self, event: &str) -> Option<Found> {
        self.handlers.find(&crate::proto::Scope::Main, event)
    }

    /// Gives back a handler that did not run.
    pub(crate) fn give_back(&self, found: Found) {
        self.handlers.give_back(&crate::proto::Scope::Main, found);
    }

    /// The method of a service.
    pub(crate) fn find(&self, event: &str) -> Option<Arc<Entry>> {
        self.services().iter().flatten().flat_map(|(_, entries)| entries).find(|entry| &*entry.event == event).cloned()
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    /// The channel has ended: drops its handlers; false if it had before.
    pub(crate) fn end(&self, link: &Arc<Link>, reason: Reason) -> bool {
        let first = self.ended.set(reason).is_ok();
        if first {
            let services = self.services().take();
            for handler in self.handlers.close() {
                link.report_drop(drop_caught(handler), "an anonymous channel's handlers");
            }
            for service in services.into_iter().flatten() {
                link.report_drop(drop_caught(service), "an anonymous channel's service");
            }
        }
        first
    }

    fn abort(&self, peer: &Peer, reason: Option<&Reason>) {
        let kept = reason.cloned().unwrap_or_else(Reason::aborted);
        if self.end(peer.link(), kept)
            && let Some(key) = self.key.get()
        {
            peer.link().abort_channel(*key, reason);
        }
    }

    fn services(&self) -> MutexGuard<'_, Option<Services>> {
        lock(&self.services)
    }
}

/// The end of an [`AnonymousChannel`], for tasks that work for it: whether it has come, and why.
#[derive(Clone)]
pub struct CloseSignal {
    scope: Arc<ChannelScope>,
}

impl CloseSignal {
    /// Whether the channel has ended.
    pub fn is_closed(&self) -> bool {
        self.reason().is_some()
    }

    /// Why it has ended: what the end that has aborted it says, `Channel closed` where this end has closed it, `Connection
    /// closed` where that was lost.
    pub fn reason(&self) -> Option<&Reason> {
        self.scope.ended.get()
    }

    /// Waits for the end and tells why it came. Cancel-safe.
    pub async fn closed(&self) -> &Reason {
        self.scope.ended.wait().await
    }
}

impl<E> Call<AnonymousChannel, E> {
    /// Handles an event on the channel, from its first one on: a handler that is added to the channel when that has come
    /// may come after the first events.
    pub fn on<M: 'static>(self, event: &str, handler: impl crate::HandlerFn<M>) -> Result<Self, NameError> {
        if let Expected::Channel(scope) = self.expected() {
            scope.handlers.add(None, event, crate::engine::Times::Always, handler)?;
        }
        Ok(self)
    }

    /// Serves a contract on the channel, from its first event on.
    pub fn serve<C: Contract + ?Sized>(self, service: impl Serves<C>) -> Self {
        if let Expected::Channel(scope) = self.expected() {
            scope.serve(service);
        }
        self
    }
}

impl fmt::Debug for AnonymousChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnonymousChannel")
            .field("peer", &self.peer.id())
            .field("channel", &self.scope.key.get().map(|key| key.id()))
            .field("closed", &self.scope.ended.get())
            .field("aborts_on_drop", &self.keep.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CloseSignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CloseSignal").field(&self.scope.ended.get()).finish()
    }
}
