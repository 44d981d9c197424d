//! The epochs of a connection.

use super::entering::EnteredChannels;
use super::extensions::Extensions;
use super::handler::{Session, Sessions};
use crate::close::Closed;
use crate::handshake::Handshake;
use crate::lock::lock;
use crate::proto::Reason;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tokio::sync::SetOnce;

/// Returns the reason of a call or a channel whose connection was closed.
pub(crate) fn connection_closed_reason() -> Reason {
    Reason::new("Connection closed")
}

/// One connection over one transport, and what ends with it.
///
/// The connection of a server has one epoch. A client has another one each time that it is connected again, while its
/// handlers, its proxies and its ids stay. Epoch 0 is that of a client that was not connected yet. Whoever waits for its
/// close waits for that of the first connection.
pub(crate) struct Epoch {
    /// Counted from 1.
    pub(crate) number: u64,
    pub(crate) handshake: Handshake,
    pub(crate) extensions: Extensions,
    /// The services with an instance for each connection. Used by the connection's task alone, between whose handlers and
    /// layers it passes.
    sessions: Mutex<Sessions>,
    /// The channels with hooks that the peer has entered. Most connections have none.
    entered: OnceLock<Box<EnteredChannels>>,
    /// True once the connection is authenticated, for a guard that requires it.
    authenticated: AtomicBool,
    /// Set when the transport is gone, before the `on_close` hooks run.
    disconnected: SetOnce<()>,
    /// Set when the connection is closed and its `on_close` hooks have returned.
    end: SetOnce<End>,
}

/// The end of an epoch.
#[derive(Clone)]
enum End {
    Closed(Arc<Closed>),
    /// Epoch 0 was followed by this one.
    Replaced(Arc<Epoch>),
}

impl Epoch {
    /// Creates the first epoch of a connection.
    pub(crate) fn first(handshake: Handshake, extensions: Extensions) -> Arc<Self> {
        Self::numbered(1, handshake, extensions)
    }

    /// Creates the epoch of a client that was not connected yet.
    pub(crate) fn unconnected() -> Arc<Self> {
        Self::numbered(0, Handshake::default(), Extensions::new())
    }

    fn numbered(number: u64, handshake: Handshake, extensions: Extensions) -> Arc<Self> {
        Arc::new(Self {
            number,
            handshake,
            extensions,
            sessions: Mutex::default(),
            entered: OnceLock::new(),
            authenticated: AtomicBool::new(false),
            disconnected: SetOnce::new(),
            end: SetOnce::new(),
        })
    }

    /// Creates the epoch after this one.
    pub(crate) fn next(&self, handshake: Handshake, extensions: Extensions) -> Arc<Self> {
        Self::numbered(self.number + 1, handshake, extensions)
    }

    /// Lets those who wait for the close of epoch 0 wait for that of the next one.
    pub(crate) fn set_replaced(&self, next: &Arc<Self>) {
        if self.number == 0 {
            let _ = self.end.set(End::Replaced(Arc::clone(next)));
        }
    }

    /// Records whether the connection is authenticated.
    pub(crate) fn set_authenticated(&self, is_authenticated: bool) {
        self.authenticated.store(is_authenticated, Ordering::Release);
    }

    /// Returns true if the connection is authenticated.
    pub(crate) fn is_authenticated(&self) -> bool {
        self.authenticated.load(Ordering::Acquire)
    }

    /// Returns the instance of a service, or stores the one that `make` returns.
    pub(crate) fn session(&self, index: usize, make: impl FnOnce() -> Session) -> Session {
        if let Some(Some(session)) = lock(&self.sessions).get(index) {
            return Arc::clone(session);
        }
        // Outside the lock, because it is a user's.
        let session = make();
        let mut sessions = lock(&self.sessions);
        if sessions.len() <= index {
            sessions.resize(index + 1, None);
        }
        sessions[index] = Some(Arc::clone(&session));
        session
    }

    /// Replaces the instances of services. Returns the former ones, to be dropped outside the lock.
    pub(crate) fn replace_sessions(&self, sessions: Sessions) -> Sessions {
        mem::replace(&mut lock(&self.sessions), sessions)
    }

    /// Returns the channels with hooks that the peer has entered.
    pub(crate) fn entered(&self) -> &EnteredChannels {
        self.entered.get_or_init(Box::default)
    }

    /// Returns the channels with hooks, if the peer has called on any.
    pub(crate) fn entered_any(&self) -> Option<&EnteredChannels> {
        self.entered.get().map(|entered| &**entered)
    }

    /// Records that the transport is gone, and wakes everyone who waits for that.
    pub(crate) fn set_disconnected(&self) {
        let _ = self.disconnected.set(());
    }

    /// Returns true if the transport is gone.
    pub(crate) fn is_disconnected(&self) -> bool {
        self.disconnected.get().is_some()
    }

    /// Waits until the transport is gone. Cancel-safe.
    pub(crate) async fn disconnected(&self) {
        self.disconnected.wait().await;
    }

    /// Records how the connection was closed, and wakes everyone who waits for that.
    pub(crate) fn set_closed(&self, closed: Arc<Closed>) {
        let _ = self.end.set(End::Closed(closed));
    }

    /// Waits until the connection is closed and its `on_close` hooks have returned. Cancel-safe.
    pub(crate) async fn closed(self: &Arc<Self>) -> Closed {
        let mut epoch = Arc::clone(self);
        loop {
            let end = epoch.end.wait().await.clone();
            match end {
                End::Closed(closed) => return closed.as_ref().clone(),
                End::Replaced(next) => epoch = next,
            }
        }
    }

    /// Returns how the connection was closed, if its `on_close` hooks have returned.
    pub(crate) fn result(&self) -> Option<Arc<Closed>> {
        match self.end.get()? {
            End::Closed(closed) => Some(Arc::clone(closed)),
            End::Replaced(_) => None,
        }
    }
}
