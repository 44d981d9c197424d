//! Panics of user code, kept from ending a connection.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs user code; a panic is an error with its message.
///
/// What the code could leave half done is its own and is dropped after a panic, so that nobody sees it.
pub(crate) fn panics<R>(run: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(message)
}

/// Drops a value of the user's.
pub(crate) fn drop_caught<T>(value: T) -> Result<(), String> {
    panics(|| drop(value))
}

fn message(payload: Box<dyn Any + Send>) -> String {
    let text = payload.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    // A payload may panic when it is dropped.
    std::mem::forget(payload);
    text.unwrap_or_else(|| "a value that is no text".to_owned())
}
