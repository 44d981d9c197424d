//! The results of `on_open` hooks.

use std::error::Error;

/// The result that an [`on_open`](crate::server::ServerBuilder::on_open) hook may return: `()`, or a `Result` whose
/// error can be boxed.
///
/// The error may be any `std::error::Error`, a text, or an `anyhow::Error`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by `on_open`",
    label = "not a result of the hook",
    note = "return `()`, or a `Result<(), E>` whose error `E` implements `std::error::Error + Send + Sync`"
)]
pub trait OpenResult {
    #[doc(hidden)]
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>>;
}

impl OpenResult for () {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        Ok(())
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> OpenResult for Result<(), E> {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self.map_err(Into::into)
    }
}

/// Names the type `!`, which is the output of a hook that only panics or never returns.
#[allow(unnameable_types, reason = "it exists only for the name")]
pub trait Output {
    /// The type.
    type Output;
}

impl<T> Output for fn() -> T {
    type Output = T;
}

impl OpenResult for <fn() -> ! as Output>::Output {
    fn into_result(self) -> Result<(), Box<dyn Error + Send + Sync>> {
        self
    }
}
