//! The authentication of a connection: by a first request, and until a time.

use crate::close::{Close, CloseCause, CloseRequest};
use crate::rt::Instant;
use std::time::Duration;

/// The status of a close because of a missing or expired authentication.
pub(crate) const UNAUTHENTICATED: u16 = 4401;

/// The reason of a close because of an expired authentication.
pub(crate) const EXPIRED: &str = "the authentication has expired";

/// Encodes the event that warns a peer. Its argument is the time that is left, in milliseconds.
pub(crate) type EncodeWarning = dyn Fn(u64) -> Option<Vec<u8>> + Send + Sync;

/// The rules of an endpoint about the authentication of its connections.
#[derive(Default)]
pub(crate) struct AuthRules {
    /// The time for the first request, if connections are authenticated by one.
    pub(crate) timeout: Option<Duration>,
    /// The warning before an authentication expires, and its time before that.
    pub(crate) warning: Option<(Duration, Box<EncodeWarning>)>,
}

/// The authentication of one connection.
pub(crate) enum Authentication {
    /// The first request has to succeed until this time.
    Required(Instant),
    Valid {
        user: Box<str>,
        until: Instant,
        /// The time of the warning, until it was sent.
        warn_at: Option<Instant>,
    },
}

impl Authentication {
    /// Returns the next time at which something is due.
    pub(crate) fn deadline(&self) -> Instant {
        match self {
            Self::Required(until) => *until,
            Self::Valid { until, warn_at, .. } => warn_at.map_or(*until, |at| at.min(*until)),
        }
    }

    /// Returns the close of a connection whose time is over.
    pub(crate) fn overdue(&self, now: Instant) -> Option<CloseRequest> {
        match self {
            Self::Required(until) if *until <= now => {
                let close = Close::new(Close::POLICY_VIOLATION, "the connection was not authenticated in time");
                Some(CloseRequest::Close(close, CloseCause::Limit))
            }
            Self::Valid { until, .. } if *until <= now => Some(CloseRequest::local(UNAUTHENTICATED, EXPIRED)),
            _ => None,
        }
    }

    /// Returns the time that is left, in milliseconds, if a warning is due. It is due once.
    pub(crate) fn take_warning(&mut self, now: Instant) -> Option<u64> {
        let Self::Valid { until, warn_at, .. } = self else { return None };
        warn_at.take_if(|at| *at <= now)?;
        let left = until.saturating_duration_since(now).as_millis();
        Some(u64::try_from(left).unwrap_or(u64::MAX))
    }
}
