//! The handler that was found for a call.

use super::{DynamicHandlers, Entry};
use crate::proto::Address;
use std::ops::Deref;
use std::sync::Arc;

/// The handler of a call, until the call has started.
pub(crate) enum Lookup<'r> {
    /// A method of a mounted service. It is never removed.
    Mounted(&'r Entry),
    /// A handler that may be removed while it runs.
    Shared(Arc<Entry>),
    /// A one-shot handler. It was removed from its table, because the table may belong to other connections too.
    Once(Arc<Entry>, &'r DynamicHandlers),
}

impl Lookup<'_> {
    /// Puts back a one-shot handler that did not run, unless the event has a new one.
    pub(crate) fn restore(self, address: &Address<'_>) {
        if let Self::Once(entry, table) = self {
            table.restore(address, entry);
        }
    }
}

impl Deref for Lookup<'_> {
    type Target = Entry;

    #[inline]
    fn deref(&self) -> &Entry {
        match self {
            Self::Mounted(entry) => entry,
            Self::Shared(entry) | Self::Once(entry, _) => entry,
        }
    }
}
