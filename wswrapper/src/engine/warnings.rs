//! The warnings of one connection. A peer may cause any number, so their rate is limited.

use crate::error::ServiceError;
use crate::lock::lock;
use crate::rt::Instant;
use std::fmt::{self, Write as _};
use std::mem::{self, Discriminant};
use std::sync::Mutex;
use std::time::Duration;

/// The time between two warnings of one kind.
const INTERVAL: Duration = Duration::from_secs(1);

/// The number of characters of a warning. A panic or a user's error may have any text.
const MAX_CHARS: usize = 1_024;

/// A kind of warning, with a limit of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WarningKind {
    Error(Discriminant<ServiceError>),
    /// A panic of the hook with this name.
    HookPanic(&'static str),
    /// A poll of a handler that took too long.
    #[cfg(debug_assertions)]
    SlowPoll,
}

/// The kinds of warnings that were logged. Their number is small.
#[derive(Default)]
pub(crate) struct Warnings(Mutex<Vec<LoggedKind>>);

struct LoggedKind {
    kind: WarningKind,
    logged_at: Instant,
    left_out: u64,
}

impl Warnings {
    /// Returns the number of earlier warnings of this kind that were left out, or `None` if this one is left out, too.
    pub(crate) fn admit(&self, kind: WarningKind) -> Option<u64> {
        let now = Instant::now();
        let mut kinds = lock(&self.0);
        match kinds.iter_mut().find(|logged| logged.kind == kind) {
            Some(logged) if now.duration_since(logged.logged_at) < INTERVAL => {
                logged.left_out += 1;
                None
            }
            Some(logged) => {
                logged.logged_at = now;
                Some(mem::take(&mut logged.left_out))
            }
            None => {
                kinds.push(LoggedKind { kind, logged_at: now, left_out: 0 });
                Some(0)
            }
        }
    }

    /// Returns the number of warnings that were left out since the last ones, and forgets it.
    pub(crate) fn take_left_out(&self) -> u64 {
        lock(&self.0).iter_mut().map(|logged| mem::take(&mut logged.left_out)).sum()
    }
}

/// Shows a text that a peer may have chosen on one line of the log: its control characters are escaped, and a long text
/// is cut.
pub(crate) struct OneLine<T>(pub(crate) T);

impl<T: fmt::Display> fmt::Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        for (position, c) in text.chars().enumerate() {
            if position == MAX_CHARS {
                return f.write_char('…');
            } else if c.is_control() {
                write!(f, "{}", c.escape_debug())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

/// Shows the number of earlier warnings that were left out, if there are any.
pub(crate) struct LeftOut(pub(crate) u64);

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            count => write!(f, " ({count} earlier warnings of this kind were left out)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dropped() -> WarningKind {
        let reason = crate::error::Rejection::new("");
        WarningKind::Error(mem::discriminant(&ServiceError::EventDropped {
            event: String::new(),
            channel: None,
            reason,
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_kind_is_admitted_once_a_second_with_the_number_left_out() {
        let warnings = Warnings::default();
        assert_eq!(warnings.admit(dropped()), Some(0));
        assert_eq!(warnings.admit(dropped()), None);
        assert_eq!(warnings.admit(WarningKind::HookPanic("on_error")), Some(0));
        tokio::time::advance(Duration::from_millis(999)).await;
        assert_eq!(warnings.admit(dropped()), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(warnings.admit(dropped()), Some(2));
        assert_eq!(warnings.admit(dropped()), None);
        assert_eq!((warnings.take_left_out(), warnings.take_left_out()), (1, 0));
        tokio::time::advance(INTERVAL).await;
        assert_eq!(warnings.admit(dropped()), Some(0));
    }

    #[test]
    fn a_line_has_a_bounded_length() {
        assert_eq!(OneLine("a\nä".repeat(2)).to_string(), r"a\näa\nä");
        let long = OneLine("\u{1b}".repeat(100_000)).to_string();
        assert_eq!(long.len(), MAX_CHARS * r"\u{1b}".len() + '…'.len_utf8());
        assert_eq!(OneLine("ä".repeat(MAX_CHARS)).to_string(), "ä".repeat(MAX_CHARS));
    }
}
