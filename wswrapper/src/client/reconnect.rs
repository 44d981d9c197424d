//! The policy by which a client connects again.

use crate::close::{Close, CloseCause, Closed};
use std::time::Duration;

/// The policy by which a client connects again after its connection was lost.
///
/// Before the attempt *n* + 1 the client waits for a random time between 0 and `base_delay` · 2ⁿ, at most
/// `max_delay`. So the clients of a server that was restarted do not all come back at once. If the server has refused
/// the last attempt with `Retry-After`, that time is added, however long it is; `max_time` bounds it. *n* starts again at 0 after a connection was open
/// for `reset_after`.
///
/// ```
/// # use wswrapper::{Client, client::Reconnect, error::ConnectError};
/// # async fn run() -> Result<(), ConnectError> {
/// use std::time::Duration;
///
/// let policy = Reconnect::default().max_delay(Duration::from_secs(10)).max_time(Duration::from_secs(600));
/// let client = Client::builder().reconnect(policy).connect("ws://localhost:8080").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Reconnect {
    pub(super) base_delay: Duration,
    pub(super) max_delay: Duration,
    pub(super) reset_after: Duration,
    pub(super) max_attempts: Option<u64>,
    pub(super) max_time: Option<Duration>,
    pub(super) first_connect: bool,
    pub(super) seed: Option<u64>,
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            reset_after: Duration::from_secs(30),
            max_attempts: None,
            max_time: None,
            first_connect: false,
            seed: None,
        }
    }
}

impl Reconnect {
    /// Sets the longest wait before the first attempt. Default 500 ms.
    #[must_use]
    pub fn base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Sets the longest wait before any attempt. Default 30 seconds.
    #[must_use]
    pub fn max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets the time for which a connection must be open, so that the waits after it are short again. Default 30
    /// seconds.
    #[must_use]
    pub fn reset_after(mut self, time: Duration) -> Self {
        self.reset_after = time;
        self
    }

    /// Sets the number of attempts after which the client gives up. By default it never gives up.
    ///
    /// Attempts are counted from the last connection that was open for [`reset_after`](Self::reset_after).
    #[must_use]
    pub fn max_attempts(mut self, attempts: u64) -> Self {
        self.max_attempts = Some(attempts);
        self
    }

    /// Sets the time after which the client gives up, from the loss of the connection on. By default it never gives up.
    ///
    /// Each connection that opens ends the time, however short it is. [`max_attempts`](Self::max_attempts) bounds the
    /// attempts of a client whose connections are all short.
    #[must_use]
    pub fn max_time(mut self, time: Duration) -> Self {
        self.max_time = Some(time);
        self
    }

    /// Also repeats the first attempts to connect, until the client is connected for the first time. By default a first
    /// attempt that fails is an error of `connect`.
    #[must_use]
    pub fn first_connect(mut self, repeats: bool) -> Self {
        self.first_connect = repeats;
        self
    }

    /// Sets the seed of the random waits, so that a test can predict them.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }
}

/// Returns true if a client connects again after this close, unless its `reconnect_if` says otherwise.
pub(super) fn reconnects_after(closed: &Closed) -> bool {
    match closed.cause {
        CloseCause::Local | CloseCause::Violation => false,
        CloseCause::Lost | CloseCause::Unread | CloseCause::Heartbeat => true,
        CloseCause::Remote | CloseCause::Limit => {
            matches!(closed.code, Close::GOING_AWAY | Close::ABNORMAL | Close::INTERNAL_ERROR..=Close::BAD_GATEWAY)
        }
    }
}
