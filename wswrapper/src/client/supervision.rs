//! The settings by which a client connects again and closes.

use super::ClientBuilder;
use super::reconnect::{Reconnect, reconnects_after};
use crate::catch_panic::catch_panic;
use crate::close::{Close, Closed};
use crate::error::ConnectError;
use std::fmt;

/// The decision of a hook about a failed attempt to connect.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Decision {
    /// Try again, as the [policy](crate::client::Reconnect) says.
    Retry,
    /// Give up.
    Stop,
}

/// Decides after which closes the client connects again.
type ReconnectIf = dyn Fn(&Closed) -> bool + Send + Sync;
/// Decides about a failed attempt.
type OnReconnectError = dyn Fn(u64, &ConnectError) -> Decision + Send + Sync;
/// Returns the status and the reason of the close by which a client stops.
type OnClosing = dyn Fn() -> (u16, String) + Send + Sync;

/// The settings of the client's task.
#[derive(Default)]
pub(super) struct Supervision {
    pub(super) policy: Option<Reconnect>,
    reconnect_if: Option<Box<ReconnectIf>>,
    on_reconnect_error: Option<Box<OnReconnectError>>,
    on_closing: Option<Box<OnClosing>>,
}

impl ClientBuilder {
    /// Lets the client connect again when its connection was lost, by this policy.
    ///
    /// It does after a connection that was lost or disconnected by a [heartbeat](crate::Limits::heartbeat_interval), and
    /// after a close of the server with status 1001, 1006 or 1011 to 1014. It does not after a close of the client
    /// itself, after a violation of the protocol, and after any other status, unless
    /// [`reconnect_if`](Self::reconnect_if) says otherwise.
    ///
    /// An attempt that fails is followed by the next one. Statuses 401, 403 and 404, an invalid URL and an invalid
    /// header are final. A first attempt to connect that fails is an error of `connect`, unless the policy repeats
    /// [that](Reconnect::first_connect), too.
    ///
    /// Handlers, hooks and proxies stay. Calls that were sent and not answered fail with
    /// [`Closed`](crate::CallError::Closed). They are never sent again, except for [idempotent](crate::Call::idempotent)
    /// ones. New calls fail until the client is connected
    /// again, unless they [wait](crate::Call::queue). [`Client::state`](crate::Client::state) shows the progress.
    ///
    /// A client that was given a transport or a stream cannot open another.
    pub fn reconnect(mut self, policy: Reconnect) -> Self {
        self.supervision.policy = Some(policy);
        self
    }

    /// Decides after which closes the client connects again, instead of the rules of [`reconnect`](Self::reconnect).
    ///
    /// It is also asked after a close of the client itself, but not when the client is [stopped](crate::Client::stop) or
    /// its last handle was dropped. It should return at once. A panic leaves the decision to the rules.
    ///
    /// ```
    /// # use wswrapper::{Client, client::Reconnect, connection::CloseCause};
    /// let builder = Client::builder()
    ///     .reconnect(Reconnect::default())
    ///     .reconnect_if(|closed| closed.cause != CloseCause::Local && closed.code != 4001);
    /// ```
    pub fn reconnect_if(mut self, decide: impl Fn(&Closed) -> bool + Send + Sync + 'static) -> Self {
        self.supervision.reconnect_if = Some(Box::new(decide));
        self
    }

    /// Sets a hook that is told of each attempt of [`reconnect`](Self::reconnect) that failed, and decides whether the
    /// next one follows.
    ///
    /// `attempt` is the number of the attempt; see [`ClientState`](crate::client::ClientState::Connecting). After an
    /// error that is final the client gives up in any case. The hook should return at once. A panic counts as
    /// [`Retry`](Decision::Retry).
    ///
    /// ```
    /// # use wswrapper::{Client, client::{Decision, Reconnect}};
    /// let builder = Client::builder().reconnect(Reconnect::default()).on_reconnect_error(|attempt, error| {
    ///     eprintln!("attempt {attempt}: {error}");
    ///     if attempt < 100 { Decision::Retry } else { Decision::Stop }
    /// });
    /// ```
    pub fn on_reconnect_error(mut self, hook: impl Fn(u64, &ConnectError) -> Decision + Send + Sync + 'static) -> Self {
        self.supervision.on_reconnect_error = Some(Box::new(hook));
        self
    }

    /// Sets a hook that returns the status and the reason with which [`stop`](crate::Client::stop) and
    /// [`restart`](crate::Client::restart) close the connection.
    ///
    /// By default `stop` closes with status 1000 and `restart` with 1001. A panic counts as the default, and a status
    /// that may not be sent as [`Peer::close`](crate::Peer::close) says.
    ///
    /// ```
    /// # use wswrapper::Client;
    /// let builder = Client::builder().on_closing(|| (4000, "the window was closed"));
    /// ```
    pub fn on_closing<R: Into<String>>(mut self, hook: impl Fn() -> (u16, R) + Send + Sync + 'static) -> Self {
        self.supervision.on_closing = Some(Box::new(move || {
            let (code, reason) = hook();
            (code, reason.into())
        }));
        self
    }
}

impl Supervision {
    /// Returns true if the client connects again after this close. `closed_itself` is true if a handle has requested it.
    pub(super) fn reconnects_after(&self, closed: &Closed, closed_itself: bool) -> bool {
        let default = || !closed_itself && reconnects_after(closed);
        let Some(decide) = &self.reconnect_if else { return default() };
        catch_panic(|| decide(closed)).unwrap_or_else(|message| {
            tracing::error!("`reconnect_if` panicked: {message}");
            default()
        })
    }

    /// Returns true if the next attempt follows this error.
    pub(super) fn retries_after(&self, attempt: u64, error: &ConnectError) -> bool {
        let decided = self.on_reconnect_error.as_ref().map(|hook| catch_panic(|| hook(attempt, error)));
        let decision = decided.unwrap_or(Ok(Decision::Retry)).unwrap_or_else(|message| {
            tracing::error!("`on_reconnect_error` panicked: {message}");
            Decision::Retry
        });
        decision == Decision::Retry && !error.is_final()
    }

    /// Returns the close by which the client stops or restarts. `default` is its status without a hook.
    pub(super) fn closing(&self, default: u16) -> Close {
        let Some(hook) = &self.on_closing else { return Close::new(default, "") };
        catch_panic(hook).map_or_else(
            |message| {
                tracing::error!("`on_closing` panicked: {message}");
                Close::new(default, "")
            },
            |(code, reason)| Close::new(code, reason),
        )
    }
}

impl fmt::Debug for Supervision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervision").field("policy", &self.policy).finish_non_exhaustive()
    }
}
