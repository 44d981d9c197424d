//! The name of an event that a running handler keeps.

use std::ops::Deref;
use std::sync::Arc;

/// A name that is cheap to clone.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    /// The name of a contract's method.
    Fixed(&'static str),
    /// The name of a dynamic handler.
    Shared(Arc<str>),
}

impl Deref for Label {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Fixed(name) => name,
            Self::Shared(name) => name,
        }
    }
}
