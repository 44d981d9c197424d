//! The authentication of a connection, and what follows when its time is over.

use super::Shared;
use super::state::State;
use crate::close::CloseRequest;
use crate::engine::authentication::{Authentication, EXPIRED, UNAUTHENTICATED};
use crate::proto::Outgoing;
use crate::rt::Instant;
use std::sync::Arc;

impl Shared {
    /// Records that the first request of the present connection has succeeded.
    pub(crate) fn set_authenticated(&self) {
        let mut state = self.lock();
        if let Some(Authentication::Valid { .. }) = state.authentication.as_deref() {
            // It has a time of its own, which may be over.
            return;
        }
        state.epoch.set_authenticated(true);
        // The driver, which may be set to the old deadline, wakes in vain.
        let _ = state.authentication.take_if(|authentication| matches!(&**authentication, Authentication::Required(_)));
    }

    /// Authenticates the present connection as this user, until a time. Another user than before closes it.
    pub(crate) fn authenticate_until(&self, user: &str, until: Instant) {
        let mut state = self.lock();
        if let Some(Authentication::Valid { user: present, .. }) = state.authentication.as_deref()
            && **present != *user
        {
            state.epoch.set_authenticated(false);
            drop(state);
            self.close(CloseRequest::local(UNAUTHENTICATED, "the connection is another user's"));
            return;
        }
        let warning = self.endpoint.auth_rules.warning.as_ref();
        let warn_at = warning.map(|(before, _)| until.checked_sub(*before).unwrap_or_else(Instant::now));
        state.authentication = Some(Box::new(Authentication::Valid { user: user.into(), until, warn_at }));
        let is_valid = until > Instant::now();
        state.epoch.set_authenticated(is_valid);
        self.wake(state);
        if !is_valid {
            self.close(CloseRequest::local(UNAUTHENTICATED, EXPIRED));
        }
    }

    /// Sends the warning of an authentication that expires soon. Returns the close of a connection whose time is over.
    pub(super) fn check_authentication(&self, state: &mut State, now: Instant) -> Option<CloseRequest> {
        let authentication = state.authentication.as_mut()?;
        if let Some(close) = authentication.overdue(now) {
            state.authentication = None;
            state.epoch.set_authenticated(false);
            return Some(close);
        }
        let left = authentication.take_warning(now)?;
        let frame = self.endpoint.auth_rules.warning.as_ref().and_then(|(_, encode)| encode(left))?;
        // It is queued even if the queue is full, because it is sent once. It fails only if the connection is closed.
        let _ = state.core.emit_frame(Outgoing::Shared(Arc::from(frame)));
        None
    }
}
