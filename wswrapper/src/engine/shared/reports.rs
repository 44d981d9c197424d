//! Errors of a connection: they are logged, and passed to the observers.

use super::Shared;
use crate::engine::observer::Interest;
use crate::engine::warnings::{LeftOut, OneLine, WarningKind};
use crate::error::ServiceError;
use std::mem;
use std::sync::Arc;
#[cfg(debug_assertions)]
use std::time::Duration;

/// The time that one poll of a handler may take without a warning.
#[cfg(debug_assertions)]
const MAX_POLL: Duration = Duration::from_millis(100);

impl Shared {
    /// Logs a local error, and passes it to the observers. The log leaves out errors of one kind that come too
    /// fast; the observers get all of them.
    pub(crate) fn report(self: &Arc<Self>, error: &ServiceError) {
        if let Some(left_out) = self.admit_warning(WarningKind::Error(mem::discriminant(error))) {
            tracing::warn!(peer = %self.id, "{}{left_out}", OneLine(error));
        }
        self.endpoint.observers.tell(self, Interest::NONE, |observer, connection| observer.error(connection, error));
    }

    /// Logs a panic of a hook or an observer.
    pub(crate) fn report_hook_panic(&self, hook: &'static str, message: &str) {
        if let Some(left_out) = self.admit_warning(WarningKind::HookPanic(hook)) {
            tracing::error!(peer = %self.id, "{hook} panicked: {}{left_out}", OneLine(message));
        }
    }

    /// Logs a warning if one poll of a handler has taken too long. Everything else on its connection waits for a poll.
    #[cfg(debug_assertions)]
    pub(crate) fn warn_of_slow_poll(&self, event: &str, took: Duration) {
        if took > MAX_POLL
            && let Some(left_out) = self.admit_warning(WarningKind::SlowPoll)
        {
            tracing::warn!(
                peer = %self.id,
                "handler `{}` has kept its connection waiting for {} ms in one poll. If it computes, mark its method \
                 `#[ws(spawn)]`; if it blocks its thread, `#[ws(blocking)]`; pass a closure to `service::spawned` or \
                 `service::blocking`{left_out}",
                OneLine(event),
                took.as_millis(),
            );
        }
    }

    /// Returns the number of earlier warnings that were left out, or `None` if this one is left out too.
    fn admit_warning(&self, kind: WarningKind) -> Option<LeftOut> {
        self.warnings.get_or_init(Box::default).admit(kind).map(LeftOut)
    }

    /// Logs the number of warnings that were left out since the last ones.
    pub(super) fn warn_left_out(&self) {
        let left_out = self.warnings.get().map_or(0, |warnings| warnings.take_left_out());
        if left_out > 0 {
            tracing::warn!(peer = %self.id, "{left_out} warnings were left out before the connection was closed");
        }
    }

    /// Reports a panic that a user's value caused when it was dropped.
    pub(crate) fn report_drop_panic(self: &Arc<Self>, dropped: Result<(), String>, event: &str) {
        if let Err(message) = dropped {
            self.report(&ServiceError::Panicked { event: event.to_owned(), message });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::test_log::TestLog;
    use crate::transport::memory;
    use crate::{Client, Server};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_dropped_events_is_logged_once_a_second_and_the_hook_sees_all() {
        let messages = TestLog::of("message");
        let _log = tracing::subscriber::set_default(messages.clone());
        let errors = Arc::new(AtomicUsize::new(0));
        let server = Server::builder().on_error({
            let errors = Arc::clone(&errors);
            move |_, _| {
                errors.fetch_add(1, Ordering::Relaxed);
            }
        });
        let server = server.build().expect("nothing to mount");
        server.on("panics", |panics: bool| async move { assert!(!panics, "of another kind") }).expect("a valid name");
        let (near, far) = memory::pair();
        let peer = server.accept_transport(far).expect("it is open");
        let client = Client::connect_transport(near).expect("nothing to mount");
        let long = "n".repeat(10_000);
        for second in 0..3 {
            for _ in 0..100 {
                client.emit(&long, ()).await.expect("there is capacity");
            }
            client.request::<()>("panics", (true,)).await.expect_err("it panics");
            let dropped = messages.containing("was dropped");
            assert_eq!(dropped.len(), second + 1, "{dropped:?}");
            assert_eq!(messages.containing("of another kind").len(), second + 1);
            tokio::time::advance(std::time::Duration::from_secs(1)).await;
        }
        let dropped = messages.containing("was dropped");
        let text = format!("event `{0}…` was dropped: No event listener for '{0}…'", "n".repeat(64));
        assert_eq!(dropped[0], text);
        assert_eq!(dropped[2], format!("{text} (99 earlier warnings of this kind were left out)"));
        assert_eq!(errors.load(Ordering::Relaxed), 303);
        peer.close(1000, "");
        peer.closed().await;
        assert_eq!(
            messages.containing("left out before"),
            ["99 warnings were left out before the connection was closed"]
        );
    }

    #[tokio::test]
    async fn control_characters_in_an_event_name_are_escaped_in_the_log() {
        let messages = TestLog::of("message");
        let _log = tracing::subscriber::set_default(messages.clone());
        let server = Server::builder().build().expect("nothing to mount");
        let (near, far) = memory::pair();
        server.accept_transport(far).expect("it is open");
        let client = Client::connect_transport(near).expect("nothing to mount");
        client.emit("x\n\r INFO `Ad\u{e4}` logged in \u{1b}[31m", ()).await.expect("there is capacity");
        // Its rejection arrives after the event was dropped.
        client.request::<()>("y", ()).await.expect_err("nobody handles it");
        let expected = r"event `x\n\r INFO `Adä` logged in \u{1b}[31m` was dropped: ";
        let dropped = messages.containing("was dropped");
        assert!(dropped.iter().any(|message| message.starts_with(expected)), "{dropped:?}");
    }
}
