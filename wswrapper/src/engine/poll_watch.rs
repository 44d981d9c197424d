//! Finds handlers that keep the task of their connection from everything else. In release builds nothing is measured.

use super::shared::Shared;

/// Measures one poll of a handler.
#[derive(Clone, Copy)]
pub(crate) struct PollWatch(#[cfg(debug_assertions)] crate::rt::Stopwatch);

impl PollWatch {
    /// Begins before the poll.
    #[inline]
    pub(crate) fn start() -> Self {
        Self(
            #[cfg(debug_assertions)]
            crate::rt::Stopwatch::start(),
        )
    }

    /// Logs a warning if the poll of the handler of `event` has taken too long.
    #[inline]
    #[cfg_attr(not(debug_assertions), allow(unused_variables, clippy::unused_self, reason = "nothing is measured"))]
    pub(crate) fn finish(self, shared: &Shared, event: &str) {
        #[cfg(debug_assertions)]
        shared.warn_of_slow_poll(event, self.0.elapsed());
    }
}

#[cfg(test)]
mod tests {
    // Nothing is measured in a release build.
    #[cfg(debug_assertions)]
    mod slow_polls {
        use crate::engine::test_log::TestLog;
        use crate::transport::memory;
        use crate::{Client, Server, service};
        use std::thread;
        use std::time::Duration;

        const SLOW: Duration = Duration::from_millis(150);

        #[tokio::test(start_paused = true)]
        async fn a_handler_with_a_slow_poll_is_named_with_what_to_do() {
            let messages = TestLog::of("message");
            let _log = tracing::subscriber::set_default(messages.clone());
            let server = Server::builder().build().expect("nothing to mount");
            server.on("first", || async { thread::sleep(SLOW) }).expect("a valid name");
            let later = || async {
                tokio::task::yield_now().await;
                thread::sleep(SLOW);
            };
            server.on("later", later).expect("a valid name");
            server.on("quick", || async { tokio::time::sleep(Duration::from_secs(5)).await }).expect("a valid name");
            server.on("elsewhere", service::blocking(|| thread::sleep(SLOW))).expect("a valid name");
            let (near, far) = memory::pair();
            server.accept_transport(far).expect("it is open");
            let client = Client::connect_transport(near).expect("nothing to mount");
            for event in ["first", "later", "quick", "elsewhere"] {
                client.request::<()>(event, ()).await.expect("it is handled");
                tokio::time::advance(Duration::from_secs(1)).await;
            }
            let warnings = messages.containing("in one poll");
            assert_eq!(warnings.len(), 2, "{warnings:?}");
            for (warning, event) in warnings.iter().zip(["first", "later"]) {
                assert!(
                    warning.starts_with(&format!("handler `{event}` has kept its connection waiting for ")),
                    "{warning}"
                );
                assert!(warning.contains("`#[ws(spawn)]`") && warning.contains("`service::blocking`"), "{warning}");
            }
        }

        #[tokio::test(start_paused = true)]
        async fn slow_polls_are_logged_once_a_second() {
            let messages = TestLog::of("message");
            let _log = tracing::subscriber::set_default(messages.clone());
            let server = Server::builder().build().expect("nothing to mount");
            let (_near, far) = memory::pair();
            let peer = server.accept_transport(far).expect("it is open");
            let shared = peer.shared();
            shared.warn_of_slow_poll("at the bound", Duration::from_millis(100));
            assert_eq!(messages.containing("in one poll"), [""; 0]);
            shared.warn_of_slow_poll("a\nb", Duration::from_millis(101));
            shared.warn_of_slow_poll("left out", SLOW);
            tokio::time::advance(Duration::from_secs(1)).await;
            shared.warn_of_slow_poll("last", SLOW);
            let warnings = messages.containing("in one poll");
            assert_eq!(warnings.len(), 2, "{warnings:?}");
            assert!(warnings[0].starts_with(r"handler `a\nb` has kept its connection waiting for 101 ms in one poll"));
            assert!(warnings[1].contains("`last`") && warnings[1].contains("(1 earlier"), "{warnings:?}");
        }
    }
}
