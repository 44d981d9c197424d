//! Catches panics of user code, so that they do not close a connection.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code. Returns the message of a panic as an error.
///
/// The caller drops the values that the code was working on after a panic, so that no broken state is seen.
pub(crate) fn catch_panic<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(panic_message)
}

/// Drops a user's value. Returns the message of a panic as an error.
pub(crate) fn drop_catching_panic<T>(value: T) -> Result<(), String> {
    catch_panic(|| drop(value))
}

/// Returns the message of a panic.
fn panic_message(payload: Box<dyn Any + Send>) -> String {
    let payload = match payload.downcast::<String>() {
        Ok(text) => return *text,
        Err(payload) => payload,
    };
    match payload.downcast::<&'static str>() {
        Ok(text) => (*text).to_owned(),
        Err(payload) => {
            // Its drop may panic.
            std::mem::forget(payload);
            "a value that is no text".to_owned()
        }
    }
}

/// Drops a value of the program. A panic is logged, because it must not end the task that drops it.
pub(crate) fn drop_logging_panic<T>(value: T, name: &str) {
    if let Err(message) = drop_catching_panic(value) {
        tracing::error!("{name} panicked when it was dropped: {message}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{panic_any, resume_unwind};

    #[test]
    fn a_caught_panic_returns_its_message_and_frees_its_payload() {
        let measured = allocation_counter::measure(|| {
            for _ in 0..100 {
                let text = "x".repeat(1_000);
                assert_eq!(catch_panic(|| resume_unwind(Box::new(text.clone()))), Err::<(), _>(text));
            }
        });
        assert!(measured.bytes_current < 1_000, "{} bytes", measured.bytes_current);
        assert_eq!(catch_panic(|| panic!("a literal")), Err::<(), _>("a literal".to_owned()));
        assert_eq!(catch_panic(|| panic_any(5)), Err::<(), _>("a value that is no text".to_owned()));
    }
}
