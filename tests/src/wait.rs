//! Waiting for other tasks.

use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::{sleep, timeout};

/// One second.
pub const SECOND: Duration = Duration::from_secs(1);

/// Waits until a condition holds. Panics after 20 seconds of the runtime's clock.
pub async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(20 * SECOND, waiting).await.expect("the condition holds within 20 seconds");
}

/// Yields many times, so that every other task runs until it waits.
pub async fn let_others_run() {
    for _ in 0..100 {
        yield_now().await;
    }
}

/// Returns the number of tasks of the runtime that have not ended. The test itself is none.
pub fn tasks() -> usize {
    Handle::current().metrics().num_alive_tasks()
}
