//! The name of an event, as a running handler keeps it.

use std::ops::Deref;
use std::sync::Arc;

/// A name that is cheap to keep: a contract's is compiled in, a dynamic handler's is shared.
#[derive(Clone, Debug)]
pub(crate) enum Label {
    Fixed(&'static str),
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
